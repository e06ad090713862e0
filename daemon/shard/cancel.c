/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving requests up: what waits in a queue, whole or with slices to go, leaves it and is completed at once.
 *
 * A cancellation is taken whatever the channel has under way, even where all its requests are: it needs no request and
 * no credit, because it has no completion. So it cannot be answered with what is wrong with it, and one that is
 * malformed ends the channel. The search goes over what the channel has under way, which is bounded, and over nobody
 * else's.
 *
 * A pass takes submissions between two batches, so nothing is running now: what is not in a queue has completed.
 */
#include "daemon/shard/stages.h"
#include "libipc/wire_check.h"

static void carry_out(struct shard *shard, const struct channel *channel, uint64_t user_data)
{
    struct request *older;

    for (struct request *request = channel->newest; request; request = older) {
        older = request->older;
        if (request->state != REQUEST_BATCHED || request->ask.user_data != user_data)
            continue;
        s3_remove(shard, request);
        s6_complete(shard, request, WISP_E_CANCELLED);
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
