/* SPDX-License-Identifier: Apache-2.0
 *
 * Fourier transforms of real numbers, so many at a time, and back. Immutable once made; many threads may use one. The
 * same bits on every machine.
 */
#ifndef MEDIA_SPEC_FOURIER_H
#define MEDIA_SPEC_FOURIER_H

#include <stddef.h>
#include <stdint.h>

struct fourier;

struct fourier_number {
    float re, im;
};

/* `points` is even. -ENOMEM. */
int fourier_new(uint32_t points, struct fourier **out);
struct fourier *fourier_free(struct fourier *fourier); /* accepts NULL; returns NULL */

/* Numbers of scratch that a transform needs. */
size_t fourier_scratch(const struct fourier *fourier);

/* From `points` reals to points / 2 + 1 numbers of their spectrum. */
void fourier_forward(const struct fourier *fourier, const float *in, struct fourier_number *out,
                     struct fourier_number *scratch);

/* Back: of what fourier_forward() gave it makes what that had. Of the first and the last number only `re` counts. */
void fourier_backward(const struct fourier *fourier, const struct fourier_number *in, float *out,
                      struct fourier_number *scratch);

#endif
