/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/spec/spectra.h"

CLEANUP_DEFINE(spectra, struct spectra, spectra_free)

int spectra_new(uint32_t points, struct spectra **out)
{
    cleanup(spectra_at_exit) struct spectra *s = calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    s->points = points;
    s->window = memory_alloc(points, sizeof *s->window);
    if (!s->window || fourier_new(points, &s->fourier))
        return -ENOMEM;
    for (uint32_t i = 0; i < points; i++)
        s->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / points));
    *out = steal(&s);
    return 0;
}

struct spectra *spectra_free(struct spectra *s)
{
    if (s) {
        fourier_free(s->fourier);
        free(s->window);
        free(s);
    }
    return NULL;
}

/* The samples; then the scratch of their transform, which are pairs. */
size_t spectra_scratch(const struct spectra *s)
{
    return s->points + 2 * fourier_scratch(s->fourier);
}

static struct fourier_number *transforms(const struct spectra *s, float *scratch)
{
    return (struct fourier_number *)(scratch + s->points);
}

void spectra_frame(const struct spectra *s, const float *samples, size_t count, int64_t middle, float *scratch,
                   struct fourier_number *out)
{
    const int64_t begin = middle - s->points / 2;

    for (uint32_t i = 0; i < s->points; i++) {
        const int64_t at = begin + i;

        scratch[i] = at >= 0 && (uint64_t)at < count ? samples[at] * s->window[i] : 0;
    }
    fourier_forward(s->fourier, scratch, out, transforms(s, scratch));
}

void spectra_samples(const struct spectra *s, const struct fourier_number *frame, float *scratch, float *out)
{
    fourier_backward(s->fourier, frame, out, transforms(s, scratch));
    for (uint32_t i = 0; i < s->points; i++)
        out[i] *= s->window[i];
}
