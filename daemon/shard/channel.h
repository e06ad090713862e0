/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel as the shard sees it: rings, arenas, and the requests that are under way.
 *
 * The client is hostile: it may write anything anywhere in its region at any time, and die at any point. What decides
 * anything here is private memory. Nothing of its region is read before it is sealed (libipc/region.h): a channel that
 * is active, or has requests under way, is.
 *
 * The control thread makes it, and hands it over whole; from then until the shard has left it, everything here is the
 * shard's alone, but for the counters that control reads.
 */
#ifndef DAEMON_SHARD_CHANNEL_H
#define DAEMON_SHARD_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/schedule/accounts.h"
#include "daemon/shard/channel_memory.h"
#include "daemon/shard/request.h"
#include "daemon/sight/tally.h"
#include "libipc/ring.h"
#include "libipc/wire.h"
#include "libipc/wire_check.h"

struct channel {
    struct intake_ring intake;
    struct finish_ring finish;
    const unsigned char *input; /* the arenas */
    unsigned char *output;
    struct wire_limits limits;
    const struct wire_client_control *client;
    struct wire_daemon_control *daemon;
    struct request *free;
    struct request *again;  /* AGAIN, until the shard has them (serve.c) */
    struct request *newest; /* of the requests taken and not completed, */
    uint64_t under_way;     /* and how many they are: others may read that (counter.h), */
    uint64_t active_ns;     /* and when something was last taken, */
    uint64_t taken;         /* how many requests have been, pings among them, */
    uint64_t used_ns;       /* and what of the shard's time they took */
    struct tally *tally;    /* its user's */
    uid_t uid;              /* his */
    struct allowance *allowance;
    struct account *account; /* his, while it is served, */
    struct share share;      /* and this channel's in it */
    uint64_t ahead_ns;       /* what its requests take that wait or run, in full batches */
    struct flow *flows, *free_flows;
    bool timings;       /* WIRE_FEATURE_TIMINGS, */
    bool done;          /* and WIRE_FEATURE_DONE */
    bool active;        /* in the shard's active set; else the client has to ring the doorbell */
    bool starved;       /* wants to be taken from, but reaps nothing: no credit */
    bool throttled;     /* doorbells for nothing: its eventfd is not listened to for now */
    bool sealed;        /* channel_is_sealed() has said so */
    bool to_wake;       /* in the shard's list of clients to wake */
    bool leaving;       /* it is told nothing more, but that it is closed */
    bool told;          /* that it is throttled has been reported */
    bool resumed;       /* another daemon's: its client may have been waiting for long */
    const char *broken; /* how it violated the protocol: it is taken from no more. NULL: it did not */
    struct channel *next_wake, *next_broken, *next_aside;
    uint64_t aside_due_ns;       /* where it is set aside */
    uint64_t doorbell_window_ns; /* wasted doorbells are counted over a window */
    uint32_t doorbells_wasted;

    uint32_t index, generation; /* of its connection: a slot of the table, and how often that has been used */
    int socket;                 /* its connection's, for WIRE_NOTIFY */
    struct wire_layout layout;
    struct channel_memory memory;
};

/* Once `memory` has been made, and `layout` agreed on: the rings, all requests free, READY for the client to see. */
void channel_attach(struct channel *channel, const struct wire_welcome *welcome, uint32_t rows_max);

/* Once `memory` of another daemon's channel has been mapped and checked: goes on where that one ended. What it had
 * under way is AGAIN, in the order in which it was taken; of what it may have died, each says so. False: what stands in
 * the rings or the journal cannot be. */
bool channel_resume(struct channel *channel, uint32_t rows_max);

/* Under way from now on. */
void channel_hold(struct channel *channel, struct request *request);

/* Whether it is one's turn before another's: its user was charged less, or it was, of the same user. */
bool channel_goes_before(const struct channel *channel, const struct channel *other);

/* Whether its client has sealed its region; asks the kernel until it has. */
bool channel_is_sealed(struct channel *channel);

/* After publishing completions or a new state: wakes the client in the way it asked for, if it sleeps. */
void channel_wake(struct channel *channel);

/* Tells the client that the daemon is stopping; that its channel is closed. */
void channel_drain(struct channel *channel);
void channel_close(struct channel *channel);

#endif
