/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/insist.h"
#include "daemon/shard/shard.h"

int shard_init(struct shard *shard, uint32_t channels, uint32_t threads)
{
    *shard = (struct shard){ .capacity = channels };
    shard->channels = calloc(channels, sizeof(struct channel *));
    shard->active = calloc(channels, sizeof(struct channel *));
    if (!accounts_init(&shard->accounts, channels, threads) && shard->channels && shard->active)
        return 0;
    shard_deinit(shard);
    return -ENOMEM;
}

void shard_deinit(struct shard *shard)
{
    free(shard->channels);
    free(shard->active);
    accounts_deinit(&shard->accounts);
    *shard = (struct shard){ .serving = NULL };
}

void shard_forget_again(struct shard *shard, struct request *request)
{
    struct request **link = &shard->again;

    insist(request->state == REQUEST_AGAIN, "is %d", request->state);

    while (*link != request)
        link = &(*link)->next;
    *link = request->next;
    request_begin(request);
}

/* ---- channels that are broken ---- */

void shard_break(struct shard *shard, struct channel *channel, const char *how)
{
    insist(shard->channels[channel->index] == channel);
    if (channel->broken)
        return;
    channel->broken = how;
    channel->next_broken = shard->broken;
    shard->broken = channel;
}

struct channel *shard_take_broken(struct shard *shard)
{
    struct channel *channel = shard->broken;

    if (channel)
        shard->broken = channel->next_broken;
    return channel;
}
