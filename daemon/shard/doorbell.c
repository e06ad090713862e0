/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard/doorbell.h"
#include "base/clock.h"
#include "base/insist.h"
#include "daemon/shard/active.h"

#define WINDOW_NS   (100 * NS_PER_MS)
#define THROTTLE_NS (100 * NS_PER_MS)

enum { WASTE_MAX = 200 }; /* rings for nothing in a window */

int doorbell_listen(struct loop *loop, const struct channel *channel)
{
    return loop_edge(loop, channel->memory.eventfd, shard_token(SHARD_EVENT_DOORBELL, channel));
}

void doorbell_forget(struct loop *loop, const struct channel *channel)
{
    loop_timer_cancel(loop, shard_token(SHARD_EVENT_DOORBELL_AGAIN, channel));
    loop_cancel(loop, channel->memory.eventfd);
}

static bool over_budget(struct channel *channel, uint64_t now_ns)
{
    if (now_ns - channel->doorbell_window_ns > WINDOW_NS) {
        channel->doorbell_window_ns = now_ns;
        channel->doorbells_wasted = 0;
    }
    return ++channel->doorbells_wasted > WASTE_MAX;
}

bool doorbell_rung(struct loop *loop, struct shard *shard, struct channel *channel, const struct loop_event *event)
{
    uint64_t now = clock_ns();
    bool wasted;

    insist(shard->channels[channel->index] == channel && !channel->leaving);
    /* What had been reported when its eventfd was given up may be told after that: the timer runs once. */
    if (channel->broken || channel->throttled)
        return true;
    if (event->result < 0) {
        shard_break(shard, channel, "its doorbell cannot be heard");
        return true;
    }
    if (!channel_is_sealed(channel)) {
        shard_break(shard, channel, "asks before it has sealed its memory");
        return true;
    }
    wasted = channel->active || !intake_ring_ready(&channel->intake);
    if (wasted && over_budget(channel, now)) {
        loop_cancel(loop, channel->memory.eventfd);
        channel->throttled = true;
        loop_timer(loop, now + THROTTLE_NS, shard_token(SHARD_EVENT_DOORBELL_AGAIN, channel));
    }
    active_add(shard, channel, now);
    return !channel->throttled;
}

void doorbell_again(struct loop *loop, struct channel *channel)
{
    insist(channel->throttled);
    channel->doorbell_window_ns = 0;
    /* Not to be heard: then it is looked at, as long as it is there. */
    channel->throttled = doorbell_listen(loop, channel) != 0;
}
