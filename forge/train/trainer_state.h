/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trainer is made of, for the files that it consists of: the run (trainer.c), a minibatch forward and back
 * (trainer_batch.c), one step of all parameters (trainer_step.c), how connections are exchanged before one
 * (trainer_regrow.c), and how it is kept on disk and taken up again (trainer_checkpoint.c).
 */
#ifndef FORGE_TRAIN_TRAINER_STATE_H
#define FORGE_TRAIN_TRAINER_STATE_H

#include "base/clock.h"
#include "forge/train/trainer.h"
#include "sparse/passes/backward.h"

/* What a lane of the groups (forge/train/groups/groups.h) works with. */
struct groups;
struct group_work {
    struct batches *batches; /* that it makes alone; NULL where all groups are the pool's */
    int result;              /* of the minibatch at hand: its first group that failed, */
    size_t failed;           /* where that begins */
    struct reason why;
};

struct trainer {
    struct trainer_setup setup;
    struct forward_peers peers; /* the ranks, as passes take them */
    struct groups *groups;
    struct forward *forward; /* the first of the groups', and of all of a minibatch that is one group */
    struct backward *backward;
    struct group_work *works; /* by lane of the groups */
    const struct optimizer *optimizer;
    enum balance balance;              /* what the recipe's comes to with these samples */
    struct parameters parameters;      /* the index of the arrays below, and of the model's values */
    float *gradient, *best;            /* best NULL when nothing is held back */
    uint64_t *best_places;             /* the connections that `best` is of; NULL where they stay as they are */
    float *average;                    /* NULL where the recipe has none */
    float *slots[OPTIMIZER_SLOTS_MAX]; /* the first optimizer->slots of them */
    double *norms; /* squares of the gradient, summed block by block; NULL where nothing is clipped */
    struct optimizer_clock clock;
    const struct loss *loss;
    struct loss_batch batch;
    uint32_t lost;   /* the value whose gradient the loss gives */
    uint32_t *order; /* of the training samples, in this epoch */
    uint64_t step, steps, per_epoch;
    bool diverged;           /* something is no number any more */
    struct loss_tally tally; /* of the epoch at hand */
    uint64_t began_ns;       /* the run, less what went before it was resumed */
    uint64_t kept_ns;        /* when the last checkpoint was written, or the run began */
};

/* This rank's share of the next `count` samples: where it begins, and how many there are, perhaps none. */
size_t trainer_share(const struct trainer *trainer, size_t count, size_t *begin);
/* Adds what the `count` samples of this rank's share, and those of all others, have come to in loss_run(). */
void trainer_tally(struct trainer *trainer, size_t count);

/* The passes, and what goes through them. As forward_new(). */
int trainer_make_passes(struct trainer *trainer, struct reason *why);
void trainer_free_passes(struct trainer *trainer);

/* Forward and back on a minibatch of this epoch, for the gradient. */
int trainer_batch(struct trainer *trainer, uint64_t epoch, const uint32_t *which, size_t count, struct reason *why);

/* WISP_E_INVALID, and says what to do. `of` is the training, or the one beside it. */
int trainer_refuse_diverged(struct trainer *trainer, const struct trainer *of, uint64_t epoch, struct reason *why);

/* WISP_E_FORMAT when this rank's weights are not the first rank's, to the bit. */
int trainer_compare(const struct trainer *trainer, struct reason *why);

uint64_t trainer_norm_blocks(const struct parameters *parameters);

/* Moves all parameters by the gradient, a sum over this rank's samples that those of all ranks are added to, and that
 * `scale` makes a mean; by the whole thread pool. */
void trainer_step(struct trainer *trainer, float scale);

/* to += factor * from: an addition to a gradient, by the whole thread pool. */
void gradient_add(struct pool *pool, float *to, const float *from, uint64_t length, float factor);

/* Exchanges connections if that is due before the next step: with the gradient at hand, which moves along. */
int trainer_regrow(struct trainer *trainer, struct reason *why);

/* The weights as they are, with the connections they are of, are the best so far; and back to them. Those beside, too.
 */
void trainer_remember(struct trainer *trainer);
void trainer_recall(struct trainer *trainer);

/* The same from the checkpoint that this run has written. Not 0 when there is none. */
int trainer_take_back(struct trainer *trainer, struct trainer_result *out);

/* Whether there is an average already; and exchanges it with the weights. */
bool trainer_has_average(const struct trainer *trainer);
void trainer_swap_average(struct trainer *trainer);

/* Since the run began. */
static inline double trainer_seconds(const struct trainer *trainer)
{
    return (double)(clock_ns() - trainer->began_ns) / (double)NS_PER_S;
}

/* Writes the run's checkpoint; warns when that fails. */
void trainer_keep(struct trainer *trainer, const struct trainer_result *result);
/* All or nothing: the arrays are compared before one is copied. WISP_E_INVALID, WISP_E_FORMAT. */
int trainer_restore(struct trainer *trainer, struct trainer_result *out, struct reason *why);

#endif
