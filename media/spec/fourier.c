/* SPDX-License-Identifier: Apache-2.0
 *
 * The transform is kissfft's, of complex numbers: that is plain C, and its plan is only read, so threads may share it.
 * A real signal goes in as half as many complex numbers, every other sample the imaginary part, and what comes out is
 * taken apart: X(k) = (Z(k) + Z*(n - k)) / 2 - i w^k (Z(k) - Z*(n - k)) / 2, with n = points / 2 and w a root of unity.
 * The way back puts together 2 Z(k) = X(k) + X*(n - k) + i w^-k (X(k) - X*(n - k)).
 */
#include <errno.h>
#include <kiss_fft.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/spec/fourier.h"

_Static_assert(sizeof(struct fourier_number) == sizeof(kiss_fft_cpx), "numbers are kissfft's");

struct fourier {
    uint32_t half;                /* of the points */
    struct fourier_number *turns; /* w^k, for k up to half */
    kiss_fft_cfg plan, back;      /* of half points */
};

CLEANUP_DEFINE(fourier, struct fourier, fourier_free)

int fourier_new(uint32_t points, struct fourier **out)
{
    cleanup(fourier_at_exit) struct fourier *f = calloc(1, sizeof *f);

    if (!f)
        return -ENOMEM;
    f->half = points / 2;
    f->turns = memory_alloc(f->half + 1, sizeof *f->turns);
    f->plan = kiss_fft_alloc((int)f->half, 0, NULL, NULL);
    f->back = kiss_fft_alloc((int)f->half, 1, NULL, NULL);
    if (!f->turns || !f->plan || !f->back)
        return -ENOMEM;
    for (uint32_t k = 0; k <= f->half; k++) {
        const double angle = -2 * M_PI * k / points;

        f->turns[k] = (struct fourier_number){ (float)cos(angle), (float)sin(angle) };
    }
    *out = steal(&f);
    return 0;
}

struct fourier *fourier_free(struct fourier *f)
{
    if (f) {
        kiss_fft_free(f->plan);
        kiss_fft_free(f->back);
        free(f->turns);
        free(f);
    }
    return NULL;
}

size_t fourier_scratch(const struct fourier *f)
{
    return f->half;
}

/* X(k) from Z(k) and Z(n - k). */
static struct fourier_number take_apart(struct fourier_number a, struct fourier_number b, struct fourier_number turn)
{
    const float even_re = a.re + b.re, even_im = a.im - b.im, odd_re = a.im + b.im, odd_im = b.re - a.re;

    return (struct fourier_number){ (even_re + (turn.re * odd_re - turn.im * odd_im)) / 2,
                                    (even_im + (turn.re * odd_im + turn.im * odd_re)) / 2 };
}

void fourier_forward(const struct fourier *f, const float *in, struct fourier_number *out,
                     struct fourier_number *scratch)
{
    const struct fourier_number *z = scratch;

    kiss_fft(f->plan, (const kiss_fft_cpx *)in, (kiss_fft_cpx *)scratch);
    out[0] = take_apart(z[0], z[0], f->turns[0]);
    out[f->half] = take_apart(z[0], z[0], f->turns[f->half]);
    for (uint32_t k = 1; k < f->half; k++)
        out[k] = take_apart(z[k], z[f->half - k], f->turns[k]);
}

/* 2 Z(k) from X(k) and X(n - k). */
static struct fourier_number put_together(struct fourier_number a, struct fourier_number b, struct fourier_number turn)
{
    const float even_re = a.re + b.re, even_im = a.im - b.im, odd_re = a.re - b.re, odd_im = a.im + b.im;

    return (struct fourier_number){ even_re - (turn.re * odd_im - turn.im * odd_re),
                                    even_im + (turn.re * odd_re + turn.im * odd_im) };
}

void fourier_backward(const struct fourier *f, const struct fourier_number *in, float *out,
                      struct fourier_number *scratch)
{
    const struct fourier_number first = { in[0].re, 0 }, last = { in[f->half].re, 0 };
    const float factor = 1 / (2 * (float)f->half);

    scratch[0] = put_together(first, last, f->turns[0]);
    for (uint32_t k = 1; k < f->half; k++)
        scratch[k] = put_together(in[k], in[f->half - k], f->turns[k]);
    kiss_fft(f->back, (const kiss_fft_cpx *)scratch, (kiss_fft_cpx *)out);
    for (uint32_t i = 0; i < 2 * f->half; i++)
        out[i] *= factor;
}
