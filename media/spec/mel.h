/* SPDX-License-Identifier: Apache-2.0
 *
 * Mel spectra: a window, a plan for its Fourier transform, and a bank of triangular filters. Immutable once made; many
 * threads may use one.
 */
#ifndef MEDIA_SPEC_MEL_H
#define MEDIA_SPEC_MEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct mel;

struct mel_shape {
    uint32_t rate, window, bands;
    double low, high; /* Hz */
};

/* WISP_E_FORMAT when a band would be narrower than the spectrum resolves. */
int mel_new(const struct mel_shape *shape, struct mel **out, struct reason *why);
struct mel *mel_free(struct mel *mel); /* accepts NULL; returns NULL */

/* Floats of scratch that mel_power() needs, 64-byte aligned (base/memory.h). */
size_t mel_scratch(const struct mel *mel);

/* The power in each band around sample `centre`; beyond the sound there is silence. */
void mel_power(const struct mel *mel, const float *samples, size_t count, size_t centre, float *scratch, double *power);

#endif
