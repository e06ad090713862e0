/* SPDX-License-Identifier: Apache-2.0
 *
 * A part of a picture as a network takes it: turned, as numbers, channel by channel; with noise.
 */
#ifndef FORGE_DATA_PAIRS_CROP_H
#define FORGE_DATA_PAIRS_CROP_H

#include <stdbool.h>
#include <stdint.h>

#include "forge/data/pairs/degradation.h"

/* Which part, and how it is turned. What is turned by quarters is as wide as high. */
struct crop {
    uint32_t left, top, width, height;
    bool flip;      /* mirrored left to right, */
    unsigned turns; /* and then turned by so many quarters, 0 to 3, clockwise */
};

/* The same part of a picture that is `scale` times as wide and high. */
struct crop crop_scaled(const struct crop *crop, uint32_t scale);

/* [channels][height][width] of `out`. */
void crop_take(const struct crop *crop, const struct media_picture *picture, const struct media_levels *levels,
               float *out);

/* Which numbers the noise is made of; that of a pixel depends on its place in the picture besides, as it comes out. */
struct noise_key {
    uint64_t seed, stream;
};

/* The same, with noise: where it is not rounded, between the levels and beyond them, as if they stood in a line. */
void crop_take_noisy(const struct crop *crop, const struct media_picture *picture, const struct media_levels *levels,
                     const struct noise *noise, const struct noise_key *key, float *out);

#endif
