/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model thinks of samples that it has seen several times, each time under other noise: the class that most of
 * the passes say, how many say it, and how likely they think it. The noise is the recipe's augmentation and input
 * dropout; where the recipe has neither, a part of the inputs is dropped.
 */
#ifndef FORGE_UNLABELLED_OPINIONS_H
#define FORGE_UNLABELLED_OPINIONS_H

#include "base/pool.h"
#include "forge/train/batches.h"
#include "sparse/graph/model.h"
#include "sparse/kernels/kernels.h"

enum { OPINION_PASSES_MAX = 1000 };

/* What is dropped of the inputs, where nothing else makes passes differ. */
#define OPINION_DROPOUT 0.2

struct opinion {
    uint32_t class;  /* that most say; of as many the likelier one, of equally likely ones the first */
    uint32_t votes;  /* passes that say it */
    float certainty; /* its mean probability over all passes */
};

/* Borrowed for the call. */
struct opinions_setup {
    const struct model *model; /* that gives the probabilities of classes */
    const struct kernels *kernels;
    struct pool *pool;
    const struct recipe *recipe;
    struct batches *batches;
    uint64_t round; /* of another round the noise is another */
    uint32_t passes;
};

/* The recipe of the noise. */
struct recipe opinions_noise(const struct recipe *recipe);

/* Of the samples which[0 … count), into out[count]. WISP_E_INTERRUPTED, WISP_E_FORMAT for a sample, -errno. */
int opinions_ask(const struct opinions_setup *setup, const uint32_t *which, size_t count, struct opinion *out,
                 struct reason *why);

#endif
