/* SPDX-License-Identifier: Apache-2.0
 *
 * gelu: x times the normal distribution function of x (Hendrycks and Gimpel 2016), or times its approximation by tanh.
 */
#include "sparse/layers/elementwise.h"

enum { NONE, TANH };

static const char *const approximations[] = { [NONE] = "none", [TANH] = "tanh", NULL };

static void activate(const struct layer_run *run, const float *in, float *out, size_t n)
{
    const struct kernels *kernels = run->kernels;

    (run->layer->parameters[0] == TANH ? kernels->gelu_tanh : kernels->gelu)(in, out, n);
}

static void go_back(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    const struct kernels *kernels = run->kernels;

    (run->layer->parameters[0] == TANH ? kernels->gelu_tanh_backward
                                       : kernels->gelu_backward)(back->in, back->out_gradient, back->in_gradient, n);
}

const struct layer_kind layer_gelu = { .name = "gelu",
                                       .inputs_min = 1,
                                       .inputs_max = 1,
                                       .follows = true,
                                       .in_place = true,
                                       .parameters = { { "approximation", NONE, NONE, TANH, PARAMETER_ENUM } },
                                       .words = { approximations },
                                       .plan = plan_same,
                                       .elementwise = &(const struct elementwise){ activate, go_back },
                                       .forward = elementwise_forward,
                                       .backward = elementwise_backward };
