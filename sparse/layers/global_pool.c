/* SPDX-License-Identifier: Apache-2.0
 *
 * global_pool: {C, positions…} -> {C}: the mean over all positions.
 */
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = shape_make(1, inputs[0].dimension[0], 0, 0) };
    return 0;
}

const struct layer_kind layer_global_pool = { .name = "global_pool", .inputs_min = 1, .inputs_max = 1, .plan = plan };
