/* SPDX-License-Identifier: Apache-2.0
 *
 * concat: values that agree in all but their first dimension, one after another along it: the skips of a U-Net.
 */
#include <string.h>

#include "sparse/layers/moving.h"

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

/* Feature-major, so the inputs are blocks of the output, one after the other. */
static void forward(const struct layer_run *run)
{
    float *out = run->out->data;

    for (uint32_t j = 0; j < run->layer->input_count; out += tensor_count(run->in[j++]))
        move_forward(run, run->in[j], out);
}

static void backward(const struct layer_back *back)
{
    const float *gradient = back->out_gradient;

    for (uint32_t j = 0; j < back->run.layer->input_count; gradient += tensor_count(back->run.in[j++]))
        move_backward(back, j, gradient);
}

const struct layer_kind layer_concat = { .name = "concat",
                                         .flow = FLOW_CONCAT,
                                         .inputs_min = 2,
                                         .inputs_max = LAYER_INPUTS_MAX,
                                         .merge = MERGE_CONCAT,
                                         .own_width = true,
                                         .plan = plan,
                                         .forward = forward,
                                         .step = forward,
                                         .backward = backward };
