/* SPDX-License-Identifier: Apache-2.0
 *
 * Which samples train and which are held back to choose the best epoch: a random split that depends on the number of
 * samples, the fraction and the seed alone.
 */
#ifndef FORGE_EXPERIMENT_SPLIT_H
#define FORGE_EXPERIMENT_SPLIT_H

#include <stddef.h>
#include <stdint.h>

struct split {
    uint32_t *samples; /* all of them: first the training samples, then the validation samples; each ascending */
    size_t train_count, validation_count;
};

#define SPLIT_NULL ((struct split){ .samples = NULL })

int split_make(size_t count, double validation, uint64_t seed, struct split *out); /* -ENOMEM */
void split_deinit(struct split *split);                                            /* idempotent */

#endif
