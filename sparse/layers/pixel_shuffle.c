/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel_shuffle (Shi et al. 2016): {C * factor * factor, H, W} -> {C, H * factor, W * factor}: of each factor * factor
 * channels in a row, one pixel of each becomes a square of pixels, row by row. Moves numbers, and computes none.
 */
#include "sparse/layers/squares.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const uint32_t factor = (uint32_t)parameters[0], channels = inputs[0].dimension[0];
    int result = plan_rank(&inputs[0], 3, "channels, height, width", why);

    (void)input_count;
    if (result)
        return result;
    if (channels % (factor * factor))
        return refuse(why, WISP_E_FORMAT, "%u channels are no multiple of %u, its factor %u squared", channels,
                      factor * factor, factor);
    *out = (struct layer_plan){ .shape = shape_make(3, channels / (factor * factor), inputs[0].dimension[1] * factor,
                                                    inputs[0].dimension[2] * factor) };
    return 0;
}

static void forward(const struct layer_run *run)
{
    squares_forward(run, false);
}

static void backward(const struct layer_back *back)
{
    squares_backward(back, false);
}

const struct layer_kind layer_pixel_shuffle = { .name = "pixel_shuffle",
                                                .inputs_min = 1,
                                                .inputs_max = 1,
                                                .own_width = true,
                                                .parameters = { { "factor", 2, 1, 64, PARAMETER_WHOLE } },
                                                .plan = plan,
                                                .forward = forward,
                                                .backward = backward };
