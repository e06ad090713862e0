/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a shard looks before it sleeps. Looking costs a processor and saves a wake-up; where threads that compute
 * have all the processors that there are, or that a cgroup's cpu.max allows, it would only keep clients from running:
 * then 0.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "config/config.h"
#include "daemon/service/processors.h"
#include "daemon/service/spin.h"

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

uint64_t spin_choose(uint64_t configured_ns, uint32_t threads)
{
    const uint32_t count = processors_count();

    insist(threads > 0);
    if (configured_ns != CONFIG_SPIN_AUTO)
        return configured_ns;
    if (count <= threads || cgroup_share() < 1000 * threads)
        return 0;
    return count == threads + 1 ? 20 * NS_PER_US : 50 * NS_PER_US;
}
