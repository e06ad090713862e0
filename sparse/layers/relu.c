/* SPDX-License-Identifier: Apache-2.0
 *
 * relu: max(x, 0) of each element.
 */
#include "sparse/layers/elementwise.h"

static void rectify(const struct layer_run *run, const float *in, float *out, size_t n)
{
    run->kernels->relu(in, out, n);
}

static void forward(const struct layer_run *run)
{
    elementwise_forward(run, rectify);
}

static void pass_on(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    run->kernels->relu_backward(back->out, back->out_gradient, back->in_gradient, n);
}

static void backward(const struct layer_back *back)
{
    elementwise_backward(back, pass_on);
}

const struct layer_kind layer_relu = { .name = "relu",
                                       .inputs_min = 1,
                                       .inputs_max = 1,
                                       .role = ROLE_ACTIVATION,
                                       .gain = 2, /* it drops half of the values */
                                       .follows = true,
                                       .in_place = true,
                                       .plan = plan_same,
                                       .forward = forward,
                                       .backward = backward };
