/* SPDX-License-Identifier: Apache-2.0
 *
 * How channels and sets of models come to the shard, and leave it. Between two passes.
 */
#ifndef DAEMON_SHARD_SERVE_H
#define DAEMON_SHARD_SERVE_H

#include "daemon/shard/shard.h"

enum { DEATHS_MAX = 3 };

/* From now on the channel is the shard's. It is not active yet: it is armed, and its doorbell makes it so. */
void shard_serve(struct shard *shard, struct channel *channel);

/* Gives up what the channel has under way, tells its client that it is closed, and forgets it. No kernel runs between
 * two passes, so nothing of the channel is left in the shard. */
void shard_leave(struct shard *shard, struct channel *channel);

/* The shard has ended, and another daemon goes on with the channel: what it has in a pass that was left in the middle
 * is taken out of that, and is as if it had waited. Nobody may have died of it. */
void shard_leave_behind(struct channel *channel);

/* Tells all clients that the daemon is stopping. What is new is refused; what is under way is finished. */
void shard_drain(struct shard *shard, uint64_t now_ns);

/* Finishes what is under way, and leaves everything else to the daemon that comes. */
void shard_rest(struct shard *shard);

/* Takes what daemons before had under way: what waited, at once; what they may have died of, one at a time; and what
 * DEATHS_MAX died of not at all: it ends with WISP_E_LOST. Whether there was any. */
bool shard_take_again(struct shard *shard);

/* From now on new requests go to these queues, which are the shard's until it gives them back; so do those under way of
 * a model that is in them. The others stay in the queues that they are in, until too many sets have followed: then
 * they end as those that ask for what is not served. */
void shard_use(struct shard *shard, struct queue_set *queues);
/* Queues that are not the newest and that no request has any more; NULL: there are none (yet). */
struct queue_set *shard_give_back(struct shard *shard);

#endif
