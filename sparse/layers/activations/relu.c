/* SPDX-License-Identifier: Apache-2.0
 *
 * relu: max(x, 0) of each element.
 */
#include "sparse/layers/elementwise.h"

static void activate(const struct layer_run *run, const float *in, float *out, size_t n)
{
    run->kernels->relu(in, out, n);
}

static void go_back(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    run->kernels->relu_backward(back->out, back->out_gradient, back->in_gradient, n);
}

const struct layer_kind layer_relu = { .name = "relu",
                                       .inputs_min = 1,
                                       .inputs_max = 1,
                                       .role = ROLE_ACTIVATION,
                                       .gain = 2, /* it drops half of the values */
                                       .follows = true,
                                       .finish = FINISH_RECTIFY,
                                       .in_place = true,
                                       .plan = plan_same,
                                       .elementwise = &(const struct elementwise){ activate, go_back },
                                       .forward = elementwise_forward,
                                       .backward = elementwise_backward };
