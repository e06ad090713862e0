/* SPDX-License-Identifier: Apache-2.0
 *
 * hard_sigmoid (Howard et al. 2019): x / 6 + 1 / 2 of each element, 0 from -3 downwards and 1 from 3 upwards.
 */
#include "sparse/layers/elementwise.h"

static void activate(const struct layer_run *run, const float *in, float *out, size_t n)
{
    (void)run;
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] <= -3 ? 0 : in[i] >= 3 ? 1 : in[i] / 6 + 0.5f;
}

static void go_back(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    (void)run;
    for (size_t i = 0; i < n; i++)
        back->in_gradient[i] = back->in[i] <= -3 || back->in[i] >= 3 ? 0 : back->out_gradient[i] / 6;
}

const struct layer_kind layer_hard_sigmoid = { .name = "hard_sigmoid",
                                               .inputs_min = 1,
                                               .inputs_max = 1,
                                               .follows = true,
                                               .in_place = true,
                                               .plan = plan_same,
                                               .elementwise = &(const struct elementwise){ activate, go_back },
                                               .forward = elementwise_forward,
                                               .backward = elementwise_backward };
