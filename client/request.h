/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests: their state, their slot, and their place in shared memory. Nothing here sends, wakes or waits.
 *
 * A request under way is in exactly one slot; its number, with a generation, is the user_data on the wire. It is SENT
 * while it is in the ring of the current session and QUEUED while there is none to send it to, or while a suspect is
 * under way: one that was SENT when SUSPICIONS sessions were lost goes alone, before all others, so that one more loss
 * accuses nobody else. After that it is given up.
 *
 * A request belongs to one thread at a time; the table is guarded by the lock of its client, and so is everything here
 * that changes it.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <wisp/wisp.h>

#include "client/arena.h"
#include "client/session.h"
#include "libipc/wire.h"
#include "libipc/wire_block.h"

struct binding;
struct waiter;

enum { SUSPICIONS = 2, LOSSES_MAX = 3 };

enum request_state { REQUEST_IDLE, REQUEST_QUEUED, REQUEST_SENT, REQUEST_DONE };

struct slot {
    struct wisp_request *request; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

/* Answered requests that the program has not been given yet, in the order of their answers. */
struct done_list {
    struct wisp_request *first, *last;
};

/* All requests of a client. */
struct request_table {
    struct slot *slots;
    uint32_t entries, free_slot;
    uint32_t queued, sent;        /* requests in these states */
    uint32_t suspects;            /* of those: requests with SUSPICIONS losses */
    uint32_t owed;                /* and requests of which it is to be told that they are cancelled */
    struct wisp_request *first;   /* of all, in whatever state */
    struct wisp_request *spare;   /* memory of a ping that is over, for the next; NULL: none */
    struct done_list done, calls; /* for wisp_next(); and whose callbacks wisp_dispatch() is to run */
    struct arena input, output;   /* who has which bytes, the same in every session */
};

struct wisp_request {
    struct wisp_client *client;
    struct request_table *table;
    struct wisp_request *previous, *next;          /* in the table */
    struct wisp_request *done_before, *done_after; /* in `list` */
    struct binding *binding;                       /* NULL: a ping, which has no tensors */
    struct wisp_buffer *buffer;                    /* where its input stands; NULL: in the arena */
    struct session *session;                       /* where its bytes are; holds a reference */
    struct waiter *waiter;                         /* who sleeps until it is done (waiters.h) */
    uint32_t state; /* enum request_state; atomic, changed under the lock by request_set() */
    uint32_t slot;
    int status;             /* of the last answer; immutable while DONE, like the timings */
    bool was_sent;          /* to an earlier session, which was lost */
    bool cancelled;         /* the program has given it up; */
    bool owed;              /* the daemon is not told yet */
    unsigned losses;        /* sessions that were lost while it was SENT */
    bool abandoned;         /* freed by whoever completes it */
    bool placed;            /* it has its places in the arenas */
    bool noted;             /* the program wishes to be handed it when it is done, */
    wisp_callback callback; /* or to have this called */
    struct done_list *list; /* where it waits for that; NULL: it does not */
    uint32_t rows, deadline_us;
    uint32_t words_max;               /* of an answer's row; 0: the model does not decode */
    uint32_t mark;                    /* of the last submission; 0: none */
    uint8_t priority;                 /* enum wire_class */
    uint16_t beam;                    /* its width, where the program wishes one; 0: the model's */
    struct wire_block input, output;  /* the model's; */
    bool simple_input, simple_output; /* and whether that is one tensor of floats */
    uint64_t in_offset, in_length, out_offset, out_length;
    uint64_t submitted_ns;
    void *user; /* the program's */
    struct wisp_timings timings;
    uint64_t wake_ns;         /* from when the daemon was done to when it was reaped; 0: not known */
    uint32_t cause, where[3]; /* of the last answer, as the daemon said it: enum wire_cause */
};

/* Sizes as the daemon granted them. -ENOMEM; requests_deinit() is due all the same. */
int requests_init(struct request_table *table, const struct wire_layout *layout);
void requests_deinit(struct request_table *table); /* its requests have been removed */

/* In the table, idle, with no place in the arenas; NULL without memory. */
struct wisp_request *request_make(struct request_table *table, struct wisp_client *client, struct session *session);
/* Places of in_length and out_length bytes, both or none; of what stands in a buffer, for the output alone. -ENOSPC,
 * -ENOMEM. */
int request_take_places(struct request_table *table, struct wisp_request *request);
/* Out of the table, with its places, and freed. It is not under way. */
void request_remove(struct wisp_request *request);

/* Where its input stands for the program; NULL: where only the program knows. */
unsigned char *request_place(const struct wisp_request *request);

/* ---- while under way ---- */

/* Pairs with request_set(): who sees DONE without the lock sees the answer. */
static inline enum request_state request_state(const struct wisp_request *request)
{
    return (enum request_state)__atomic_load_n(&request->state, __ATOMIC_ACQUIRE);
}

static inline bool request_under_way(const struct wisp_request *request)
{
    enum request_state state = request_state(request);

    return state == REQUEST_QUEUED || state == REQUEST_SENT;
}

/* Keeps count of those under way. Pairs with request_state(). */
void request_set(struct wisp_request *request, enum request_state state);

/* Into a slot, QUEUED, as if it had never been sent; false when as many are under way as there are slots. */
bool request_queue(struct wisp_request *request);
/* Its number on the wire; and who has that number and is SENT, or NULL. */
uint64_t request_number(const struct wisp_request *request);
struct wisp_request *request_by_number(const struct request_table *table, uint64_t number);
/* The session is lost that it was SENT to: QUEUED again. */
void request_lose(struct wisp_request *request);
/* Out of its slot, with its answer, DONE. One that was abandoned is removed: false. */
bool request_finish(struct wisp_request *request, int status, const struct wire_completion *completion);

/* Out of the list of the done in which it is, if it is in one. */
void request_unlist(struct wisp_request *request);

/* The next request under way in a slot from `*slot` on, which is moved behind it; NULL at the end. */
struct wisp_request *request_next(const struct request_table *table, uint32_t *slot, enum request_state state);

/* When its deadline is over, a time of clock_ns(); FOREVER. */
uint64_t request_deadline(const struct wisp_request *request);

#endif
