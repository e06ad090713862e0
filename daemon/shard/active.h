/* SPDX-License-Identifier: Apache-2.0
 *
 * The active set: the channels that are looked at in every pass, and need no doorbell.
 *
 * A channel that was idle for a while is armed (need_wake), looked at once more, and leaves the set; its next doorbell
 * brings it back. So a pass costs what the active channels cost, however many there are.
 *
 * One whose client leaves its answers where they are cannot be served, and no doorbell says when it can: it is looked
 * at again and again. After a while it is set aside, and looked at the less often the longer it has been so: who reaps
 * after a time waits as long again at most, and never longer than 64 ms. So a thousand of them cost a pass nothing.
 */
#ifndef DAEMON_SHARD_ACTIVE_H
#define DAEMON_SHARD_ACTIVE_H

#include "daemon/shard/shard.h"

/* Into the set (the doorbell rang; the channel is sealed), and out of it without arming (it is being closed). */
void active_add(struct shard *shard, struct channel *channel, uint64_t now_ns);
void active_remove(struct shard *shard, struct channel *channel);

/* Before a pass: those that were set aside, and are to be looked at by now; all, when the shard is draining. */
void active_take_back(struct shard *shard, uint64_t now_ns);

/* The one at this place, from which nothing was to be taken, leaves the set, or is set aside, if it
 * has been idle for long enough. */
void active_retire(struct shard *shard, uint32_t at, uint64_t now_ns);

/* Arms all of them, looks at each once more, and empties the set but for those that cannot be served now: *until_ns is
 * lowered to when they are to be looked at again. False when there is work after all. */
bool active_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns);

#endif
