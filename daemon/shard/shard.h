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
#include "daemon/models/set.h"

enum { INTAKE_MAX = 16 };

/* The requests that wait for one model, in order of arrival. */
struct queue {
    const struct instance *instance;
    struct request *head, *tail;
    uint64_t rows;                                /* of all of them */
    uint64_t requests, samples, batches, refused; /* since the start */
};

/* What runs together. Both arrays are as long as the largest batch. */
struct batch {
    struct queue *queue;
    struct request **requests;
    uint32_t count; /* requests */
    uint32_t rows;
    const float **inputs; /* one for each row */
    float **outputs;
};

struct shard {
    struct model_set *set;
    struct queue *queues; /* one for each model */
    struct batch batch;
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
int shard_init(struct shard *shard, struct model_set *set, uint32_t channels);
void shard_deinit(struct shard *shard);

/* The queue of the model that a route leads to; NULL for a number that no client was given. */
static inline struct queue *shard_queue(const struct shard *shard, uint32_t route)
{
    const struct instance *instance = model_set_route(shard->set, route);

    return instance ? &shard->queues[instance - shard->set->models] : NULL;
}

/* One pass through all stages; whether anything was done. */
bool shard_turn(struct shard *shard, uint64_t now_ns);

/* Before sleeping: arms every active channel and looks at each once more. False when there is work after all; else
 * *until_ns is lowered to when the shard has to look again by itself. */
bool shard_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns);

/* Into the active set (the doorbell rang; the channel is sealed), and out of it without arming (it is being closed). */
void shard_activate(struct shard *shard, struct channel *channel, uint64_t now_ns);
void shard_forget(struct shard *shard, struct channel *channel);

#endif
