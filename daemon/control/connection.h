/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection: one client's socket, and the channel that it becomes.
 *
 *   FREE -accept-> PENDING -hello-> MAKING -its memory is made-> OPEN -hang-up or violation-> DEAD -> FREE
 *                     |\               |                                                        ^
 *                     | +-hello without memory-> ASKING ---------------- hang-up ---------------+
 *                     +----------------+--------------------- hang-up --------------------------+
 *
 * A DEAD connection is FREE again when the shard has left its channel and the memory has been taken apart; its user is
 * charged until then. A slot of the table is used again under the next generation, so that an event of the one before
 * is recognised and dropped.
 *
 * Everything here is the control thread's. But `channel` is the shard's while it serves it, and its memory, `made` and
 * `why` are the helper's while a job is out.
 */
#ifndef DAEMON_CONTROL_CONNECTION_H
#define DAEMON_CONTROL_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "daemon/event/helper.h"
#include "daemon/service/store.h"
#include "daemon/shard/channel.h"
#include "daemon/users/users.h"
#include "libipc/wire.h"

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_PENDING,
    CONNECTION_MAKING,
    CONNECTION_ASKING,
    CONNECTION_OPEN,
    CONNECTION_DEAD
};

/* The rest of a reply that the socket had no room for: a text that is the same for everybody, and one of its own. */
struct outbox {
    bool busy;
    const char *shared; /* the daemon's, which outlives the connection */
    char *own;          /* counted in user->answers */
    size_t shared_length, own_length;
    size_t length, offset; /* of both together */
    struct wire_control head;
};

struct connection {
    struct channel channel; /* index and generation are its own as well */
    uint8_t state;          /* enum connection_state */
    int socket;             /* -1: closed */
    int process;            /* a pidfd (peer.h); -1: none */
    struct helper_job job;
    bool job_out;    /* the helper has it */
    uint32_t shard;  /* whose its channel is, once it is MAKING, */
    bool served;     /* and which has it */
    bool leaving;    /* connection_leave() */
    bool never_kept; /* keep_never() */
    int made;        /* how the making ended, */
    struct reason why;
    struct wire_welcome welcome; /* what was agreed */
    uint64_t charged;            /* to the user, in bytes; 0: nothing */
    struct user *user;
    uid_t uid;
    pid_t pid;
    char name[32];               /* as the client calls itself: for the log, printable */
    char stored[STORE_NAME_MAX]; /* under which name the service manager keeps it; "": it does not */
    uint64_t accepted_ns;
    uint64_t asked_ns;         /* when something was last asked */
    uint32_t reload;           /* which one answers it, by number; 0: none */
    struct wire_control asked; /* when it asked for that */
    struct outbox outbox;
};

static inline struct connection *connection_of(struct channel *channel)
{
    return (struct connection *)((char *)channel - offsetof(struct connection, channel));
}

static inline struct connection *connection_of_job(struct helper_job *job)
{
    return (struct connection *)((char *)job - offsetof(struct connection, job));
}

enum { CONNECTIONS_MAX = 1 << 24 }; /* what a token has room for */

struct connection_table {
    struct connection *connections;
    uint32_t capacity;
    uint32_t shards;  /* that channels are given to */
    uint32_t used;    /* not FREE */
    uint32_t pending; /* of them, PENDING */
    uint32_t asking;  /* of them, ASKING */
    uint32_t open;    /* of them, OPEN */
    uint32_t dead;    /* of them, DEAD */
};

int connection_table_init(struct connection_table *table, uint32_t capacity, uint32_t shards);
void connection_table_deinit(struct connection_table *table);

/* A free slot under its next generation, PENDING, with `socket` (taken over on success); NULL when there is none. */
struct connection *connection_accept(struct connection_table *table, int socket, struct user *user);

/* The one of (index, generation); NULL when it has gone or is DEAD. */
struct connection *connection_find(struct connection_table *table, uint32_t index, uint32_t generation);

/* PENDING to MAKING: notes what was agreed, gives the channel to the shard that has fewest, and charges the user.
 * WISP_E_DENIED. */
int connection_agree(struct connection_table *table, struct connection *connection, const struct users *users,
                     const struct wire_welcome *welcome, struct reason *why);

/* PENDING to ASKING. */
void connection_ask_only(struct connection_table *table, struct connection *connection,
                         const struct wire_welcome *welcome);

/* Whether more connections with memory than `most` are there, open or being made, or as many dead ones that still hold
 * it.
 */
bool connection_table_is_crowded(const struct connection_table *table, uint32_t most);

/* MAKING to OPEN: its channel has been attached. */
void connection_open(struct connection_table *table, struct connection *connection);

/* To DEAD. The caller has cancelled its events, and asked the shard for its channel. The socket is closed at once, or,
 * while the shard may still send on it, in connection_left(). */
void connection_close(struct connection_table *table, struct connection *connection);

/* The shard has left its channel. */
void connection_left(struct connection *connection);

/* Whether nothing uses a DEAD connection's memory any more, so that it can be taken apart. */
bool connection_is_over(const struct connection *connection);

/* Its memory is about to be taken apart, by a helper that makes none before: its user is charged no longer. */
void connection_leave(struct connection *connection);

/* The outbox is empty from now on. */
void connection_drop_reply(struct connection *connection);

/* DEAD to FREE, once the memory has been taken apart. */
void connection_release(struct connection_table *table, struct connection *connection);

#endif
