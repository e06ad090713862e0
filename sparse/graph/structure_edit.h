/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes to a structure. Layers with connections are counted from 1, in their order; that is how people name a place.
 *
 * A change is made without looking whether the whole fits then, because several together may (a residual network is
 * widened by as many changes as its branches have ends); structure_plan_at() checks, and structure_ties.h tells which
 * belong together. A change that is refused leaves the structure as it was. Plans are of before.
 */
#ifndef SPARSE_GRAPH_STRUCTURE_EDIT_H
#define SPARSE_GRAPH_STRUCTURE_EDIT_H

#include "sparse/graph/structure.h"

/* A new layer becomes the `place`-th: of the kind that stands there, with `neurons` outputs, and followed by what
 * follows the one before it (or, at the first place, itself): its activation. WISP_E_INVALID; WISP_E_FORMAT when there
 * cannot be so many neurons; -ENOMEM. */
int structure_insert(struct structure *structure, uint32_t place, uint32_t neurons, struct reason *why);

/* The `place`-th goes, with the activations and norms that follow it; who read it reads what it read. WISP_E_INVALID
 * when it is the only one, or a map of an attention. */
int structure_remove(struct structure *structure, uint32_t place, struct reason *why);

/* The `place`-th gets another number of output neurons or channels. */
int structure_set_neurons(struct structure *structure, uint32_t place, uint32_t neurons, struct reason *why);

/* The last one does, and the structure is another by its name: "NAME.NEURONS". */
int structure_set_outputs(struct structure *structure, uint32_t neurons, struct reason *why);

/* A copy with arrays of its own. -ENOMEM. */
int structure_copy(const struct structure *structure, struct structure *out);

#endif
