/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples that are served as bags: where the model's input is wide and few of it are not 0, as counts of words or
 * n-grams are, the layers that read it walk the connections of these elements alone, and read samples where they stand.
 *
 * Whether samples are, is seen for each pass: their elements that are not 0 are counted before it begins, and walked
 * where that is reckoned to take three quarters of the time of the whole product at most. The bits are the same
 * (kernels.h).
 */
#ifndef SPARSE_PASSES_BAGS_H
#define SPARSE_PASSES_BAGS_H

#include "sparse/passes/forward_plan.h"

/* Whether such a pass may have bags, and the weights of a layer that reads the model's input an index by columns. */
bool bags_are_possible(const struct forward_setup *setup);
/* Of a pass that may, once it has its weights: how many elements a sample may have, by class of batches. */
void bags_plan(struct forward *forward);
/* Whether these samples are. */
bool bags_suit(const struct forward *forward, const void *const *inputs, size_t count);

#endif
