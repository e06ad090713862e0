/* SPDX-License-Identifier: Apache-2.0
 *
 * For each label of which a sample may have several the threshold, in thousandths, at which its F1 is best.
 *
 * A label that few samples have says little of its own: the best threshold of five samples is anybody's guess. So each
 * label's counts are joined by those of all labels together, as if they were of THRESHOLD_PRIOR more samples that have
 * it: with many of its own they do not weigh, with none the threshold is that of all.
 */
#ifndef FORGE_THRESHOLDS_CHOOSE_H
#define FORGE_THRESHOLDS_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THRESHOLD_ONE = 1000, THRESHOLD_PRIOR = 10 };

/* How many answers of a label have a probability of so many thousandths, and how many of those are right. */
struct threshold_counts {
    uint32_t all[THRESHOLD_ONE + 1], right[THRESHOLD_ONE + 1];
};

/* Of a probability from 0 to 1. */
static inline void threshold_count(struct threshold_counts *counts, float probability, bool right)
{
    const size_t at = (size_t)(probability * (float)THRESHOLD_ONE);

    counts->all[at]++;
    counts->right[at] += right;
}

/* The threshold of each of the labels, from 1 to THRESHOLD_ONE - 1; of neighbours that are equal the middle one.
 * WISP_E_INVALID when no sample has any label; -ENOMEM. */
int thresholds_choose(const struct threshold_counts *counts, size_t labels, uint32_t *out);

#endif
