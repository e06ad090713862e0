/* SPDX-License-Identifier: Apache-2.0
 *
 * linear: y = W x + bias, over the connections that exist. Takes a value of any shape as its elements in order; gives
 * one dimension.
 */
#include "sparse/layers/layers.h"

static int linear_shape(const struct layer *layer, const struct shape *inputs, struct shape *out, struct reason *why)
{
    uint64_t elements = shape_elements(&inputs[0]);

    if (layer->weight.columns != elements)
        return refuse(why, WISP_E_FORMAT, "the weight has %u columns, but the input has %llu elements",
                      layer->weight.columns, (unsigned long long)elements);
    if (layer->vectors[0].data && layer->vectors[0].count != layer->weight.rows)
        return refuse(why, WISP_E_FORMAT, "the bias has %llu elements, but the weight has %u rows",
                      (unsigned long long)layer->vectors[0].count, layer->weight.rows);
    *out = (struct shape){ .rank = 1, .dimension = { layer->weight.rows } };
    return 0;
}

static uint64_t linear_cost(const struct layer *layer, const struct shape *inputs)
{
    (void)inputs;
    return layer->weight.count;
}

const struct layer_kind layer_linear = {
    .name = "linear",
    .inputs_least = 1,
    .inputs_most = 1,
    .weighted = true,
    .vectors = { "bias" },
    .shape = linear_shape,
    .cost = linear_cost,
};
