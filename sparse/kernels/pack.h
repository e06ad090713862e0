/* SPDX-License-Identifier: Apache-2.0
 *
 * A weight in the order that a table's spmv wants.
 *
 *   csr     the matrix itself, borrowed
 *   sell16  sixteen rows side by side, one a lane (Kreutzer et al. 2014, SELL-C-sigma with C = 16 and sigma = all
 *           rows). Rows are sorted by length, longest first, so that at step k the lanes still at work are a prefix of
 *           the sixteen; only they are stored. Nothing is padded: memory follows the connections.
 *   dense16 sixteen rows side by side, in their own order, with an entry for every column, and a mask of the lanes
 *           whose connection exists: the step leaves the others' sums alone, so no absent connection meets an input
 *           that is NaN, infinite or negative. Inputs are read in order.
 *
 * In all of them every row is the contract's chain.
 */
#ifndef SPARSE_KERNELS_PACK_H
#define SPARSE_KERNELS_PACK_H

#include "sparse/kernels/kernels.h"

enum { PACK_LANES = 16 };

struct packed_slice {
    uint64_t start;               /* of its first entry */
    uint32_t rows[PACK_LANES];    /* which row a lane is; lanes past the matrix have length 0 and row 0 */
    uint32_t lengths[PACK_LANES]; /* descending */
    uint32_t lanes;               /* that are rows */
};

struct packed {
    enum weight_format format;
    const struct csr *matrix; /* borrowed */
    size_t memory;
    uint32_t slice_count;        /* sixteen rows each, the last perhaps fewer */
    float *values;               /* dense16: [slice][column][lane] */
    uint16_t *masks;             /* dense16: [slice][column], bit `lane`; NULL when every connection exists */
    struct packed_slice *slices; /* sell16 */
    union {                      /* followed by PACK_LANES zeros */
        uint16_t *narrow;
        uint32_t *wide;
    } index;
};

#endif
