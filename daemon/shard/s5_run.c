/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 5: the forward pass.
 *
 * Inputs are read and outputs written in place in the clients' arenas. The client may change its input meanwhile: it
 * then gets an answer to some mixture, and nobody else does, because samples never meet in one sum. Floats steer no
 * address; a sample that is not finite is refused, and in this alone they steer a branch.
 */
#include "base/clock.h"
#include "daemon/shard/counter.h"
#include "daemon/shard/stages.h"

/* The samples of this batch. */
static const unsigned char *input_of(const struct request *request, const struct instance *instance)
{
    return request->channel->input + request->ask.in_offset + request->rows_done * instance->input_bytes;
}

/* Whether the samples of this batch are numbers; else notes where they are not. Reads them once, which brings them into
 * the cache for the pass. */
static bool is_finite(const struct shard *shard, struct request *request)
{
    const struct instance *instance = shard->batch->queue->instance;
    uint64_t count = (uint64_t)request->rows_now * instance->input_elements;
    uint64_t at =
        shard->batch->queue->of->set->kernels->first_not_finite((const float *)input_of(request, instance), count);

    if (at == count)
        return true;
    request->cause = WIRE_CAUSE_NOT_FINITE;
    request->where[0] = request->rows_done + (uint32_t)(at / instance->input_elements);
    request->where[1] = (uint32_t)(at % instance->input_elements);
    return false;
}

/* Why it is not to run: it is too late, or it could have no answer. */
static int check(const struct shard *shard, struct request *request, uint64_t now_ns)
{
    if (now_ns >= request->deadline_ns)
        return WISP_E_DEADLINE;
    return is_finite(shard, request) ? WISP_OK : WISP_E_INVALID;
}

static void drop_refused(struct shard *shard, uint64_t now_ns)
{
    struct batch *batch = shard->batch;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct request *request = batch->requests[i];
        int status = check(shard, request, now_ns);

        if (!status) {
            batch->requests[kept++] = request;
            continue;
        }
        batch->rows -= request->rows_now;
        s6_complete(shard, request, status);
    }
    batch->count = kept;
}

static void point(struct batch *batch)
{
    const struct instance *instance = batch->queue->instance;
    uint32_t row = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        const struct request *request = batch->requests[i];
        const unsigned char *in = input_of(request, instance);
        unsigned char *out =
            request->channel->output + request->ask.out_offset + request->rows_done * instance->output_bytes;

        for (uint32_t k = 0; k < request->rows_now; k++, row++) {
            batch->inputs[row] = in + k * instance->input_bytes;
            batch->outputs[row] = out + k * instance->output_bytes;
        }
    }
}

/* One slice further: to its completion, or back into the queue. */
static void account(struct shard *shard, struct request *request, uint64_t begin_ns, uint64_t took_ns)
{
    if (!request->begun_ns)
        request->begun_ns = begin_ns;
    request->compute_ns += took_ns;
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
    counter_add(&batch->queue->batches, 1);
    counter_add(&batch->queue->samples, batch->rows);
    for (uint32_t i = 0; i < batch->count; i++)
        account(shard, batch->requests[i], begin, took);
}
