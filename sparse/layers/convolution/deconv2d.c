/* SPDX-License-Identifier: Apache-2.0
 *
 * deconv2d (transposed convolution): {C, H, W} -> {channels, (H - 1) stride - 2 padding + kernel + extra, …}. Each
 * input position spreads over a kernel of outputs; a connection is used once per input position. A connection is one
 * weight (output channel; input channel, row, column of the kernel), columns in that order.
 */
#include "sparse/layers/convolution/convolution.h"
#include "sparse/layers/planning.h"

enum { CHANNELS, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE, PADDING, EXTRA };

static int spread(uint32_t size, double kernel, const double *parameters, uint32_t *out, struct reason *why)
{
    double spread = (size - 1.0) * parameters[STRIDE] - 2 * parameters[PADDING] + kernel + parameters[EXTRA];

    if (spread < 1 || spread > MODEL_ELEMENTS_MAX)
        return refuse(why, WISP_E_FORMAT, "stride, padding and kernel make an output of %.0f", spread);
    if (parameters[EXTRA] >= parameters[STRIDE])
        return refuse(why, WISP_E_FORMAT, "extra %.0f must be smaller than the stride %.0f", parameters[EXTRA],
                      parameters[STRIDE]);
    *out = (uint32_t)spread;
    return 0;
}

/* Its output is the picture, and its input the positions, of the convolution that it transposes. */
static struct convolution made(const double *parameters, const struct shape *in, const struct shape *out)
{
    return (struct convolution){ .window = { .height = out->dimension[1],
                                             .width = out->dimension[2],
                                             .out_height = in->dimension[1],
                                             .out_width = in->dimension[2],
                                             .kernel_height = (uint32_t)parameters[KERNEL_HEIGHT],
                                             .kernel_width = (uint32_t)parameters[KERNEL_WIDTH],
                                             .stride = (uint32_t)parameters[STRIDE],
                                             .top = (uint32_t)parameters[PADDING],
                                             .left = (uint32_t)parameters[PADDING] },
                                 .picture = out->dimension[0],
                                 .positions = in->dimension[0],
                                 .groups = 1,
                                 .transposed = true };
}

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    struct shape shape = shape_make(3, (uint32_t)parameters[CHANNELS], 0, 0);
    int result;

    (void)input_count;
    if ((result = plan_rank(&inputs[0], 3, "channels, height, width", why)) ||
        (result = spread(inputs[0].dimension[1], parameters[KERNEL_HEIGHT], parameters, &shape.dimension[1], why)) ||
        (result = spread(inputs[0].dimension[2], parameters[KERNEL_WIDTH], parameters, &shape.dimension[2], why)))
        return result;
    return convolution_plan(parameters, &inputs[0], &shape, made, out, why);
}

const struct layer_kind layer_deconv2d = {
    .name = "deconv2d",
    .inputs_min = 1,
    .inputs_max = 1,
    .transposed = true,
    .weighted = true,
    .vectors = { { .name = "bias" } },
    .parameters = { [CHANNELS] = { "channels", 0, 1, 65536, PARAMETER_WHOLE },
                    [KERNEL_HEIGHT] = { "kernel_height", 0, 1, 64, PARAMETER_WHOLE },
                    [KERNEL_WIDTH] = { "kernel_width", 0, 1, 64, PARAMETER_WHOLE },
                    [STRIDE] = { "stride", 1, 1, 64, PARAMETER_WHOLE },
                    [PADDING] = { "padding", 0, 0, 63, PARAMETER_WHOLE },
                    [EXTRA] = { "extra", 0, 0, 63, PARAMETER_WHOLE } },
    .plan = plan,
    .convolution = made,
    .prepare = convolution_prepare,
    .forward = convolution_forward,
    .backward = convolution_backward,
};
