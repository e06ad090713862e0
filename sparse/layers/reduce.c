/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce: the mean, the sum or the largest of all numbers that differ in some dimensions alone, which are 1 then: {C,
 * H, W} over its positions is {C, 1, 1}, over its channels {1, H, W}. Sums are one chain in the order of the elements;
 * of equal ones the first is the largest, and a NaN is larger than any.
 *
 * The dimensions lie side by side, so a value is outer x count x inner elements, of which the middle ones go. A stretch
 * is a piece of an inner run, samples in it.
 */
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"

enum { BY, OVER };
enum { MEAN, SUM, LARGEST };
enum { POSITIONS, CHANNELS, ALL, HEIGHT, WIDTH };
enum { BLOCK = 1024 }; /* floats of a stretch: small enough for the first cache */

static const char *const ways[] = { [MEAN] = "mean", [SUM] = "sum", [LARGEST] = "max", NULL };
static const char *const extents[] = {
    [POSITIONS] = "positions", [CHANNELS] = "channels", [ALL] = "all", [HEIGHT] = "height", [WIDTH] = "width", NULL
};

/* Dimensions [first, past). */
static const struct {
    uint32_t first, past;
} ranges[] = { [POSITIONS] = { 1, SHAPE_RANK_MAX },
               [CHANNELS] = { 0, 1 },
               [ALL] = { 0, SHAPE_RANK_MAX },
               [HEIGHT] = { 1, 2 },
               [WIDTH] = { 2, 3 } };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    const unsigned over = (unsigned)parameters[OVER];
    int result = over == HEIGHT || over == WIDTH ? plan_rank(&inputs[0], 3, "channels, height, width", why) : 0;

    (void)input_count;
    if (result)
        return result;
    *out = (struct layer_plan){ .shape = inputs[0], .fixed_cost = (double)shape_elements(&inputs[0]) };
    for (uint32_t d = ranges[over].first; d < MIN(ranges[over].past, inputs[0].rank); d++)
        out->shape.dimension[d] = 1;
    return 0;
}

/* By output: which of its inputs was the largest. */
static int prepare(const struct layer_setup *setup, struct layer_needs *needs, struct reason *why)
{
    uint64_t outs;

    if (setup->mode != LAYER_TRAIN || setup->layer->parameters[BY] != LARGEST)
        return 0;
    if (!size_multiply(shape_elements(&setup->plan->shape), setup->batch, &outs) ||
        !size_multiply(outs, sizeof(uint32_t), &needs->saved))
        return refuse(why, WISP_E_FORMAT, "it is too large for batches of %zu", setup->batch);
    return 0;
}

/* Floats. */
struct extent {
    uint64_t outer, count, inner;
};

static uint64_t product(const struct shape *shape, uint32_t first, uint32_t past)
{
    uint64_t made = 1;

    for (uint32_t d = first; d < MIN(past, shape->rank); d++)
        made *= shape->dimension[d];
    return made;
}

static struct extent extent_of(const struct layer_run *run)
{
    const struct shape *shape = &run->in[0]->shape;
    const unsigned over = (unsigned)run->layer->parameters[OVER];

    return (struct extent){ .outer = product(shape, 0, ranges[over].first),
                            .count = product(shape, ranges[over].first, ranges[over].past),
                            .inner = product(shape, ranges[over].past, SHAPE_RANK_MAX) * run->in[0]->batch };
}

/* `count` runs of n floats, `step` apart, become one. */
struct stretch {
    const float *in;
    float *out;
    uint32_t *largest;      /* by float of `out`: the run that has it; NULL: nobody will ask */
    uint64_t in_at, out_at; /* where both stand in their tensors */
    uint64_t count, step;
    size_t n;
};

static struct stretch stretch_at(const struct layer_run *run, const struct extent *extent, uint64_t number)
{
    const uint64_t blocks = (extent->inner + BLOCK - 1) / BLOCK, outer = number / blocks;
    const uint64_t from = number % blocks * BLOCK, out = outer * extent->inner + from;
    const uint64_t in = outer * extent->count * extent->inner + from;
    const bool asked = run->mode == LAYER_TRAIN && run->layer->parameters[BY] == LARGEST;

