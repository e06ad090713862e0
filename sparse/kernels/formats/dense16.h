/* SPDX-License-Identifier: Apache-2.0
 *
 * dense16: sixteen rows side by side, in their own order, with an entry for every column; 0 where no connection is,
 * and a mask that says where. Inputs are read in order, no index is followed.
 *
 * All entries are multiplied, and a tile in which something comes out as 0 or NaN is computed again by the masks, as in
 * dense8 (dense8.h): then the step leaves the sums of the lanes alone that have no connection. Where that would be
 * often, all is computed by them.
 */
#ifndef SPARSE_FORMAT_DENSE16_H
#define SPARSE_FORMAT_DENSE16_H

#include "sparse/kernels/formats/format.h"

/* From this density on it may be the fastest with one sample, and takes no more than 4 / DENSE16_DENSITY_MIN bytes for
 * a connection; where it takes no more than DENSE16_SMALL bytes the density does not matter. */
#define DENSE16_DENSITY_MIN 0.125
#define DENSE16_SMALL       (64u << 10)
/* The same with several (docs/results/kernels.md); and from eight on, where it takes longer with each and block8 does
 * not. */
#define DENSE16_DENSITY_FEW   0.45
#define DENSE16_DENSITY_EIGHT 0.65
/* From so many connections on a row's sum is hardly ever 0. */
#define DENSE16_ROW_MIN 8

struct packed_dense16 {
    struct packed packed; /* a unit is a slice of sixteen rows */
    float *values;        /* [slice][column][lane] */
    uint16_t *masks;      /* [slice][column], bit `lane`; NULL when every connection exists */
    bool masked;          /* all is computed by them */
};

#endif
