/* SPDX-License-Identifier: Apache-2.0
 *
 * upsample: {C, H, W} -> {C, H * factor, W * factor}, nearest neighbour.
 */
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    int result = plan_rank(&inputs[0], 3, "channels, height, width", why);

    (void)input_count;
    if (result)
        return result;
    if ((double)shape_elements(&inputs[0]) * parameters[0] * parameters[0] > MODEL_ELEMENTS_MAX)
        return refuse(why, WISP_E_FORMAT, "its output would be too large");
    *out = (struct layer_plan){ .shape = shape_make(3, inputs[0].dimension[0],
                                                    inputs[0].dimension[1] * (uint32_t)parameters[0],
                                                    inputs[0].dimension[2] * (uint32_t)parameters[0]) };
    return 0;
}

/* What one pixel's gradient is added up in before it is added to another. */
static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    if (setup->accumulate[0] && !size_multiply(setup->batch, sizeof(float), &needs->scratch_part))
        return refuse(why, WISP_E_FORMAT, "it is too large for batches of %zu", setup->batch);
    return 0;
}

/* A row of pixels becomes one that is `factor` times as wide. */
static void widen(const float *in, float *out, size_t pixels, size_t factor, size_t batch)
{
    for (size_t x = 0; x < pixels * factor; x++) {
        const float *from = in + x / factor * batch;

        for (size_t b = 0; b < batch; b++)
            out[x * batch + b] = from[b];
    }
}

static void forward(const struct layer_run *run)
{
    const size_t factor = (size_t)run->layer->parameters[0], batch = run->out->batch;
    const size_t width = run->in[0]->shape.dimension[2], row = width * factor * batch;
    unsigned long long begin, end;

    pool_share((uint64_t)tensor_features(run->in[0]) * run->in[0]->shape.dimension[1], 1, run->part, run->parts, &begin,
               &end);
    for (size_t y = begin; y < end; y++) {
        float *out = run->out->data + y * factor * row;

        widen(run->in[0]->data + y * width * batch, out, width, factor, batch);
        for (size_t copy = 1; copy < factor; copy++)
            memcpy(out + copy * row, out, row * sizeof *out);
    }
}

/* The sum over the square of pixels that one has become, row by row; `row`: from one of the square's to the next. */
static void add_square(const struct layer_run *run, const float *gradient, size_t row, size_t factor, float *sums)
{
    const size_t batch = run->out->batch;

    memset(sums, 0, batch * sizeof *sums);
    for (size_t y = 0; y < factor; y++) {
        for (size_t x = 0; x < factor; x++)
            run->kernels->add(sums, gradient + y * row + x * batch, batch);
    }
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const size_t factor = (size_t)run->layer->parameters[0], batch = run->out->batch;
    const size_t width = run->in[0]->shape.dimension[2], row = width * factor * batch;
    unsigned long long begin, end;

    if (!back->in_gradient[0])
        return;
    pool_share((uint64_t)tensor_features(run->in[0]) * run->in[0]->shape.dimension[1], 1, run->part, run->parts, &begin,
               &end);
    for (size_t pixel = begin * width; pixel < end * width; pixel++) {
        const float *gradient = back->out_gradient + (pixel / width * row + pixel % width * batch) * factor;
        float *into = back->in_gradient[0] + pixel * batch;

        add_square(run, gradient, row, factor, back->accumulate[0] ? run->scratch_part : into);
        if (back->accumulate[0])
            run->kernels->add(into, run->scratch_part, batch);
    }
}

const struct layer_kind layer_upsample = { .name = "upsample",
                                           .inputs_min = 1,
                                           .inputs_max = 1,
                                           .parameters = { { "factor", 2, 1, 64, PARAMETER_WHOLE } },
                                           .plan = plan,
                                           .prepare = prepare,
                                           .forward = forward,
                                           .backward = backward };
