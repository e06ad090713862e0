/* SPDX-License-Identifier: Apache-2.0
 *
 * Noise over a clean recording, from a generator's numbers alone: at a ratio of their powers that is uniform in a range
 * of decibels, and of a sort that is drawn. White: numbers that are independent. Pink: those through Kellet's filter,
 * 1 / f to half a decibel. Recorded: a stretch of a recording of noise, which begins anew where it ends; half of the
 * noise is that, where there are such recordings.
 */
#ifndef FORGE_DATA_RECORDINGS_MIXING_H
#define FORGE_DATA_RECORDINGS_MIXING_H

#include "base/error.h"
#include "base/rng.h"
#include "media/spec/media.h"

struct mixing {
    double low, high;                 /* of the clean sound's power to that of the noise, in decibels */
    const struct media_sound *noises; /* at the rate of the clean sounds; borrowed */
    size_t noise_count;
};

/* "mix=0:10". WISP_E_INVALID. */
int mixing_parse(const char *text, struct mixing *out, struct reason *why);

/* `count` samples of a clean recording whose power, the mean of all of its squares, is `power`, with noise. Where the
 * noise is nothing, or the recording, that is added. */
void mixing_apply(const struct mixing *mixing, struct rng *rng, const float *clean, size_t count, double power,
                  float *out);

#endif
