/* SPDX-License-Identifier: Apache-2.0
 *
 * relu: y = max(x, 0), element by element. Keeps the shape.
 */
#include "sparse/layers/layers.h"

static int relu_shape(const struct layer *layer, const struct shape *inputs, struct shape *out, struct reason *why)
{
    (void)layer, (void)why;
    *out = inputs[0];
    return 0;
}

static uint64_t relu_cost(const struct layer *layer, const struct shape *inputs)
{
    (void)layer;
    return shape_elements(&inputs[0]);
}

const struct layer_kind layer_relu = {
    .name = "relu",
    .inputs_least = 1,
    .inputs_most = 1,
    .shape = relu_shape,
    .cost = relu_cost,
};
