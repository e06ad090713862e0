/* SPDX-License-Identifier: Apache-2.0
 *
 * softmax: exp(x) / sum of exp over the first dimension, at every position.
 */
#include <math.h>

#include "base/pool.h"
#include "sparse/layers/planning.h"

/* Positions and samples alike are columns. */
static void columns_of(const struct layer_run *run, size_t *features, size_t *columns, size_t *begin, size_t *end)
{
    unsigned long long first, past;

    *features = tensor_features(run->out);
    *columns = tensor_columns(run->out);
    pool_share(*columns, 16, run->part, run->parts, &first, &past);
    *begin = first;
    *end = past;
}

static void forward(const struct layer_run *run)
{
    size_t features, columns, begin, end;

    columns_of(run, &features, &columns, &begin, &end);
    run->kernels->softmax(run->in[0]->data, run->out->data, features, columns, begin, end);
}

/* dx = y (dy - sum of y dy), column by column. */
static void backward(const struct layer_back *back)
{
    const float *y = back->run.out->data, *dy = back->out_gradient;
    float *dx = back->in_gradient[0];
    size_t features, columns, begin, end;

    if (!dx)
        return;
    columns_of(&back->run, &features, &columns, &begin, &end);
    for (size_t b = begin; b < end; b++) {
        float sum = 0;

        for (size_t f = 0; f < features; f++)
            sum = fmaf(y[f * columns + b], dy[f * columns + b], sum);
        for (size_t f = 0; f < features; f++) {
            float value = y[f * columns + b] * (dy[f * columns + b] - sum);

            dx[f * columns + b] = back->accumulate[0] ? dx[f * columns + b] + value : value;
        }
    }
}

const struct layer_kind layer_softmax = { .name = "softmax",
                                          .inputs_min = 1,
                                          .inputs_max = 1,
                                          .role = ROLE_CLASSES,
                                          .distribution = DISTRIBUTION_CATEGORICAL,
                                          .in_place = true,
                                          .plan = plan_same,
                                          .forward = forward,
                                          .step = forward,
                                          .backward = backward };
