/* SPDX-License-Identifier: Apache-2.0
 *
 * What several kinds' plans share: reading whole-number parameters, windows over a picture, shapes.
 */
#ifndef SPARSE_LAYERS_PLANNING_H
#define SPARSE_LAYERS_PLANNING_H

#include "sparse/layers/layers.h"

/* Positions of a window along one side: (size + 2 padding - kernel) / stride + 1. WISP_E_FORMAT when it does not fit.
 */
int plan_window(uint32_t size, uint32_t kernel, uint32_t stride, uint32_t padding, uint32_t *out, struct reason *why);

/* WISP_E_FORMAT unless the shape has `rank` dimensions; `wanted` names them ("channels, height, width"). */
int plan_rank(const struct shape *shape, uint32_t rank, const char *wanted, struct reason *why);

/* Elements after the first dimension: pixels, tokens; 1 for a plain vector. */
uint64_t plan_positions(const struct shape *shape);

/* The output has the input's shape and nothing is learned: activations. */
int plan_same(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
              struct reason *why);

static inline struct shape shape_make(uint32_t rank, uint32_t a, uint32_t b, uint32_t c)
{
    return (struct shape){ .rank = rank, .dimension = { a, b, c } };
}

#endif
