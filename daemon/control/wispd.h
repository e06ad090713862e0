/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon: owns everything, in the order in which wispd_new() makes it.
 *
 * One thread does it all: it takes requests through the stages (shard.h), and between passes handles what the event
 * loop brings: connections, handshakes, control messages, doorbells, hang-ups, timers, signals. Only the memory of
 * channels is made and taken apart by another one (helper.h), and log lines are written by a third (base/log_writer.h).
 */
#ifndef DAEMON_WISPD_H
#define DAEMON_WISPD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "daemon/control/channel.h"
#include "daemon/control/listen.h"
#include "daemon/control/users.h"
#include "daemon/event/loop.h"
#include "daemon/models/set.h"
#include "daemon/shard/shard.h"
#include "libipc/message.h"

/* What an event of the loop is about; the kind in a token's high byte. Those of a channel carry its index and
 * generation. */
enum event_kind {
    EVENT_LISTENER,
    EVENT_ACCEPT_AGAIN,
    EVENT_SIGNAL,
    EVENT_WATCHDOG,
    EVENT_HELPER,
    EVENT_STOP_NOW,
    EVENT_SOCKET,         /* of a channel */
    EVENT_GONE,           /* of a channel: its process has ended */
    EVENT_DOORBELL,       /* of a channel: its eventfd */
    EVENT_HELLO_DUE,      /* of a channel: its connection has its turn */
    EVENT_HELLO_LATE,     /* of a channel */
    EVENT_QUESTION,       /* of a channel: what it asks has its turn */
    EVENT_DOORBELL_AGAIN, /* of a channel: it has been throttled long enough */
    EVENT_KINDS,
};

static inline uint64_t event_token(enum event_kind kind, const struct channel *channel)
{
    uint64_t token = (uint64_t)kind << 56;

    return channel ? token | (uint64_t)(channel->index & 0xffffff) << 32 | channel->generation : token;
}

struct wispd {
    const struct config *config;
    struct model_set *set;    /* that is served now: descriptions come from it, */
    struct queue_set *queues; /* and new requests go here: the shard's, but for the counters */
    struct users users;
    struct channel_table table;
    struct shard shard;
    struct loop *loop;
    struct helper *helper;
    struct listener listener;
    int signals; /* a signalfd; -1: none */
    struct message inbox;
    struct budget complaints; /* about connections that cannot be accepted */
    uint64_t questions;       /* that were answered */
    uint64_t epoch;           /* tells this run from the one before */
    uint64_t started_ns;
    struct wire_offer offer; /* what every hello is answered from */
    uint64_t turned_away;    /* connections that were refused, */
    uint64_t given_up;       /* and idle ones that were closed for somebody else's */
    uint64_t spin_ns;        /* how long to look before sleeping */
    uint64_t watchdog_ns;    /* 0: none */
    bool no_processes;       /* this kernel cannot tell when a client's process ends; it has been said */
    bool stuck;              /* the helper is */
    bool stopping;
    bool done;
};

/* Loads and warms the models, then listens. The configuration is the caller's and outlives the daemon. */
int wispd_new(const struct config *config, struct wispd **out, struct reason *why);
struct wispd *wispd_free(struct wispd *daemon); /* accepts NULL; returns NULL */

/* Serves until SIGTERM or SIGINT arrives on `signals`, a signalfd of the caller's. 0, or -errno. */
int wispd_run(struct wispd *daemon, int signals);

/* Closes a channel, whatever its state, and takes it out of everything. */
void wispd_hang_up(struct wispd *daemon, struct channel *channel);

/* Has the helper run something on the channel's memory; handshake_finish(), or its burial, follows. */
void wispd_help(struct wispd *daemon, struct channel *channel, void (*run)(struct helper_job *job));

/* accept.c: waits for connections; what the listener brings. -errno: it cannot be listened to any more. */
int accept_begin(struct wispd *daemon);
int accept_ready(struct wispd *daemon, const struct loop_event *event);

/* room.c: what a client gets that asks for nothing in particular; room for one more, which `user` has been charged for.
 */
void room_offer(struct wispd *daemon);
void room_make(struct wispd *daemon, const struct user *user);
void room_make_asking(struct wispd *daemon, const struct user *user);
uint32_t room_descriptors(const struct config *config);
uint32_t room_connections(const struct config *config);

/* handshake.c: a PENDING channel's socket is readable, or may be; a MAKING channel's memory is made, or could not be.
 */
void handshake_ready(struct wispd *daemon, struct channel *channel);
void handshake_finish(struct wispd *daemon, struct channel *channel);

/* control.c: an OPEN channel's socket is readable or writable; its question's turn has come. */
void control_ready(struct wispd *daemon, struct channel *channel, const struct loop_event *event);
void control_question(struct wispd *daemon, struct channel *channel);

/* doorbell.c: the client wrote its eventfd; a throttled client may do so again. */
int doorbell_begin(struct wispd *daemon, struct channel *channel);
void doorbell_arrived(struct wispd *daemon, struct channel *channel, const struct loop_event *event);
void doorbell_again(struct wispd *daemon, struct channel *channel);

/* stop.c: from the signal to the last answer. */
void stop_begin(struct wispd *daemon);
void stop_continue(struct wispd *daemon, bool worked);

/* describe.c: the JSON of docs/protocol.md.
 *
 * A text in two parts: what is the same for everybody (NULL: nothing), and what is to be freed (NULL: there is no
 * memory). */
struct description {
    const char *shared;
    char *own;
};
struct description describe_models(const struct wispd *daemon);
struct description describe_model(const struct wispd *daemon, uint32_t route);
struct description describe_daemon(const struct wispd *daemon);
/* Why a name leads nowhere: "no model \"x\"; there are: a (image.classification), b (…)". */
struct description describe_unknown(const struct wispd *daemon, const char *name, size_t length);

/* spin.c: how long to look before sleeping, on this machine. */
uint64_t spin_choose(uint64_t configured_ns);

#endif
