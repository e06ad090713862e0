/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm: (x - mean) / sqrt(variance + epsilon) * scale + shift, per channel, with the statistics of training.
 */
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint64_t channels = inputs[0].dimension[0];

    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0],
                                .fixed_cost = (double)shape_elements(&inputs[0]),
                                .vectors = { channels, channels, channels, channels } };
    return 0;
}

const struct layer_kind layer_batch_norm = {
    .name = "batch_norm",
    .inputs_min = 1,
    .inputs_max = 1,
    .vectors = { { "scale", .first = 1 },
                 { "shift" },
                 { "mean", .statistic = true },
                 { "variance", .first = 1, .statistic = true } },
    .parameters = { { "epsilon", 1e-5, 0, 1, PARAMETER_REAL } },
    .plan = plan,
};
