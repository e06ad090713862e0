/* SPDX-License-Identifier: Apache-2.0
 *
 * What a user had of what is limited, on all shards together (docs/design/shards.md): one for each user, which all
 * shards count in. Only of who has a limit: nobody else pays for a locked instruction.
 *
 * Relaxed throughout: the numbers are all that is to be learned from it.
 */
#ifndef DAEMON_SCHEDULE_ALLOWANCE_H
#define DAEMON_SCHEDULE_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/insist.h"
#include "base/size.h"

struct allowance {
    uint64_t paid_ns;   /* until when what he had of the time is all that he may have */
    uint32_t under_way; /* requests that were counted, and have not ended */
};

/* How long a user may have had nothing and still have it at once: limits are of time spans of this order. */
#define ALLOWANCE_BURST_NS UINT64_C(10000000)

static inline void allowance_pay(struct allowance *allowance, uint64_t ns)
{
    __atomic_add_fetch(&allowance->paid_ns, ns, __ATOMIC_RELAXED);
}

static inline uint64_t allowance_paid_ns(const struct allowance *allowance)
{
    return __atomic_load_n(&allowance->paid_ns, __ATOMIC_RELAXED);
}

/* Whether he had all of the time that he may have by now. */
static inline bool allowance_is_used_up(struct allowance *allowance, uint64_t now_ns)
{
    const uint64_t least = now_ns - MIN(now_ns, ALLOWANCE_BURST_NS);
    uint64_t paid = allowance_paid_ns(allowance);

    /* What another shard has made of it meanwhile is later, or is looked at again. */
    while (paid < least &&
           !__atomic_compare_exchange_n(&allowance->paid_ns, &paid, least, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
    return paid > now_ns;
}

static inline bool allowance_has_room(const struct allowance *allowance, uint32_t most)
{
    return __atomic_load_n(&allowance->under_way, __ATOMIC_RELAXED) < most;
}

/* Counts one request more, of `most`; false: there are as many, and it is not counted. */
static inline bool allowance_take(struct allowance *allowance, uint32_t most)
{
    if (__atomic_fetch_add(&allowance->under_way, 1, __ATOMIC_RELAXED) < most)
        return true;
    __atomic_sub_fetch(&allowance->under_way, 1, __ATOMIC_RELAXED);
    return false;
}

static inline void allowance_give_back(struct allowance *allowance)
{
    const uint32_t before = __atomic_fetch_sub(&allowance->under_way, 1, __ATOMIC_RELAXED);

    insist(before > 0);
}

#endif
