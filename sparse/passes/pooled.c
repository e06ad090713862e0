/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/passes/pooled.h"
#include "base/clock.h"
#include "base/size.h"
#include "base/spin.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/replicas.h"

/* One thread's time below which a pass is not worth others; the same where one of them would keep its client from
 * running; and below which it is not worth waking them. */
enum { POOLED_NS = 15000, CROWDED_NS = 50000, WAKING_NS = 150000, DOUBT_MAX = 63 };

/* Of what passes take while they stay off the pool, a trial may lose one part of so many. */
enum { LOSS_PART = 8 };

/* Of so many passes one is shared in the way that was slower. */
enum { TRIED_ANEW = 64 };

uint64_t pooled_from(const struct forward *forward)
{
    return !forward->pool || pool_is_crowded(forward->pool) ? CROWDED_NS : POOLED_NS;
}

/* For the next pass, where that is likely to come before they sleep again. */
static void rouse(struct forward *forward)
{
    const uint64_t now = clock_ns();

    if (now - forward->asleep_ns < SPIN_MAX_NS)
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
        rouse(forward);
        return false;
    }
    return true;
}

/* Rows that are shared have their values cross between processors, and halve the weights that each reads; samples that
 * are shared do neither. The network, the batch and how far the processors are apart decide, so both are tried, and
 * what was slower again now and then. */
bool pooled_splits(struct forward *forward, size_t count, unsigned threads)
{
    struct sharing *sharing = &forward->sharing[batch_class_of(count)];
    const bool splits = sharing->ns[1] && sharing->ns[1] < sharing->ns[0];

    if (count < (size_t)2 * threads || !replicas_suit(forward, count, threads))
        return false;
    if (!sharing->ns[0] || !sharing->ns[1])
        return sharing->ns[0];
    return ++sharing->passes % TRIED_ANEW ? splits : !splits;
}

/* The least, and forgotten by and by. */
static void remember(struct forward *forward)
{
    const struct serving *serving = &forward->serving;
    uint64_t *least = &forward->sharing[batch_class_of(serving->whole)].ns[serving->abreast > 1];
    const uint64_t ns = MAX(serving->spent_ns / serving->whole, (uint64_t)1);

    if (!serving->apart && serving->whole > 1)
        *least = *least ? MIN(*least + *least / TRIED_ANEW, ns) : ns;
}

/* A pool that has lost a processor keeps all of its threads waiting. Then passes stay off it, more each time; no more
 * than make what was lost a small part of what they take. */
void pooled_learn(struct forward *forward, uint64_t estimate)
{
    const uint64_t spent = forward->serving.spent_ns;

    if (!forward->times.one)
        return;
    remember(forward);
    if (spent < estimate) {
        forward->doubt /= 2;
        return;
    }
    forward->doubt = MIN(2 * forward->doubt + 1, (uint32_t)DOUBT_MAX);
    forward->alone =
        (uint32_t)MIN(1 + LOSS_PART * (spent - estimate) / MAX(estimate, (uint64_t)1), (uint64_t)forward->doubt);
}
