/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel says of the machine and of the daemon's process, as far as this user may read it.
 */
#ifndef CLI_DOCTOR_MACHINE_H
#define CLI_DOCTOR_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* MACHINE_UNLIMITED is more than any limit. */
enum { MACHINE_UNKNOWN = -1, MACHINE_UNLIMITED = 1000000, GOVERNOR_MAX = 32 };

struct machine {
    int processors;              /* that the daemon may run on; MACHINE_UNKNOWN */
    int quota_percent;           /* of one processor, that its cgroup may use; MACHINE_UNKNOWN, MACHINE_UNLIMITED */
    int64_t swapped_kb;          /* of the daemon; MACHINE_UNKNOWN */
    int64_t swap_kb;             /* that the machine has; MACHINE_UNKNOWN */
    int64_t memlock_kb;          /* that the daemon may lock; MACHINE_UNKNOWN, INT64_MAX: all of it */
    int ring_disabled;           /* kernel.io_uring_disabled; MACHINE_UNKNOWN */
    bool avx2, avx512;           /* the processor has them */
    bool huge_pages_unseen;      /* what of them is switched on cannot be read */
    bool huge_pages_never;       /* transparent ones are switched off */
    char governor[GOVERNOR_MAX]; /* of the first processor; "": there is none */
    uint64_t shard_run_ns,
        shard_wait_ns; /* of its threads wispd-shard: on a processor, and ready and waiting for one */
    unsigned shards;   /* how many of them could be seen */
};

/* `root` stands before /proc and /sys: "" but in tests. */
void machine_read(const char *root, pid_t daemon, struct machine *machine);

#endif
