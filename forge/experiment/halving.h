/* SPDX-License-Identifier: Apache-2.0
 *
 * Successive halving (Jamieson and Talwalkar 2016): all candidates are trained for a few epochs, the half that is worse
 * on the validation samples stops, the others go on for as many epochs again, and so on, until one comes to the end. It
 * is what it would have been alone: a candidate that waits is a checkpoint, and its rates are those of all epochs.
 *
 * Each candidate k, from 1, has a checkpoint of its own, FILE.k; what has been found so far is in FILE, JSON:
 *
 *   {"version": 1, "run": {...}, "found": [{"candidate", "seed", "epochs", "accuracy", "loss"}, ...]}
 *
 * an entry for each candidate and round, in their order, so that it says what comes next. A run that is resumed goes on
 * in its own files. Without a FILE they are temporary ones.
 */
#ifndef FORGE_EXPERIMENT_HALVING_H
#define FORGE_EXPERIMENT_HALVING_H

#include "forge/experiment/candidates.h"

/* Rounds in which some stop; after the last of them one is left. */
unsigned halving_rounds(uint64_t candidates);
/* Epochs that a candidate has behind it after round 0 .. `rounds`; in the last one there is only one. */
uint64_t halving_epochs(uint64_t epochs, unsigned rounds, unsigned round);
/* Epochs of all candidates together. */
uint64_t halving_epochs_all(uint64_t candidates, uint64_t epochs);

/* out->model is the one that is left, or when interrupted the best so far; `all` is given an object for each candidate.
 * As candidates_run(), besides: WISP_E_FORMAT, -errno: the files to go on from. */
int halving_run(const struct candidates *candidates, struct training_result *out, json_t *all, struct reason *why);

#endif
