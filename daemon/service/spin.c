/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a shard looks before it sleeps. Looking costs a processor and saves a wake-up; where threads that compute
 * have all the processors that there are, or that a cgroup's cpu.max allows, it would only keep clients from running:
 * then 0.
 */
#include "daemon/service/spin.h"
#include "base/clock.h"
#include "base/insist.h"
#include "config/config.h"
#include "daemon/service/processors.h"

uint64_t spin_choose(uint64_t configured_ns, uint32_t threads)
{
    const uint32_t count = processors_count();

    insist(threads > 0);
    if (configured_ns != CONFIG_SPIN_AUTO)
        return configured_ns;
    if (processors_are_taken(threads))
        return 0;
    return count == threads + 1 ? 20 * NS_PER_US : 50 * NS_PER_US;
}
