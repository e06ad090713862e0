/* SPDX-License-Identifier: Apache-2.0
 *
 * A service manager, as small as can be: it takes in what the daemon has it keep, and passes it to the next one.
 *
 *     manager_start(&manager);
 *     daemon_start(&daemon, &(struct daemon_setup){ .manager = &manager, … });
 *     … daemon_kill(&daemon); daemon_restart(&daemon); …
 *     manager_stop(&manager);
 *
 * What it is told comes on a socket, as from any process, to a thread of its own.
 */
#ifndef TESTS_SUPPORT_MANAGER_H
#define TESTS_SUPPORT_MANAGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { MANAGER_FDS_MAX = 512 };

struct manager {
    char path[108]; /* NOTIFY_SOCKET */
    int socket;
    pthread_t thread;
    pthread_mutex_t lock; /* of what it holds */
    size_t count;
    struct {
        int fd;
        char name[80];
    } held[MANAGER_FDS_MAX];
    unsigned capacity; /* what it says it keeps; 0: nothing */
};

void manager_start(struct manager *manager, const char *folder);
void manager_stop(struct manager *manager);

/* In the child that is to become the daemon: its environment, and the descriptors from 3 on. */
void manager_pass(struct manager *manager);

/* How many descriptors it holds of names that begin so. */
size_t manager_holds(struct manager *manager, const char *prefix);
/* Waits until they are so many, for up to five seconds. */
bool manager_comes_to_hold(struct manager *manager, const char *prefix, size_t count);

/* One that it holds, of memory by this name: where it begins (shared, `size` says how long), or NULL. */
void *manager_map(struct manager *manager, const char *memory, size_t *size);

#endif
