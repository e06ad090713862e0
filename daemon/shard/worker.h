/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker: the thread of a shard, and what passes between it and the control thread.
 *
 * Orders go one way and reports the other, each by a mailbox, in order (docs/design/shards.md). The functions here are
 * the control thread's. A channel or a set of queues that has been handed over is the shard's until the report that
 * gives it back.
 */
#ifndef DAEMON_SHARD_WORKER_H
#define DAEMON_SHARD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/event/loop.h"
#include "daemon/event/mailbox.h"
#include "daemon/shard/shard.h"

struct worker;

struct worker_setup {
    enum loop_kind loop;
    uint32_t channels;          /* their indexes are below this */
    uint32_t shards;            /* how many there are, */
    uint32_t threads;           /* and on how many threads passes of each run */
    uint64_t spin_ns;           /* how long to look before sleeping */
    bool crowded;               /* those threads, of all, have all processors that there are */
    const uint32_t *processors; /* that the threads stay on, read by worker_new(); NULL: they are not bound */
};

/* What a worker says; the subject of the mail is a channel or a set of queues. */
enum report {
    REPORT_BROKEN,    /* this channel has violated the protocol: channel->broken says how */
    REPORT_THROTTLED, /* this one rings for nothing, and is not listened to for a while; said once */
    REPORT_LEFT,      /* this one is not the shard's any more */
    REPORT_IN_USE,    /* what is new goes to these queues from now on */
    REPORT_DONE_WITH, /* these queues are not the shard's any more */
    REPORT_DRAINED,   /* nothing is under way any more */
    REPORT_SLOW,      /* a request has taken long: the subject is a slow_request, to be given back */
    REPORT_FAILED,    /* its event loop has ended (worker_error()), and the thread with it */
};

/* Starts the thread; it sleeps. -errno. */
int worker_new(const struct worker_setup *setup, struct worker **out, struct reason *why);
/* Ends the thread. What was handed over, and not given back, is the caller's from then on. Idempotent; accepts NULL. */
void worker_stop(struct worker *worker);
/* After the last channel of its shard has left. Accepts NULL; returns NULL. */
struct worker *worker_free(struct worker *worker);

/* Hands over a channel that is attached; it has been told of by REPORT_LEFT before its memory goes. */
void worker_serve(struct worker *worker, struct channel *channel);
/* Asks for it back; once. */
void worker_leave(struct worker *worker, struct channel *channel);
/* Hands over the queues that are to take what is new; at most WORKER_QUEUE_SETS are out at a time. Until REPORT_IN_USE
 * says that they do, nobody is to learn a route that is new with them. */
enum { WORKER_QUEUE_SETS = 8 };
void worker_use(struct worker *worker, struct queue_set *queues);
/* Tells all clients that the daemon is stopping; REPORT_DRAINED follows. */
void worker_drain(struct worker *worker);
/* The same, but that nothing more is taken, and nobody is told (shard_rest()). */
void worker_rest(struct worker *worker);

/* The oldest report; false when there is none. An eventfd is written when one comes after worker_arm() has said that
 * there is none; worker_disarm() when that is not wanted any more. */
bool worker_report(struct worker *worker, struct mail *report);
int worker_eventfd(const struct worker *worker);
bool worker_arm(struct worker *worker);
void worker_disarm(struct worker *worker);

/* Asks the thread for a sign of life; and whether there was one since: it came round, or is busy with something long.
 */
void worker_ask_beat(struct worker *worker);
bool worker_lives(struct worker *worker);
int worker_error(const struct worker *worker);

/* To read its counters; all of it, when the thread has been stopped. */
struct shard *worker_shard(struct worker *worker);

#endif
