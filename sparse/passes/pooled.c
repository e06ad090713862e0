/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/passes/pooled.h"
#include "base/clock.h"
#include "base/size.h"
#include "base/spin.h"
#include "sparse/passes/forward_plan.h"

/* One thread's time below which a pass is not worth others; the same where one of them would keep its client from
 * running; and below which it is not worth waking them. */
enum { POOLED_NS = 15000, CROWDED_NS = 50000, WAKING_NS = 150000, DOUBT_MAX = 63 };

uint64_t pooled_from(const struct forward *forward)
{
    return !forward->pool || pool_is_crowded(forward->pool) ? CROWDED_NS : POOLED_NS;
}

/* For the next pass, where that is likely to come before they sleep again: the last one, which took so long, or twice
 * that beside others, ended no longer ago. */
static void rouse(struct forward *forward, uint64_t ns)
{
    const uint64_t now = clock_ns();

    if (now - forward->asleep_ns < SPIN_MAX_NS + 2 * ns)
        pool_rouse(forward->pool);
    forward->asleep_ns = now;
}

bool pooled_is_worth(struct forward *forward, uint64_t ns)
{
    if (pool_parts(forward->pool) == 1)
        return false;
    if (!forward->times.one)
        return true;
    if (ns < pooled_from(forward))
        return false;
    if (forward->alone) {
        forward->alone--;
        return false;
    }
    if (ns < WAKING_NS && !pool_is_awake(forward->pool)) {
        rouse(forward, ns);
        return false;
    }
    return true;
}

/* A pool that has lost a processor keeps all of its threads waiting. Then passes stay off it, about as many as it has
 * been so for, until one is faster. */
void pooled_learn(struct forward *forward, uint64_t estimate)
{
    if (!forward->times.one)
        return;
    if (forward->serving.spent_ns < estimate)
        forward->doubt /= 2;
    else
        forward->alone = forward->doubt = MIN(2 * forward->doubt + 1, (uint32_t)DOUBT_MAX);
}
