/* SPDX-License-Identifier: Apache-2.0
 *
 * silu (Elfwing et al. 2018), swish too: x times 1 / (1 + exp(-x)) of each element.
 */
#include "base/size.h"
#include "sparse/layers/elementwise.h"

/* Of sigmoids that are made before they are used: small enough for the first cache. */
enum { BLOCK = 1024 };

static void activate(const struct layer_run *run, const float *in, float *out, size_t n)
{
    float sigmoid[BLOCK];

    for (size_t at = 0; at < n; at += BLOCK) {
        size_t count = MIN(n - at, (size_t)BLOCK);

        run->kernels->sigmoid(in + at, sigmoid, count);
        for (size_t i = 0; i < count; i++)
            out[at + i] = in[at + i] * sigmoid[i];
    }
}

/* With s the sigmoid of x, the slope is s + x s (1 - s). */
static void go_back(const struct layer_run *run, const struct elementwise_back *back, size_t n)
{
    float sigmoid[BLOCK];

    for (size_t at = 0; at < n; at += BLOCK) {
        size_t count = MIN(n - at, (size_t)BLOCK);

        run->kernels->sigmoid(back->in + at, sigmoid, count);
        for (size_t i = 0; i < count; i++) {
            const float x = back->in[at + i], s = sigmoid[i];

            back->in_gradient[at + i] = back->out_gradient[at + i] * (s + x * (s * (1 - s)));
        }
    }
}

const struct layer_kind layer_silu = { .name = "silu",
                                       .inputs_min = 1,
                                       .inputs_max = 1,
                                       .follows = true,
                                       .in_place = true,
                                       .plan = plan_same,
                                       .elementwise = &(const struct elementwise){ activate, go_back },
                                       .forward = elementwise_forward,
                                       .backward = elementwise_backward };
