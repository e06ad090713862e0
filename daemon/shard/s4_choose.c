/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4, first half: whose turn it is. The user who was charged least, of his channels the one that was, of its flows
 * the one with the oldest request: that one's queue runs, a pass that was left before all others of that rank.
 *
 * Where a queue's pass has been left, what waits in it waits for that pass, and lends it its rank. So does what waits
 * for the same engine in another set of models: an engine has memory for one pass.
 */
#include "daemon/shard/stages.h"

struct choice {
    struct queue *queue;
    const struct channel *channel; /* for whom; NULL: nobody yet */
    uint64_t since_ns;
    bool begun; /* its pass has been left */
};

/* Whether a channel goes before the one that was chosen so far. */
static bool goes_before(const struct choice *one, const struct choice *other)
{
    const struct channel *a = one->channel, *b = other->channel;

    if (!b || channel_goes_before(a, b))
        return true;
    if (channel_goes_before(b, a))
        return false;
    if (one->begun != other->begun)
        return one->begun;
    return one->since_ns < other->since_ns;
}

static void consider(struct choice *best, const struct choice *one)
{
    if (goes_before(one, best))
        *best = *one;
}

static void consider_queue(struct choice *best, struct queue *queue)
{
    struct queue *busy = queue->instance->engine->running;
    struct queue *runs = busy ? busy : queue;

    if (queue->batch.count) {
        const struct request *leader = queue->batch.requests[0];

        consider(best, &(struct choice){ queue, leader->channel, leader->taken_ns, true });
    }
    for (const struct flow *flow = queue->first; flow; flow = flow->next)
        consider(best, &(struct choice){ runs, flow->channel, flow->head->taken_ns, busy });
}

struct queue *s4_choose(struct shard *shard, uint64_t now_ns)
{
    struct choice best = { .queue = NULL };

    for (struct queue_set *queues = shard->serving; queues; queues = queues->older) {
        for (uint32_t i = 0; queues->held && i < queues->set->model_count; i++) {
            if (s3_due(shard, &queues->queues[i], now_ns))
                consider_queue(&best, &queues->queues[i]);
        }
    }
    if (!best.channel)
        return NULL;
    share_serve(&best.channel->account->share, &shard->accounts.ground);
    share_serve(&best.channel->share, &best.channel->account->ground);
    return best.queue;
}
