/* SPDX-License-Identifier: Apache-2.0
 *
 * position: adds a learned vector that has one number for each element: where a token stands.
 */
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0], .vectors = { shape_elements(&inputs[0]) } };
    return 0;
}

const struct layer_kind layer_position = {
    .name = "position", .inputs_min = 1, .inputs_max = 1, .vectors = { { .name = "embedding" } }, .plan = plan
};
