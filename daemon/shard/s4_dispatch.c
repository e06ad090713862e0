/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4, second half: the queue's requests meet the model: those that fit its shape exactly form the batch.
 *
 * Users give in the order of what each was charged, and would be charged for what he has given so far; a user's flows
 * in turn, the one first whose channel was charged least. A request larger than the room that is left gives a slice and
 * comes back.
 */
#include "base/size.h"
#include "daemon/shard/stages.h"

bool s4_fits(const struct request *request)
{
    const struct instance *instance = request->queue->instance;
    const struct wire_submission *ask = &request->ask;

    return ask->in_length == wire_block_length(&instance->input, ask->rows) &&
           ask->out_length == wire_block_length(&instance->output, ask->rows);
}

/* ---- who gives ---- */

static void append(struct account *account, struct flow *flow)
{
    flow->after = NULL;
    *(account->last ? &account->last->after : &account->first) = flow;
    account->last = flow;
}

static void prepend(struct account *account, struct flow *flow)
{
    flow->after = account->first;
    account->first = flow;
    if (!account->last)
        account->last = flow;
}

static void pop(struct account *account)
{
    account->first = account->first->after;
    if (!account->first)
        account->last = NULL;
}

/* With time running out, requests that are done count, and half-done ones do not. */
static bool is_pressing(const struct shard *shard, const struct flow *flow)
{
    return shard->draining && flow->head->rows_done;
}

/* All accounts that have flows in this queue, each with its flows. */
static struct account *muster(const struct shard *shard, const struct queue *queue)
{
    struct account *accounts = NULL, **end = &accounts;

    for (struct flow *flow = queue->first; flow; flow = flow->next) {
        struct account *account = flow->channel->account;

        if (!account->first) {
            account->pledged = 0;
            account->next = NULL;
            *end = account;
            end = &account->next;
        }
        if (!account->first || is_pressing(shard, flow) ||
            flow->channel->share.charged < account->first->channel->share.charged)
            prepend(account, flow);
        else
            append(account, flow);
    }
    return accounts;
}

static struct account *next_to_give(const struct shard *shard, struct account *accounts)
{
    struct account *least = NULL;

    for (struct account *account = accounts; account; account = account->next) {
        if (!account->first)
            continue;
        if (is_pressing(shard, account->first))
            return account;
        if (!least || account->share.charged + account->pledged < least->share.charged + least->pledged)
            least = account;
    }
    return least;
}

/* ---- the batch ---- */

/* How many rows: by time where users share the model, so that none waits for more than that of another's. */
static uint32_t rows_most(const struct queue *queue, uint64_t now_ns)
{
    const struct instance *instance = queue->instance;

    if (now_ns >= queue->shared_until_ns)
        return instance->batch_max;
    return cost_rows(&queue->cost, instance->time_ns, instance->batch_max);
}

static void take(struct shard *shard, struct batch *batch, struct request *request, uint32_t room)
{
    s3_remove(request);
    if (!s4_fits(request)) {
        s6_complete(shard, request, WISP_E_SHAPE);
        return;
    }
    request->rows_now = MIN(request->ask.rows - request->rows_done, room);
    request_advance(request, REQUEST_BATCHED, REQUEST_DISPATCHED);
    batch->requests[batch->count++] = request;
    batch->rows += request->rows_now;
}

/* The next request of the account's first flow, which then is its last. */
static void take_from(struct shard *shard, struct batch *batch, struct account *account, uint32_t room)
{
    struct flow *flow = account->first;
    struct request *request = flow->head;
    const bool more = request->next;

    pop(account);
    if (more) {
        append(account, flow);
        flow_behind(flow);
    }
    take(shard, batch, request, room);
}

bool s4_dispatch(struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    struct batch *batch = &queue->batch;
    const uint32_t most = rows_most(queue, now_ns);
    const uint64_t row_ns = cost_estimate(&queue->cost, most) / most;
    struct account *accounts = muster(shard, queue), *account;

    batch->rows = 0;
    while (batch->rows < most && (account = next_to_give(shard, accounts))) {
        const uint32_t before = batch->rows;

        take_from(shard, batch, account, most - before);
        account->pledged += share_price(&account->share, (batch->rows - before) * row_ns) + 1;
    }
    for (account = accounts; account; account = account->next)
        account->first = account->last = NULL;
    return batch->count;
}
