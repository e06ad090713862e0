/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/size.h"
#include "daemon/shard/shard.h"

int shard_init(struct shard *shard, uint32_t channels)
{
    *shard = (struct shard){ .capacity = channels };
    shard->channels = calloc(channels, sizeof(struct channel *));
    shard->active = calloc(channels, sizeof(struct channel *));
    if (!accounts_init(&shard->accounts, channels) && shard->channels && shard->active)
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

/* ---- the models ---- */

void shard_use(struct shard *shard, struct queue_set *queues)
{
    queues->older = shard->serving;
    shard->serving = queues;
    shard->under_way_max = MAX(2 * queues->set->batch_max, 64u);
}

struct queue_set *shard_give_back(struct shard *shard)
{
    struct queue_set *newer = shard->serving, *queues;

    while (newer && newer->older && newer->older->held)
        newer = newer->older;
    queues = newer ? newer->older : NULL;
    if (queues)
        newer->older = queues->older;
    return queues;
}

/* ---- channels that are broken ---- */

void shard_break(struct shard *shard, struct channel *channel, const char *how)
{
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
