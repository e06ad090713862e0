/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel: one client's socket, memory, rings and requests.
 *
 *   FREE -accept-> PENDING -hello-> OPEN -hang-up or violation-> DEAD -its requests are done-> FREE
 *
 * The client is hostile: it may write anything anywhere in its region at any time, and die at any point. What decides
 * anything here is private memory. A slot of the table is used again under the next generation, so that an event of the
 * one before is recognised and dropped.
 *
 * Everything here runs on the shard's thread.
 */
#ifndef DAEMON_CHANNEL_H
#define DAEMON_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "daemon/request.h"
#include "daemon/users.h"
#include "libipc/region.h"
#include "libipc/ring.h"
#include "libipc/wire.h"
#include "libipc/wire_check.h"

enum channel_state { CHANNEL_FREE, CHANNEL_PENDING, CHANNEL_OPEN, CHANNEL_DEAD };

/* The rest of a reply that the socket had no room for. */
struct outbox {
    char *text; /* NULL: empty */
    size_t length, offset;
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
    uint32_t under_way; /* requests taken and not completed */
    bool receipts;      /* WIRE_FEATURE_RECEIPT */
    uint8_t state;      /* enum channel_state */
    bool hot;           /* in the shard's hot set; else the client has to kick */
    bool starved;       /* wants to be taken from, but reaps nothing: no credit */
    bool throttled;     /* kicks for nothing: its eventfd is not listened to for now */
    bool broken;        /* violated the protocol; closed after this pass */
    bool to_wake;       /* in the shard's list of clients to wake */
    struct channel *next_wake;
    uint64_t active_ns; /* when something was last taken */

    /* the rest */
    uint32_t index, generation;
    int socket, eventfd;
    struct region request, response;
    struct request *requests;
    uint64_t memory; /* charged to the user */
    struct user *user;
    uid_t uid;
    pid_t pid;
    char name[32]; /* as the client calls itself: for the log, printable */
    uint64_t accepted_ns;
    struct outbox outbox;
    uint64_t kick_window_ns; /* wasted kicks are counted over a window */
    uint32_t kicks_wasted;
};

struct channel_table {
    struct channel *channels;
    uint32_t capacity;
    uint32_t used, pending, open;
};

int channel_table_init(struct channel_table *table, uint32_t capacity);
void channel_table_deinit(struct channel_table *table);

/* A free slot under its next generation, PENDING, with `socket` (taken over on success); NULL when there is none. */
struct channel *channel_accept(struct channel_table *table, int socket);

/* The channel of (index, generation); NULL when it has gone. */
struct channel *channel_find(struct channel_table *table, uint32_t index, uint32_t generation);

/* What a channel of this size costs its user. */
uint64_t channel_cost(const struct wire_layout *layout);

/* Makes memory, rings, eventfd and requests as agreed in *welcome, and turns OPEN. *response_fd is the read-only
 * descriptor for the client, to be closed after sending. Nothing is left over on failure. */
int channel_open(struct channel_table *table, struct channel *channel, const struct wire_welcome *welcome,
                 uint32_t rows_most, int *response_fd, struct reason *why);

/* After publishing completions or a new state: wakes the client in the way it asked for, if it sleeps. */
void channel_wake(struct channel *channel);

/* Tells the client that the daemon is stopping. */
void channel_drain(struct channel *channel);

/* Closes the socket and tells the client through shared memory; with requests under way DEAD, else reclaimed. The
 * caller has cancelled its events and taken it out of the hot set. */
void channel_close(struct channel_table *table, struct channel *channel);

/* Gives a DEAD channel without requests under way back to the table. */
void channel_reclaim(struct channel_table *table, struct channel *channel);

#endif
