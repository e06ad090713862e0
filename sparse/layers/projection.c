/* SPDX-License-Identifier: Apache-2.0
 *
 * projection: one linear map at every position (token, pixel): {C, positions…} -> {neurons, positions…}. W_q, W_k, W_v,
 * W_o of attention and the layers of its multilayer perceptron are projections.
 */
#include "sparse/layers/product.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0],
                                .inputs = inputs[0].dimension[0],
                                .outputs = (uint64_t)parameters[0],
                                .kernel_height = 1,
                                .kernel_width = 1,
                                .uses = (double)plan_positions(&inputs[0]),
                                .vectors = { (uint64_t)parameters[0] } };
    out->shape.dimension[0] = (uint32_t)parameters[0];
    return 0;
}

const struct layer_kind layer_projection = {
    .name = "projection",
    .inputs_min = 1,
    .inputs_max = 1,
    .role = ROLE_POSITION_MAP,
    .weighted = true,
    .by_columns = true,
    .rectifies = true,
    .vectors = { { .name = "bias" } },
    .parameters = { { "neurons", 0, 1, 1 << 28, PARAMETER_WHOLE } },
    .plan = plan,
    .prepare = product_prepare,
    .forward = product_forward,
    .step = product_forward,
    .backward = product_backward,
};
