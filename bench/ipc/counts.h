/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request takes that is no time: system calls, allocations and copies, counted in both processes. They are
 * traced (ptrace(2)), which costs nothing where no system call is made, and their allocations and copies are counted by
 * a library before the C library's (counted.c).
 */
#ifndef BENCH_IPC_COUNTS_H
#define BENCH_IPC_COUNTS_H

#include <stdint.h>
#include <sys/types.h>

/* Of one process; in a file that it maps. */
struct counters {
    uint64_t allocations, copies, copied_bytes;
};

enum { SIDE_CLIENT, SIDE_DAEMON, SIDES };

struct counts {
    struct counters of;
    uint64_t system_calls; /* of all threads */
    int64_t last_call;     /* the number of the last of them; -1: none */
};

struct counted {
    const char *trips; /* the client's program (trips.c) */
    const char *preload;
    const char *socket;
    const char *what;         /* the client's argument: "null", "request" */
    const char *files[SIDES]; /* of counters */
    pid_t daemon;             /* preloaded, with its file */
    int core;                 /* the client's */
    uint64_t count;           /* of trips */
};

/* Makes a file of counters. -1 after saying why. */
int counters_make(const char *path);

/* -1 after saying why: who may not trace counts nothing. */
int counts_measure(const struct counted *counted, struct counts out[static SIDES]);

#endif
