/* SPDX-License-Identifier: Apache-2.0
 *
 * One of the candidates: how it is made, and trained.
 */
#ifndef FORGE_EXPERIMENT_CANDIDATE_H
#define FORGE_EXPERIMENT_CANDIDATE_H

#include "forge/experiment/candidates.h"

/* A training of a candidate. What is NULL is as the candidates have it. */
struct training {
    uint64_t number, seed;
    struct model *model;
    struct model *adversary;   /* made by candidate_train() where there is one; the caller's */
    struct checkpoint *resume; /* to begin from, and emptied; or NULL */
    /* Of a round, where there are several: */
    const struct recipe *recipe;
    const uint32_t *train;
    size_t train_count;
    const int32_t *labels; /* of all samples */
    json_t *rounds;        /* what those before came to */
    uint64_t epochs;       /* of all its trainings so far */
};

/* Number 0 is the file as it is. */
int candidate_make(const struct candidates *candidates, uint64_t number, struct model **out, uint64_t *seed,
                   struct reason *why);

/* A training of it: no checkpoints, and no end but the recipe's epochs and steps. */
struct trainer_setup candidate_setup(const struct candidates *candidates, struct model *model);

/* What decides the bits of its training, for its checkpoints. NULL: out of memory. */
json_t *candidate_describe(const struct candidates *candidates, const struct training *training);

/* Whether each rank trains candidates of its own: rank r numbers r, r + ranks, and so on. */
bool candidates_are_shared(const struct candidates *candidates);

/* By the validation accuracy; of equal ones, by the loss. */
bool candidate_is_better(const struct trainer_result *a, const struct trainer_result *b);

/* As the lineage lists it. NULL: out of memory. */
json_t *candidate_json(uint64_t seed, const struct trainer_result *result);

/* The training that is wanted. */
int candidate_train(const struct candidates *candidates, struct training *training, struct trainer_result *result,
                    struct reason *why);

#endif
