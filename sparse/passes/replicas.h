/* SPDX-License-Identifier: Apache-2.0
 *
 * Data parallelism in a pass whose samples go one after the other: a pool's threads take a sample each, from its inputs
 * to its outputs, and meet when all are through. Each but the first has a replica for that: a pass of one sample, on
 * the weights of the one that it belongs to.
 */
#ifndef SPARSE_PASSES_REPLICAS_H
#define SPARSE_PASSES_REPLICAS_H

#include "sparse/passes/forward.h"

/* As many as the pool may have threads besides the caller, once its times are taken; it has made them: their times are
 * taken anew. -ENOMEM. */
int replicas_make(struct forward *forward);
void replicas_free(struct forward *forward);

/* Has each go to its sample of those that are served next, from the first step on. */
void replicas_begin(struct forward *forward);

#endif
