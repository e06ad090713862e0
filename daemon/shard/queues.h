/* SPDX-License-Identifier: Apache-2.0
 *
 * What a shard needs to serve one set of models: a queue for each model, and for each what runs of it.
 *
 * The control thread makes it, with all its memory, before the shard sees it, and frees it after the shard has given it
 * back; in between it is the shard's. Others may read the counters.
 * A model that has the name of one in the set before goes on counting where that one is (queue_set_inherit()).
 */
#ifndef DAEMON_SHARD_QUEUES_H
#define DAEMON_SHARD_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/models/set.h"
#include "daemon/schedule/cost.h"
#include "daemon/shard/request.h"
#include "daemon/shard/sequences.h"
#include "daemon/sight/tally.h"

/* What runs together, maybe in a pass that has been left. The arrays are long enough for the largest batch. */
struct batch {
    struct request **requests;
    uint32_t count; /* requests; 0: nothing runs */
    uint32_t rows;
    uint64_t begun_ns, spent_ns; /* of the pass */
    const void **inputs;         /* of each row one for each input of the model */
    void **outputs;              /* and for each output */
};

/* What waits for one model. */
struct queue {
    struct queue_set *of;
    const struct instance *instance;
    struct runner *runner; /* of its engine, on this shard */
    struct flow *first, *last;
    struct batch batch;
    struct cost cost;      /* of a pass, or a step, */
    struct cost hoped;     /* the same, doubted by each deadline that is refused for it: of nothing but deadlines */
    struct cost beginning; /* and of beginning so many sequences */
    const struct account *asker; /* who asked last, */
    uint64_t shared_until_ns;    /* and until when more than one user is thought to ask */
    struct sequences *sequences; /* of a model that decodes; NULL: it does not */
    uint32_t running;            /* sequences */
    uint64_t rows;               /* of all that wait */
    uint64_t under_way;          /* requests in it, or in its batch; others may read it (counter.h) */
    struct tally *tally;         /* held */
};

struct queue_set {
    struct model_set *set;   /* held */
    struct queue *queues;    /* as many as the set has models */
    uint32_t held;           /* requests that have a queue of it */
    struct queue_set *older; /* which the shard has not given back yet: the shard's */
    struct serving *part_of; /* what all shards have of the set: the control thread's */
};

/* For the shard of this number. -ENOMEM. Holds the set. */
int queue_set_new(struct model_set *set, uint32_t shard, struct queue_set **out);
/* Takes over the tallies of those models of `before` that have the same name. Before the shard sees them. */
void queue_set_inherit(struct queue_set *queues, const struct queue_set *before);
struct queue_set *queue_set_free(struct queue_set *queues); /* accepts NULL; returns NULL */

/* The queue of the model that a route leads to; NULL: it leads nowhere. */
struct queue *queue_set_route(const struct queue_set *queues, uint32_t route);

#endif
