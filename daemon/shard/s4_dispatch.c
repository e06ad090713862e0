/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4, second half: the queue's requests meet the model: those that fit its shape exactly form the batch.
 *
 * Users give in the order of what each was charged, and would be charged for what he has given so far; a user's flows
 * by what their channels were. Whose turn it is gives more than one request, if he has them: TURN_NS. A request larger
 * than the room that is left gives a slice and comes back.
 */
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/stages.h"

/* How long a turn is, as estimated. Each client whose requests end in a pass is woken, which takes some microseconds on
 * either side: with a turn it is woken for several, and without one each request of many clients would cost that. */
#define TURN_NS (50 * NS_PER_US)

bool s4_fits(const struct request *request)
{
    const struct instance *instance = request->queue->instance;
    const struct wire_submission *ask = &request->ask;

    return ask->in_length == wire_block_length(&instance->input, ask->rows) &&
           ask->out_length == wire_block_length(&instance->output, ask->rows);
}

/* ---- who gives ---- */

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

        if (shard_holds(shard, account, now_ns))
            continue;

        flow->rank = request_rank(flow->head, now_ns);
        flow->charged = flow->channel->share.charged;
        if (!account->first) {
            account->pledged = 0;
            account->next = NULL;
            *end = account;
            end = &account->next;
        }
        if (is_pressing(shard, flow)) {
            flow->rank = RANK_FIRST;
            flow->charged = 0;
        }
        account->first = flow_heap_add(account->first, flow);
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

/* A turn of the account's first flow: requests for TURN_NS, or all that it has. With time running out a turn is one
 * request. Returns what that takes. */
static uint64_t take_turn(struct shard *shard, struct batch *batch, struct account *account, uint32_t most,
                          uint64_t row_ns)
{
    struct flow *flow = account->first;
    const uint32_t before = batch->rows;
    uint64_t given_ns;
    bool more;

    insist(flow->channel->account == account);
    account->first = flow_heap_rest(flow);
    do {
        struct request *request = flow->head;

        insist(request->flow == flow);
        more = request->next;
        take(shard, batch, request, most - batch->rows);
        given_ns = (batch->rows - before) * row_ns;
    } while (more && batch->rows < most && given_ns < TURN_NS && !shard->draining);
    if (more) {
        flow->charged = flow->channel->share.charged + share_price(&flow->channel->share, given_ns) + 1;
        account->first = flow_heap_add(account->first, flow);
    }
    return given_ns;
}

bool s4_dispatch(struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    struct batch *batch = &queue->batch;
    const uint32_t most = rows_most(queue, now_ns);
    struct account *accounts = muster(shard, queue, now_ns), *account;
    uint64_t row_ns;

    insist(most > 0 && most <= queue->instance->batch_max, "%u", most);
    insist(!batch->count && !queue->runner->running); /* an engine has memory for one pass */
    row_ns = cost_estimate(&queue->cost, most) / most;
    batch->rows = 0;
    while (batch->rows < most && (account = next_to_give(shard, accounts)))
        account->pledged += share_price(&account->share, take_turn(shard, batch, account, most, row_ns)) + 1;
    for (account = accounts; account; account = account->next)
        account->first = NULL;
    insist(batch->rows <= most && batch->count <= batch->rows, "%u of %u", batch->count, batch->rows);
    return batch->count;
}
