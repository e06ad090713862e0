/* SPDX-License-Identifier: Apache-2.0
 *
 * dense16: sixteen rows side by side, in their own order, with an entry for every column, and a mask of the lanes whose
 * connection exists: the step leaves the others' sums alone, so no absent connection meets an input that is NaN,
 * infinite or negative. Inputs are read in order, no index is followed.
 */
#ifndef SPARSE_FORMAT_DENSE16_H
#define SPARSE_FORMAT_DENSE16_H

#include "sparse/kernels/formats/format.h"

/* From this density on it may be the fastest, and takes no more than 4 / DENSE16_DENSITY_MIN bytes for a connection;
 * where it takes no more than DENSE16_SMALL bytes the density does not matter. */
#define DENSE16_DENSITY_MIN 0.125
#define DENSE16_SMALL       (64u << 10)

struct packed_dense16 {
    struct packed packed; /* a unit is a slice of sixteen rows */
    float *values;        /* [slice][column][lane] */
    uint16_t *masks;      /* [slice][column], bit `lane`; NULL when every connection exists */
};

#endif
