/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixels that stand packed, factor * factor channels in a row for each channel of squares of pixels, and the same
 * spread: {C * factor * factor, H, W} and {C, H * factor, W * factor}. Moves numbers, and computes none.
 */
#ifndef SPARSE_LAYERS_SQUARES_H
#define SPARSE_LAYERS_SQUARES_H

#include "sparse/layers/planning.h"

/* A layer's two passes, whose output is packed, or spread; the part's share of them. */
void squares_forward(const struct layer_run *run, bool pack);
void squares_backward(const struct layer_back *back, bool pack);

#endif
