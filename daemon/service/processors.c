/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "daemon/service/processors.h"

uint32_t processors_count(void)
{
    cpu_set_t usable;

    return sched_getaffinity(0, sizeof usable, &usable) ? 1 : (uint32_t)CPU_COUNT(&usable);
}

/* Thousandths of a processor that our cgroup (version 2) may use; UINT_MAX: no limit, or none to be found. */
static unsigned cgroup_share(void)
{
    cleanup_fclose FILE *own = fopen("/proc/self/cgroup", "re");
    cleanup_fclose FILE *limit = NULL;
    char line[512], path[640];
    unsigned long long quota, period;

    while (own && fgets(line, sizeof line, own)) {
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", line + 3);
        limit = fopen(path, "re");
        break;
    }
    if (!limit || fscanf(limit, "%llu %llu", &quota, &period) != 2 || !period) /* NOLINT(cert-err34-c): the kernel's */
        return ~0u;
    return (unsigned)MIN(quota * 1000 / period, 1000000ull);
}

bool processors_are_taken(uint32_t threads)
{
    return processors_count() <= threads || cgroup_share() < 1000 * threads;
}

bool processors_choose(uint32_t count, uint32_t *out)
{
    uint32_t chosen = 0;
    cpu_set_t usable;

    if (sched_getaffinity(0, sizeof usable, &usable))
        return false;
    for (uint32_t i = CPU_SETSIZE; chosen < count && i-- > 0;) {
        if (CPU_ISSET(i, &usable))
            out[chosen++] = i;
    }
    return chosen == count;
}
