/* SPDX-License-Identifier: Apache-2.0
 *
 * softmax: probabilities over all elements of a value. Keeps the shape.
 */
#include "sparse/layers/layers.h"

static int softmax_shape(const struct layer *layer, const struct shape *inputs, struct shape *out, struct reason *why)
{
    (void)layer, (void)why;
    *out = inputs[0];
    return 0;
}

static uint64_t softmax_cost(const struct layer *layer, const struct shape *inputs)
{
    (void)layer;
    return shape_elements(&inputs[0]);
}

const struct layer_kind layer_softmax = {
    .name = "softmax",
    .inputs_least = 1,
    .inputs_most = 1,
    .shape = softmax_shape,
    .cost = softmax_cost,
};
