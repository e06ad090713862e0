/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape of one sample's tensor: {features}, {channels, height, width}, {features, tokens}.
 */
#ifndef SPARSE_TENSOR_SHAPE_H
#define SPARSE_TENSOR_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { SHAPE_RANK_MAX = 4 };

#define MODEL_ELEMENTS_MAX (1u << 28) /* of one value; activations are this times the batch */

/* Dimensions of one sample, outermost first: {features} or {channels, height, width}. */
struct shape {
    uint32_t rank;
    uint32_t dimension[SHAPE_RANK_MAX];
};

/* Product of the dimensions; a checked shape keeps it within MODEL_ELEMENTS_MAX. */
uint64_t shape_elements(const struct shape *shape);
bool shape_equal(const struct shape *a, const struct shape *b);
/* Rank 1 .. SHAPE_RANK_MAX, no zero dimension, product within MODEL_ELEMENTS_MAX. */
int shape_check(const struct shape *shape, struct reason *why);

#endif
