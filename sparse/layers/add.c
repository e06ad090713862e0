/* SPDX-License-Identifier: Apache-2.0
 *
 * add: the element-wise sum of two or more values of one shape: the residual connection.
 */
#include <string.h>

#include "base/pool.h"
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    (void)parameters;
    for (uint32_t i = 1; i < input_count; i++) {
        if (inputs[i].rank != inputs[0].rank ||
            memcmp(inputs[i].dimension, inputs[0].dimension, inputs[0].rank * sizeof *inputs[0].dimension) != 0)
            return refuse(why, WISP_E_FORMAT, "its inputs have different shapes");
    }
    *out = (struct layer_plan){ .shape = inputs[0] };
    return 0;
}

static void share(const struct layer_run *run, size_t *begin, size_t *count)
{
    unsigned long long first, past;

    pool_share(tensor_count(run->out), 1024, run->part, run->parts, &first, &past);
    *begin = first;
    *count = past - first;
}

static void forward(const struct layer_run *run)
{
    float *out = run->out->data;
    size_t begin, count;

    share(run, &begin, &count);
    memcpy(out + begin, run->in[0]->data + begin, count * sizeof *out);
    for (uint32_t j = 1; j < run->layer->input_count; j++)
        run->kernels->add(out + begin, run->in[j]->data + begin, count);
}

static void backward(const struct layer_back *back)
{
    size_t begin, count;

    share(&back->run, &begin, &count);
    for (uint32_t j = 0; j < back->run.layer->input_count; j++) {
        if (!back->in_gradient[j])
            continue;
        if (back->accumulate[j])
            back->run.kernels->add(back->in_gradient[j] + begin, back->out_gradient + begin, count);
        else
            memcpy(back->in_gradient[j] + begin, back->out_gradient + begin, count * sizeof *back->out_gradient);
    }
}

const struct layer_kind layer_add = {
    .name = "add",
    .inputs_min = 2,
    .inputs_max = LAYER_INPUTS_MAX,
    .plan = plan,
    .forward = forward,
    .backward = backward,
};
