/* SPDX-License-Identifier: Apache-2.0
 *
 * Thresholds of a trained model, by what it answers of samples that it has not learned from.
 */
#ifndef FORGE_THRESHOLDS_LEARN_H
#define FORGE_THRESHOLDS_LEARN_H

#include "base/pool.h"
#include "forge/data/dataset.h"
#include "forge/train/batches.h"
#include "forge/train/loss.h"

/* Who answers, and of what; all borrowed. */
struct threshold_samples {
    const struct dataset *data;
    struct batches *batches;
    const struct loss *loss;
    const struct kernels *kernels;
    struct pool *pool;
    const uint32_t *which; /* samples held back */
    size_t count;
};

/* Whether the model's labels hold each by itself, and there are samples to ask of. */
bool thresholds_are_wanted(const struct model *model, const struct threshold_samples *samples);

/* Gives the model its thresholds; none where no sample has a label. WISP_E_INTERRUPTED, WISP_E_INVALID (an answer is no
 * number): it has none; -errno. */
int thresholds_learn(struct model *model, const struct threshold_samples *samples, struct reason *why);

#endif
