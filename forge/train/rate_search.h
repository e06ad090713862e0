/* SPDX-License-Identifier: Apache-2.0
 *
 * Which learning rate suits: a short training on a copy of the weights, in which the rate rises geometrically with each
 * step, from a thousandth to a thousand times the usual one; the loss of its batches falls, and beyond some rate rises
 * again. It is a run of the trainer as any other, so the answer has the same bits for any number of threads.
 */
#ifndef FORGE_TRAIN_RATE_SEARCH_H
#define FORGE_TRAIN_RATE_SEARCH_H

#include "forge/train/trainer.h"

enum { RATE_SEARCH_STEPS = 120 };

/* Means of the batches' losses, one for each rate that was tried, until one was no number. */
struct rate_search {
    double rates[RATE_SEARCH_STEPS], losses[RATE_SEARCH_STEPS];
    size_t count;
};

/* A third of the rate at which the loss was lowest, each loss being smoothed by those before it. 0 of none. */
double rate_search_choose(const struct rate_search *search);

/* Trains the setup's model, of which nothing is used afterwards, with the setup's recipe in all but its rate, which is
 * the usual one, and its ends. */
int rate_search_run(const struct trainer_setup *setup, struct rate_search *out, struct reason *why);

#endif
