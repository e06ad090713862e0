/* SPDX-License-Identifier: Apache-2.0
 *
 * concat: values that agree in all but their first dimension, one after another along it: the skips of a U-Net.
 */
#include <string.h>

#include "base/pool.h"
#include "sparse/layers/planning.h"

static int plan(const double *parameters, const struct shape *inputs, uint32_t input_count, struct layer_plan *out,
                struct reason *why)
{
    uint64_t channels = inputs[0].dimension[0];

    (void)parameters;
    for (uint32_t i = 1; i < input_count; i++) {
        if (inputs[i].rank != inputs[0].rank || memcmp(inputs[i].dimension + 1, inputs[0].dimension + 1,
                                                       (inputs[0].rank - 1) * sizeof *inputs[0].dimension) != 0)
            return refuse(why, WISP_E_FORMAT, "its inputs differ in more than their first dimension");
        channels += inputs[i].dimension[0];
    }
    if (channels > MODEL_ELEMENTS_MAX)
        return refuse(why, WISP_E_FORMAT, "its output would be too large");
    *out = (struct layer_plan){ .shape = inputs[0] };
    out->shape.dimension[0] = (uint32_t)channels;
    return 0;
}

/* A part's share of what input j holds, which stands in the output as it is, behind the inputs before it. */
static void share(const struct layer_run *run, uint32_t j, size_t *begin, size_t *count)
{
    unsigned long long first, past;

    pool_share(tensor_count(run->in[j]), 1024, run->part, run->parts, &first, &past);
    *begin = first;
    *count = past - first;
}

static void forward(const struct layer_run *run)
{
    float *out = run->out->data;

    for (uint32_t j = 0; j < run->layer->input_count; j++) {
        size_t begin, count;

        share(run, j, &begin, &count);
        memcpy(out + begin, run->in[j]->data + begin, count * sizeof *out);
        out += tensor_count(run->in[j]);
    }
}

static void backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    const float *gradient = back->out_gradient;

    for (uint32_t j = 0; j < run->layer->input_count; j++) {
        size_t begin, count;

        share(run, j, &begin, &count);
        if (back->in_gradient[j] && back->accumulate[j])
            run->kernels->add(back->in_gradient[j] + begin, gradient + begin, count);
        else if (back->in_gradient[j])
            memcpy(back->in_gradient[j] + begin, gradient + begin, count * sizeof *gradient);
        gradient += tensor_count(run->in[j]);
    }
}

const struct layer_kind layer_concat = { .name = "concat",
                                         .flow = FLOW_CONCAT,
                                         .inputs_min = 2,
                                         .inputs_max = LAYER_INPUTS_MAX,
                                         .plan = plan,
                                         .forward = forward,
                                         .backward = backward };
