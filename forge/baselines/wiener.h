/* SPDX-License-Identifier: Apache-2.0
 *
 * Noise taken off by Wiener's filter, where nobody says what the noise is: it is taken to be what the quietest 20 of 63
 * frames have, on average, in each band; of a number X of a frame (|X|^2 - N) / |X|^2 is kept, and nothing where that
 * is below 0.
 */
#ifndef FORGE_BASELINES_WIENER_H
#define FORGE_BASELINES_WIENER_H

#include "forge/data/recordings/recordings.h"

/* The masks of all frames of a sound, [frames][bins], by the description of a network that gives masks; freed by the
 * caller. -ENOMEM. */
int wiener_masks(const struct media *media, const struct media_sound *sound, float **out);

/* Of a pair of one input: how near the filtered input is to the target (recordings/likeness.h). -ENOMEM. */
int wiener_si_sdr(const struct media *media, const struct recording_pair *pair, double *out);

#endif
