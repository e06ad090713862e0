/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4: the queue's requests meet the model: those that fit its shape exactly form the batch.
 *
 * A request larger than the room that is left gives a slice and comes back; so nobody waits for more than one slice of
 * each request before it, however large.
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

bool s4_dispatch(struct shard *shard, struct queue *queue)
{
    struct batch *batch = &queue->of->batch;
    const struct instance *instance = queue->instance;

    shard->batch = batch;
    batch->queue = queue;
    batch->count = batch->rows = 0;
    while (queue->head && batch->rows < instance->batch_max) {
        struct request *request = queue->head;

        s3_remove(shard, request);
        if (!s4_fits(request)) {
            s6_complete(shard, request, WISP_E_SHAPE);
            continue;
        }
        request->rows_now = MIN(request->ask.rows - request->rows_done, instance->batch_max - batch->rows);
        request_advance(request, REQUEST_BATCHED, REQUEST_DISPATCHED);
        batch->requests[batch->count++] = request;
        batch->rows += request->rows_now;
    }
    return batch->count;
}
