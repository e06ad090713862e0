/* SPDX-License-Identifier: Apache-2.0
 *
 * The shard: one thread that polls the active channels, takes their requests through the stages, and runs the kernels.
 *
 * active channels are looked at in every pass and need no doorbell. A channel that was idle for a while is armed
 * (need_wake), looked at once more, and leaves the set; its next doorbell brings it back. So a pass costs what the
 * active channels cost, however many there are. A pass makes no syscall, but for waking clients that sleep.
 *
 * No channel can hold up the others: a pass takes at most INTAKE_MAX requests from one channel, none beyond what it
 * may have under way, and a request larger than a batch runs in slices that take turns with other requests.
 */
#ifndef DAEMON_SHARD_H
#define DAEMON_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/control/channel.h"
#include "daemon/shard/queues.h"

enum { INTAKE_MAX = 16 };

struct shard {
    struct queue_set *serving; /* the newest first: it takes what is new */
    struct batch *batch;       /* that is being run */
    struct channel **active;
    uint32_t active_count, active_capacity;
    struct channel *to_wake;
    uint32_t under_way;       /* requests in all queues */
    uint32_t under_way_max;   /* of one channel */
    uint32_t doubtful;        /* channels broken or dead that wait for their owner to look after them */
    bool draining;            /* new submissions get WISP_E_SHUTDOWN; queues do not wait for company */
    uint64_t requests, pings; /* taken */
    uint64_t refused;         /* answered with what is wrong with them, */
    uint64_t late, cancelled; /* past their deadline, given up by their client or left behind */
};

/* `channels` at most in the active set. -ENOMEM. */
int shard_init(struct shard *shard, uint32_t channels);
void shard_deinit(struct shard *shard);

/* From now on new requests go to these queues, which are the shard's until it gives them back; those under way stay in
 * the queues that they are in. */
void shard_use(struct shard *shard, struct queue_set *queues);
/* Queues that are not the newest and that no request has any more; NULL: there are none (yet). */
struct queue_set *shard_give_back(struct shard *shard);

/* One pass through all stages; whether anything was done. */
bool shard_turn(struct shard *shard, uint64_t now_ns);

/* Before sleeping: arms every active channel and looks at each once more. False when there is work after all; else
 * *until_ns is lowered to when the shard has to look again by itself. */
bool shard_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns);

/* Into the active set (the doorbell rang; the channel is sealed), and out of it without arming (it is being closed). */
void shard_activate(struct shard *shard, struct channel *channel, uint64_t now_ns);
void shard_forget(struct shard *shard, struct channel *channel);

#endif
