/* SPDX-License-Identifier: Apache-2.0
 *
 * The trainer: minibatch gradient descent, by the recipe's optimiser, on the connections a model has, and on nothing
 * else. No dense matrix exists at any time; memory is a few numbers a connection (trainer_memory).
 *
 * One thread drives it, with a thread pool for the sums. The result depends on the model, the data and the recipe
 * alone; and, in the last bits, on how many ranks there are.
 *
 * Ranks run it in step: each goes forward and back on a share of the minibatch, the gradients and what the losses come
 * to are summed, and all make the same step from the same bits. Whatever ends or changes a run follows from those sums
 * or is agreed on. The first rank alone keeps checkpoints; all read the one that a run goes on from, or is
 * rolled back to.
 */
#ifndef FORGE_TRAIN_TRAINER_H
#define FORGE_TRAIN_TRAINER_H

#include "forge/ranks/ranks.h"
#include "forge/train/batches.h"
#include "forge/train/checkpoint.h"
#include "forge/train/progress.h"
#include "forge/train/recipe.h"
#include "forge/train/result.h"
#include "sparse/graph/model.h"
#include "sparse/graph/parameters.h"
#include "sparse/kernels/kernels.h"

struct trainer;

/* Borrowed by the trainer for its life. */
struct trainer_setup {
    struct model *model; /* its weights are trained in place */
    const struct kernels *kernels;
    struct pool *pool;
    const struct ranks *ranks; /* that share each minibatch and come to the same weights; NULL: this process alone */
    const struct recipe *recipe;
    struct batches *batches; /* NULL: it is beside another; who trains it brings its inputs, and takes their gradient */
    const uint32_t *train, *validation; /* samples; validation_count may be 0 */
    size_t train_count, validation_count;
    struct progress *progress;
    /* What the run is of, for checkpoints; the file that gets one after each epoch and when the run is interrupted, and
     * the one to begin from. NULL: none. */
    json_t *run;
    const char *checkpoint;
    const int32_t *labels; /* what the run says itself of so many samples, for its checkpoints; NULL */
    uint64_t label_count;
    uint64_t checkpoint_steps; /* and one after so many steps, and when so many minutes have passed; 0: none */
    double checkpoint_minutes;
    struct checkpoint *resume;     /* emptied when the run begins */
    double minutes;                /* after which the run ends; 0: never */
    uint64_t pause;                /* epochs after which it ends for now; 0: never */
    const struct answers *answers; /* that are learned in place of what the data say; NULL */
    /* Another network, that is trained in the midst of this one's steps: it is compared, remembered and kept in
     * checkpoints with this one. NULL: there is none. `turn` is its part of a step of `count` samples in all, of which
     * this process has `own` from `begin` on: the model has gone forward, and it may add to the gradient of what the
     * model gives, and to the samples' losses. WISP_E_INVALID: that network has diverged. */
    struct trainer *beside;
    int (*turn)(void *turner, struct trainer *trainer, size_t begin, size_t own, size_t count);
    void *turner;
    bool full_input; /* what goes into the model is wanted in full, be most of it 0 */
    /* Adds to the gradient of a step what is not of its batch, of `count` samples; NULL: nothing is added. */
    int (*add)(void *adder, struct trainer *trainer, size_t count, struct reason *why);
    void *adder;
    /* Is told the mean loss of each batch, before the weights move by it; NULL: nobody is. */
    void (*observe)(void *observer, uint64_t step, double loss);
    void *observer;
};

/* WISP_E_FORMAT when the model cannot be trained: no softmax at its end, a layer without a backward pass. */
int trainer_new(const struct trainer_setup *setup, struct trainer **out, struct reason *why);
struct trainer *trainer_free(struct trainer *trainer); /* accepts NULL; returns NULL */

/* Trains until one of the ends that the recipe names, or an interruption (forge/train/interrupt.h), after the batch at
 * hand, and says which in out->ending. Leaves the model with the weights of the epoch that was best on the validation
 * samples, or with the last ones without such samples. An epoch that steps or minutes cut short counts as one; what an
 * interruption left of one does not. When the loss, or a weight, is no number any more, the model
 * has the weights of the best epoch, without such samples those of the last checkpoint, and without one the result is
 * WISP_E_INVALID, and what to do. */
int trainer_run(struct trainer *trainer, struct trainer_result *out, struct reason *why);

/* The gradient of the loss over minibatch `number`, 0, 1, ..., of one epoch after the other, by the weights as they
 * are, which stay; statistics do not. *out: an array of the trainer's, with the index of the parameters. As
 * trainer_run(). */
int trainer_gradient(struct trainer *trainer, uint64_t number, const float **out, struct reason *why);

/* Bytes of what follows the connections: values and gradients, `slots` of the optimiser, a copy of the best epoch,
 * and the indices. The counts of a model without weights will do. */
uint64_t trainer_memory_of(const struct model *model, const struct parameters *parameters, uint64_t slots, bool best);
/* The same of a trainer. */
size_t trainer_memory(const struct trainer *trainer);
/* Bytes of the activations, which follow neurons times batch. */
size_t trainer_activation_memory(const struct trainer *trainer);

#endif
