/* SPDX-License-Identifier: Apache-2.0
 *
 * Noise over a clean recording, from a generator's numbers alone: at a ratio of their powers that is uniform in a range
 * of decibels, and of a sort that is drawn. White: numbers that are independent. Pink: those through Kellet's filter,
 * 1 / f to half a decibel. Recorded: a stretch of a recording of noise, which begins anew where it ends; half of the
 * noise is that, where there are such recordings.
 *
 * Damaged, a recording has a gain of its own besides, from -6 to 6 dB, and is muffled by 26 dB for 0.1 to 0.3 s.
 */
#ifndef FORGE_DATA_RECORDINGS_MIXING_H
#define FORGE_DATA_RECORDINGS_MIXING_H

#include <stdbool.h>

#include "base/error.h"
#include "base/rng.h"
#include "media/spec/media.h"

struct mixing {
    bool damages;
    double low, high;                 /* of the clean sound's power to that of the noise, in decibels */
    const struct media_sound *noises; /* at the rate of the clean sounds; borrowed */
    size_t noise_count;
};

/* "mix=0:10", or "damage=-3:12". WISP_E_INVALID. */
int mixing_parse(const char *text, struct mixing *out, struct reason *why);

/* Samples of a clean recording whose power, the mean of all of its squares, is `power`, with noise, and damaged. Where
 * the noise is nothing, or the recording, that is added. */
void mixing_apply(const struct mixing *mixing, struct rng *rng, const struct media_sound *clean, double power,
                  float *out);

#endif
