/* SPDX-License-Identifier: Apache-2.0
 *
 * From samples to activations: a batch of samples, each turned into a tensor (augmented or as it is), stands
 * feature-major in an activation, as forward_run() takes it; or each sample is lent by what of it is not 0. Tensors
 * that are always the same are made once and kept, when they fit: of texts what is not 0; of pictures their bytes,
 * which take a quarter, and nothing at all where the data have them in the tensor's size. Of pairs of pictures a tile
 * is taken each time, as it stands or, by a recipe, at another place. The threads of the thread pool share the samples
 * of a batch; which thread makes a tensor changes nothing in it.
 */
#ifndef FORGE_TRAIN_BATCHES_H
#define FORGE_TRAIN_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "forge/data/dataset.h"
#include "forge/train/loss.h"
#include "forge/train/recipe.h"
#include "sparse/passes/forward.h"

#define BATCHES_KEEP_MAX (1ull << 30) /* bytes of tensors that are kept */

struct batches;

/* `keep`: make all tensors now, and keep them if they fit. What is passed must outlive the batches. */
int batches_new(const struct dataset *data, const struct media *media, struct pool *pool, bool keep,
                struct batches **out, struct reason *why);
struct batches *batches_free(struct batches *batches); /* accepts NULL; returns NULL */

/* The same samples, as they are labelled now, for one thread without the pool, which makes batches of them while others
 * make batches of other ones. `of`, which owns the tensors, outlives it. -ENOMEM. */
int batches_alone(const struct batches *of, struct batches **out);

/* That the texts are learned word by word (sequence.h), of pairs the targets. */
struct batches_words {
    const struct media *media; /* of the data's targets; NULL: texts alone */
    uint32_t source, target;   /* the model's inputs that texts and targets go to */
    bool apart;                /* targets go to no input: they are labels in their order, of recordings the data's */
};

/* Once, before the first batch. */
int batches_follow(struct batches *batches, const struct batches_words *words, bool keep, struct reason *why);

/* One of the model's inputs gets noise, uniform in [-1, 1) (as Radford, Metz and Chintala 2016 draw it), of the
 * recipe's seed, the epoch and the sample alone; of samples as they are always the same. */
struct batches_noise {
    bool drawn; /* false: none does */
    bool alone; /* there is no other input: samples are only what is to come out */
    uint32_t input;
    size_t elements;
};

/* Once, before the first batch. */
void batches_draw(struct batches *batches, const struct batches_noise *noise);

/* Which samples, and how they are made. */
struct batch {
    const uint32_t *which;
    size_t count;
    const struct recipe *recipe; /* augmented, as its seed and `epoch` say; NULL: as they are */
    uint64_t epoch;
};

/* How many words a text has that is learned word by word, and its target. */
struct batch_lengths {
    uint32_t source, target;
};

/* False: the samples are not such texts, or, as the recipe changes them, as long as nobody knows. A pass then has all
 * of its positions; else batches_forward() has it run at as many as the batch needs. */
bool batches_lengths(const struct batches *batches, const struct recipe *recipe, uint32_t sample,
                     struct batch_lengths *out);

/* The samples as columns of `activation`. */
int batches_fill(struct batches *batches, const struct batch *batch, float *activation, struct reason *why);

/* The other text of pairs, likewise: the words as they are to be given, none before the first. */
int batches_fill_target(struct batches *batches, const struct batch *batch, float *activation, struct reason *why);

/* The samples by what of them is not 0: lent until the next call. */
int batches_lend(struct batches *batches, const struct batch *batch, const struct sparse_vector **out,
                 struct reason *why);
/* Whether most of what the samples are is 0, and they go into the pass. */
bool batches_are_sparse(const struct batches *batches);

/* Runs the pass on the samples, in the way that it takes them; on none, for its peers. */
int batches_forward(struct batches *batches, const struct batch *batch, struct forward *forward, enum layer_mode mode,
                    struct reason *why);

/* Classes in place of those that the data say, one a sample; borrowed. Negative: none, and the sample is no one's to
 * train on. NULL: those of the data again. */
void batches_relabel(struct batches *batches, const int32_t *classes);

/* Targets that are not in the data: what somebody says of the samples of a batch, laid out like the output. */
struct answers {
    int (*give)(void *giver, const struct batch *batch, float *values, struct reason *why);
    void *giver;
};

/* What those samples are to come out as, into the targets of `loss`, which has room for them: as the data say, or with
 * answers as those do; where words are learned, they are the samples of the last batches_forward(), and where noise is
 * the one input, the samples themselves. */
int batches_targets(struct batches *batches, const struct batch *batch, const struct answers *answers,
                    struct loss_batch *loss, struct reason *why);

/* Adds up how many of the samples have each label, where they have several; false, and nothing, elsewhere. */
bool batches_count_labels(const struct batches *batches, const uint32_t *which, size_t count, size_t *labels);

size_t batches_elements(const struct batches *batches); /* floats of a sample */
uint32_t batches_input(const struct batches *batches);  /* of the model, that samples go to */
bool batches_have_input(const struct batches *batches); /* false: noise alone goes in */
uint32_t batches_class(const struct batches *batches, uint32_t sample);
size_t batches_memory(const struct batches *batches);

#endif
