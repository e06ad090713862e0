/* SPDX-License-Identifier: Apache-2.0
 *
 * Spectra of a sound that go back to sound: frames of `points` samples about every hop-th sample, each times a periodic
 * Hann window, and the Fourier transform of each. Back, a frame is times its window once more, and what frames add up
 * to at a sample is divided by the sum of their windows' squares there: of spectra that nobody has changed that is the
 * sound, and of others the sound whose spectra are the nearest (Griffin and Lim 1984). Immutable once made.
 */
#ifndef MEDIA_SPEC_SPECTRA_H
#define MEDIA_SPEC_SPECTRA_H

#include <stddef.h>
#include <stdint.h>

#include "media/spec/fourier.h"

struct spectra {
    uint32_t points;
    float *window;
    struct fourier *fourier;
};

/* `points` is even. -ENOMEM. */
int spectra_new(uint32_t points, struct spectra **out);
struct spectra *spectra_free(struct spectra *spectra); /* accepts NULL; returns NULL */

static inline uint32_t spectra_bins(const struct spectra *spectra)
{
    return spectra->points / 2 + 1;
}

/* Floats of scratch, 64-byte aligned (base/memory.h), that either way needs. */
size_t spectra_scratch(const struct spectra *spectra);

/* The frame about sample `middle`; beyond the sound there is silence. */
void spectra_frame(const struct spectra *spectra, const float *samples, size_t count, int64_t middle, float *scratch,
                   struct fourier_number *out);

/* `points` samples of a frame, times the window; the frame is left as it is. */
void spectra_samples(const struct spectra *spectra, const struct fourier_number *frame, float *scratch, float *out);

#endif
