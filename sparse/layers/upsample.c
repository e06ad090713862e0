/* SPDX-License-Identifier: Apache-2.0
 *
 * upsample: {C, H, W} -> {C, H * factor, W * factor}: each pixel becomes a square of its like (nearest), or pixels lie
 * between the four whose middles are around theirs, each sharing by how near it is, those beyond the edge as on it
 * (bilinear; PyTorch's with align_corners false).
 */
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"

enum { FACTOR, INTERPOLATION };
enum { NEAREST, BILINEAR };

static const char *const interpolations[] = { [NEAREST] = "nearest", [BILINEAR] = "bilinear", NULL };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    int result = plan_rank(&inputs[0], 3, "channels, height, width", why);

    (void)input_count;
    if (result)
        return result;
    if ((double)shape_elements(&inputs[0]) * parameters[FACTOR] * parameters[FACTOR] > MODEL_ELEMENTS_MAX)
        return refuse(why, WISP_E_FORMAT, "its output would be too large");
    *out = (struct layer_plan){ .shape = shape_make(3, inputs[0].dimension[0],
                                                    inputs[0].dimension[1] * (uint32_t)parameters[FACTOR],
                                                    inputs[0].dimension[2] * (uint32_t)parameters[FACTOR]) };
    return 0;
}

/* What one pixel's gradient is added up in before it is added to another. */
static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    if (setup->accumulate[0] && !size_multiply(setup->batch, sizeof(float), &needs->scratch_part))
        return refuse(why, WISP_E_FORMAT, "it is too large for batches of %zu", setup->batch);
    return 0;
}

/* Rows y of the input are counted over all channels. */
struct scale {
    size_t factor, batch, height, width; /* of the input */
    size_t row;                          /* floats of an output row */
};

static struct scale scale_of(const struct layer_run *run)
{
    const uint32_t *dimension = run->in[0]->shape.dimension;
    const size_t factor = (size_t)run->layer->parameters[FACTOR], batch = run->out->batch;

    return (struct scale){ factor, batch, dimension[1], dimension[2], dimension[2] * factor * batch };
}

/* ---- nearest ---- */

/* An input row becomes `factor` rows that are `factor` times as wide. */
static void nearest_row(const struct scale *s, const float *in, size_t y, float *out)
{
    in += y * s->width * s->batch;
    out += y * s->factor * s->row;
    for (size_t x = 0; x < s->width * s->factor; x++) {
        const float *from = in + x / s->factor * s->batch;

        for (size_t b = 0; b < s->batch; b++)
            out[x * s->batch + b] = from[b];
    }
    for (size_t copy = 1; copy < s->factor; copy++)
        memcpy(out + copy * s->row, out, s->row * sizeof *out);
}

/* The sum over the square of pixels that one has become, row by row. */
static void nearest_back(const struct scale *s, const float *gradient, size_t y, size_t x, float *sums)
{
    gradient += (y * s->row + x * s->batch) * s->factor;
    for (size_t i = 0; i < s->factor * s->factor; i++) {
        const float *g = gradient + i / s->factor * s->row + i % s->factor * s->batch;

        for (size_t b = 0; b < s->batch; b++)
            sums[b] += g[b];
    }
}

/* ---- bilinear ---- */

/* What an output pixel is along one side: 1 - share of one input pixel, and share of the next. */
struct blend {
    size_t low, high;
    float share;
};

static struct blend blend_at(size_t out, size_t factor, size_t size)
{
    const float middle = ((float)out + 0.5f) / (float)factor - 0.5f, at = middle < 0 ? 0 : middle;
    const size_t low = (size_t)at;

    return (struct blend){ low, MIN(low + 1, size - 1), at - (float)low };
}

/* How much of an input pixel is in it. */
static float share_of(const struct blend *blend, size_t in)
{
    return (blend->low == in ? 1 - blend->share : 0) + (blend->high == in ? blend->share : 0);
}

