/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_norm: each position's features to mean 0 and variance 1, then scale and shift per feature.
 */
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint64_t features = inputs[0].dimension[0];

    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0],
                                .fixed_cost = 2.0 * (double)shape_elements(&inputs[0]),
                                .vectors = { features, features } };
    return 0;
}

const struct layer_kind layer_layer_norm = {
    .name = "layer_norm",
    .inputs_min = 1,
    .inputs_max = 1,
    .follows = true,
    .vectors = { { .name = "scale", .first = 1 }, { .name = "shift" } },
    .parameters = { { "epsilon", 1e-5, 0, 1, PARAMETER_REAL } },
    .plan = plan,
};
