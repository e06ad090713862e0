/* SPDX-License-Identifier: Apache-2.0
 *
 * One candidate's trainings by semi-supervision (semi.h), one after the other: each of them begins from the first
 * weights, on the data's labels and those that the model before it gave, and has a recipe that suits so many samples. A
 * checkpoint of a round has its labels, and what the rounds before came to.
 */
#ifndef FORGE_EXPERIMENT_ROUNDS_H
#define FORGE_EXPERIMENT_ROUNDS_H

#include "forge/experiment/candidate.h"

/* The model of training->model, and in its place the one of the last round that was begun. *done is a new array, an
 * object a round; NULL after a failure. As candidate_train(). */
int rounds_run(const struct candidates *candidates, struct training *training, struct trainer_result *result,
               json_t **done, struct reason *why);

#endif
