/* SPDX-License-Identifier: Apache-2.0
 *
 * What batches are, for the files that they consist of: how they are made (batches.c), and what a pass and a loss take
 * of them (batches_pass.c).
 */
#ifndef FORGE_TRAIN_BATCHES_STATE_H
#define FORGE_TRAIN_BATCHES_STATE_H

#include "forge/data/pairs/pairs.h"
#include "forge/data/recordings/recordings.h"
#include "forge/train/batches.h"
#include "forge/train/nonzeros.h"
#include "forge/train/sequence.h"

struct batches {
    const struct dataset *data;
    const int32_t *classes; /* that are said instead of the data's; NULL */
    const struct media *media;
    struct pool *pool;
    bool borrowed; /* `sounding`, `kept`, `fitted`, `scales` and `sparse` are another's */
    size_t elements;
    uint32_t bands, frames;  /* of a sound's tensor */
    uint32_t *sounding;      /* how many of them each sound lasts, as it was made last; NULL: no sounds */
    float *kept;             /* data->count tensors, or NULL */
    uint8_t *fitted;         /* the pictures in the tensor's size, one after the other, or NULL */
    struct nonzeros *sparse; /* the tensors of texts, or NULL */
    struct nonzeros *lent;   /* those that were made for one batch, or NULL */
    struct sparse_vector *vectors;
    size_t lent_max;            /* vectors, and samples in `lent` */
    struct batches *targets;    /* of pairs, or NULL */
    struct dataset target_data; /* what they are made from: the data's targets as its texts */
    struct batches_words words;
    struct batches_noise noise;
    bool following;                    /* word by word */
    struct sequence last;              /* the last batch, as the pass has it */
    bool fit;                          /* the data's pictures have that size as they are */
    struct media_levels levels;        /* what their bytes become, where that is the same for all, */
    struct media_scale *scales;        /* or of each pair what is its own; NULL */
    struct media_levels answer_levels; /* and those of pictures that are targets */
    float *scratch;                    /* a tensor for each part, */
    float *answers;                    /* and of pairs of pictures a target; NULL */
    int *answered;                     /* of each part, what came of the targets at hand, */
    struct part_result *results;       /* of each part, in the filling at hand */
};

/* Of a sample that is a tile of a pair: where it is in this batch. Input and target look it up, and find the same. */
static inline struct crop batches_crop(const struct batches *b, const struct batch *batch, uint32_t sample)
{
    const struct recipe *recipe = batch->recipe;
    struct crop crop;
    struct rng rng;

    if (!recipe)
        return pairs_tile(b->data, sample);
    rng = rng_make(recipe->seed, recipe_stream(STREAM_AUGMENT, batch->epoch, sample));
    crop = pairs_crop(b->data, sample, &rng);
    crop.flip = rng_double(&rng) < recipe->augment.amount[AUGMENT_FLIP];
    crop.turns = augment_turns(&recipe->augment, &rng);
    return crop;
}

/* The same of a block of a recording: what says its place and its noise, in *rng; NULL where it stays as it is. */
static inline const struct rng *batches_place(const struct batch *batch, uint32_t sample, struct rng *rng)
{
    if (!batch->recipe)
        return NULL;
    *rng = rng_make(batch->recipe->seed, recipe_stream(STREAM_NOISE, batch->epoch, sample));
    return rng;
}

#endif
