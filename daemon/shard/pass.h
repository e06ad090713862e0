/* SPDX-License-Identifier: Apache-2.0
 *
 * A turn of the shard: the line that strings the stages together. It makes no system call, but for waking clients that
 * sleep.
 *
 * No channel can hold up the others: a turn takes at most INTAKE_MAX requests from one channel, none beyond what it
 * may have under way, and runs one slice of one model's pass (docs/design/scheduling.md).
 */
#ifndef DAEMON_SHARD_PASS_H
#define DAEMON_SHARD_PASS_H

#include "daemon/shard/shard.h"

enum { INTAKE_MAX = 16 };

/* Through all stages once; whether anything was done. */
bool shard_turn(struct shard *shard, uint64_t now_ns);

/* Before sleeping: arms every active channel and looks at each once more. False when there is work after all; else
 * *until_ns is lowered to when the shard has to look again by itself. */
bool shard_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns);

#endif
