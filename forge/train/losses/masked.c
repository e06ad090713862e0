/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "forge/train/losses/masked.h"
#include "sparse/kernels/functions.h"

/* Of each number, when the sounds' are 1 on average. */
#define LEAST 1e-3

struct difference {
    double re, im;
};

/* Number n of what the masks make, without that of S. All in double: what is left where masks are nearly right is a
 * small difference of large numbers. */
static struct difference off_of(const struct masked *m, size_t n)
{
    const float *x = m->targets + n * m->stride, *s = x + 2 * m->plane;
    struct difference off = { -(double)s[0], -(double)s[m->plane] };

    for (size_t r = 0; r < m->sounds; r++) {
        const size_t at = r * m->numbers * m->stride;
        const double mask = (double)m->masks[n * m->stride + at];

        off.re += mask * (double)x[at];
        off.im += mask * (double)x[at + m->plane];
    }
    return off;
}

static void put_gradient(const struct masked *m, double factor, float *gradient)
{
    for (size_t n = 0; n < m->numbers; n++) {
        const struct difference off = off_of(m, n);

        for (size_t r = 0; r < m->sounds; r++) {
            const size_t at = (r * m->numbers + n) * m->stride;

            gradient[at] =
                (float)(factor * ((double)m->targets[at] * off.re + (double)m->targets[at + m->plane] * off.im));
        }
    }
}

double masked_loss(const struct masked *m, float *gradient)
{
    double noise = LEAST * (double)m->numbers, signal = noise;

    for (size_t n = 0; n < m->numbers; n++) {
        const float *s = m->targets + n * m->stride + 2 * m->plane;
        const struct difference off = off_of(m, n);

        noise += off.re * off.re + off.im * off.im;
        signal += (double)s[0] * (double)s[0] + (double)s[m->plane] * (double)s[m->plane];
    }
    if (gradient)
        put_gradient(m, 20 / M_LN10 / noise, gradient);
    return 10 / M_LN10 * (double)function_log((float)(noise / signal));
}
