/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4, second half: the queue's requests meet the model: those that fit its shape exactly form the batch.
 *
 * Users give in the order of what each was charged, and would be charged for what he has given so far; a user's flows
 * in turn, the one first whose channel was charged least. A request larger than the room that is left gives a slice and
 * comes back.
 */
#include "base/insist.h"
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

/* By rank; among those of one, as the last, or as the first. */
static void enter(struct account *account, struct flow *flow, bool first)
{
    struct flow **link = &account->first;

    while (*link && ((*link)->rank < flow->rank || ((*link)->rank == flow->rank && !first)))
        link = &(*link)->after;
    flow->after = *link;
    *link = flow;
}

/* With time running out, requests that are done count, and half-done ones do not. */
static bool is_pressing(const struct shard *shard, const struct flow *flow)
{
    return shard->draining && flow->head->rows_done;
}

/* All accounts that have flows in this queue, each with its flows. */
static struct account *muster(const struct shard *shard, const struct queue *queue, uint64_t now_ns)
{
    struct account *accounts = NULL, **end = &accounts;

    for (struct flow *flow = queue->first; flow; flow = flow->next) {
        struct account *account = flow->channel->account;
        bool first;

        if (shard_holds(shard, account, now_ns))
            continue;

        flow->rank = request_rank(flow->head, now_ns);
        first = account->first && flow->channel->share.charged < account->first->channel->share.charged;
        if (!account->first) {
            account->pledged = 0;
            account->next = NULL;
            *end = account;
            end = &account->next;
        }
        if (is_pressing(shard, flow)) {
            flow->rank = RANK_FIRST;
            first = true;
        }
        enter(account, flow, first);
    }
    return accounts;
}

/* What is to be last is so for everybody. */
static bool gives_before(const struct account *one, const struct account *other)
{
    if ((one->first->rank == RANK_LAST) != (other->first->rank == RANK_LAST))
        return other->first->rank == RANK_LAST;
    return one->share.charged + one->pledged < other->share.charged + other->pledged;
}

static struct account *next_to_give(const struct shard *shard, struct account *accounts)
{
    struct account *least = NULL;

    for (struct account *account = accounts; account; account = account->next) {
        if (!account->first)
            continue;
        if (is_pressing(shard, account->first))
            return account;
        if (!least || gives_before(account, least))
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
        s5_charge_refusal(request, 0);
        s6_complete(shard, request, WISP_E_SHAPE);
        return;
    }
    insist(room > 0 && request->rows_done < request->ask.rows, "%u of %u", request->rows_done, request->ask.rows);
    insist(batch->count < request->queue->instance->batch_max, "%u", batch->count);
    request->rows_now = MIN(request->ask.rows - request->rows_done, room);
    request_advance(request, REQUEST_BATCHED, REQUEST_DISPATCHED);
    batch->requests[batch->count++] = request;
    batch->rows += request->rows_now;
}

/* The next request of the account's first flow, which then is the last of its rank. */
static void take_from(struct shard *shard, struct batch *batch, struct account *account, uint32_t room)
{
    struct flow *flow = account->first;
    struct request *request = flow->head;
    const bool more = request->next;

    insist(flow->channel->account == account && request->flow == flow);
    account->first = flow->after;
    if (more) {
        enter(account, flow, false);
        flow_behind(flow);
    }
    take(shard, batch, request, room);
}

bool s4_dispatch(struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    struct batch *batch = &queue->batch;
    const uint32_t most = rows_most(queue, now_ns);
    const uint64_t row_ns = cost_estimate(&queue->cost, most) / most;
    struct account *accounts = muster(shard, queue, now_ns), *account;

    insist(most > 0 && most <= queue->instance->batch_max, "%u", most);
    insist(!batch->count && !queue->runner->running); /* an engine has memory for one pass */
    batch->rows = 0;
    while (batch->rows < most && (account = next_to_give(shard, accounts))) {
        const uint32_t before = batch->rows;

        take_from(shard, batch, account, most - before);
        account->pledged += share_price(&account->share, (batch->rows - before) * row_ns) + 1;
    }
    for (account = accounts; account; account = account->next)
        account->first = NULL;
    insist(batch->rows <= most && batch->count <= batch->rows, "%u of %u", batch->count, batch->rows);
    return batch->count;
}
