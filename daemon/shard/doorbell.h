/* SPDX-License-Identifier: Apache-2.0
 *
 * Doorbells: a client writes its eventfd when it has published something and finds that the daemon sleeps on it.
 *
 * The first one of a channel is the moment at which its memory must be sealed: before, nothing of that is looked at.
 *
 * The eventfd is never read: each write is an edge. A client that rings for nothing, over and over, would keep the
 * shard from sleeping; past a budget its eventfd is not listened to for a while, and its ring is looked at once a
 * millisecond instead. An honest client wastes a ring of it only when it races with the shard's own second look.
 */
#ifndef DAEMON_SHARD_DOORBELL_H
#define DAEMON_SHARD_DOORBELL_H

#include "daemon/event/loop.h"
#include "daemon/shard/shard.h"

/* What an event of the shard's loop is about; the kind in a token's high byte, and of which channel. */
enum shard_event { SHARD_EVENT_ORDERS, SHARD_EVENT_DOORBELL, SHARD_EVENT_DOORBELL_AGAIN };

static inline uint64_t shard_token(enum shard_event event, const struct channel *channel)
{
    uint64_t token = (uint64_t)event << 56;

    return channel ? token | (uint64_t)(channel->index & 0xffffff) << 32 | channel->generation : token;
}

/* Listens to it from now on. -errno. */
int doorbell_listen(struct loop *loop, const struct channel *channel);
void doorbell_forget(struct loop *loop, const struct channel *channel);

/* The client rang: its channel is active. False: it has rung for nothing so often that it is not listened to now. */
bool doorbell_rung(struct loop *loop, struct shard *shard, struct channel *channel, const struct loop_event *event);
/* That has lasted long enough. */
void doorbell_again(struct loop *loop, struct channel *channel);

#endif
