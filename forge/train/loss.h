/* SPDX-License-Identifier: Apache-2.0
 *
 * Losses: how far an answer is from its target, and which way is down. One table, a row a loss; --loss chooses, else
 * what the model's last layer makes of its numbers.
 *
 * Targets are tensors, laid out like the output they are compared with (samples innermost): either int32, one class for
 * each position, or float32, a number for each element. A loss is of one sample; gradients are of the sum over the
 * batch, with respect to what the last layer reads where that layer and the loss belong together (softmax and
 * cross-entropy, sigmoid and binary cross-entropy), else to what it gives.
 *
 * cross-entropy: -log p[class], mean over the positions; gradient p - t, where t is 1 at the class and 0 elsewhere, or,
 * with label smoothing e over C classes, 1 - e + e / C and e / C; both 0 at positions that have no class.
 *
 * binary-cross-entropy: -sum over the elements of t log p + (1 - t) log(1 - p); gradient p - t, where smoothing takes t
 * to (1 - e) t + e / 2.
 *
 * mse: mean over the elements of (y - t)^2; gradient 2 (y - t) / elements.
 *
 * l1: mean over the elements of |y - t|; gradient sign(y - t) / elements.
 *
 * none: 0, for what is learned of an adversary alone (forge/adversary/).
 *
 * A teacher's answers q in the place of labels are targets as they are, but for classes: there both distributions are
 * softened by a temperature T, q' ~ q^(1/T) and p' ~ p^(1/T), and the gradient is T (p' - q'), mean over the positions
 * (Hinton, Vinyals and Dean 2015: T^2 times that of their cross-entropy, so that it keeps its size). What is reported
 * is -sum of q log p; right is who agrees on the most probable class.
 *
 * sequence-cross-entropy: of words in their order, and of numbers that no softmax has seen: -log of the softmax at the
 * word, mean over the positions that have one; gradient as that of cross-entropy, 0 where there is none.
 *
 * ctc: of labels in their order, of which nobody says where they are (ctc.h), and of numbers that no softmax has seen:
 * -log of their probability; 0 is no label. Labels that do not fit have no gradient, and positions behind a sample's
 * length neither.
 *
 * dice: 1 - (2 sum p t + 1) / (sum p + sum t + 1), sums over the positions, mean over the features (Milletari, Navab
 * and Ahmadi 2016, with the 1 by which an empty mask is learned too): of masks that cover little of a picture.
 *
 * masked-snr: of masks, by which the spectra of a sound are multiplied: the negative ratio, in decibels, of what is
 * wanted to what is left besides (losses/masked.h).
 *
 * What is reported is without smoothing and without the weights that classes may have in the gradient. The samples of a
 * batch are shared among the pool's threads; sums over them run in their order, so nothing depends on the threads.
 */
#ifndef FORGE_TRAIN_LOSS_H
#define FORGE_TRAIN_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/pool.h"
#include "sparse/graph/model.h"
#include "sparse/kernels/kernels.h"

enum loss_targets {
    TARGETS_CLASS,   /* int32 [positions]: a class of the output's first dimension; of several positions LOSS_NONE or
                        LOSS_UNKNOWN, too */
    TARGETS_SET,     /* float32, as the output: 1 for each label that the sample has, else 0 */
    TARGETS_NUMBERS, /* float32, as the output */
    TARGETS_TAUGHT,  /* float32, as the output: probabilities of classes */
    TARGETS_WORDS,   /* int32 [positions]: a word, by its number in the output's first dimension; below 0: none */
    TARGETS_LABELS,  /* int32 [positions]: labels in their order, from the first on; below 0 behind the last */
    TARGETS_SPECTRA, /* float32, four numbers an element, one plane after the other (losses/masked.h) */
};

enum {
    LOSS_NONE = -1,    /* nothing is there: a text has fewer words */
    LOSS_UNKNOWN = -2, /* something is, which is none of the classes: no answer is right */
};

/* What became of one sample. Labels are counted: those predicted, those that it has, and those that are both; a class
 * is one, numbers are none. */
struct loss_sample {
    double loss;     /* NaN when an output is: then the rest says nothing */
    uint32_t best;   /* with classes: the most probable, the first of equals; of the first position */
    uint32_t wanted; /* there: the class of the target, or the teacher's most probable */
    uint32_t predicted, actual, correct;
    uint32_t edits; /* of labels in their order: what makes of those that were said those that it has */
};

struct loss_call;

enum { LOSS_GROUP = CACHE_LINE / sizeof(float) }; /* samples whose elements share a cache line */

struct loss {
    const char *name; /* as --loss takes it and the lineage says it */
    enum loss_targets targets;
    bool joined;  /* with the last layer: the gradient is of what that reads */
    bool smooths; /* labels, where that is asked for; others have none, or need them as they are */
    bool squares; /* it is the mean of the numbers' squared differences */
    /* One of the two: what becomes of one sample, or of up to LOSS_GROUP neighbours. */
    void (*sample)(const struct loss_call *call, size_t sample);
    void (*group)(const struct loss_call *call, size_t begin, size_t count);
};

