/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4, first half: whose turn it is. The user who was charged least, of his requests those of the first class, of
 * the channels that have any the one that was charged least, and its oldest: that one's queue runs.
 *
 * Where a queue's pass has been left, what waits in it waits for that pass, and lends it its rank. So does what waits
 * for the same engine in another set of models: an engine has memory for one pass.
 */
#include "base/size.h"
#include "daemon/shard/stages.h"

struct choice {
    struct queue *queue;
    const struct channel *channel; /* for whom; NULL: nobody yet */
    unsigned rank;
    uint64_t since_ns;
    bool begun; /* its pass has been left */
};

/* Whether one goes before what was chosen so far. What is to be last is so for everybody; what is to be first, for its
 * user. */
static bool goes_before(const struct choice *one, const struct choice *other)
{
    const struct channel *a = one->channel, *b = other->channel;

    if (!b)
        return true;
    if (one->rank != other->rank && (a->account == b->account || MAX(one->rank, other->rank) == RANK_LAST))
        return one->rank < other->rank;
    if (channel_goes_before(a, b))
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

static void consider_request(struct choice *best, struct queue *runs, const struct request *request, uint64_t now_ns)
{
    consider(best, &(struct choice){ .queue = runs,
                                     .channel = request->channel,
                                     .rank = request_rank(request, now_ns),
                                     .since_ns = request->taken_ns,
                                     .begun = runs->batch.count });
}

static void consider_queue(struct choice *best, struct queue *queue, uint64_t now_ns)
{
    struct queue *busy = queue->instance->engine->running;
    struct queue *runs = busy ? busy : queue;

    if (queue->batch.count)
        consider_request(best, queue, queue->batch.requests[0], now_ns);
    for (const struct flow *flow = queue->first; flow; flow = flow->next)
        consider_request(best, runs, flow->head, now_ns);
}

struct queue *s4_choose(struct shard *shard, uint64_t now_ns)
{
    struct choice best = { .queue = NULL };

    for (struct queue_set *queues = shard->serving; queues; queues = queues->older) {
        for (uint32_t i = 0; queues->held && i < queues->set->model_count; i++) {
            if (s3_due(shard, &queues->queues[i], now_ns))
                consider_queue(&best, &queues->queues[i], now_ns);
        }
    }
    if (!best.channel)
        return NULL;
    share_serve(&best.channel->account->share, &shard->accounts.ground);
    share_serve(&best.channel->share, &best.channel->account->ground);
    return best.queue;
}
