/* SPDX-License-Identifier: Apache-2.0
 *
 * Which samples train and which are held back to choose the best epoch: a random split that depends on the number of
 * samples, the fraction and the seed alone. Where not all samples have labels, or only some of the labels are to be
 * used, both are of the labelled ones; what is left is unlabelled. Of pairs of pictures whole pairs train or are held
 * back, with all of their samples.
 */
#ifndef FORGE_EXPERIMENT_SPLIT_H
#define FORGE_EXPERIMENT_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "forge/data/dataset.h"

struct split {
    /* All of them: first the training samples, then the unlabelled ones, then the validation samples; each ascending.
     */
    uint32_t *samples;
    size_t train_count, unlabelled_count, validation_count;
};

#define SPLIT_NULL ((struct split){ .samples = NULL })

int split_make(size_t count, double validation, uint64_t seed, struct split *out); /* -ENOMEM */
/* `labelled` of the samples that have labels, or with 0 all of those: of each class as its share is, one at least, at
 * random by the seed. -ENOMEM. */
int split_make_labelled(const struct dataset *data, uint64_t labelled, double validation, uint64_t seed,
                        struct split *out);

static inline const uint32_t *split_unlabelled(const struct split *split)
{
    return split->samples + split->train_count;
}

static inline const uint32_t *split_validation(const struct split *split)
{
    return split->samples + split->train_count + split->unlabelled_count;
}

void split_deinit(struct split *split); /* idempotent */

#endif
