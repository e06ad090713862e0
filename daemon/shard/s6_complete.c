/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 6: every accepted slot ends here, once.
 *
 * There is always room: credit was checked before the slot was taken. The client is woken once a batch, not once a
 * completion; between the two its completions are already there for it to see.
 */
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

static uint32_t saturate(uint64_t ns)
{
    return (uint32_t)MIN(ns, (uint64_t)UINT32_MAX);
}

static void publish(struct channel *channel, struct request *request, int status)
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
    if (channel->done) {
        completion.done[0] = (uint32_t)request->done_ns;
        completion.done[1] = (uint32_t)(request->done_ns >> 32);
    }
    request->finished_at = channel->finish.tail + 1;
    /* After where it goes, and before it goes there, for whoever comes after a death (journal.h). */
    __atomic_store_n(&request->finished, true, __ATOMIC_RELEASE);
    finish_ring_push(&channel->finish, &completion);
}

static void count_answer(struct tally *tally, const struct request *request)
{
    counter_add(&tally->answered, 1);
    histogram_add(&tally->waited, request->done_ns - request->taken_ns - request->compute_ns);
    histogram_add(&tally->computed, request->compute_ns);
}

static void count_refusal(struct tally *tally, int status)
{
    switch (status) {
    case WISP_E_CANCELLED:
        counter_add(&tally->cancelled, 1);
        break;
    case WISP_E_DEADLINE:
        counter_add(&tally->late, 1);
        break;
    default:
        counter_add(&tally->refused, 1);
    }
}

static bool is_slow(const struct request *request)
{
    const uint64_t from_ns = request->queue->instance->slow_ns;

    return from_ns && request->done_ns - request->taken_ns > from_ns;
}

/* For the log. A model's name lasts as long as its queue is held, which the request does. */
static void note_slow(struct shard *shard, const struct request *request)
{
    struct slow_request *slow = slow_note(&shard->slow);

    if (!slow)
        return;
    slow->index = request->channel->index;
    slow->generation = request->channel->generation;
    slow->model = request->queue->instance->name;
    slow->samples = request->ask.rows;
    slow->waited_ns = request->done_ns - request->taken_ns - request->compute_ns;
    slow->computed_ns = request->compute_ns;
}

/* A ping is in no tally: it has no model. */
static void count(struct shard *shard, const struct request *request, int status)
{
    struct tally *user = request->channel->tally, *model = request->queue ? request->queue->tally : NULL;

    if (status) {
        uint64_t *all = status == WISP_E_CANCELLED  ? &shard->cancelled
                        : status == WISP_E_DEADLINE ? &shard->late
                                                    : &shard->refused;

        counter_add(all, 1);
        count_refusal(user, status);
        if (model)
            count_refusal(model, status);
    } else if (model) {
        count_answer(user, request);
        count_answer(model, request);
        if (is_slow(request))
            note_slow(shard, request);
    }
}

static void let_go(struct channel *channel, struct request *request)
{
    insist_debug((request->newer ? request->newer->older : channel->newest) == request);
    insist_debug(!request->older || request->older->newer == request);
    *(request->newer ? &request->newer->older : &channel->newest) = request->older;
    if (request->older)
        request->older->newer = request->newer;
    if (request->queue) {
        insist(request->queue->of->held > 0);
        request->queue->of->held--;
    }
    insist(request->state != REQUEST_FREE); /* every slot is completed once */
    insist_debug(channel->under_way > 0);
    /* After its completion, for whoever comes after a death. */
    __atomic_store_n(&request->state, REQUEST_FREE, __ATOMIC_RELEASE);
    request->next = channel->free;
    channel->free = request;
    counter_set(&channel->under_way, channel->under_way - 1);
    request_give_back(request);
}

/* What s3_batch() began. */
static void end_to_want(struct shard *shard, struct request *request)
{
    struct channel *channel = request->channel;

    insist(request->queue->under_way > 0 && shard->under_way > 0);
    insist(channel->ahead_ns >= request->alone_ns);
    counter_set(&request->queue->under_way, request->queue->under_way - 1);
    counter_set(&shard->under_way, shard->under_way - 1);
    share_want_no_more(&channel->account->share, &shard->accounts.ground);
    share_want_no_more(&channel->share, &channel->account->ground);
    channel->ahead_ns -= request->alone_ns;
    wheel_remove(&shard->wheel, &request->deadline);
}

void s6_complete(struct shard *shard, struct request *request, int status)
{
    struct channel *channel = request->channel;

    insist_debug(!request->flow); /* it waits nowhere */

    if (request->state >= REQUEST_BATCHED)
        end_to_want(shard, request);
    count(shard, request, status);
    if (request->buffer) /* before the client hears of it, and takes the buffer back */
        buffer_put(request->buffer);
    request->buffer = NULL;
    if (!channel->leaving) {
        publish(channel, request, status);
        if (!channel->to_wake) {
            channel->to_wake = true;
            channel->next_wake = shard->to_wake;
            shard->to_wake = channel;
        }
    }
    if (shard->suspect == request)
        shard->suspect = NULL;
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
