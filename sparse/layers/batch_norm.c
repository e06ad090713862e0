/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm (Ioffe and Szegedy 2015): (x - mean) / sqrt(variance + epsilon) * scale + shift, per channel. In training
 * mean and variance are those of the batch, over positions and samples, and the running ones move towards them by
 * `momentum`, the variance by its unbiased estimate; else the running ones are taken. A batch of one number a channel
 * has no variance: it takes the running ones too, as constants, and leaves them as they are.
 */
#include <math.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"

enum { SCALE, SHIFT, MEAN, VARIANCE };
enum { EPSILON, MOMENTUM };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint64_t channels = inputs[0].dimension[0];

    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0],
                                .fixed_cost = (double)shape_elements(&inputs[0]),
                                .vectors = { channels, channels, channels, channels } };
    return 0;
}

/* What a channel's values are normalised by. */
struct statistics {
    float mean, inverse; /* 1 / standard deviation */
};

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const uint64_t channels = setup->inputs[0].dimension[0];
    uint64_t floats;

    if (setup->mode == LAYER_TRAIN)
        needs->saved = channels * sizeof(struct statistics);
    if (setup->accumulate[0] && (!size_multiply(shape_elements(&setup->inputs[0]), setup->batch, &floats) ||
                                 !size_multiply(floats, sizeof(float), &needs->scratch)))
        return refuse(why, WISP_E_FORMAT, "it is too large for batches of %zu", setup->batch);
    return 0;
}

/* A vector that the layer may have not. */
static float value_of(const struct layer *layer, int vector, size_t channel, float otherwise)
{
    return layer->vectors[vector].data ? layer->vectors[vector].data[channel] : otherwise;
}

static struct statistics running(const struct layer *layer, size_t channel)
{
    const float variance = value_of(layer, VARIANCE, channel, 1) + (float)layer->parameters[EPSILON];

    return (struct statistics){ value_of(layer, MEAN, channel, 0), 1 / sqrtf(variance) };
}

static void move(const struct layer *layer, int vector, size_t channel, float to)
{
    const float momentum = (float)layer->parameters[MOMENTUM];
    float *data = layer->vectors[vector].data;

    if (data)
        data[channel] = (1 - momentum) * data[channel] + momentum * to;
}

static struct statistics of_batch(const struct layer_run *run, const float *x, size_t count, size_t channel)
{
    struct statistics s;
    float sum, squares;

    run->kernels->row_sums(x, &sum, count, 0, 1);
    s.mean = sum / (float)count;
    squares = run->kernels->norm_squares(x, count, s.mean);
    s.inverse = 1 / sqrtf(squares / (float)count + (float)run->layer->parameters[EPSILON]);
    move(run->layer, MEAN, channel, s.mean);
    move(run->layer, VARIANCE, channel, squares / (float)(count - 1));
    return s;
}

static void forward(const struct layer_run *run)
{
    const size_t count = tensor_columns(run->in[0]);
    struct statistics *saved = run->saved;
    unsigned long long begin, end;

    pool_share(tensor_features(run->in[0]), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++) {
        const float *x = run->in[0]->data + f * count;
        const struct statistics s =
            run->mode == LAYER_TRAIN && count > 1 ? of_batch(run, x, count, f) : running(run->layer, f);

        if (run->mode == LAYER_TRAIN)
            saved[f] = s;
        run->kernels->norm_apply(x, run->out->data + f * count, count, s.mean,
                                 value_of(run->layer, SCALE, f, 1) * s.inverse, value_of(run->layer, SHIFT, f, 0));
    }
}

/* With n numbers of mean m and inverse deviation i, and g the gradient: scale's is i sum g (x - m), shift's sum g, and
 * x's is scale i (g - (sum g) / n - (x - m) i^2 (sum g (x - m)) / n). Running statistics are constants: scale i g. */
static void backward_channel(const struct layer_back *back, size_t count, size_t f, float *in_gradient)
{
    const struct layer_run *run = &back->run;
    const struct statistics s = ((const struct statistics *)run->saved)[f];
    const float *x = run->in[0]->data + f * count, *g = back->out_gradient + f * count;
    const struct norm_sums sums = run->kernels->norm_sums(x, g, count, s.mean);
    struct norm_back step = { .mean = s.mean, .factor = value_of(run->layer, SCALE, f, 1) * s.inverse };

    if (back->vector_gradient[SCALE])
        back->vector_gradient[SCALE][f] = sums.product * s.inverse;
    if (back->vector_gradient[SHIFT])
        back->vector_gradient[SHIFT][f] = sums.gradient;
    if (!in_gradient)
        return;
    if (count > 1) {
        step.level = sums.gradient / (float)count;
        step.tilt = s.inverse * s.inverse * sums.product / (float)count;
    }
    run->kernels->norm_backward(x, g, in_gradient, count, &step);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const size_t count = tensor_columns(run->in[0]);
    const bool add = back->accumulate[0];
    float *into = add ? run->scratch : back->in_gradient[0];
    unsigned long long begin, end;

    pool_share(tensor_features(run->in[0]), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++) {
        backward_channel(back, count, f, into ? into + f * count : NULL);
        if (add)
            run->kernels->add(back->in_gradient[0] + f * count, into + f * count, count);
    }
}

static void affine(const struct layer *layer, size_t channel, struct layer_affine *out)
{
    const struct statistics s = running(layer, channel);

    *out = (struct layer_affine){ .offset = s.mean,
                                  .factor = value_of(layer, SCALE, channel, 1) * s.inverse,
                                  .shift = value_of(layer, SHIFT, channel, 0) };
}

const struct layer_kind layer_batch_norm = {
    .name = "batch_norm",
    .inputs_min = 1,
    .inputs_max = 1,
    .follows = true,
    .in_place = true,
    .vectors = { [SCALE] = { .name = "scale", .first = 1 },
                 [SHIFT] = { .name = "shift" },
                 [MEAN] = { "mean", .statistic = true },
                 [VARIANCE] = { "variance", .first = 1, .statistic = true } },
    .parameters = { [EPSILON] = { "epsilon", 1e-5, 0, 1, PARAMETER_REAL },
                    [MOMENTUM] = { "momentum", 0.1, 0, 1, PARAMETER_REAL } },
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .affine = affine,
};
