/* SPDX-License-Identifier: Apache-2.0
 *
 * When a pass runs on the pool that it was lent: by what one thread takes, and by how the last ones went.
 */
#ifndef SPARSE_PASSES_POOLED_H
#define SPARSE_PASSES_POOLED_H

#include "sparse/passes/forward.h"

/* One thread's time from which on a pass is worth the pool; before one is lent, any. */
uint64_t pooled_from(const struct forward *forward);

/* Whether a pass that takes one thread so long is worth the pool as it is now. What is not timed is whoever's who lent
 * it. */
bool pooled_is_worth(struct forward *forward, uint64_t ns);

/* From a pass that has ended on the pool, and was to take one thread so long. */
void pooled_learn(struct forward *forward, uint64_t estimate);

#endif
