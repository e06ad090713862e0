/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 5: the forward pass.
 *
 * Inputs are read and outputs written in place in the clients' arenas. The client may change its input meanwhile: it
 * then gets an answer to some mixture, and nobody else does, because samples never meet in one sum. Floats steer no
 * address; a sample that is not finite is refused, and in this alone they steer a branch.
 */
#include "base/clock.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

/* Where the samples of this batch begin in a request's block, of one tensor. */
static uint64_t place_of(const struct request *request, const struct wire_block *block, uint32_t tensor)
{
    return wire_block_offset(block, request->ask.rows, tensor) + request->rows_done * block->bytes[tensor];
}

const unsigned char *s5_input(const struct request *request, uint32_t tensor)
{
    return request->channel->input + request->ask.in_offset +
           wire_block_offset(&request->queue->instance->input, request->ask.rows, tensor);
}

static const unsigned char *input_of(const struct request *request, const struct instance *instance, uint32_t tensor)
{
    return request->channel->input + request->ask.in_offset + place_of(request, &instance->input, tensor);
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

static void drop_refused(struct shard *shard, uint64_t now_ns)
{
    struct batch *batch = shard->batch;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = batch->requests[i];
        int status = s5_check(request, request->rows_now, now_ns);

        if (!status) {
            batch->requests[kept++] = request;
            continue;
        }
        batch->rows -= request->rows_now;
        s6_complete(shard, request, status);
    }
    batch->count = kept;
}

/* One tensor of a request's rows, which go to the batch's row `row` and those behind it. */
static void point_inputs(struct batch *batch, const struct request *request, uint32_t row, uint32_t tensor)
{
    const struct instance *instance = batch->queue->instance;
    const unsigned char *in = input_of(request, instance, tensor);
    const void **at = batch->inputs + row * instance->input.count + tensor;

    for (uint32_t k = 0; k < request->rows_now; k++, at += instance->input.count, in += instance->input.bytes[tensor])
        *at = in;
}

static void point_outputs(struct batch *batch, const struct request *request, uint32_t row, uint32_t tensor)
{
    const struct instance *instance = batch->queue->instance;
    unsigned char *out = output_of(request, instance, tensor);
    void **at = batch->outputs + row * instance->output.count + tensor;

    for (uint32_t k = 0; k < request->rows_now;
         k++, at += instance->output.count, out += instance->output.bytes[tensor])
        *at = out;
}

static void point(struct batch *batch)
{
    const struct instance *instance = batch->queue->instance;
    uint32_t row = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        const struct request *request = batch->requests[i];

        for (uint32_t t = 0; t < instance->input.count; t++)
            point_inputs(batch, request, row, t);
        for (uint32_t t = 0; t < instance->output.count; t++)
            point_outputs(batch, request, row, t);
        row += request->rows_now;
    }
}

void s5_use(const struct request *request, uint64_t samples, uint64_t ns)
{
    struct channel *channel = request->channel;

    tally_use(channel->tally, samples, ns);
    counter_add(&channel->used_ns, ns);
}

/* One slice further: to its completion, or back into the queue. */
static void account(struct shard *shard, struct request *request, uint64_t begin_ns, uint64_t took_ns)
{
    if (!request->begun_ns)
        request->begun_ns = begin_ns;
    request->compute_ns += took_ns;
    request->done_ns = begin_ns + took_ns;
    s5_use(request, request->rows_now, took_ns * request->rows_now / shard->batch->rows);
    if (request->batch < shard->batch->rows)
        request->batch = shard->batch->rows;
    request->rows_done += request->rows_now;
    request_advance(request, REQUEST_DISPATCHED, REQUEST_RUN);
    if (request->rows_done < request->ask.rows)
        s3_again(shard, request);
    else
        s6_complete(shard, request, WISP_OK);
}

void s5_run(struct shard *shard)
{
    struct batch *batch = shard->batch;
    uint64_t begin = clock_ns(), took;

    drop_refused(shard, begin);
    if (!batch->count)
        return;
    point(batch);
    forward_serve(batch->queue->instance->forward, batch->inputs, batch->outputs, batch->rows);
    took = clock_ns() - begin;
    counter_add(&batch->queue->tally->batches, 1);
    tally_use(batch->queue->tally, batch->rows, took);
    for (uint32_t i = 0; i < batch->count; i++)
        account(shard, batch->requests[i], begin, took);
}
