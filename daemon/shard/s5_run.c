/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 5: the forward pass, in slices. After each it may be others' turn, and the batch stays as it is: its requests
 * are DISPATCHED, and each can be given up.
 *
 * Inputs are read and outputs written in place in the clients' arenas. The client may change its input meanwhile: it
 * then gets an answer to some mixture, and nobody else does, because samples never meet in one sum. Floats steer no
 * address but a word's, of an embedding, and a mask's, each read once and looked at before it is used; a sample that is
 * not finite is refused, and in this alone they steer a branch.
 */
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

enum { REFUSAL_NS = 2000 }; /* at least: a turn and a completion */

/* Where the samples of this batch begin in a request's block, of one tensor. */
static uint64_t place_of(const struct request *request, const struct wire_block *block, uint32_t tensor)
{
    insist(request->rows_done < request->ask.rows, "%u of %u", request->rows_done, request->ask.rows);
    return wire_block_offset(block, request->ask.rows, tensor) + request->rows_done * block->bytes[tensor];
}

const unsigned char *s5_input(const struct request *request, uint32_t tensor)
{
    return request->input + wire_block_offset(&request->queue->instance->input, request->ask.rows, tensor);
}

static const unsigned char *input_of(const struct request *request, const struct instance *instance, uint32_t tensor)
{
    return request->input + place_of(request, &instance->input, tensor);
}

static unsigned char *output_of(const struct request *request, const struct instance *instance, uint32_t tensor)
{
    return request->channel->output + request->ask.out_offset + place_of(request, &instance->output, tensor);
}

/* Whether so many samples of one input are numbers; else notes where they are not. Reads them once, which brings them
 * into the cache for the pass. */
static bool is_finite(struct request *request, uint32_t rows, uint32_t tensor)
{
    const struct queue *queue = request->queue;
    const struct instance *instance = queue->instance;
    const float *samples = (const float *)(const void *)input_of(request, instance, tensor);
    uint64_t elements = instance->input.bytes[tensor] / sizeof(float), count = rows * elements;
    uint64_t at = queue->of->set->kernels->first_not_finite(samples, count);

    insist(rows <= request->ask.rows - request->rows_done, "%u", rows);
    if (at == count)
        return true;
    request->cause = WIRE_CAUSE_NOT_FINITE;
    request->where[0] = request->rows_done + (uint32_t)(at / elements);
    request->where[1] = (uint32_t)(at % elements);
    request->where[2] = tensor;
    return false;
}

/* The other dtypes have nothing but numbers. */
static bool are_finite(struct request *request, uint32_t rows)
{
    const struct signature *signature = &request->queue->instance->signature;

    for (uint32_t i = 0; i < signature->input_count; i++) {
        if (signature->inputs[i].dtype == DTYPE_FLOAT32 && !is_finite(request, rows, i))
            return false;
    }
    return true;
}

int s5_check(struct request *request, uint32_t rows, uint64_t now_ns)
{
    if (now_ns >= request->deadline_ns)
        return WISP_E_DEADLINE;
    return are_finite(request, rows) ? WISP_OK : WISP_E_INVALID;
}

void s5_charge_refusal(const struct request *request, uint64_t took_ns)
{
    const uint64_t used_ns = MAX(took_ns, (uint64_t)REFUSAL_NS);
    /* Whoever looks at rows is soon done, beside whoever computes them. Of what decodes all are looked at before. */
    const uint32_t rows = request->queue->sequences ? request->ask.rows : MAX(request->rows_now, 1u);
    const uint64_t rows_ns = cost_believed(&request->queue->cost, rows, UINT64_MAX, took_ns);

    tally_use(request->queue->tally, 0, used_ns);
    s5_use(request, 0, used_ns, MAX(rows_ns, (uint64_t)REFUSAL_NS));
}

