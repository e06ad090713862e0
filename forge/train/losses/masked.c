/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "forge/train/losses/masked.h"
#include "sparse/kernels/functions.h"

/* Of each number, when the sound's are 1 on average. */
#define LEAST 1e-3

/* All in double: what is left where a mask is nearly right is a small difference of large numbers. */
static double off_of(const struct masked *m, size_t at)
{
    return (double)m->masks[at] * (double)m->targets[at] - (double)m->targets[m->plane + at];
}

double masked_loss(const struct masked *m, float *gradient)
{
    double noise = LEAST * (double)m->elements, signal = noise;

    for (size_t e = 0; e < m->elements; e++) {
        const size_t at = e * m->stride;
        const double t = (double)m->targets[m->plane + at], s = (double)m->targets[2 * m->plane + at];
        const double off = off_of(m, at);

        noise += off * off + (s - t * t);
        signal += s;
    }
    for (size_t e = 0; gradient && e < m->elements; e++) {
        const size_t at = e * m->stride;

        gradient[at] = (float)(20 / M_LN10 / noise * (double)m->targets[at] * off_of(m, at));
    }
    return 10 / M_LN10 * (double)function_log((float)(noise / signal));
}
