/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service manager keeps for the daemon, over its death (sd_pid_notify_with_fds(3), FDSTORE=1).
 *
 * Descriptors go to it under a name, several under one, and come back at the next start, behind the sockets that it
 * listens on. Only the main process of the service can put anything there; all the same, whatever comes back was left
 * by another daemon, and is checked as a file would be (bundle.h). The control thread alone.
 */
#ifndef DAEMON_SERVICE_STORE_H
#define DAEMON_SERVICE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { STORE_NAME_MAX = 64, BUNDLE_FDS = 5 };

/* Begins the names of all that is the daemon's own. */
#define STORE_CHANNEL "wisp-channel."
#define STORE_ROUTES  "wisp-routes."

struct passed_fd {
    char name[STORE_NAME_MAX];
    int fd; /* -1: somebody has taken it */
};

/* What came with the start: descriptors from the store, and sockets. */
struct passed {
    struct passed_fd *kept; /* those of a name stand together */
    unsigned kept_count;
    unsigned sockets; /* how many there were, */
    int socket;       /* and the first one; -1: none */
};

#define PASSED_NULL ((struct passed){ .socket = -1 })

/* Once, before anything else is started: the variables are gone afterwards. -errno. */
int passed_take(struct passed *passed, struct reason *why);
/* Closes what nobody has taken. Idempotent. */
void passed_deinit(struct passed *passed);

/* How many descriptors the service manager keeps for this service: $FDSTORE, where it listens; 0: none. */
unsigned store_capacity(void);

/* Puts the descriptors there, which stay the caller's too; takes all of the name out. -errno. */
int store_put(const char *name, const int *fds, unsigned count);
int store_remove(const char *name);

#endif
