/* SPDX-License-Identifier: Apache-2.0
 *
 * Which processors there are for this process: by its affinity, as CPUAffinity= and taskset set it, and its cgroup's
 * limit.
 */
#ifndef DAEMON_SERVICE_PROCESSORS_H
#define DAEMON_SERVICE_PROCESSORS_H

#include <stdbool.h>
#include <stdint.h>

/* How many; 1 where that cannot be found out. */
uint32_t processors_count(void);

/* Whether so many threads that compute have all that there are, or that a cgroup's cpu.max allows. */
bool processors_are_taken(uint32_t threads);

/* One for each of `count` threads, from the last one down: interrupts are usually the first one's. False: there are not
 * so many. */
bool processors_choose(uint32_t count, uint32_t *out);

#endif
