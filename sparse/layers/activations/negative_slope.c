/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/activations/negative_slope.h"

void negative_slope_activate(float slope, const float *in, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[i] < 0 ? in[i] * slope : in[i];
}

/* By the input: an output says nothing of its input's sign where the slope is negative. */
void negative_slope_go_back(float slope, const struct elementwise_back *back, size_t n)
{
    for (size_t i = 0; i < n; i++)
        back->in_gradient[i] = back->in[i] < 0 ? back->out_gradient[i] * slope : back->out_gradient[i];
}
