/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the forward pass: the plan, which the backward pass reads too.
 */
#ifndef SPARSE_PASSES_FORWARD_PLAN_H
#define SPARSE_PASSES_FORWARD_PLAN_H

#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/residence.h"
#include "sparse/passes/endings.h"
#include "sparse/passes/forward.h"
#include "sparse/passes/trial.h"
#include "sparse/passes/workspace.h"

#define FORWARD_NO_BUFFER UINT32_MAX

enum { TRIAL_COUNTS = 65 };

/* How far a pass is. */
struct progress {
    uint32_t step;
    unsigned piece, pieces; /* of this step; 0 pieces: it has not been cut yet */
};

/* A pass that is served, step after step: inputs, each layer, outputs. */
struct serving {
    const void *const *inputs; /* the caller's */
    void *const *outputs;
    size_t first, whole, together; /* so many of all samples are under way, from number `first` on; */
    unsigned abreast;              /* so many threads have parts of them, */
    size_t count;                  /* and the first, or the pass that all share, has so many */
    bool apart;                    /* one after the other; or one a thread */
    struct trial *trial;           /* NULL: how the samples go is settled; else what is learnt of it, */
    unsigned way;                  /* and how they do */
    bool bags;                     /* the input's samples are read where they stand (bags.h) */
    bool pooled;                   /* it runs on the pool, from its beginning to its end; */
    uint64_t spent_ns;             /* what its slices took, where it is pooled or has a trial */
    struct progress at;
};

/* What the steps took, of one sample and of as many as were timed. Nanoseconds; NULL: it was not timed. */
struct step_times {
    uint64_t *one, *many;
    uint64_t one_all, many_all; /* their sums */
    size_t count;               /* samples of `many` */
    bool apart;                 /* samples go one after the other: together they took longer */
};

struct forward {
    struct forward_setup setup;
    struct pool *pool; /* the setup's, or what was lent */
    size_t memory;
    struct workspace workspace;
    struct ending *endings;   /* by layer */
    struct weights **weights; /* by layer; NULL where there is no weight; another's array, where the setup says so */
    enum residence residence; /* of those */
    uint32_t *buffer_of;      /* by value */
    float **buffers;
    uint32_t buffer_count;
    struct tensor *values;          /* by value: as it stands in this run */
    uint32_t *along;                /* by value: the input along which it goes (lengths.h); NULL: some go along none */
    const struct layer_step *steps; /* by layer, in a step */
    struct layer_random random;
    struct serving serving;
    struct step_times times;
    size_t bag_most[BATCH_CLASSES]; /* elements of a sample that is served as a bag; 0: none is */
    uint32_t doubt,
        alone; /* how many passes stay off the pool at most after one that was no faster on it; and still do */
    struct forward **replicas; /* of the pool's threads but the first (replicas.h) */
    unsigned replica_count;
    size_t replica_batch;                 /* samples at most that each has memory for */
    struct trial (*trials)[TRIAL_COUNTS]; /* of one thread and of the pool, by samples; the last are of more, too. NULL:
                                             it serves no batches */
    uint64_t asleep_ns;                   /* when a pass last found the pool asleep */
    void *own, *gathered;                 /* of the layer at hand, and all peers'; NULL without */
};

/* Whether there is such a value in this pass: an input that it is given, or what a layer gives that it runs. */
static inline bool forward_has_value(const struct forward_setup *setup, uint32_t value)
{
    return !setup->part || setup->part->values[value];
}

static inline bool forward_has_layer(const struct forward_setup *setup, uint32_t layer)
{
    return forward_has_value(setup, model_value(setup->model, layer));
}

/* Whether it has a call of its own: no other ends with it. */
static inline bool forward_calls_layer(const struct forward *forward, uint32_t layer)
{
    return forward_has_layer(&forward->setup, layer) && forward->endings[layer].host == layer;
}

/* A layer's call in a run whose values have their places. */
struct layer_call {
    const struct workspace *workspace;
    void (*function)(const struct layer_run *run);
    const struct tensor *in[LAYER_INPUTS_MAX];
    struct finish finish;
    struct layer_run run; /* whole, as one part that has been lent no scratch of its own yet */
};

void forward_free_replicas(struct forward *forward);
void forward_call(const struct forward *forward, uint32_t number, enum layer_mode mode, struct layer_call *call);
/* Every value to its place in the plan's own memory. */
void forward_place(struct forward *forward, size_t count);

/* Which activation a value has: elements of one sample of each, and when it is free. */
struct buffers {
    uint64_t *sizes;   /* elements of one sample */
    uint32_t *free_at; /* the layer after which an activation is free */
    uint32_t count;
};

/* Chooses forward->buffer_of. -ENOMEM. */
int buffers_choose(struct forward *forward, struct buffers *out);
void buffers_deinit(struct buffers *buffers);
/* Chooses, and makes their memory. -ENOMEM. */
int buffers_plan(struct forward *forward);

/* Whether a layer's weights have an index by columns in such a pass. */
bool forward_has_index(const struct forward_setup *setup, const struct layer *layer);

/* Gathers what a layer needs of all peers: `write`, in parts, writes this one's of its samples, where it has some, with
 * `call` in which `run` is; the run is lent both. */
void forward_meet(const struct forward *forward, uint32_t layer, pool_function *write, void *call,
                  struct layer_run *run);

#endif
