/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4, first half: whose turn it is. The user who was charged least, of his requests those of the first class, of
 * the channels that have any the one that was charged least, and its oldest: that one's queue runs.
 *
 * Where a queue's pass has been left, what waits in it waits for that pass, and lends it its rank. So does what waits
 * for the same engine in another set of models: an engine has memory for one pass.
 *
 * Of a user who had all of the time that he may have nothing is chosen.
 */
#include "base/insist.h"
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

static bool may_be_served(const struct shard *shard, const struct request *request, uint64_t now_ns)
{
    return !shard_holds(shard, request->channel->account, now_ns);
}

static void consider_request(struct choice *best, struct queue *runs, const struct request *request, uint64_t now_ns)
{
    consider(best, &(struct choice){ .queue = runs,
                                     .channel = request->channel,
                                     .rank = request_rank(request, now_ns),
                                     .since_ns = request->taken_ns,
                                     .begun = runs->batch.count });
}

/* The first of those in its pass who may have it: for the others it goes on all the same. */
static const struct request *leader_of(const struct shard *shard, const struct batch *batch, uint64_t now_ns)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (may_be_served(shard, batch->requests[i], now_ns))
            return batch->requests[i];
    }
    return NULL;
}

static void consider_queue(const struct shard *shard, struct choice *best, struct queue *queue, uint64_t now_ns)
{
    struct queue *busy = queue->runner->running;
    struct queue *runs = busy ? busy : queue;
    const struct request *leader = leader_of(shard, &queue->batch, now_ns);

    insist(!queue->batch.count || busy == queue); /* what has been left is in its runner */
    if (leader)
        consider_request(best, queue, leader, now_ns);
    for (const struct flow *flow = queue->first; flow; flow = flow->next) {
        if (may_be_served(shard, flow->head, now_ns))
            consider_request(best, runs, flow->head, now_ns);
    }
}

uint64_t s4_due_ns(const struct shard *shard, const struct queue *queue, uint64_t now_ns)
{
    const uint64_t due = s3_due_ns(queue);
    uint64_t earliest = UINT64_MAX;

    if (due > now_ns || leader_of(shard, &queue->batch, now_ns))
        return due;
    for (uint32_t i = 0; i < queue->batch.count; i++)
        earliest = MIN(earliest, account_paid_ns(queue->batch.requests[i]->channel->account));
    for (const struct flow *flow = queue->first; flow; flow = flow->next) {
        if (may_be_served(shard, flow->head, now_ns))
            return due;
        earliest = MIN(earliest, account_paid_ns(flow->channel->account));
    }
    return earliest;
}

struct queue *s4_choose(struct shard *shard, uint64_t now_ns)
{
    struct choice best = { .queue = NULL };

    for (struct queue_set *queues = shard->serving; queues; queues = queues->older) {
        for (uint32_t i = 0; queues->held && i < queues->set->model_count; i++) {
            if (s3_due(shard, &queues->queues[i], now_ns))
                consider_queue(shard, &best, &queues->queues[i], now_ns);
        }
    }
    if (!best.channel)
        return NULL;
    insist(best.queue->under_way > 0);
    share_serve(&best.channel->account->share, &shard->accounts.ground);
    share_serve(&best.channel->share, &best.channel->account->ground);
    return best.queue;
}
