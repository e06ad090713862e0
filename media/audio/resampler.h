/* SPDX-License-Identifier: Apache-2.0
 *
 * A sound at one rate to another rate, by soxr, a block at a time: however it is cut, what comes out is the same.
 */
#ifndef MEDIA_AUDIO_RESAMPLER_H
#define MEDIA_AUDIO_RESAMPLER_H

#include <stddef.h>

#include "base/error.h"

struct resampler;

/* WISP_E_INVALID for rates of no sound; -ENOMEM. */
int resampler_new(double rate_in, double rate_out, struct resampler **out, struct reason *why);
struct resampler *resampler_free(struct resampler *resampler); /* accepts NULL; returns NULL */

/* Takes some of *count samples, and gives up to *room; then they say how many that was. With `in` NULL there are no
 * more: then it gives what is left, and nothing when that is all. -ENOMEM. */
int resampler_run(struct resampler *resampler, const float *in, size_t *count, float *out, size_t *room);

#endif
