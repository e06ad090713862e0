/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 6: every accepted slot ends here, once.
 *
 * There is always room: credit was checked before the slot was taken. The client is woken once a batch, not once a
 * completion; between the two its completions are already there for it to see.
 */
#include <assert.h>
#include <string.h>

#include "base/size.h"
#include "daemon/shard/counter.h"
#include "daemon/shard/stages.h"

static uint32_t saturate(uint64_t ns)
{
    return (uint32_t)MIN(ns, (uint64_t)UINT32_MAX);
}

static void publish(struct channel *channel, const struct request *request, int status)
{
    struct wire_completion completion = { .user_data = request->ask.user_data, .status = status };

    if (!status)
        completion.out_length = request->ask.out_length;
    completion.cause = request->cause;
    memcpy(completion.where, request->where, sizeof completion.where);
    if (channel->timings && request->begun_ns) {
        completion.queue_ns = saturate(request->begun_ns - request->taken_ns);
        completion.compute_ns = saturate(request->compute_ns);
        completion.batch = request->batch;
    }
    finish_ring_push(&channel->finish, &completion);
}

static void count(struct shard *shard, const struct request *request, int status)
{
    struct queue *queue = request->queue;

    switch (status) {
    case WISP_OK:
        if (queue)
            counter_add(&queue->requests, 1);
        break;
    case WISP_E_CANCELLED:
        counter_add(&shard->cancelled, 1);
        break;
    case WISP_E_DEADLINE:
        counter_add(&shard->late, 1);
        break;
    default:
        counter_add(&shard->refused, 1);
        if (queue)
            counter_add(&queue->refused, 1);
    }
}

static void let_go(struct channel *channel, struct request *request)
{
    *(request->newer ? &request->newer->older : &channel->newest) = request->older;
    if (request->older)
        request->older->newer = request->newer;
    if (request->queue)
        request->queue->of->held--;
    assert(request->state != REQUEST_FREE); /* every slot is completed once */
    request->state = REQUEST_FREE;
    request->next = channel->free;
    channel->free = request;
    counter_set(&channel->under_way, channel->under_way - 1);
}

void s6_complete(struct shard *shard, struct request *request, int status)
{
    struct channel *channel = request->channel;

    count(shard, request, status);
    if (!channel->leaving) {
        publish(channel, request, status);
        if (!channel->to_wake) {
            channel->to_wake = true;
            channel->next_wake = shard->to_wake;
            shard->to_wake = channel;
        }
    }
    let_go(channel, request);
}

void s6_wake(struct shard *shard)
{
    while (shard->to_wake) {
        struct channel *channel = shard->to_wake;

        shard->to_wake = channel->next_wake;
        channel->to_wake = false;
        channel_wake(channel);
    }
}