/* Returns when it was done with that. */
static uint64_t drop_refused(struct shard *shard, struct batch *batch, uint64_t now_ns)
{
    uint64_t since = now_ns;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = batch->requests[i];
        int status = s5_check(request, request->rows_now, now_ns);

        if (!status) {
            batch->requests[kept++] = request;
            continue;
        }
        insist(request->rows_now <= batch->rows, "%u of %u", request->rows_now, batch->rows);
        batch->rows -= request->rows_now;
        now_ns = clock_ns();
        s5_charge_refusal(request, now_ns - since);
        since = now_ns;
        s6_complete(shard, request, status);
    }
    batch->count = kept;
    return since;
}

/* ---- a pass begins ---- */

/* One tensor of a request's rows. */
static void point_inputs(struct batch *batch, const struct request *request, uint32_t tensor)
{
    const struct instance *instance = request->queue->instance;
    const unsigned char *in = input_of(request, instance, tensor);
    const void **at = batch->inputs + request->row * instance->input.count + tensor;

    for (uint32_t k = 0; k < request->rows_now; k++, at += instance->input.count, in += instance->input.bytes[tensor])
        *at = in;
}

static void point_outputs(struct batch *batch, const struct request *request, uint32_t tensor)
{
    const struct instance *instance = request->queue->instance;
    unsigned char *out = output_of(request, instance, tensor);
    void **at = batch->outputs + request->row * instance->output.count + tensor;

    for (uint32_t k = 0; k < request->rows_now;
         k++, at += instance->output.count, out += instance->output.bytes[tensor])
        *at = out;
}

static void point(struct batch *batch, const struct instance *instance)
{
    uint32_t row = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = batch->requests[i];

        request->row = row;
        row += request->rows_now;
        for (uint32_t t = 0; t < instance->input.count; t++)
            point_inputs(batch, request, t);
        for (uint32_t t = 0; t < instance->output.count; t++)
            point_outputs(batch, request, t);
    }
    insist(row == batch->rows, "%u of %u", row, batch->rows);
}

void s5_begin(struct shard *shard, struct queue *queue)
{
    struct batch *batch = &queue->batch;

    /* What looking at those cost that are refused, they have paid, and not their neighbours. */
    batch->begun_ns = drop_refused(shard, batch, clock_ns());
    batch->spent_ns = 0;
    if (!batch->count)
        return;
    insist(batch->rows <= queue->instance->batch_max, "%u", batch->rows); /* the arrays are as long */
    insist(!queue->runner->running);
    point(batch, queue->instance);
    queue->runner->running = queue;
    forward_serve_begin(queue->runner->forward, batch->inputs, batch->outputs, batch->rows);
}

static void end_pass(struct queue *queue)
{
    insist(queue->runner->running == queue);
    queue->batch.count = 0;
    queue->runner->running = NULL;
}

/* ---- what it costs ---- */

void s5_use(const struct request *request, uint64_t samples, uint64_t used_ns, uint64_t owed_ns)
{
    struct channel *channel = request->channel;

    tally_use(channel->tally, samples, used_ns);
    counter_add(&channel->used_ns, used_ns);
    account_pay(channel->account, used_ns);
    share_charge(&channel->account->share, owed_ns);
    share_charge(&channel->share, owed_ns);
}

/* Each request pays for its rows, on all threads. If a time were charged during which the thread was away, whoever was
 * in that pass would wait until all others had as much. */
static void charge(struct queue *queue, uint64_t took_ns)
{
    struct batch *batch = &queue->batch;
    const uint64_t threads = forward_threads(queue->runner->forward);
    const uint64_t used_ns = took_ns * threads;
    const uint64_t owed_ns = cost_believed(&queue->cost, batch->rows, SHARD_SLICE_NS, took_ns) * threads;

    insist(batch->rows > 0);
    batch->spent_ns += took_ns;
    tally_use(queue->tally, 0, used_ns);
    for (uint32_t i = 0; i < batch->count; i++)
        s5_use(batch->requests[i], 0, used_ns * batch->requests[i]->rows_now / batch->rows,
               owed_ns * batch->requests[i]->rows_now / batch->rows);
}

/* ---- a slice of it ---- */