/* A loss with room for the targets and results of a batch. */
struct loss_batch {
    const struct loss *loss;
    size_t features, positions, max; /* of the output; samples at once */
    size_t sounds;                   /* whose spectra are masked, of as many features each; 1 at first */
    float temperature;               /* of a teacher's classes */
    float threshold;                 /* a label counts as predicted above it; 0.5 at first */
    const uint32_t *thresholds;      /* or each from so many thousandths on; NULL at first; borrowed */
    float *weights;                  /* of the classes, in the gradient only; all 1 at first */
    int32_t *classes;                /* targets: [positions][count], or */
    float *values;                   /* [planes][features][positions][count] */
    const struct kernels *kernels;
    float *panels;     /* of words: [features][LOSS_GROUP] for each group of samples; of labels at each position */
    double *room;      /* of labels: */
    size_t room_group; /* so much for each group of samples */
    uint32_t *lengths; /* there: from 1, the positions of each sample that count; all at first */
    struct loss_sample *samples; /* of the last loss_run() */
};

#define LOSS_BATCH_NULL ((struct loss_batch){ .max = 0 })

/* NULL past the end; by name, NULL when not known. */
const struct loss *loss_at(size_t index);
const struct loss *loss_find(const char *name);
/* Whether its targets are numbers of words: at each position, or in their order. */
static inline bool loss_is_of_words(const struct loss *loss)
{
    return loss->targets == TARGETS_WORDS || loss->targets == TARGETS_LABELS;
}

/* Whether something can be right, and is counted. */
static inline bool loss_has_score(const struct loss *loss)
{
    return loss->targets != TARGETS_NUMBERS && loss->targets != TARGETS_SPECTRA;
}

/* How many numbers of a target stand beside each number that a network gives. */
static inline size_t loss_planes(const struct loss *loss)
{
    return loss->targets == TARGETS_SPECTRA ? 4 : 1;
}

/* The one by which a model that is trained by `loss` learns from a teacher: its targets are the teacher's output. */
const struct loss *loss_taught(const struct loss *loss);

/* Whether targets are one class of several, be it that a label or a teacher says which. */
static inline bool loss_is_of_classes(const struct loss *loss)
{
    return loss->targets == TARGETS_CLASS || loss->targets == TARGETS_TAUGHT;
}

/* The loss that a model is trained by: the wished one, or with NULL the one that suits its last layer; and the value
 * whose gradient it gives. WISP_E_FORMAT, and says what does not fit. */
int loss_of_model(const struct model *model, const struct loss *wish, const struct loss **out, uint32_t *value,
                  struct reason *why);

int loss_batch_init(struct loss_batch *batch, const struct loss *loss, const struct shape *output,
                    size_t max);                  /* -ENOMEM */
void loss_batch_deinit(struct loss_batch *batch); /* idempotent */

/* What stands there of `max` samples from `begin` on, a multiple of LOSS_GROUP: laid out as a batch of their own, so
 * that several threads can each have one. Borrows all of it. */
static inline struct loss_batch loss_batch_slice(const struct loss_batch *batch, size_t begin, size_t max)
{
    struct loss_batch slice = *batch;

    slice.max = max;
    slice.samples += begin;
    if (slice.classes)
        slice.classes += begin * batch->positions;
    if (slice.values)
        slice.values += begin * loss_planes(batch->loss) * batch->features * batch->positions;
    if (slice.panels)
        slice.panels += begin * batch->features * (batch->room ? batch->positions : 1);
    if (slice.room)
        slice.room += begin / LOSS_GROUP * batch->room_group;
    if (slice.lengths)
        slice.lengths += begin;
    return slice;
}

/* From what the last layer gave for `count` samples and the targets that stand in `batch`. `gradient`, laid out like
 * the output, is overwritten; NULL: not wanted. */
void loss_run(struct loss_batch *batch, const float *output, size_t count, float smoothing, float *gradient,
              struct pool *pool);

/* Whether a label counts as predicted. */
static inline bool loss_holds(const struct loss_batch *batch, size_t label, float probability)
{
    return batch->thresholds ? probability >= (float)batch->thresholds[label] / MODEL_THRESHOLD_ONE
                             : probability > batch->threshold;
}

/* Sums over samples, in their order. */
struct loss_tally {
    double loss;
    uint64_t samples, predicted, actual, correct;
};

void loss_add(const struct loss_batch *batch, size_t count, struct loss_tally *tally);
struct ranks;
void loss_join(struct loss_tally *tally, const struct ranks *ranks); /* with those of all ranks */

static inline double loss_mean(const struct loss_tally *tally)
{
    return tally->samples ? tally->loss / (double)tally->samples : 0;
}

/* The labels' micro F1, 2 correct / (predicted + actual): for one class a sample, the accuracy. 0 for numbers. */
static inline double loss_score(const struct loss_tally *tally)
{
    const uint64_t labels = tally->predicted + tally->actual;

    return labels ? (double)(2 * tally->correct) / (double)labels : 0;
}

#endif
