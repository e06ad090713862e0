/* SPDX-License-Identifier: Apache-2.0
 *
 * One of the candidates: how it is made, and trained.
 */
#ifndef FORGE_EXPERIMENT_CANDIDATE_H
#define FORGE_EXPERIMENT_CANDIDATE_H

#include "forge/experiment/candidates.h"

/* Number 0 is the file as it is. */
int candidate_make(const struct candidates *candidates, uint64_t number, struct model **out, uint64_t *seed,
                   struct reason *why);

/* A training of it: no checkpoints, and no end but the recipe's epochs and steps. */
struct trainer_setup candidate_setup(const struct candidates *candidates, struct model *model);

/* The training that is wanted. */
int candidate_train(const struct candidates *candidates, uint64_t number, uint64_t seed, struct model *model,
                    struct trainer_result *result, struct reason *why);

#endif
