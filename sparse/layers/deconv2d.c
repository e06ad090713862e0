/* SPDX-License-Identifier: Apache-2.0
 *
 * deconv2d (transposed convolution): {C, H, W} -> {channels, (H - 1) stride - 2 padding + kernel + extra, …}. Each
 * input position spreads over a kernel of outputs; a connection is used once per input position.
 */
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

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint32_t height, width;
    int result;

    (void)input_count;
    if ((result = plan_rank(&inputs[0], 3, "channels, height, width", why)) ||
        (result = spread(inputs[0].dimension[1], parameters[KERNEL_HEIGHT], parameters, &height, why)) ||
        (result = spread(inputs[0].dimension[2], parameters[KERNEL_WIDTH], parameters, &width, why)))
        return result;
    *out = (struct layer_plan){ .shape = shape_make(3, (uint32_t)parameters[CHANNELS], height, width),
                                .inputs = inputs[0].dimension[0],
                                .outputs = (uint64_t)parameters[CHANNELS],
                                .kernel_height = (uint64_t)parameters[KERNEL_HEIGHT],
                                .kernel_width = (uint64_t)parameters[KERNEL_WIDTH],
                                .convolution = true,
                                .uses = (double)plan_positions(&inputs[0]),
                                .vectors = { (uint64_t)parameters[CHANNELS] } };
    return 0;
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
};
