/* SPDX-License-Identifier: Apache-2.0
 *
 * The active set: the channels that are looked at in every pass, and need no doorbell.
 *
 * A channel that was idle for a while is armed (need_wake), looked at once more, and leaves the set; its next doorbell
 * brings it back. So a pass costs what the active channels cost, however many there are.
 */
#ifndef DAEMON_SHARD_ACTIVE_H
#define DAEMON_SHARD_ACTIVE_H

#include "daemon/shard/shard.h"

/* Into the set (the doorbell rang; the channel is sealed), and out of it without arming (it is being closed). */
void active_add(struct shard *shard, struct channel *channel, uint64_t now_ns);
void active_remove(struct shard *shard, const struct channel *channel);

/* The one at this place, from which nothing was to be taken, leaves the set if it has been idle for long enough. */
void active_retire(struct shard *shard, uint32_t at, uint64_t now_ns);

/* Arms all of them, looks at each once more, and empties the set but for those that cannot be served now: *until_ns is
 * lowered to when they are to be looked at again. False when there is work after all. */
bool active_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns);

#endif
