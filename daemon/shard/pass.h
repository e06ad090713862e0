/* SPDX-License-Identifier: Apache-2.0
 *
 * A pass of the shard: the line that strings the stages together. It makes no system call, but for waking clients that
 * sleep.
 *
 * No channel can hold up the others: a pass takes at most INTAKE_MAX requests from one channel, none beyond what it
 * may have under way, and a request larger than a batch runs in slices that take turns with other requests.
 */
#ifndef DAEMON_SHARD_PASS_H
#define DAEMON_SHARD_PASS_H

#include "daemon/shard/shard.h"

enum { INTAKE_MAX = 16 };

/* One pass through all stages; whether anything was done. */
bool shard_turn(struct shard *shard, uint64_t now_ns);

/* Before sleeping: arms every active channel and looks at each once more. False when there is work after all; else
 * *until_ns is lowered to when the shard has to look again by itself. */
bool shard_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns);

#endif
