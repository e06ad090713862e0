/* SPDX-License-Identifier: Apache-2.0
 *
 * global_pool: {C, positions…} -> {C}: the mean over all positions, one chain of sums over ascending ones.
 */
#include <string.h>

#include "base/pool.h"
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count, (void)why;
    *out = (struct layer_plan){ .shape = shape_make(1, inputs[0].dimension[0], 0, 0) };
    return 0;
}

/* Features whose chains are in flight together. */
enum { CHAINS = 8 };

/* Of one sample: a position is one float, and a chain by itself would wait for each sum. */
static void mean_of_one(const float *in, size_t positions, size_t features, float *out)
{
    for (size_t first = 0; first < features; first += CHAINS) {
        const size_t count = features - first < CHAINS ? features - first : CHAINS;
        const float *from[CHAINS];
        float sums[CHAINS] = { 0 };

        for (size_t i = 0; i < CHAINS; i++)
            from[i] = in + (first + (i < count ? i : 0)) * positions;
        for (size_t at = 0; at < positions; at++) {
            for (size_t i = 0; i < CHAINS; i++)
                sums[i] += from[i][at];
        }
        for (size_t i = 0; i < count; i++)
            out[first + i] = sums[i] / (float)positions;
    }
}

static void forward(const struct layer_run *run)
{
    const size_t batch = run->in[0]->batch, columns = tensor_columns(run->in[0]);
    const float positions = (float)plan_positions(&run->in[0]->shape);
    unsigned long long begin, end;

    pool_share(tensor_features(run->in[0]), 1, run->part, run->parts, &begin, &end);
    if (batch == 1) {
        mean_of_one(run->in[0]->data + begin * columns, columns, end - begin, run->out->data + begin);
        return;
    }
    for (size_t f = begin; f < end; f++) {
        const float *in = run->in[0]->data + f * columns;
        float *out = run->out->data + f * batch;

        memset(out, 0, batch * sizeof *out);
        for (size_t at = 0; at < columns; at += batch)
            run->kernels->add(out, in + at, batch);
        for (size_t b = 0; b < batch; b++)
            out[b] /= positions;
    }
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const size_t batch = run->in[0]->batch, columns = tensor_columns(run->in[0]);
    const float positions = (float)plan_positions(&run->in[0]->shape);
    unsigned long long begin, end;

    if (!back->in_gradient[0])
        return;
    pool_share(tensor_features(run->in[0]), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++) {
        const float *gradient = back->out_gradient + f * batch;
        float *into = back->in_gradient[0] + f * columns;

        for (size_t at = 0; at < columns; at += batch) {
            for (size_t b = 0; b < batch; b++)
                into[at + b] = back->accumulate[0] ? into[at + b] + gradient[b] / positions : gradient[b] / positions;
        }
    }
}

const struct layer_kind layer_global_pool = {
    .name = "global_pool", .inputs_min = 1, .inputs_max = 1, .plan = plan, .forward = forward, .backward = backward
};
