/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 3: requests for one model wait together, whatever route they came by, each channel's in a flow of its own.
 *
 * Batching is natural: a queue is due as soon as something waits, and takes with it all that waits by then. Only a
 * model whose configuration says so (wait_ns) lets its first request wait for company.
 */
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

/* What one request is said to take, at most: a channel has a ring of them, and their sum is to be a number. */
#define ALONE_MAX_NS (UINT64_C(1) << 48)

/* By what part of it what stands before a request may take longer than was said. Where more is asked than can be
 * served, queues are as long as they may be, and some of those that just fit would be told at their deadline that they
 * did not. */
enum { SLACK = 4 };

/* How long two users are thought to share a model, after one asked and then the other. */
#define COMPANY_NS (100 * NS_PER_MS)

static uint32_t rows_left(const struct request *request)
{
    insist(request->rows_done <= request->ask.rows, "%u of %u", request->rows_done, request->ask.rows);
    return request->ask.rows - request->rows_done;
}

static void enter(struct request *request, struct request *before)
{
    request->queue->rows += rows_left(request);
    flow_enter(request, before);
}

static void note_asker(struct queue *queue, const struct account *account, uint64_t now_ns)
{
    if (queue->asker == account)
        return;
    if (queue->asker)
        queue->shared_until_ns = now_ns + COMPANY_NS;
    queue->asker = account;
}

/* From here to its completion (s6) it is under way, and its user and channel compete for time. */
static void begin_to_want(struct shard *shard, struct request *request)
{
    struct channel *channel = request->channel;

    counter_add(&request->queue->under_way, 1);
    counter_add(&shard->under_way, 1);
    share_want(&channel->account->share, &shard->accounts.ground);
    share_want(&channel->share, &channel->account->ground);
    if (request->deadline_ns != UINT64_MAX)
        wheel_add(&shard->wheel, &request->deadline, request->deadline_ns);
    note_asker(request->queue, channel->account, request->taken_ns);
}

/* Its beginning, and as many steps as are usual: of its own sequences alone, since others' are in the same steps. */
static uint64_t decoding_takes_ns(const struct request *request)
{
    const struct queue *queue = request->queue;
    const struct sequences *sequences = queue->sequences;
    const uint32_t rows = request->ask.rows, places = sequences_places(sequences, rows, request->beam);

    return saturating_add(
        cost_estimate_all(&queue->beginning, rows, sequences->capacity),
        saturating_multiply(sequences_steps(sequences, rows, request->beam), cost_estimate(&queue->hoped, places)));
}

/* Its own rows. */
static uint64_t takes_ns(const struct request *request)
{
    const struct queue *queue = request->queue;

    return queue->sequences ? decoding_takes_ns(request)
                            : cost_estimate_all(&queue->hoped, request->ask.rows, queue->instance->batch_max);
}

/* Until what its channel has before it has been computed, of which it gets its share while all who compete now go on:
 * passes, what is done beside each of them, and some more. */
static uint64_t stands_before_ns(const struct shard *shard, const struct request *request)
{
    const struct channel *channel = request->channel;
    const struct account *account = channel->account;
    const uint64_t channels = MAX(account->ground.wanting, 1u), weights = shard->accounts.ground.weights;
    const uint64_t passes = saturating_multiply(channel->ahead_ns, channels);
    const uint64_t turns = channel->under_way * channels + passes / SHARD_SLICE_AIM_NS;
    const uint64_t ahead = pace_stretch(&shard->pace, passes, turns);

    insist(account->share.weight > 0);
    if (request->queue->sequences)
        return 0;
    return saturating_multiply(saturating_add(ahead, ahead / SLACK), MAX(weights, account->share.weight)) /
           account->share.weight;
}

static void doubt(struct request *request)
{
    struct queue *queue = request->queue;

    cost_doubt(&queue->hoped, queue->sequences ? sequences_places(queue->sequences, request->ask.rows, request->beam)
                                               : MIN(request->ask.rows, queue->instance->batch_max));
}

/* Whether its deadline is over, or will be by then. What stands before it is computed, and mends what is said of it;
 * nothing does where its own rows alone are said to take too long. */
static bool is_hopeless(const struct shard *shard, struct request *request)
{
    uint64_t own, left;

    if (request->deadline_ns == UINT64_MAX)
        return false;
    if (request->deadline_ns <= request->taken_ns)
        return true; /* in the ring */
    left = request->deadline_ns - request->taken_ns;
    own = takes_ns(request);
    if (own > left)
        doubt(request);
    return saturating_add(own, stands_before_ns(shard, request)) > left;
}

static void note_cost(struct request *request)
{
    const struct queue *queue = request->queue;
    const uint32_t most = queue->instance->batch_max;

    request->alone_ns =
        queue->sequences ? 0 : saturating_multiply(cost_estimate(&queue->cost, most), request->ask.rows) / most;
    request->alone_ns = MIN(request->alone_ns, ALONE_MAX_NS);
    request->channel->ahead_ns += request->alone_ns;
}

bool s3_batch(struct shard *shard, struct request *request)
{
    if (!request->queue) {
        s6_complete(shard, request, model_set_missing(shard->serving->set, request->ask.route));
        return false;
    }
    if (is_hopeless(shard, request)) {
        s6_complete(shard, request, WISP_E_DEADLINE);
        return false;
    }
    request_advance(request, REQUEST_ADMITTED, REQUEST_BATCHED);
    note_cost(request);
    begin_to_want(shard, request);
    enter(request, NULL);
    return true;
}

void s3_again(struct shard *shard, struct request *request)
{
    const uint32_t batch = request->queue->instance->batch_max;
    struct request *before = flow_head(request);

    request_advance(request, REQUEST_RUN, REQUEST_BATCHED);
    insist(rows_left(request) > 0);
    /* It lets those pass that a batch has room for, and no other large one: many that are all half done would be done
     * all at once, and late. With time running out it lets nobody pass. */
    while (before && !shard->draining && rows_left(before) < MIN(batch, rows_left(request)))
        before = before->next;
    enter(request, before);
}

void s3_behind(struct request *request)
{
    insist(request->state == REQUEST_BATCHED, "is %d", request->state);
    flow_leave(request);
    flow_enter(request, NULL);
}

void s3_remove(struct request *request)
{
    struct queue *queue = request->queue;

    flow_leave(request);
    if (queue->running) {
        const uint32_t left = sequences_leave(queue->sequences, request);

        insist(left <= queue->running, "%u of %u", left, queue->running);
        queue->running -= left;
    }
    insist(queue->rows >= rows_left(request), "%u of %u", rows_left(request), (unsigned)queue->rows);
    queue->rows -= rows_left(request);
}

/* Of a queue that waits for company. */
static uint64_t oldest_due_ns(const struct queue *queue)
{
    uint64_t oldest = UINT64_MAX;

    for (const struct flow *flow = queue->first; flow; flow = flow->next) {
        if (flow->head->rows_done)
            return 0;
        oldest = MIN(oldest, flow->head->taken_ns);
    }
    return oldest + queue->instance->wait_ns;
}

uint64_t s3_due_ns(const struct queue *queue)
{
    if (queue->batch.count)
        return 0;
    if (!queue->first) {
        insist(!queue->rows && !queue->running);
        return UINT64_MAX;
    }
    if (!queue->instance->wait_ns || queue->rows >= queue->instance->batch_max || queue->running)
        return 0;
    return oldest_due_ns(queue);
}

bool s3_due(const struct shard *shard, const struct queue *queue, uint64_t now_ns)
{
    if (shard->draining)
        return queue->first || queue->batch.count;
    return s3_due_ns(queue) <= now_ns;
}
