/* SPDX-License-Identifier: Apache-2.0
 *
 * Which layers must change together: those whose widths an addition, or an attention, makes equal.
 */
#ifndef SPARSE_GRAPH_STRUCTURE_TIES_H
#define SPARSE_GRAPH_STRUCTURE_TIES_H

#include "sparse/graph/structure.h"

/* Of what the layer at `index` joins: "layers 1, 3 and 5 must have as many neurons or channels (8, 4, 4): change them
 * together", with the places that structure_edit.h counts; "" when it joins nothing, or all are equal. */
void structure_ties_text(const struct structure *structure, uint32_t index, char *text, size_t size);

#endif
