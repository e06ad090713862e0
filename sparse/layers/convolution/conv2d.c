/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d: {C, H, W} -> {channels, H', W'}. A connection is one weight (output channel; input channel, row, column of
 * the kernel), used at every output position. Row-major columns: input channel outermost, kernel column innermost. With
 * groups, output channel o of the g-th `groups`-th of them reads the g-th of the input channels alone, and a row has
 * columns for those.
 */
#include "sparse/layers/convolution/convolution.h"
#include "sparse/layers/planning.h"

enum { CHANNELS, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE, PADDING, GROUPS };

static struct convolution made(const double *parameters, const struct shape *in, const struct shape *out)
{
    return (struct convolution){ .window = { .height = in->dimension[1],
                                             .width = in->dimension[2],
                                             .out_height = out->dimension[1],
                                             .out_width = out->dimension[2],
                                             .kernel_height = (uint32_t)parameters[KERNEL_HEIGHT],
                                             .kernel_width = (uint32_t)parameters[KERNEL_WIDTH],
                                             .stride = (uint32_t)parameters[STRIDE],
                                             .top = (uint32_t)parameters[PADDING],
                                             .left = (uint32_t)parameters[PADDING] },
                                 .picture = in->dimension[0],
                                 .positions = out->dimension[0],
                                 .groups = (uint32_t)parameters[GROUPS] };
}

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const uint32_t stride = (uint32_t)parameters[STRIDE], padding = (uint32_t)parameters[PADDING];
    struct shape shape = shape_make(3, (uint32_t)parameters[CHANNELS], 0, 0);
    int result;

    (void)input_count;
    if ((result = plan_rank(&inputs[0], 3, "channels, height, width", why)) ||
        (result = plan_window(inputs[0].dimension[1], (uint32_t)parameters[KERNEL_HEIGHT], stride, padding,
                              &shape.dimension[1], why)) ||
        (result = plan_window(inputs[0].dimension[2], (uint32_t)parameters[KERNEL_WIDTH], stride, padding,
                              &shape.dimension[2], why)))
        return result;
    return convolution_plan(parameters, &inputs[0], &shape, made, out, why);
}

const struct layer_kind layer_conv2d = {
    .name = "conv2d",
    .inputs_min = 1,
    .inputs_max = 1,
    .weighted = true,
    .vectors = { { .name = "bias" } },
    .parameters = { [CHANNELS] = { "channels", 0, 1, 65536, PARAMETER_WHOLE },
                    [KERNEL_HEIGHT] = { "kernel_height", 0, 1, 64, PARAMETER_WHOLE },
                    [KERNEL_WIDTH] = { "kernel_width", 0, 1, 64, PARAMETER_WHOLE },
                    [STRIDE] = { "stride", 1, 1, 64, PARAMETER_WHOLE },
                    [PADDING] = { "padding", 0, 0, 63, PARAMETER_WHOLE },
                    [GROUPS] = { "groups", 1, 1, 65536, PARAMETER_WHOLE } },
    .plan = plan,
    .convolution = made,
    .prepare = convolution_prepare,
    .forward = convolution_forward,
    .backward = convolution_backward,
};
