/* SPDX-License-Identifier: Apache-2.0
 *
 * all_relu (Curci et al. 2021), the alternated left ReLU: x of each element; below 0 slope times x in hidden layers of
 * odd number, and minus that in those of even number.
 */
#include "sparse/layers/activations/negative_slope.h"

enum { SLOPE, LAYER };

static float slope_of(const struct layer *layer)
{
    const float slope = (float)layer->parameters[SLOPE];

    return (uint32_t)layer->parameters[LAYER] % 2 ? slope : -slope;
}

static void activate(const struct layer_run *run, const float *in, float *out, size_t n)
{
    negative_slope_activate(slope_of(run->layer), in, out, n);
}

static void go_back(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    negative_slope_go_back(slope_of(run->layer), back, n);
}

const struct layer_kind layer_all_relu = { .name = "all_relu",
                                           .inputs_min = 1,
                                           .inputs_max = 1,
                                           .follows = true,
                                           .gain = 2 / 1.36f, /* 2 / (1 + slope^2) by the default */
                                           .in_place = true,
                                           .parameters = { [SLOPE] = { "slope", 0.6, 0, 1, PARAMETER_REAL },
                                                           [LAYER] = { "layer", 1, 1, 65535, PARAMETER_WHOLE } },
                                           .plan = plan_same,
                                           .elementwise = &(const struct elementwise){ activate, go_back },
                                           .forward = elementwise_forward,
                                           .backward = elementwise_backward };
