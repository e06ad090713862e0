/* SPDX-License-Identifier: Apache-2.0
 *
 * The shard: what one thread needs to take channels' requests through the stages and run the kernels.
 *
 * pass.h is what it does over and over, active.h which channels it looks at, serve.h how channels come and go. All of
 * it runs on the shard's thread, but for what the counters are read by.
 */
#ifndef DAEMON_SHARD_SHARD_H
#define DAEMON_SHARD_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/schedule/pace.h"
#include "daemon/shard/channel.h"
#include "daemon/shard/queues.h"
#include "daemon/sight/slow.h"

/* Active channels that wait as long each, and so in the order in which they came (active.h). */
struct aside {
    struct channel *first, *last;
};

enum { ASIDE_LISTS = 7 }; /* 1 ms, and twice as long each: 64 at most */

struct shard {
    struct pool *pool;         /* that passes run on; NULL: on its thread alone */
    struct queue_set *serving; /* the newest first: it takes what is new */
    struct accounts accounts;
    struct wheel wheel;        /* the deadlines of what is under way */
    struct pace pace;          /* of its turns */
    struct channel **channels; /* that it serves, by index; */
    struct channel **active;   /* of them, those that it looks at */
    uint32_t active_count;
    uint32_t capacity; /* of both */
    uint32_t aside_count;
    uint64_t aside_due_ns;           /* when the first of these is to be looked at, where there are any: */
    struct aside aside[ASIDE_LISTS]; /* whose client leaves its answers where they are */
    struct channel *to_wake;
    struct request *again;   /* that daemons before had, and have not been taken yet */
    struct request *suspect; /* that one may have died of, and that is under way: one at a time; NULL: none */
    struct channel *broken;  /* that wait for their owner to look after them */
    uint32_t under_way_max;  /* requests, of one channel */
    uint64_t spin_ns;        /* how long it looks before it sleeps */
    struct slow_requests slow;
    bool resting;  /* nothing is taken any more: another daemon goes on */
    bool draining; /* new submissions get WISP_E_SHUTDOWN; queues do not wait for company */
    /* Others may read these (counter.h). */
    uint64_t under_way;       /* requests in all queues, or in a pass */
    uint64_t requests, pings; /* taken */
    uint64_t refused;         /* answered with what is wrong with them, */
    uint64_t late, cancelled; /* past their deadline, given up by their client or left behind */
};

/* Whether what is asked of it can wait: its user had all of the time that he may have. Not when it is to end. */
static inline bool shard_holds(const struct shard *shard, struct account *account, uint64_t now_ns)
{
    return account_is_held(account, now_ns) && !shard->draining;
}

/* Whether one request more of the channel can be under way: all of its user's are not too many, or it has none. */
static inline bool shard_has_room(const struct shard *shard, const struct channel *channel)
{
    return channel->under_way < shard->under_way_max && (!channel->under_way || account_has_room(channel->account));
}

/* For channels whose index is below `channels`; and how many threads of all shards compute. -ENOMEM. */
int shard_init(struct shard *shard, uint32_t channels, uint32_t threads);
void shard_deinit(struct shard *shard);

/* One that is AGAIN is taken no more: it is to be completed. */
void shard_forget_again(struct shard *shard, struct request *request);

/* The channel has violated the protocol, in the way that `how` says: nothing more is taken from it. */
void shard_break(struct shard *shard, struct channel *channel, const char *how);
/* One that has, and that has not been handed out yet; NULL: there is none. */
struct channel *shard_take_broken(struct shard *shard);

#endif