static void bilinear_row(const struct scale *s, const float *in, size_t y, float *out)
{
    const float *picture = in + y / s->height * s->height * s->width * s->batch;

    for (size_t i = 0; i < s->factor * s->factor * s->width; i++) {
        const size_t out_y = y * s->factor + i / (s->factor * s->width), out_x = i % (s->factor * s->width);
        const struct blend down = blend_at(out_y % (s->height * s->factor), s->factor, s->height);
        const struct blend across = blend_at(out_x, s->factor, s->width);
        const float *upper = picture + down.low * s->width * s->batch;
        const float *lower = picture + down.high * s->width * s->batch;
        float *to = out + out_y * s->row + out_x * s->batch;

        for (size_t b = 0; b < s->batch; b++) {
            const size_t left = across.low * s->batch + b, right = across.high * s->batch + b;
            const float above = (1 - across.share) * upper[left] + across.share * upper[right];
            const float below = (1 - across.share) * lower[left] + across.share * lower[right];

            to[b] = (1 - down.share) * above + down.share * below;
        }
    }
}

/* The output pixels that have something of one are less than two input pixels away. */
static void bilinear_back(const struct scale *s, const float *gradient, size_t y, size_t x, float *sums)
{
    const size_t picture = y / s->height * s->height * s->factor, in_y = y % s->height;
    const size_t from = x ? (x - 1) * s->factor : 0, past = MIN(x + 2, s->width) * s->factor;

    for (size_t i = in_y ? (in_y - 1) * s->factor : 0; i < MIN(in_y + 2, s->height) * s->factor; i++) {
        const struct blend down = blend_at(i, s->factor, s->height);

        for (size_t j = from; j < past; j++) {
            const struct blend across = blend_at(j, s->factor, s->width);
            const float share = share_of(&down, in_y) * share_of(&across, x);
            const float *g = gradient + (picture + i) * s->row + j * s->batch;

            for (size_t b = 0; share != 0 && b < s->batch; b++)
                sums[b] += share * g[b];
        }
    }
}

/* ---- both ---- */

static const struct {
    void (*row)(const struct scale *s, const float *in, size_t y, float *out);
    /* Adds to the sums of the input pixel (y, x). */
    void (*back)(const struct scale *s, const float *gradient, size_t y, size_t x, float *sums);
} ways[] = { [NEAREST] = { nearest_row, nearest_back }, [BILINEAR] = { bilinear_row, bilinear_back } };

static void part_of(const struct layer_run *run, const struct scale *s, unsigned long long *begin,
                    unsigned long long *end)
{
    pool_share((uint64_t)tensor_features(run->in[0]) * s->height, 1, run->part, run->parts, begin, end);
}

static void forward(const struct layer_run *run)
{
    const struct scale s = scale_of(run);
    unsigned long long begin, end;

    part_of(run, &s, &begin, &end);
    for (size_t y = begin; y < end; y++)
        ways[(unsigned)run->layer->parameters[INTERPOLATION]].row(&s, run->in[0]->data, y, run->out->data);
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct scale s = scale_of(run);
    unsigned long long begin, end;

    if (!back->in_gradient[0])
        return;
    part_of(run, &s, &begin, &end);
    for (size_t pixel = begin * s.width; pixel < end * s.width; pixel++) {
        float *into = back->in_gradient[0] + pixel * s.batch, *sums = back->accumulate[0] ? run->scratch_part : into;

        memset(sums, 0, s.batch * sizeof *sums);
        ways[(unsigned)run->layer->parameters[INTERPOLATION]].back(&s, back->out_gradient, pixel / s.width,
                                                                   pixel % s.width, sums);
        if (back->accumulate[0])
            run->kernels->add(into, sums, s.batch);
    }
}

const struct layer_kind layer_upsample = {
    .name = "upsample",
    .inputs_min = 1,
    .inputs_max = 1,
    .parameters = { [FACTOR] = { "factor", 2, 1, 64, PARAMETER_WHOLE },
                    [INTERPOLATION] = { "interpolation", NEAREST, NEAREST, BILINEAR, PARAMETER_ENUM } },
    .words = { [INTERPOLATION] = interpolations },
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
