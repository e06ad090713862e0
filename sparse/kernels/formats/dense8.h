/* SPDX-License-Identifier: Apache-2.0
 *
 * dense8, for sixteen samples and more of weights that are nearly full: eight rows side by side, in their own order,
 * with an entry for every column; 0 where no connection is, and a mask that says where.
 *
 * All entries are multiplied, as a dense product does it. A 0 leaves a sum as it is, unless it meets an input that is
 * infinite or no number, which makes the sum NaN and keeps it so, or the sum is itself 0, whose sign it may change. So
 * what comes out as anything else has the bits of the connections alone, and what comes out as 0 or NaN is computed
 * again by the masks.
 */
#ifndef SPARSE_FORMAT_DENSE8_H
#define SPARSE_FORMAT_DENSE8_H

#include "sparse/kernels/formats/format.h"

/* Below this density none was ever faster than block8 (docs/results/kernels.md). */
#define DENSE8_DENSITY_MIN 0.4

enum {
    DENSE8_ROWS = 8,
    DENSE8_COLUMNS = 256, /* of a block, at most: thirty-two samples of each fit the first cache */
};

struct packed_dense8 {
    struct packed packed;   /* a unit is a group of eight rows */
    uint32_t width, blocks; /* columns of a block; the last has what is left */
    float *values;          /* [block][group][column][row]: in the order in which they are read */
    uint8_t *masks;         /* [block][group][column], bit `row`; NULL when every connection exists */
};

/* The place of a group's column: in masks, and in values eight times that. */
static inline size_t dense8_place(const struct packed_dense8 *w, uint32_t group, uint32_t column)
{
    const uint32_t first = column - column % w->width, left = w->packed.columns - first;

    return (size_t)first * w->packed.units + (size_t)group * (left < w->width ? left : w->width) + column % w->width;
}

#endif
