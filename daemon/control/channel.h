/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel: one client's socket, memory, rings and requests.
 *
 *   FREE -accept-> PENDING -hello-> MAKING -its memory is made-> OPEN -hang-up or violation-> DEAD -> FREE
 *                     |\               |                                                        ^
 *                     | +-hello without memory-> ASKING ---------------- hang-up ---------------+
 *                     +----------------+--------------------- hang-up --------------------------+
 *
 * A DEAD channel is FREE again when its requests are done and its memory has been taken apart; its user is charged
 * until then. A slot of the table is used again under the next generation, so that an event of the one before is
 * recognised and dropped.
 *
 * The client is hostile: it may write anything anywhere in its region at any time, and die at any point. What decides
 * anything here is private memory. Nothing of its region is read before it is sealed (libipc/region.h): a channel that
 * is active, or has requests under way, is. Everything here runs on the shard's thread; while a job is out, `memory`,
 * `made` and `why` belong to the helper.
 */
#ifndef DAEMON_CHANNEL_H
#define DAEMON_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "daemon/control/helper.h"
#include "daemon/control/users.h"
#include "daemon/shard/channel_memory.h"
#include "daemon/shard/request.h"
#include "libipc/ring.h"
#include "libipc/wire.h"
#include "libipc/wire_check.h"

enum channel_state { CHANNEL_FREE, CHANNEL_PENDING, CHANNEL_MAKING, CHANNEL_ASKING, CHANNEL_OPEN, CHANNEL_DEAD };

/* The rest of a reply that the socket had no room for: a text that is the same for everybody, and one of its own. */
struct outbox {
    bool busy;
    const char *shared; /* the daemon's, which outlives the channel */
    char *own;          /* counted in user->answers */
    size_t shared_length, own_length;
    size_t length, offset; /* of both together */
    struct wire_control head;
};

struct channel {
    /* what the stages use */
    struct intake_ring intake;
    struct finish_ring finish;
    const unsigned char *input; /* the arenas */
    unsigned char *output;
    struct wire_limits limits;
    const struct wire_client_control *client;
    struct wire_daemon_control *daemon;
    struct request *free;
    struct request *newest; /* of the requests taken and not completed, */
    uint32_t under_way;     /* and how many they are */
    bool timings;           /* WIRE_FEATURE_TIMINGS */
    uint8_t state;          /* enum channel_state */
    bool active;            /* in the shard's active set; else the client has to ring the doorbell */
    bool starved;           /* wants to be taken from, but reaps nothing: no credit */
    bool throttled;         /* doorbells for nothing: its eventfd is not listened to for now */
    bool sealed;            /* channel_is_sealed() has said so */
    bool to_wake;           /* in the shard's list of clients to wake */
    const char *broken;     /* how it violated the protocol; closed after this pass. NULL: it did not */
    struct channel *next_wake;
    uint64_t active_ns; /* when something was last taken or asked */

    /* the rest */
    uint32_t index, generation;
    int socket;  /* -1: closed */
    int process; /* a pidfd (peer.h); -1: none */
    struct channel_memory memory;
    struct wire_layout layout;
    struct helper_job job;
    bool job_out; /* the helper has it */
    bool leaving; /* channel_leave() */
    int made;     /* how the making ended, */
    struct reason why;
    struct wire_welcome welcome; /* what was agreed */
    uint64_t charged;            /* to the user, in bytes; 0: nothing */
    struct user *user;
    uid_t uid;
    pid_t pid;
    char name[32]; /* as the client calls itself: for the log, printable */
    uint64_t accepted_ns;
    struct outbox outbox;
    uint64_t doorbell_window_ns; /* wasted doorbells are counted over a window */
    uint32_t doorbells_wasted;
};

static inline struct channel *channel_of_job(struct helper_job *job)
{
    return (struct channel *)((char *)job - offsetof(struct channel, job));
}

struct channel_table {
    struct channel *channels;
    uint32_t capacity;
    uint32_t used;    /* not FREE */
    uint32_t pending; /* of them, PENDING */
    uint32_t asking;  /* of them, ASKING */
    uint32_t open;    /* of them, OPEN */
    uint32_t dead;    /* of them, DEAD */
};

int channel_table_init(struct channel_table *table, uint32_t capacity);
void channel_table_deinit(struct channel_table *table);

/* A free slot under its next generation, PENDING, with `socket` (taken over on success); NULL when there is none. */
struct channel *channel_accept(struct channel_table *table, int socket, struct user *user);

/* The channel of (index, generation); NULL when it has gone or is DEAD. */
struct channel *channel_find(struct channel_table *table, uint32_t index, uint32_t generation);

/* PENDING to MAKING: notes what was agreed, and charges the user. WISP_E_DENIED. */
int channel_agree(struct channel_table *table, struct channel *channel, const struct users *users,
                  const struct wire_welcome *welcome, struct reason *why);

/* PENDING to ASKING. */
void channel_ask_only(struct channel_table *table, struct channel *channel, const struct wire_welcome *welcome);

/* Whether more channels with memory than `most` are there, open or being made, or as many dead ones that still hold it.
 */
bool channel_table_is_crowded(const struct channel_table *table, uint32_t max);

/* MAKING to OPEN, once `memory` has been made. */
void channel_open(struct channel_table *table, struct channel *channel, uint32_t rows_max);

/* Whether its client has sealed its region; asks the kernel until it has. */
bool channel_is_sealed(struct channel *channel);

/* After publishing completions or a new state: wakes the client in the way it asked for, if it sleeps. */
void channel_wake(struct channel *channel);

/* Tells the client that the daemon is stopping. */
void channel_drain(struct channel *channel);

/* To DEAD: tells the client through shared memory, and closes the socket. The caller has cancelled its events and taken
 * it out of the active set. */
void channel_close(struct channel_table *table, struct channel *channel);

/* Whether nothing uses a DEAD channel's memory any more, so that it can be taken apart. */
bool channel_is_over(const struct channel *channel);

/* Its memory is about to be taken apart, by a helper that makes none before: its user is charged no longer. */
void channel_leave(struct channel *channel);

/* The outbox is empty from now on. */
void channel_drop_reply(struct channel *channel);

/* DEAD to FREE, once the memory has been taken apart. */
void channel_release(struct channel_table *table, struct channel *channel);

#endif
