/* SPDX-License-Identifier: Apache-2.0
 *
 * A request: the one struct that travels the stages s1 to s6, and the state that each of them moves on.
 *
 *   FREE -s1-> TAKEN -s2-> ADMITTED -s3-> BATCHED -s4-> DISPATCHED -s5-> RUN -s6-> FREE
 *                                            ^------- more rows to go -------'
 *
 * One that another daemon had when it died begins as AGAIN, and is taken when its turn comes (serve.c).
 *
 * One whose model decodes stays BATCHED, in its queue, until its rows have ended (sequences.h). Between two turns of
 * the shard it may be DISPATCHED: then it is in the batch of a pass that has been left (s5_run.c). A stage that refuses
 * hands the request straight to s6, so every slot that was taken gets exactly one completion. A cancellation is no
 * request: its answer is the completion of what it gives up (cancel.c). Requests are allocated with their channel, one
 * for each slot of its ring (journal.h), and the credit rule (libipc/ring.h) never takes more than that: the path of a
 * request allocates nothing.
 */
#ifndef DAEMON_SHARD_REQUEST_H
#define DAEMON_SHARD_REQUEST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/insist.h"
#include "daemon/schedule/wheel.h"
#include "daemon/shard/flow.h"
#include "libipc/wire.h"

struct buffer;
struct channel;
struct queue;

enum request_state {
    REQUEST_FREE,
    REQUEST_AGAIN, /* a daemon before had it, and has died */
    REQUEST_TAKEN,
    REQUEST_ADMITTED,
    REQUEST_BATCHED,
    REQUEST_DISPATCHED,
    REQUEST_RUN,
};

struct request {
    struct request *next, *previous; /* of the free ones (next alone), or of its flow */
    struct request *newer, *older;   /* of those that its channel has under way */
    struct channel *channel;
    struct queue *queue;        /* of the model that its route leads to; NULL: nowhere */
    struct flow *flow;          /* in which it waits; NULL: it does not */
    struct flow place;          /* that its channel can have for one (flow.h) */
    struct timer deadline;      /* of one that has any, as long as it is under way */
    struct buffer *buffer;      /* of the client's, in which its input stands; NULL: in the arena */
    const unsigned char *input; /* where that begins, once it is admitted */
    struct wire_submission ask; /* the private copy; the shared slot is never looked at again */
    enum request_state state;
    uint32_t rows_done;   /* a request larger than a batch runs in slices */
    uint32_t rows_now;    /* in the batch under way; of a model that decodes, those that have begun */
    uint32_t row;         /* the batch's, which is the first of them */
    uint32_t beam;        /* there: its width */
    uint64_t alone_ns;    /* what it was said to take in full batches */
    uint32_t batch;       /* the timings: the largest batch it was in, */
    uint64_t taken_ns;    /* when it was taken, */
    uint64_t begun_ns;    /* when its first batch began, */
    uint64_t compute_ns;  /* how long its batches took, */
    uint64_t done_ns;     /* and when the last of them ended */
    uint64_t deadline_ns; /* UINT64_MAX: none */
    uint32_t cause;       /* enum wire_cause: of a refusal */
    uint32_t where[3];
    /* For whoever comes after a death (journal.h). */
    uint32_t taken_at;    /* its place in the ring of submissions, */
    uint32_t finished_at; /* and, where `finished`, the number of its completion */
    bool finished;
    bool counted;   /* in its user's allowance */
    uint8_t deaths; /* of daemons that may have died of it */
};

static inline struct request *request_of_timer(struct timer *timer)
{
    return (struct request *)(void *)((unsigned char *)timer - offsetof(struct request, deadline));
}

/* A stage takes requests in the state that the one before left, and no others. */
static inline void request_advance(struct request *request, enum request_state from, enum request_state to)
{
    insist(request->state == from, "is %d, to be %d", request->state, to);
    request->state = to;
}

/* What it is when it is taken, but for what was asked and when. */
static inline void request_begin(struct request *request)
{
    request->next = request->previous = NULL;
    request->queue = NULL;
    request->rows_done = request->rows_now = request->batch = 0;
    request->begun_ns = request->compute_ns = request->done_ns = 0;
    request->cause = WIRE_CAUSE_NONE;
    request->where[0] = request->where[1] = request->where[2] = 0;
}

#endif
