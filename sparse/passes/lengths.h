/* SPDX-License-Identifier: Apache-2.0
 *
 * Models of sequences that run at fewer positions than they have. A value goes along one of the model's inputs when its
 * last dimension is that input's positions, and what stands at the first of them follows from the first positions of
 * what it is made of. Where every value does, a batch needs as many positions as its longest sequence: what a pass
 * gives there is what it gives at all positions, to the bit, if the inputs are 0 behind their end.
 */
#ifndef SPARSE_PASSES_LENGTHS_H
#define SPARSE_PASSES_LENGTHS_H

#include <stdbool.h>

#include "sparse/graph/model.h"

/* Writes, by value, the model's input that it goes along. False: some value goes along none. */
bool lengths_find(const struct model *model, uint32_t *along);

#endif
