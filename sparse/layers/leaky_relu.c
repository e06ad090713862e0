/* SPDX-License-Identifier: Apache-2.0
 *
 * leaky_relu: x of each element, and slope times x below 0.
 */
#include "sparse/layers/elementwise.h"

static void activate(const struct layer_run *run, const float *in, float *out, size_t n)
{
    const float slope = (float)run->layer->parameters[0];

    for (size_t i = 0; i < n; i++)
        out[i] = in[i] < 0 ? in[i] * slope : in[i];
}

static void go_back(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    const float slope = (float)run->layer->parameters[0];

    for (size_t i = 0; i < n; i++)
        back->in_gradient[i] = back->in[i] < 0 ? back->out_gradient[i] * slope : back->out_gradient[i];
}

const struct layer_kind layer_leaky_relu = { .name = "leaky_relu",
                                             .inputs_min = 1,
                                             .inputs_max = 1,
                                             .follows = true,
                                             .gain = 2,
                                             .in_place = true,
                                             .parameters = { { "slope", 0.01, 0, 1, PARAMETER_REAL } },
                                             .plan = plan_same,
                                             .elementwise = &(const struct elementwise){ activate, go_back },
                                             .forward = elementwise_forward,
                                             .backward = elementwise_backward };
