/* SPDX-License-Identifier: Apache-2.0
 *
 * Positions that were computed apart, a phase of a channel after the other, and are moved to where they stand in its
 * picture: `down` lines and `across` columns from one to the next.
 */
#ifndef SPARSE_LAYERS_STAGED_H
#define SPARSE_LAYERS_STAGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sparse/kernels/kernels.h"

struct staged {
    const struct kernels *kernels;
    uint32_t lines, columns; /* of positions */
    size_t pitch;            /* floats from a line of them to the next */
    size_t batch;
    uint32_t down, across;
    int64_t top, left;      /* where the first stands, of the first phase; it may lie outside */
    uint32_t height, width; /* of the picture */
    bool add;               /* to what stands there */
};

/* What lies in the picture. */
void staged_move(const struct staged *staged, uint32_t phase, const float *from, float *to);

#endif
