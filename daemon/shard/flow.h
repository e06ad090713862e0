/* SPDX-License-Identifier: Apache-2.0
 *
 * A flow: the requests of one channel and class that wait for one model, in order. A channel has a flow for each model
 * that it waits for, and a queue one for each channel that waits for it; of each class.
 *
 * A flow has a request, so a channel needs as many as it has requests: each brings the place for one.
 */
#ifndef DAEMON_SHARD_FLOW_H
#define DAEMON_SHARD_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "libipc/wire.h"

struct channel;
struct queue;
struct request;

struct flow {
    struct flow *next, *previous; /* of its queue */
    struct flow *beside;          /* of its channel, or of those that are free there */
    struct flow *after, *below;   /* while a batch is made: of its account's, a heap */
    unsigned rank;                /* then: its head's, */
    uint64_t charged;             /* and what its channel would be charged for what it has given */
    struct channel *channel;
    struct queue *queue;
    struct request *head, *tail;
    enum wire_class class;
};

/* Puts the request into the flow of its channel and queue, before `before`, which is in it; NULL: as the last. */
void flow_enter(struct request *request, struct request *before);
/* The first request of what would be its flow; NULL: there is none. */
struct request *flow_head(const struct request *request);

/* Whose turn comes before whose, of what one user has: FIRST, USUAL, LAST, and so again when it has waited. A request
 * that has waited for FLOW_AGE_NS counts as of the class before its own: so none waits for ever. */
enum { RANK_FIRST, RANK_USUAL, RANK_LAST };
#define FLOW_AGE_NS UINT64_C(1000000000)
unsigned request_rank(const struct request *request, uint64_t now_ns);
/* Takes it out. */
void flow_leave(struct request *request);

/* Flows whose turn comes, as a heap: by rank, then by what their channels were charged, then by who came first. NULL is
 * an empty one, and the first of the others stands for all. Returns the heap with one more, and without its first. */
struct flow *flow_heap_add(struct flow *heap, struct flow *flow);
struct flow *flow_heap_rest(struct flow *heap);

#endif
