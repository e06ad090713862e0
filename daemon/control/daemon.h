/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's state: what the control thread owns, in the order in which wispd_new() makes it. Who works on it
 * includes this; nothing is done here.
 */
#ifndef DAEMON_CONTROL_DAEMON_H
#define DAEMON_CONTROL_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "daemon/control/connection.h"
#include "daemon/event/loop.h"
#include "daemon/models/set.h"
#include "daemon/service/listen.h"
#include "daemon/shard/worker.h"
#include "daemon/users/users.h"
#include "libipc/message.h"

/* What an event of the loop is about; the kind in a token's high byte. Those of a channel carry its index and
 * generation. */
enum event_kind {
    EVENT_LISTENER,
    EVENT_ACCEPT_AGAIN,
    EVENT_SIGNAL,
    EVENT_WATCHDOG,
    EVENT_HELPER,
    EVENT_ATTACHER,
    EVENT_LOADED,
    EVENT_REPORTS,
    EVENT_STOP_NOW,
    EVENT_SOCKET,     /* of a channel */
    EVENT_GONE,       /* of a channel: its process has ended */
    EVENT_HELLO_DUE,  /* of a channel: its connection has its turn */
    EVENT_HELLO_LATE, /* of a channel */
    EVENT_KEEP,       /* of a channel: it is old enough to be kept */
    EVENT_QUESTION,   /* of a channel: what it asks has its turn */
    EVENT_KINDS,
};

static inline uint64_t event_token(enum event_kind kind, const struct connection *connection)
{
    uint64_t token = (uint64_t)kind << 56;

    return connection ? token | (uint64_t)(connection->channel.index & 0xffffff) << 32 | connection->channel.generation
                      : token;
}

struct attachers;
struct reload;

/* What the service manager keeps (keep.h). */
struct keep {
    unsigned channels_max, channels; /* 0: none; those that it has */
    unsigned resumed;                /* of a daemon before */
    unsigned routes_number;
    bool known;                  /* the routes of a daemon before */
    char routes[STORE_NAME_MAX]; /* "": it has none */
};

/* A set of models, and what each shard needs to serve it (models.h). */
struct serving {
    struct model_set *set;                       /* its queues hold it */
    struct queue_set *queues[CONFIG_SHARDS_MAX]; /* by shard: the shards', but for the counters */
    uint32_t awaited;                            /* shards that have not gone over to it yet, */
    uint32_t out;                                /* and those that have not given their queues back */
    struct serving *next;                        /* the one before it */
};

struct wispd {
    struct config *config;   /* in force: a reload changes it */
    struct model_set *set;   /* that is served now: descriptions come from it, */
    struct serving *serving; /* and what shards have of it */
    struct serving *newest;  /* of all that they have */
    struct users users;
    struct connection_table table;
    struct loop *loop;
    struct helper *helper;
    struct attachers *attachers;               /* NULL: nobody has asked for any */
    struct reload *reload;                     /* NULL: it cannot */
    struct worker *workers[CONFIG_SHARDS_MAX]; /* the shards */
    uint32_t shards;                           /* how many they are, */
    uint32_t drained;                          /* and how many have finished what they had */
    struct listener listener;
    struct passed passed; /* with the start */
    struct keep keep;
    int signals; /* a signalfd; -1: none */
    struct message inbox;
    struct budget complaints; /* about connections that cannot be accepted */
    struct budget slow_lines; /* about requests that took long and have no line of their own, */
    uint64_t slow_left_out;   /* of which so many have been said */
    uint64_t questions;       /* that were answered */
    uint64_t epoch;           /* tells this run from the one before */
    uint64_t started_ns;
    struct wire_offer offer; /* what every hello is answered from */
    uint64_t turned_away;    /* connections that were refused, */
    uint64_t given_up;       /* and idle ones that were closed for somebody else's */
    uint64_t spin_ns;        /* how long to look before sleeping */
    uint64_t watchdog_ns;    /* how often threads are asked for a sign of life; 0: never */
    uint64_t asked_ns;       /* when they were; 0: all have given one since */
    bool no_processes;       /* this kernel cannot tell when a client's process ends; it has been said */
    bool stuck;              /* a thread is */
    bool stopping;
    bool done;
};

#endif
