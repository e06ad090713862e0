/* SPDX-License-Identifier: Apache-2.0
 *
 * The listening socket: handed over by systemd, or made here.
 *
 * A stale socket file (nobody answers) is replaced; when another daemon answers, this one refuses to start. Two daemons
 * that start at once are kept apart by a lock, held while looking and binding: a file beside the socket that is this
 * user's alone, so that nobody else can hold it, and that is gone afterwards.
 */
#ifndef DAEMON_SERVICE_LISTEN_H
#define DAEMON_SERVICE_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "daemon/service/store.h"

struct listener {
    int fd;     /* -1: none */
    char *path; /* of our own socket file; NULL when systemd made it */
    dev_t device;
    ino_t inode;
};

#define LISTENER_NULL ((struct listener){ .fd = -1 })

/* Takes the socket that systemd passed, or binds `path` with `mode`. WISP_E_CONFIG when it cannot be; -errno. */
int listener_open(struct listener *listener, struct passed *passed, const char *path, uint32_t mode,
                  struct reason *why);

/* Closes, and removes the socket file if it is still ours. Idempotent. */
void listener_close(struct listener *listener);

#endif
