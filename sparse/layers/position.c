/* SPDX-License-Identifier: Apache-2.0
 *
 * position: adds a learned vector that has one number for each element: where a token stands.
 */
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

/* A part owns elements, of all samples. */
static void share(const struct layer_run *run, unsigned long long *begin, unsigned long long *end)
{
    pool_share(run->out->elements, 64, run->part, run->parts, begin, end);
}

static void forward(const struct layer_run *run)
{
    const float *added = run->layer->vectors[0].data, *in = run->in[0]->data;
    const size_t batch = run->out->batch;
    float *out = run->out->data;
    unsigned long long begin, end;

    share(run, &begin, &end);
    for (size_t e = begin; e < end; e++) {
        const float here = added ? added[e] : 0;

        for (size_t b = 0; b < batch; b++)
            out[e * batch + b] = in[e * batch + b] + here;
    }
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

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;

    share(run, &begin, &end);
    if (back->vector_gradient[0])
        run->kernels->row_sums(back->out_gradient, back->vector_gradient[0], run->out->batch, (uint32_t)begin,
                               (uint32_t)end);
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
