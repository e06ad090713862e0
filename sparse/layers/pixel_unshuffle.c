/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel_unshuffle: {C, H * factor, W * factor} -> {C * factor * factor, H, W}: what pixel_shuffle makes, taken apart
 * again: each square of pixels becomes one pixel of as many channels. Moves numbers, and computes none.
 */
#include "sparse/layers/squares.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const uint32_t factor = (uint32_t)parameters[0], height = inputs[0].dimension[1], width = inputs[0].dimension[2];
    const uint64_t channels = (uint64_t)inputs[0].dimension[0] * factor * factor;
    int result = plan_rank(&inputs[0], 3, "channels, height, width", why);

    (void)input_count;
    if (result)
        return result;
    if (height % factor || width % factor || channels > UINT32_MAX)
        return refuse(why, WISP_E_FORMAT, "%u x %u pixels are no squares of %u", width, height, factor);
    *out = (struct layer_plan){ .shape = shape_make(3, (uint32_t)channels, height / factor, width / factor) };
    return 0;
}

static void forward(const struct layer_run *run)
{
    squares_forward(run, true);
}

static void backward(const struct layer_back *back)
{
    squares_backward(back, true);
}

const struct layer_kind layer_pixel_unshuffle = { .name = "pixel_unshuffle",
                                                  .inputs_min = 1,
                                                  .inputs_max = 1,
                                                  .own_width = true,
                                                  .parameters = { { "factor", 2, 1, 64, PARAMETER_WHOLE } },
                                                  .plan = plan,
                                                  .forward = forward,
                                                  .backward = backward };
