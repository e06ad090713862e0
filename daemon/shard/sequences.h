/* SPDX-License-Identifier: Apache-2.0
 *
 * The sequences that run for one model that decodes: whose they are, and the memory of each. A sequence is a row of a
 * request, which stays in its queue until all its rows have ended: rows_now are begun, rows_done have ended. It takes
 * as many blocks of memory as its beam is wide, from the first word to the last; there are as many as the largest batch
 * has places.
 *
 * The control thread makes it with the queue; in between it is the shard's.
 */
#ifndef DAEMON_SHARD_SEQUENCES_H
#define DAEMON_SHARD_SEQUENCES_H

#include "daemon/models/instance.h"
#include "daemon/shard/request.h"
#include "sparse/passes/beam.h"

struct running {
    struct request *request; /* NULL: nothing runs here */
    uint32_t row;
    uint32_t told;   /* words that its client can see */
    uint32_t steps;  /* that it was in */
    uint32_t places; /* of the step at hand, one for each beginning that goes on */
    struct beam beam;
};

/* One position of all that are called; maybe one that has been left. */
struct step {
    uint32_t count;  /* sequences; 0: there is none, */
    uint32_t places; /* their beginnings, */
    uint32_t wanted; /* and how many sequences somebody still wants */
    uint64_t begun_ns, spent_ns;
};

struct sequences {
    struct running *slots;
    uint32_t capacity; /* of both: slots and blocks */
    unsigned char *memory, **free;
    uint32_t free_count; /* blocks that are nobody's */
    int32_t *words;      /* by slot: those of a beginning that has ended */
    struct step step;
    uint32_t
        usual_steps; /* of a sequence from its beginning to its end, in 256ths: averaged over those that came to it */
    /* of the call at hand, and of the step; one that was given up meanwhile has no request */
    struct running **called;
    struct beam **stepped;
    unsigned char **places;
};

/* -ENOMEM. */
int sequences_new(const struct instance *instance, struct sequences **out);
struct sequences *sequences_free(struct sequences *sequences); /* accepts NULL; returns NULL */

/* Gives a slot that is free, and blocks of which there are enough, to a sequence that begins with such a beam. */
void sequences_take(struct sequences *sequences, struct running *slot, struct request *request, uint32_t beam);
/* Gives them back. */
void sequences_give(struct sequences *sequences, struct running *slot);

/* One has come to its end: how many steps are usual. */
void sequences_learn(struct sequences *sequences, const struct running *ended);
/* So many rows of beams so wide: places of a step at most, and steps that all of them take, one wave after the other.
 */
uint32_t sequences_places(const struct sequences *sequences, uint32_t rows, uint32_t beam);
uint64_t sequences_steps(const struct sequences *sequences, uint32_t rows, uint32_t beam);

/* Gives up those of a request; how many those were. */
uint32_t sequences_leave(struct sequences *sequences, const struct request *request);

#endif
