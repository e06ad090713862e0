/* SPDX-License-Identifier: Apache-2.0
 *
 * tokens: {C, H, W} -> {C, H * W}: pixels or patches become a sequence. Moves nothing where it may work in place.
 */
#include "sparse/layers/moving.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out =
        (struct layer_plan){ .shape = shape_make(2, inputs[0].dimension[0], (uint32_t)plan_positions(&inputs[0]), 0) };
    return 0;
}

const struct layer_kind layer_tokens = { .name = "tokens",
                                         .inputs_min = 1,
                                         .inputs_max = 1,
                                         .in_place = true,
                                         .plan = plan,
                                         .forward = move_only_forward,
                                         .backward = move_only_backward };
