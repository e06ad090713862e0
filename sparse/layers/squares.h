/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixels that stand packed, factor * factor channels in a row for each channel of squares of pixels, and the same
 * spread: {C * factor * factor, H, W} and {C, H * factor, W * factor}. Moves numbers, and computes none.
 */
#ifndef SPARSE_LAYERS_SQUARES_H
#define SPARSE_LAYERS_SQUARES_H

#include "sparse/layers/planning.h"

struct squares {
    const struct shape *packed;
    size_t factor, batch;
    const float *from;
    float *to;
    bool pack; /* from is spread, and to packed; else the other way round */
    bool add;
};

/* The part's share of them. */
void squares_move(const struct squares *squares, unsigned part, unsigned parts);

#endif
