/* SPDX-License-Identifier: Apache-2.0
 *
 * The connections of a convolution in the order of what is computed from them, each with the place in a frame where its
 * view begins. The weight goes by its rows; where what is computed is a column's, or a phase's of either, they are
 * grouped anew, and within a group the order of the weight stays.
 */
#ifndef SPARSE_LAYERS_SHIFT_LIST_H
#define SPARSE_LAYERS_SHIFT_LIST_H

#include "sparse/tensor/csr.h"

/* Where the connection of row r, counted from the first that is listed, and column j goes: to the group groups[j] +
 * r / rows_together * together_step, at the offset offsets[j] + r % rows_together * row_offset. */
struct shift_route {
    const uint32_t *groups, *offsets;
    uint32_t rows_together, together_step;
    uint64_t row_offset;
};

struct shift_list {
    uint64_t *begins, *ends; /* by group */
    uint32_t *offsets;       /* by connection, in the order of the groups; so are the others */
    float *values;           /* NULL: not wanted */
    uint32_t *sources;       /* its number in the weight; NULL: not wanted */
};

/* The list of rows [begin, end) of the weight, grouped. */
void shift_list_group(const struct shift_list *list, uint32_t groups, const struct csr *weight, uint32_t begin,
                      uint32_t end, const struct shift_route *route);

/* The list of rows [begin, end) as they stand, a row a group: from where its begin is, up to column `past`. Offsets
 * stand at the connections' own numbers. */
void shift_list_rows(const struct shift_list *list, const struct csr *weight, uint32_t begin, uint32_t end,
                     const struct shift_route *route, uint32_t past);

#endif
