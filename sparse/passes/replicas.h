/* SPDX-License-Identifier: Apache-2.0
 *
 * Data parallelism in a pass: a pool's threads take samples each, from their inputs to their outputs, and meet when all
 * are through. Each but the first has a replica for that: a pass of so many samples, on the weights of the one that it
 * belongs to.
 */
#ifndef SPARSE_PASSES_REPLICAS_H
#define SPARSE_PASSES_REPLICAS_H

#include "sparse/passes/forward.h"

/* As many as the pool may have threads besides the caller, once its times are taken; where they are made, they are told
 * its times. -ENOMEM. */
int replicas_make(struct forward *forward);

/* Whether so many threads can have so many samples between them. */
bool replicas_suit(const struct forward *forward, size_t count, unsigned threads);

/* Has each go to its samples of those that are under way, from the first step on. */
void replicas_begin(struct forward *forward);

#endif
