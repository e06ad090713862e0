/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving requests up: what waits in a queue, whole or with slices to go, leaves it and is completed at once.
 *
 * A cancellation is taken whatever the channel has under way, even where all its requests are: it needs no request and
 * no credit, because it has no completion. So it cannot be answered with what is wrong with it, and one that is
 * malformed ends the channel. The search goes over what the channel has under way, which is bounded, and over nobody
 * else's.
 *
 * Submissions are taken between two slices, so nothing is running now: what is neither in a queue nor in a batch that
 * was left has completed.
 */
#include "base/insist.h"
#include "daemon/shard/stages.h"
#include "libipc/wire_check.h"

void request_give_up(struct shard *shard, struct request *request, int status)
{
    if (request->state == REQUEST_AGAIN) {
        shard_forget_again(shard, request);
    } else if (request->state == REQUEST_DISPATCHED) {
        s5_forget(request);
    } else {
        insist(request->state == REQUEST_BATCHED, "is %d", request->state);
        if (request->queue->sequences)
            s5_leave_step(request);
        s3_remove(request);
    }
    s6_complete(shard, request, status);
}

static void carry_out(struct shard *shard, const struct channel *channel, uint64_t user_data)
{
    struct request *older;

    for (struct request *request = channel->newest; request; request = older) {
        older = request->older;
        insist(request->channel == channel && request->state != REQUEST_FREE, "is %d", request->state);
        if (request->ask.user_data == user_data)
            request_give_up(shard, request, WISP_E_CANCELLED);
    }
}

bool cancel_is_next(const struct channel *channel)
{
    return (channel->limits.features & WIRE_FEATURE_CANCEL) && intake_ring_holds(&channel->intake, WIRE_OP_CANCEL);
}

bool cancel_take(struct shard *shard, struct channel *channel)
{
    struct wire_submission copy;

    if (channel->broken || !cancel_is_next(channel) || !intake_ring_take(&channel->intake, &copy))
        return false;
    /* What is no cancellation any more was changed after it had been published. */
    if (copy.op != WIRE_OP_CANCEL || wire_check_submission(&copy, &channel->limits, NULL)) {
        shard_break(shard, channel, "published a malformed cancellation");
        return false;
    }
    carry_out(shard, channel, copy.user_data);
    return true;
}
