/* SPDX-License-Identifier: Apache-2.0
 *
 * leaky_relu: x of each element, and slope times x below 0.
 */
#include "sparse/layers/activations/negative_slope.h"

static void activate(const struct layer_run *run, const float *in, float *out, size_t n)
{
    negative_slope_activate((float)run->layer->parameters[0], in, out, n);
}

static void go_back(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    negative_slope_go_back((float)run->layer->parameters[0], back, n);
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
