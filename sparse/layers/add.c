/* SPDX-License-Identifier: Apache-2.0
 *
 * add: the element-wise sum of two or more values of one shape: the residual connection.
 */
#include <string.h>

#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters;
    for (uint32_t i = 1; i < input_count; i++) {
        if (inputs[i].rank != inputs[0].rank ||
            memcmp(inputs[i].dimension, inputs[0].dimension, inputs[0].rank * sizeof *inputs[0].dimension) != 0)
            return refuse(why, WISP_E_FORMAT, "its inputs have different shapes");
    }
    *out = (struct layer_plan){ .shape = inputs[0] };
    return 0;
}

const struct layer_kind layer_add = { .name = "add", .inputs_min = 2, .inputs_max = LAYER_INPUTS_MAX, .plan = plan };