    return (struct stretch){ .in = run->in[0]->data + in,
                             .out = run->out->data + out,
                             .largest = asked ? (uint32_t *)run->saved + out : NULL,
                             .in_at = in,
                             .out_at = out,
                             .count = extent->count,
                             .step = extent->inner,
                             .n = MIN(extent->inner - from, (uint64_t)BLOCK) };
}

static void sum(const struct layer_run *run, const struct stretch *s)
{
    memset(s->out, 0, s->n * sizeof *s->out);
    for (uint64_t r = 0; r < s->count; r++)
        run->kernels->add(s->out, s->in + r * s->step, s->n);
}

static void mean(const struct layer_run *run, const struct stretch *s)
{
    sum(run, s);
    for (size_t i = 0; i < s->n; i++)
        s->out[i] /= (float)s->count;
}

static void largest(const struct layer_run *run, const struct stretch *s)
{
    (void)run;
    memcpy(s->out, s->in, s->n * sizeof *s->out);
    if (s->largest)
        memset(s->largest, 0, s->n * sizeof *s->largest);
    for (uint64_t r = 1; r < s->count; r++) {
        const float *in = s->in + r * s->step;

        for (size_t i = 0; i < s->n; i++) {
            const bool larger = in[i] > s->out[i] || (in[i] != in[i] && s->out[i] == s->out[i]);

            s->out[i] = larger ? in[i] : s->out[i];
            if (s->largest)
                s->largest[i] = larger ? (uint32_t)r : s->largest[i];
        }
    }
}

/* What run `r` gets of a gradient. */
static void share_sum(const struct stretch *s, uint64_t r, const float *gradient, float *share)
{
    (void)r;
    memcpy(share, gradient, s->n * sizeof *share);
}

static void share_mean(const struct stretch *s, uint64_t r, const float *gradient, float *share)
{
    (void)r;
    for (size_t i = 0; i < s->n; i++)
        share[i] = gradient[i] / (float)s->count;
}

static void share_largest(const struct stretch *s, uint64_t r, const float *gradient, float *share)
{
    for (size_t i = 0; i < s->n; i++)
        share[i] = s->largest[i] == r ? gradient[i] : 0;
}

static const struct {
    void (*forward)(const struct layer_run *run, const struct stretch *s);
    void (*share)(const struct stretch *s, uint64_t r, const float *gradient, float *share);
} reductions[] = { [MEAN] = { mean, share_mean }, [SUM] = { sum, share_sum }, [LARGEST] = { largest, share_largest } };

static void part_of(const struct layer_run *run, const struct extent *extent, unsigned long long *begin,
                    unsigned long long *end)
{
    pool_share(extent->outer * ((extent->inner + BLOCK - 1) / BLOCK), 1, run->part, run->parts, begin, end);
}

static void forward(const struct layer_run *run)
{
    const struct extent extent = extent_of(run);
    unsigned long long begin, end;

    part_of(run, &extent, &begin, &end);
    for (uint64_t number = begin; number < end; number++) {
        const struct stretch s = stretch_at(run, &extent, number);

        reductions[(unsigned)run->layer->parameters[BY]].forward(run, &s);
    }
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const struct extent extent = extent_of(run);
    float share[BLOCK];
    unsigned long long begin, end;

    if (!back->in_gradient[0])
        return;
    part_of(run, &extent, &begin, &end);
    for (uint64_t number = begin; number < end; number++) {
        const struct stretch s = stretch_at(run, &extent, number);
        const float *gradient = back->out_gradient + s.out_at;

        for (uint64_t r = 0; r < s.count; r++) {
            float *into = back->in_gradient[0] + s.in_at + r * s.step;

            reductions[(unsigned)run->layer->parameters[BY]].share(&s, r, gradient, back->accumulate[0] ? share : into);
            if (back->accumulate[0])
                run->kernels->add(into, share, s.n);
        }
    }
}

const struct layer_kind layer_reduce = {
    .name = "reduce",
    .inputs_min = 1,
    .inputs_max = 1,
    .own_width = true,
    .parameters = { [BY] = { "by", MEAN, MEAN, LARGEST, PARAMETER_ENUM },
                    [OVER] = { "over", POSITIONS, POSITIONS, WIDTH, PARAMETER_ENUM } },
    .words = { [BY] = ways, [OVER] = extents },
    .plan = plan,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
