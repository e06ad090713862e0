/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d: {C, H, W} -> {channels, H', W'}. A connection is one weight (output channel; input channel, row, column of
 * the kernel), used at every output position. Row-major columns: input channel outermost, kernel column innermost.
 */
#include "sparse/layers/planning.h"

enum { CHANNELS, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE, PADDING };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint32_t stride = (uint32_t)parameters[STRIDE], padding = (uint32_t)parameters[PADDING], height, width;
    int result;

    (void)input_count;
    if ((result = plan_rank(&inputs[0], 3, "channels, height, width", why)) ||
        (result =
             plan_window(inputs[0].dimension[1], (uint32_t)parameters[KERNEL_HEIGHT], stride, padding, &height, why)) ||
        (result =
             plan_window(inputs[0].dimension[2], (uint32_t)parameters[KERNEL_WIDTH], stride, padding, &width, why)))
        return result;
    *out = (struct layer_plan){ .shape = shape_make(3, (uint32_t)parameters[CHANNELS], height, width),
                                .inputs = inputs[0].dimension[0],
                                .outputs = (uint64_t)parameters[CHANNELS],
                                .kernel_height = (uint64_t)parameters[KERNEL_HEIGHT],
                                .kernel_width = (uint64_t)parameters[KERNEL_WIDTH],
                                .convolution = true,
                                .uses = (double)height * width,
                                .vectors = { (uint64_t)parameters[CHANNELS] } };
    return 0;
}

const struct layer_kind layer_conv2d = {
    .name = "conv2d",
    .inputs_min = 1,
    .inputs_max = 1,
    .weighted = true,
    .vectors = { { "bias" } },
    .parameters = { [CHANNELS] = { "channels", 0, 1, 65536, PARAMETER_WHOLE },
                    [KERNEL_HEIGHT] = { "kernel_height", 0, 1, 64, PARAMETER_WHOLE },
                    [KERNEL_WIDTH] = { "kernel_width", 0, 1, 64, PARAMETER_WHOLE },
                    [STRIDE] = { "stride", 1, 1, 64, PARAMETER_WHOLE },
                    [PADDING] = { "padding", 0, 0, 63, PARAMETER_WHOLE } },
    .plan = plan,
};