/* One batch further: to its completion, or back into the queue. */
static void account(struct shard *shard, struct request *request, const struct batch *batch, uint64_t now_ns)
{
    if (!request->begun_ns)
        request->begun_ns = batch->begun_ns;
    request->compute_ns += batch->spent_ns;
    request->done_ns = now_ns;
    s5_use(request, request->rows_now, 0, 0);
    request->batch = MAX(request->batch, batch->rows);
    request->rows_done += request->rows_now;
    insist(request->rows_done <= request->ask.rows, "%u of %u", request->rows_done, request->ask.rows);
    request_advance(request, REQUEST_DISPATCHED, REQUEST_RUN);
    if (request->rows_done < request->ask.rows)
        s3_again(shard, request);
    else
        s6_complete(shard, request, WISP_OK);
}

static void learn(struct queue *queue)
{
    cost_learn(&queue->cost, queue->batch.rows, queue->batch.spent_ns);
    cost_learn(&queue->hoped, queue->batch.rows, queue->batch.spent_ns);
}

static void finish(struct shard *shard, struct queue *queue, uint64_t now_ns)
{
    struct batch *batch = &queue->batch;
    const uint32_t count = batch->count;

    learn(queue);
    counter_add(&queue->tally->batches, 1);
    counter_add(&queue->tally->pooled, forward_threads(queue->runner->forward) > 1);
    tally_use(queue->tally, batch->rows, 0);
    end_pass(queue);
    for (uint32_t i = 0; i < count; i++)
        account(shard, batch->requests[i], batch, now_ns);
}

uint64_t s5_slice_ns(uint64_t then, uint64_t now)
{
    return now <= SHARD_SLICE_NS ? MAX(then, now) : MAX(SHARD_SLICE_AIM_NS * then / now, (uint64_t)1);
}

void s5_run(struct shard *shard, struct queue *queue)
{
    struct batch *batch = &queue->batch;
    const uint64_t begin = batch->spent_ns ? clock_ns() : batch->begun_ns;
    const uint64_t then = forward_estimate(queue->runner->forward, batch->rows);
    const uint64_t slice = s5_slice_ns(then, cost_estimate(&queue->cost, batch->rows));
    const bool more = forward_serve_slice(queue->runner->forward, slice);
    const uint64_t end = clock_ns();

    insist(queue->runner->running == queue);
    charge(queue, end - begin);
    pace_compute(&shard->pace, end - begin);
    if (!more)
        finish(shard, queue, end);
}

/* ---- giving one up ---- */

/* Its rows are computed with the others', read from where a neighbour's are, and written nowhere. So are those of
 * before: the neighbour that they had may be this one, whose memory goes. */
static void forget_rows(const struct batch *batch, const struct request *request)
{
    const struct instance *instance = request->queue->instance;
    const uint32_t in = instance->input.count, out = instance->output.count;
    const void **neighbour = batch->inputs + batch->requests[0]->row * in;

    for (uint32_t i = request->row * out; i < (request->row + request->rows_now) * out; i++)
        batch->outputs[i] = NULL;
    for (uint32_t row = 0; row < batch->rows; row++) {
        for (uint32_t t = 0; t < in && !batch->outputs[row * out]; t++)
            batch->inputs[row * in + t] = neighbour[t];
    }
}

void s5_forget(struct request *request)
{
    struct queue *queue = request->queue;
    struct batch *batch = &queue->batch;
    const uint64_t all_ns = cost_estimate(&queue->cost, batch->rows);
    uint64_t rest_ns;
    uint32_t at = 0;

    while (at < batch->count && batch->requests[at] != request)
        at++;
    insist(at < batch->count);
    batch->count--;
    for (; at < batch->count; at++)
        batch->requests[at] = batch->requests[at + 1];
    if (!batch->count) {
        if (batch->spent_ns > all_ns)
            learn(queue);
        end_pass(queue);
        return;
    }
    forget_rows(batch, request);
    /* The rest of its part is computed all the same, and nobody else is to pay for it. */
    rest_ns = all_ns > batch->spent_ns ? all_ns - batch->spent_ns : 0;
    rest_ns = rest_ns * forward_threads(queue->runner->forward) * request->rows_now / batch->rows;
    s5_use(request, 0, rest_ns, rest_ns);
}
