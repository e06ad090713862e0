/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d: {C, H, W} -> {channels, H', W'}. A connection is one weight (output channel; input channel, row, column of
 * the kernel), used at every output position. Row-major columns: input channel outermost, kernel column innermost. With
 * groups, output channel o of the g-th `groups`-th of them reads the g-th of the input channels alone, and a row has
 * columns for those.
 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution.h"
#include "sparse/layers/planning.h"

enum { CHANNELS, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE, PADDING, GROUPS };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint32_t stride = (uint32_t)parameters[STRIDE], padding = (uint32_t)parameters[PADDING], height, width;
    uint32_t groups = (uint32_t)parameters[GROUPS], channels = (uint32_t)parameters[CHANNELS];
    int result;

    (void)input_count;
    if ((result = plan_rank(&inputs[0], 3, "channels, height, width", why)) ||
        (result =
             plan_window(inputs[0].dimension[1], (uint32_t)parameters[KERNEL_HEIGHT], stride, padding, &height, why)) ||
        (result =
             plan_window(inputs[0].dimension[2], (uint32_t)parameters[KERNEL_WIDTH], stride, padding, &width, why)))
        return result;
    if (inputs[0].dimension[0] % groups || channels % groups)
        return refuse(why, WISP_E_FORMAT, "%u groups do not divide %u input and %u output channels", groups,
                      inputs[0].dimension[0], channels);
    *out = (struct layer_plan){ .shape = shape_make(3, channels, height, width),
                                .inputs = inputs[0].dimension[0] / groups,
                                .outputs = channels,
                                .kernel_height = (uint64_t)parameters[KERNEL_HEIGHT],
                                .kernel_width = (uint64_t)parameters[KERNEL_WIDTH],
                                .groups = groups,
                                .convolution = true,
                                .uses = (double)height * width,
                                .vectors = { channels } };
    return 0;
}

static struct window window_of(const double *parameters, const struct shape *in, const struct shape *out)
{
    return (struct window){ .height = in->dimension[1],
                            .width = in->dimension[2],
                            .out_height = out->dimension[1],
                            .out_width = out->dimension[2],
                            .kernel_height = (uint32_t)parameters[KERNEL_HEIGHT],
                            .kernel_width = (uint32_t)parameters[KERNEL_WIDTH],
                            .stride = (uint32_t)parameters[STRIDE],
                            .top = (uint32_t)parameters[PADDING],
                            .left = (uint32_t)parameters[PADDING] };
}

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const struct layer_plan *plan = setup->plan;
    const struct window window = window_of(setup->layer->parameters, &setup->inputs[0], &plan->shape);
    const uint64_t columns = plan->inputs * plan->kernel_height * plan->kernel_width;
    size_t floats;
    uint64_t whole = 0;
    bool fits;

    if (setup->mode == LAYER_TRAIN)
        fits = convolution_scratch_backward(&window, plan->outputs, columns, setup->layer->weight.count, setup->batch,
                                            &floats);
    else
        fits = convolution_scratch(&window, plan->outputs, columns, setup->batch, &floats);
    if (fits && setup->accumulate[0])
        fits = size_multiply(shape_elements(&setup->inputs[0]), setup->batch, &whole);
    if (!fits || !size_multiply(floats, sizeof(float), &needs->scratch_part) ||
        !size_multiply(whole, sizeof(float), &needs->scratch))
        return refuse(why, WISP_E_FORMAT, "its convolution is too large for batches of %zu", setup->batch);
    return 0;
}

static struct convolution convolution_of(const struct layer_run *run)
{
    const struct layer *layer = run->layer;

    return (struct convolution){ .kernels = run->kernels,
                                 .weight = &layer->weight,
                                 .weights = run->weights,
                                 .bias = layer->vectors[0].data,
                                 .window = window_of(layer->parameters, &run->in[0]->shape, &run->out->shape),
                                 .channels = run->in[0]->shape.dimension[0],
                                 .groups = (uint32_t)layer->parameters[GROUPS],
                                 .batch = run->in[0]->batch,
                                 .part = run->part,
                                 .parts = run->parts };
}

static void forward(const struct layer_run *run)
{
    const struct convolution c = convolution_of(run);

    convolution_forward(&c, run->in[0]->data, run->out->data, run->scratch_part);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct convolution c = convolution_of(run);
    const bool add = back->accumulate[0];
    const struct convolution_back operands = { .in = run->in[0]->data,
                                               .out_gradient = back->out_gradient,
                                               .in_gradient = add ? run->scratch : back->in_gradient[0],
                                               .weight_gradient = back->weight_gradient,
                                               .bias_gradient = back->vector_gradient[0] };

    convolution_backward(&c, &operands, run->scratch_part);
    if (add) {
        const size_t plane = tensor_columns(run->in[0]);
        uint32_t begin, end;

        convolution_share(&c, &begin, &end);
        run->kernels->add(back->in_gradient[0] + begin * plane, operands.in_gradient + begin * plane,
                          (end - begin) * plane);
    }
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
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
