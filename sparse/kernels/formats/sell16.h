/* SPDX-License-Identifier: Apache-2.0
 *
 * sell16: sixteen rows side by side (Kreutzer et al. 2014, SELL-C-sigma with C = 16 and sigma = all rows). Rows are
 * sorted by length, longest first, so that at step k the lanes still at work are a prefix of the sixteen; only they are
 * stored. Nothing is padded: memory follows the connections.
 */
#ifndef SPARSE_FORMAT_SELL16_H
#define SPARSE_FORMAT_SELL16_H

#include "sparse/kernels/formats/format.h"

struct sell16_slice {
    uint64_t start;               /* of its first entry */
    uint32_t rows[PACK_LANES];    /* which row a lane is; lanes past the matrix have length 0 and row 0 */
    uint32_t lengths[PACK_LANES]; /* descending */
    uint32_t lanes;               /* that are rows */
};

struct packed_sell16 {
    struct packed packed; /* a unit is a slice */
    struct sell16_slice *slices;
    uint64_t *work; /* [slice + 1]: entries of those before */
    float *values;
    bool narrow;
    union { /* followed by PACK_LANES zeros, which are columns too: kernels read sixteen wherever one stands */
        uint16_t *narrow;
        uint32_t *wide;
    } index;
};

static inline uint32_t sell16_column(const struct packed_sell16 *w, uint64_t at)
{
    return w->narrow ? w->index.narrow[at] : w->index.wide[at];
}

#endif
