/* SPDX-License-Identifier: Apache-2.0
 *
 * multiply: the product of two values of one shape, element by element; or of a value and one number for each of its
 * channels, {C} or {C, 1, 1}, at every position: the gate of a squeeze-and-excite block (Hu et al. 2018).
 */
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/planning.h"

/* Of sums that are made before they are sent: small enough for the first cache. */
enum { BLOCK = 1024 };

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters, (void)input_count;
    if (!shape_equal(&inputs[0], &inputs[1]) &&
        (inputs[0].dimension[0] != inputs[1].dimension[0] || plan_positions(&inputs[1]) != 1))
        return refuse(why, WISP_E_FORMAT,
                      "its inputs have different shapes, and the second has not one number for each of the first's %u "
                      "channels",
                      inputs[0].dimension[0]);
    *out = (struct layer_plan){ .shape = inputs[0], .fixed_cost = (double)shape_elements(&inputs[0]) };
    return 0;
}

/* A channel of the second input meets one of the first as often as it fits. */
static void forward(const struct layer_run *run)
{
    const size_t columns = tensor_columns(run->in[0]), step = tensor_columns(run->in[1]);
    unsigned long long begin, end;

    pool_share(tensor_features(run->out), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++) {
        const float *factor = run->in[1]->data + f * step;

        for (size_t at = f * columns; at < (f + 1) * columns; at += step) {
            const float *in = run->in[0]->data + at;
            float *out = run->out->data + at;

            for (size_t i = 0; i < step; i++)
                out[i] = in[i] * factor[i];
        }
    }
}

static void send(const float *from, float *to, size_t n, bool add)
{
    for (size_t i = 0; i < n; i++)
        to[i] = add ? to[i] + from[i] : from[i];
}

/* To a channel of the first input: the gradient times the factor. */
static void back_to_first(const struct layer_back *back, size_t f, size_t columns, size_t step)
{
    const float *factor = back->run.in[1]->data + f * step;

    for (size_t at = f * columns; at < (f + 1) * columns; at += step) {
        const float *gradient = back->out_gradient + at;
        float *into = back->in_gradient[0] + at;

        for (size_t i = 0; i < step; i++)
            into[i] = back->accumulate[0] ? into[i] + gradient[i] * factor[i] : gradient[i] * factor[i];
    }
}

/* To a channel of the second: the sum over the positions where it was a factor, in their order. */
static void back_to_second(const struct layer_back *back, size_t f, size_t columns, size_t step)
{
    float sums[BLOCK];

    for (size_t from = 0; from < step; from += BLOCK) {
        const size_t n = MIN(step - from, (size_t)BLOCK);

        memset(sums, 0, n * sizeof *sums);
        for (size_t at = f * columns + from; at < (f + 1) * columns; at += step) {
            for (size_t i = 0; i < n; i++)
                sums[i] += back->out_gradient[at + i] * back->run.in[0]->data[at + i];
        }
        send(sums, back->in_gradient[1] + f * step + from, n, back->accumulate[1]);
    }
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const size_t columns = tensor_columns(run->in[0]), step = tensor_columns(run->in[1]);
    unsigned long long begin, end;

    pool_share(tensor_features(run->out), 1, run->part, run->parts, &begin, &end);
    for (size_t f = begin; f < end; f++) {
        if (back->in_gradient[0])
            back_to_first(back, f, columns, step);
        if (back->in_gradient[1])
            back_to_second(back, f, columns, step);
    }
}

const struct layer_kind layer_multiply = { .name = "multiply",
                                           .inputs_min = 2,
                                           .inputs_max = 2,
                                           .merge = MERGE_ELEMENTS,
                                           .plan = plan,
                                           .forward = forward,
                                           .step = forward,
                                           .backward = backward };
