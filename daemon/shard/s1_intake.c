/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 1: a ring slot becomes a request with a private copy.
 *
 * The shared slot is read once, here, by the ring; nothing later looks at it. A slot is taken only when there is credit
 * for its completion, so the completion ring cannot overflow, and a client that does not reap stalls itself alone.
 */

#include "base/insist.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

void channel_hold(struct channel *channel, struct request *request)
{
    insist_debug(request->channel == channel);
    insist_debug(!channel->newest || !channel->newest->newer);
    insist_debug(channel->under_way < channel->layout.entries, "%u", channel->layout.entries);
    request->newer = NULL;
    request->older = channel->newest;
    if (request->older)
        request->older->newer = request;
    channel->newest = request;
    counter_add(&channel->under_way, 1);
}

struct request *s1_intake(struct shard *shard, struct channel *channel, uint64_t now_ns)
{
    struct request *request;
    int credit;

    channel->starved = false;
    if (!intake_ring_ready(&channel->intake) || !shard_has_room(shard, channel) || channel->broken)
        return NULL;
    /* One that was published since cancel_take() looked: it is no request, and gets no completion. */
    if (cancel_is_next(channel))
        return NULL;
    credit = finish_ring_credit(&channel->finish, (uint32_t)channel->under_way);
    if (credit < 0) {
        shard_break(shard, channel, "wrote an impossible ring index");
        return NULL;
    }
    request = channel->free;
    if (!credit || !request) {
        channel->starved = true;
        return NULL;
    }
    if (!account_take(channel->account, !channel->under_way, &request->counted))
        return NULL; /* another shard was first */
    if (!intake_ring_copy(&channel->intake, &request->ask)) {
        request_give_back(request);
        return NULL;
    }
    request->taken_at = channel->intake.next;
    request->finished = false;
    request->deaths = 0;
    request->taken_ns = now_ns;
    insist(request->state == REQUEST_FREE, "is %d", request->state);
    insist_debug(!request->flow && !request->buffer);
    /* After what stands above, and before its slot is given back, for whoever comes after a death (journal.h). */
    __atomic_store_n(&request->state, REQUEST_TAKEN, __ATOMIC_RELEASE);
    intake_ring_advance(&channel->intake);
    channel->free = request->next;
    counter_set(&channel->active_ns, now_ns);
    channel_hold(channel, request);
    counter_add(&channel->taken, 1);
    counter_add(request->ask.op == WIRE_OP_NOP ? &shard->pings : &shard->requests, 1);
    request_begin(request);
    return request;
}
