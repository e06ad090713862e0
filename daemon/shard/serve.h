/* SPDX-License-Identifier: Apache-2.0
 *
 * How a channel comes to the shard, and leaves it. Between two passes.
 */
#ifndef DAEMON_SHARD_SERVE_H
#define DAEMON_SHARD_SERVE_H

#include "daemon/shard/shard.h"

/* From now on the channel is the shard's. It is not active yet: it is armed, and its doorbell makes it so. */
void shard_serve(struct shard *shard, struct channel *channel);

/* Gives up what the channel has under way, tells its client that it is closed, and forgets it. No kernel runs between
 * two passes, so nothing of the channel is left in the shard. */
void shard_leave(struct shard *shard, struct channel *channel);

/* Tells all clients that the daemon is stopping. What is new is refused; what is under way is finished. */
void shard_drain(struct shard *shard, uint64_t now_ns);

#endif
