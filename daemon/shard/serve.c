/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard/serve.h"
#include "daemon/shard/active.h"
#include "daemon/shard/stages.h"
#include "libipc/wake.h"

void shard_serve(struct shard *shard, struct channel *channel)
{
    channel->account = accounts_get(&shard->accounts, channel->uid);
    channel->share = (struct share){ .weight = SHARE_WEIGHT };
    channel->ahead_ns = 0;
    shard->channels[channel->index] = channel;
}

static void unlink_from_wake(struct shard *shard, struct channel *channel)
{
    struct channel **link = &shard->to_wake;

    while (*link && *link != channel)
        link = &(*link)->next_wake;
    if (*link)
        *link = channel->next_wake;
    channel->to_wake = false;
}

static void unlink_from_broken(struct shard *shard, const struct channel *channel)
{
    struct channel **link = &shard->broken;

    while (*link && *link != channel)
        link = &(*link)->next_broken;
    if (*link)
        *link = channel->next_broken;
}

void shard_leave(struct shard *shard, struct channel *channel)
{
    channel->leaving = true;
    while (channel->newest)
        request_give_up(shard, channel->newest, WISP_E_CANCELLED);
    accounts_put(channel->account);
    active_remove(shard, channel);
    unlink_from_wake(shard, channel);
    unlink_from_broken(shard, channel);
    shard->channels[channel->index] = NULL;
    channel_close(channel);
}

void shard_drain(struct shard *shard, uint64_t now_ns)
{
    shard->draining = true;
    for (uint32_t i = 0; i < shard->capacity; i++) {
        struct channel *channel = shard->channels[i];

        if (!channel)
            continue;
        channel_drain(channel);
        /* What it has published is answered; before it is sealed nothing of it is looked at. */
        if (channel_is_sealed(channel))
            active_add(shard, channel, now_ns);
    }
}
