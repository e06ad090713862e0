/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard/pass.h"
#include "base/size.h"
#include "daemon/shard/active.h"
#include "daemon/shard/stages.h"

static uint32_t visit(struct shard *shard, struct channel *channel, uint64_t now_ns)
{
    uint32_t taken = 0;

    for (; taken < INTAKE_MAX; taken++) {
        struct request *request;

        if (cancel_take(shard, channel))
            continue;
        request = s1_intake(shard, channel, now_ns);
        if (!request)
            break;
        if (s2_admit(shard, request))
            s3_batch(shard, request);
    }
    return taken;
}

static uint32_t take_all(struct shard *shard, uint64_t now_ns)
{
    uint32_t taken = 0;

    /* Backwards, because a channel that leaves is replaced by the last one, which has been visited. */
    for (uint32_t i = shard->active_count; i-- > 0;) {
        uint32_t more = visit(shard, shard->active[i], now_ns);

        taken += more;
        if (!more)
            active_retire(shard, i, now_ns);
    }
    return taken;
}

static bool run_due(struct shard *shard, struct queue_set *queues, uint64_t now_ns)
{
    bool worked = false;

    for (uint32_t i = 0; queues->held && i < queues->set->model_count; i++) {
        struct queue *queue = &queues->queues[i];

        if (!s3_due(shard, queue, now_ns))
            continue;
        if (queue->sequences)
            s5_decode(shard, queue);
        else if (s4_dispatch(shard, queue))
            s5_run(shard);
        s6_wake(shard);
        worked = true;
    }
    return worked;
}

bool shard_turn(struct shard *shard, uint64_t now_ns)
{
    bool worked = take_all(shard, now_ns) > 0;

    if (shard->to_wake)
        s6_wake(shard);
    for (struct queue_set *queues = shard->serving; queues; queues = queues->older)
        worked |= run_due(shard, queues, now_ns);
    return worked;
}

bool shard_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns)
{
    if (!active_arm(shard, now_ns, until_ns))
        return false;
    for (const struct queue_set *queues = shard->serving; queues; queues = queues->older) {
        for (uint32_t i = 0; i < queues->set->model_count; i++)
            *until_ns = MIN(*until_ns, s3_due_ns(&queues->queues[i]));
    }
    return *until_ns > now_ns;
}
