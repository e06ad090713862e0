/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/train/losses/softened.h"
#include "sparse/kernels/functions.h"

float softened_share(const struct softened *s, size_t at)
{
    const float p = s->p[at] < PROBABILITY_MIN ? PROBABILITY_MIN : s->p[at];

    return function_exp(function_log(p / s->largest) / s->temperature);
}

struct softened softened_of(const float *p, size_t classes, size_t stride, float temperature)
{
    struct softened s = { .p = p, .temperature = temperature, .largest = PROBABILITY_MIN };

    for (size_t c = 0; c < classes; c++) {
        if (p[c * stride] > s.largest) {
            s.largest = p[c * stride];
            s.best = (uint32_t)c;
        }
    }
    for (size_t c = 0; c < classes; c++)
        s.sum += softened_share(&s, c * stride);
    return s;
}
