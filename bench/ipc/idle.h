/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that are connected, and ask for nothing: what the daemon's threads and they themselves take of processors.
 */
#ifndef BENCH_IPC_IDLE_H
#define BENCH_IPC_IDLE_H

#include <stdint.h>
#include <sys/types.h>

struct idle {
    const char *socket;
    pid_t daemon;
    uint64_t clients, seconds;
};

struct idle_times {
    uint64_t without_ns; /* of the daemon in those seconds, while nobody is connected, */
    uint64_t daemon_ns;  /* while they are, */
    uint64_t clients_ns; /* and of all clients together then */
};

/* -1 after saying why. */
int idle_measure(const struct idle *idle, struct idle_times *out);

#endif
