/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 2: the private copy is checked; from here on its offsets and lengths lie inside the arenas, or a buffer.
 */
#include "base/clock.h"
#include "base/insist.h"
#include "daemon/shard/stages.h"
#include "libipc/wire_check.h"

static void hold_queue(struct request *request, struct queue *queue)
{
    insist_debug(!request->queue);
    request->queue = queue;
    if (queue)
        queue->of->held++;
}

/* A beam that its model cannot have. */
static int check_beam(struct request *request)
{
    const struct instance *instance = request->queue ? request->queue->instance : NULL;

    if (!instance)
        return 0;
    request->beam = decoding_beam(&instance->model->decoding, request->ask.beam);
    if (!request->ask.beam || request->ask.beam <= instance_beam_max(instance))
        return 0;
    request->cause = WIRE_CAUSE_BEAM;
    request->where[0] = instance_beam_max(instance);
    return WISP_E_INVALID;
}

/* A moment is said by its low bits: the one that is nearest. One that has gone by is now. */
static uint64_t deadline_of(const struct request *request)
{
    const struct wire_submission *ask = &request->ask;
    int32_t left;

    if (!(ask->flags & WIRE_FLAG_UNTIL))
        return ask->deadline_us ? request->taken_ns + ask->deadline_us * NS_PER_US : UINT64_MAX;
    left = (int32_t)(ask->deadline_us - (uint32_t)(request->taken_ns / NS_PER_US));
    return request->taken_ns + (left > 0 ? (uint64_t)left * NS_PER_US : 0);
}

/* Where it stands, if that is in a buffer that is there: then that is held. */
static int check(struct request *request)
{
    const struct wire_submission *ask = &request->ask;
    struct channel *channel = request->channel;
    struct wire_limits limits = channel->limits;
    int status;

    insist_debug(!request->buffer);
    if (ask->flags & WIRE_FLAG_BUFFER && limits.features & WIRE_FEATURE_BUFFERS)
        request->buffer = buffer_take(&channel->memory, ask->in_offset >> WIRE_BUFFER_SHIFT);
    if (request->buffer)
        limits.buffer = buffer_size(request->buffer);
    status = wire_check_submission(ask, &limits, NULL);
    if (!status)
        request->input = request->buffer ? request->buffer->address + wire_buffer_offset(ask->in_offset)
                                         : channel->input + ask->in_offset;
    return status;
}

bool s2_admit(struct shard *shard, struct request *request)
{
    const struct wire_submission *ask = &request->ask;
    const struct wire_limits *limits = &request->channel->limits;
    int status;

    insist_debug(request->state == REQUEST_TAKEN, "is %d", request->state);

    if (ask->op == WIRE_OP_INFER)
        hold_queue(request, queue_set_route(shard->serving, ask->route));
    status = check(request);
    if (status && ask->op == WIRE_OP_INFER && ask->rows > limits->rows) {
        request->cause = WIRE_CAUSE_ROWS;
        request->where[0] = limits->rows;
    }
    /* A cancellation is taken before (cancel.c): its client has made one of what was none when it was looked at, or a
     * daemon before has died of it. */
    if (!status && ask->op == WIRE_OP_CANCEL)
        status = WISP_E_INVALID;
    if (!status)
        status = check_beam(request);
    if (shard->draining)
        status = WISP_E_SHUTDOWN;
    if (status || ask->op == WIRE_OP_NOP) {
        s6_complete(shard, request, status);
        return false;
    }
    insist(ask->op == WIRE_OP_INFER, "%u", ask->op);
    request->deadline_ns = deadline_of(request);
    request_advance(request, REQUEST_TAKEN, REQUEST_ADMITTED);
    return true;
}
