/* SPDX-License-Identifier: Apache-2.0
 *
 * upsample: {C, H, W} -> {C, H * factor, W * factor}, nearest neighbour.
 */
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    int result = plan_rank(&inputs[0], 3, "channels, height, width", why);

    (void)input_count;
    if (result)
        return result;
    if ((double)shape_elements(&inputs[0]) * parameters[0] * parameters[0] > MODEL_ELEMENTS_MAX)
        return refuse(why, WISP_E_FORMAT, "its output would be too large");
    *out = (struct layer_plan){ .shape = shape_make(3, inputs[0].dimension[0],
                                                    inputs[0].dimension[1] * (uint32_t)parameters[0],
                                                    inputs[0].dimension[2] * (uint32_t)parameters[0]) };
    return 0;
}

const struct layer_kind layer_upsample = { .name = "upsample",
                                           .inputs_min = 1,
                                           .inputs_max = 1,
                                           .parameters = { { "factor", 2, 1, 64, PARAMETER_WHOLE } },
                                           .plan = plan };
