/* SPDX-License-Identifier: Apache-2.0
 *
 * Which learning rate suits: short trainings from the same weights, each with a rate four times that of the one before,
 * around the usual one. Each is a run of the trainer as any other, so the answer has the same bits for any number of
 * threads.
 */
#ifndef FORGE_TRAIN_RATE_SEARCH_H
#define FORGE_TRAIN_RATE_SEARCH_H

#include "forge/train/trainer.h"

enum { RATE_SEARCH_RATES = 7, RATE_SEARCH_STEPS = 64, RATE_SEARCH_LAST = 16 };

/* For each rate that was tried, ascending, the mean loss of the last batches; infinite where one was no number. */
struct rate_search {
    double rates[RATE_SEARCH_RATES], losses[RATE_SEARCH_RATES];
    size_t count;
};

/* Trains the setup's model, of which nothing is used afterwards, with the setup's recipe in all but its rate, its
 * schedule and its ends, and adds what came of it. */
int rate_search_try(const struct trainer_setup *setup, struct rate_search *search, struct reason *why);

/* Whether a larger rate is worth a try: not after two that were worse than the best before them. */
bool rate_search_goes_on(const struct rate_search *search);

/* Half of the rate whose loss was the lowest: what is best for a minute is a little too fast for an hour. 0: all
 * diverged. */
double rate_search_choose(const struct rate_search *search);

#endif
