/* SPDX-License-Identifier: Apache-2.0
 *
 * position: adds a learned vector that has one number for each element: where a token stands.
 */
#include <string.h>

#include "base/pool.h"
#include "sparse/layers/moving.h"
#include "sparse/layers/step.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = inputs[0], .vectors = { shape_elements(&inputs[0]) } };
    return 0;
}

/* A part owns features, of all positions and samples. */
static void share(const struct layer_run *run, unsigned long long *begin, unsigned long long *end)
{
    pool_share(tensor_features(run->out), 1, run->part, run->parts, begin, end);
}

/* Positions of a feature: those of this run, which may be the first of those that the vector has numbers for. */
static uint64_t positions_of(const struct layer_run *run)
{
    return run->out->elements / tensor_features(run->out);
}

static uint64_t positions_of_all(const struct layer_run *run)
{
    return run->layer->vectors[0].count / tensor_features(run->out);
}

/* One number for `count` elements. */
static void add_one(const struct layer_run *run, const float *in, float *out, size_t count, float number)
{
    run->kernels->norm_apply(in, out, count, 0, 1, number);
}

/* Of one sample a feature's positions lie as its numbers do. */
static void forward_feature(const struct layer_run *run, const float *in, const float *added, float *out)
{
    const uint64_t positions = positions_of(run);
    const size_t batch = run->out->batch;

    if (batch == 1) {
        if (out != in)
            memcpy(out, in, positions * sizeof *out);
        run->kernels->add(out, added, positions);
        return;
    }
    for (size_t p = 0; p < positions; p++)
        add_one(run, in + p * batch, out + p * batch, batch, added[p]);
}

static void forward(const struct layer_run *run)
{
    const float *added = run->layer->vectors[0].data, *in = run->in[0]->data;
    const size_t floats = positions_of(run) * run->out->batch;
    unsigned long long begin, end;

    share(run, &begin, &end);
    for (size_t f = begin; f < end && added; f++)
        forward_feature(run, in + f * floats, added + f * positions_of_all(run), run->out->data + f * floats);
    if (!added)
        add_one(run, in + begin * floats, run->out->data + begin * floats, (end - begin) * floats, 0);
}

/* An element of a step is a feature. */
static void step(const struct layer_run *run)
{
    const float *added = run->layer->vectors[0].data, *in = run->in[0]->data;
    const size_t batch = run->out->batch;
    float *out = run->out->data;
    unsigned long long begin, end;

    share(run, &begin, &end);
    for (size_t e = begin; e < end; e++) {
        for (size_t b = 0; b < batch; b++) {
            const float here = added ? added[e * run->step->length + run->step->positions[b]] : 0;

            out[e * batch + b] = in[e * batch + b] + here;
        }
    }
}

/* Positions that are not there have learned nothing. */
static void back_feature(const struct layer_back *back, uint64_t feature)
{
    const struct layer_run *run = &back->run;
    const uint64_t positions = positions_of(run), all = positions_of_all(run);
    float *gradient = back->vector_gradient[0] + feature * all;

    run->kernels->row_sums(back->out_gradient + feature * positions * run->out->batch, gradient, run->out->batch, 0,
                           (uint32_t)positions);
    memset(gradient + positions, 0, (all - positions) * sizeof *gradient);
}

static void backward(const struct layer_back *back)
{
    unsigned long long begin, end;

    share(&back->run, &begin, &end);
    for (uint64_t feature = begin; back->vector_gradient[0] && feature < end; feature++)
        back_feature(back, feature);
    move_backward(back, 0, back->out_gradient);
}

const struct layer_kind layer_position = {
    .name = "position",
    .inputs_min = 1,
    .inputs_max = 1,
    .in_place = true,
    .vectors = { { .name = "embedding" } },
    .plan = plan,
    .forward = forward,
    .step = step,
    .backward = backward,
};
