/* SPDX-License-Identifier: Apache-2.0
 *
 * A word's tag as that which the word, as it is written, has most often in the training samples. A word that they do
 * not have gets what words have most often that occur in them once, of those that begin with a capital (of A to Z) or
 * of those that do not. Of tags as frequent it is the first label.
 */
#ifndef FORGE_BASELINES_FREQUENT_H
#define FORGE_BASELINES_FREQUENT_H

#include "forge/data/dataset.h"

/* Over the words of a set. A tag that is none of the labels is never right. */
struct frequent_counts {
    uint64_t words, right;
    uint64_t actual, predicted, found; /* of tags other than DATASET_NO_KEYWORD: there, said, and both */
};

/* Both sets are tagged, and with the same labels. -ENOMEM. */
int frequent_tags(const struct dataset *training, const struct dataset *set, struct frequent_counts *out);

#endif
