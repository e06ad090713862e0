/* SPDX-License-Identifier: Apache-2.0
 *
 * conv1d: {C, L} -> {channels, L'}: a convolution over a length, of samples of a sound or tokens of a text. It is that
 * of a picture of one line (conv2d.c says what a connection is, and what groups are).
 */
#include "sparse/layers/convolution/convolution.h"
#include "sparse/layers/frame.h"
#include "sparse/layers/planning.h"

enum { CHANNELS, KERNEL, STRIDE, PADDING, GROUPS };

static struct convolution made(const double *parameters, const struct shape *in, const struct shape *out)
{
    return (struct convolution){ .window = { .height = 1,
                                             .width = in->dimension[1],
                                             .out_height = 1,
                                             .out_width = out->dimension[1],
                                             .kernel_height = 1,
                                             .kernel_width = (uint32_t)parameters[KERNEL],
                                             .stride = (uint32_t)parameters[STRIDE],
                                             .left = (uint32_t)parameters[PADDING] },
                                 .picture = in->dimension[0],
                                 .positions = out->dimension[0],
                                 .groups = (uint32_t)parameters[GROUPS] };
}

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    struct shape shape = shape_make(2, (uint32_t)parameters[CHANNELS], 0, 0);
    int result;

    (void)input_count;
    if ((result = plan_rank(&inputs[0], 2, "channels, length", why)) ||
        (result = plan_window(inputs[0].dimension[1], (uint32_t)parameters[KERNEL], (uint32_t)parameters[STRIDE],
                              (uint32_t)parameters[PADDING], &shape.dimension[1], why)))
        return result;
    return convolution_plan(parameters, &inputs[0], &shape, made, out, why);
}

const struct layer_kind layer_conv1d = {
    .name = "conv1d",
    .inputs_min = 1,
    .inputs_max = 1,
    .weighted = true,
    .vectors = { { .name = "bias" } },
    .parameters = { [CHANNELS] = { "channels", 0, 1, 65536, PARAMETER_WHOLE },
                    [KERNEL] = { "kernel", 0, 1, 4096, PARAMETER_WHOLE },
                    [STRIDE] = { "stride", 1, 1, FRAME_PHASES_MAX, PARAMETER_WHOLE },
                    [PADDING] = { "padding", 0, 0, 4095, PARAMETER_WHOLE },
                    [GROUPS] = { "groups", 1, 1, 65536, PARAMETER_WHOLE } },
    .plan = plan,
    .convolution = made,
    .prepare = convolution_prepare,
    .forward = convolution_forward,
    .backward = convolution_backward,
};
