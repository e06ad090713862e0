/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm (Ioffe and Szegedy 2015): (x - mean) / sqrt(variance + epsilon) * scale + shift, per channel. In training
 * mean and variance are those of the batch, over positions and samples, and the running ones move towards them by
 * `momentum`, the variance by its unbiased estimate; else the running ones are taken. A batch of one number a channel
 * has no variance: it takes the running ones too, as constants, and leaves them as they are.
 *
 * Where processes share the batch, each gathers a channel's count, sum and squares around its own mean, and joins
 * what all have by the parallel formula of Chan et al. (1979), in their order: all come to the same bits.
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

/* Of a channel's values, here or all of them: as many, their sum, and the squares of their distances from the mean. */
struct moments {
    double count, sum, squares;
};

/* Of a channel's values on the way back; product: the sum of g (x - mean). */
struct shares {
    double count, gradient, product;
};

/* What a channel's values are normalised by. */
struct statistics {
    float mean, inverse; /* 1 / standard deviation */
};

static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    const uint64_t channels = setup->inputs[0].dimension[0];
    uint64_t floats;

    if (setup->mode == LAYER_TRAIN) {
        needs->saved = channels * sizeof(struct statistics);
        needs->gathered = channels * MAX(sizeof(struct moments), sizeof(struct shares));
    }
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

static float mean_of(const struct moments *m)
{
    return (float)m->sum / (float)m->count;
}

static struct moments measure(const struct layer_run *run, size_t channel)
{
    const size_t count = tensor_columns(run->in[0]);
    const float *x = run->in[0]->data + channel * count;
    struct moments m = { .count = (double)count };
    float sum;

    run->kernels->row_sums(x, &sum, count, 0, 1);
    m.sum = (double)sum;
    m.squares = (double)run->kernels->norm_squares(x, count, mean_of(&m));
    return m;
}

/* Of one process what it has measured. */
static struct moments join(const struct layer_run *run, size_t channel)
{
    const struct moments *all = (const struct moments *)run->gathered + channel;
    const size_t channels = tensor_features(run->in[0]);
    struct moments m = { .count = 0 };

    for (unsigned i = 0; i < run->peers; i++) {
        m.count += all[i * channels].count;
        m.sum += all[i * channels].sum;
    }
    for (unsigned i = 0; i < run->peers; i++) {
        const struct moments *one = &all[i * channels];
        const double far = one->count > 0 ? (double)mean_of(one) - (double)mean_of(&m) : 0;

        m.squares += one->squares + one->count * far * far;
    }
    return m;
}

static void forward_gather(const struct layer_run *run)
{
    struct moments *own = run->own;
    unsigned long long begin, end;

    pool_share(tensor_features(run->in[0]), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++)
        own[f] = measure(run, f);
}

static struct statistics of_batch(const struct layer_run *run, const struct moments *m, size_t channel)
{
    const float squares = (float)m->squares, count = (float)m->count;
    const struct statistics s = { mean_of(m), 1 / sqrtf(squares / count + (float)run->layer->parameters[EPSILON]) };

    move(run->layer, MEAN, channel, s.mean);
    move(run->layer, VARIANCE, channel, squares / (float)(m->count - 1));
    return s;
}

static struct statistics statistics_of(const struct layer_run *run, size_t channel)
{
    struct moments m;

    if (run->mode != LAYER_TRAIN)
        return running(run->layer, channel);
    m = run->gathered ? join(run, channel) : measure(run, channel);
    return m.count > 1 ? of_batch(run, &m, channel) : running(run->layer, channel);
}

static void forward(const struct layer_run *run)
{
    const size_t count = tensor_columns(run->in[0]);
    struct statistics *saved = run->saved;
    unsigned long long begin, end;

    pool_share(tensor_features(run->in[0]), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++) {
        const struct statistics s = statistics_of(run, f);

        if (run->mode == LAYER_TRAIN)
            saved[f] = s;
        if (count)
            run->kernels->norm_apply(run->in[0]->data + f * count, run->out->data + f * count, count, s.mean,
                                     value_of(run->layer, SCALE, f, 1) * s.inverse, value_of(run->layer, SHIFT, f, 0));
    }
}

static struct shares measure_back(const struct layer_back *back, size_t channel)
{
    const struct layer_run *run = &back->run;
    const size_t count = tensor_columns(run->in[0]);
    const struct norm_sums sums =
        run->kernels->norm_sums(run->in[0]->data + channel * count, back->out_gradient + channel * count, count,
                                ((const struct statistics *)run->saved)[channel].mean);

    return (struct shares){ (double)count, (double)sums.gradient, (double)sums.product };
}

static struct shares join_back(const struct layer_run *run, size_t channel)
{
    const struct shares *all = (const struct shares *)run->gathered + channel;
    const size_t channels = tensor_features(run->in[0]);
    struct shares sum = { .count = 0 };

    for (unsigned i = 0; i < run->peers; i++) {
        sum.count += all[i * channels].count;
        sum.gradient += all[i * channels].gradient;
        sum.product += all[i * channels].product;
    }
    return sum;
}

static void backward_gather(const struct layer_back *back)
{
    struct shares *own = back->run.own;
    unsigned long long begin, end;

    pool_share(tensor_features(back->run.in[0]), 1, back->run.part, back->run.parts, &begin, &end);
    for (size_t f = begin; f < end; f++)
        own[f] = measure_back(back, f);
}

/* With n numbers of mean m and inverse deviation i, and g the gradient: scale's is i sum g (x - m), shift's sum g, and
 * x's is scale i (g - (sum g) / n - (x - m) i^2 (sum g (x - m)) / n). Running statistics are constants: scale i g.
 * Scale's and shift's are of the samples at hand; x's takes the sums of all. */
static void backward_channel(const struct layer_back *back, size_t f, float *in_gradient)
{
    const struct layer_run *run = &back->run;
    const size_t count = tensor_columns(run->in[0]);
    const struct statistics s = ((const struct statistics *)run->saved)[f];
    const float *x = run->in[0]->data + f * count, *g = back->out_gradient + f * count;
    const struct shares own = run->gathered ? ((const struct shares *)run->own)[f] : measure_back(back, f);
    const struct shares all = run->gathered ? join_back(run, f) : own;
    struct norm_back step = { .mean = s.mean, .factor = value_of(run->layer, SCALE, f, 1) * s.inverse };

    if (back->vector_gradient[SCALE])
        back->vector_gradient[SCALE][f] = (float)own.product * s.inverse;
    if (back->vector_gradient[SHIFT])
        back->vector_gradient[SHIFT][f] = (float)own.gradient;
    if (!in_gradient)
        return;
    if (all.count > 1) {
        step.level = (float)all.gradient / (float)all.count;
        step.tilt = s.inverse * s.inverse * (float)all.product / (float)all.count;
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
        backward_channel(back, f, into ? into + f * count : NULL);
        if (add)
            run->kernels->add(back->in_gradient[0] + f * count, into + f * count, count);
    }
}

static void affine(const struct layer *layer, size_t channel, struct affine *out)
{
    const struct statistics s = running(layer, channel);

    *out = (struct affine){ .offset = s.mean,
                            .factor = value_of(layer, SCALE, channel, 1) * s.inverse,
                            .shift = value_of(layer, SHIFT, channel, 0) };
}

const struct layer_kind layer_batch_norm = {
    .name = "batch_norm",
    .inputs_min = 1,
    .inputs_max = 1,
    .follows = true,
    .finish = FINISH_NORM,
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
    .step = forward,
    .forward_gather = forward_gather,
    .backward = backward,
    .backward_gather = backward_gather,
    .affine = affine,
};
