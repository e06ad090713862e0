/* SPDX-License-Identifier: Apache-2.0
 *
 * A sound as it is taken in, from a decoder or from a program's memory: frames of any number of channels become one
 * channel, finite and within -1..1. A mixdown makes that of a block at a time, and knows at the end by what all is to
 * be divided; an intake keeps it. That grows as samples come, for what a header says of their number may be anything.
 */
#ifndef MEDIA_AUDIO_INTAKE_H
#define MEDIA_AUDIO_INTAKE_H

#include <stddef.h>

#include "base/error.h"
#include "media/spec/media.h"

struct mixdown {
    int rate, channels;
    uint64_t count, max; /* samples so far, and how many there may be */
    float peak, loudest; /* of the mean of all channels, and of any one */
};

struct intake {
    struct mixdown mix;
    float *samples;
    size_t capacity;
};

enum {
    INTAKE_BLOCK = 65536, /* floats to take at once */
    RATE_MIN = 1000,
    RATE_MAX = 768000,
    SAMPLES_MAX = 1 << 28, /* of all channels together, and of a resampled sound */
};

/* Less than one step of 16 bits: what is nowhere louder is silent. */
#define SILENCE (1.0f / 32768)

/* Begins one of at most so many seconds. WISP_E_FORMAT when no sound has such a rate or so many channels. */
int mixdown_begin(struct mixdown *mix, int rate, int channels, int seconds, struct reason *why);

/* The mean of the channels of `count` frames. WISP_E_FORMAT when a value is not finite, or there are too many. */
int mixdown_take(struct mixdown *mix, const float *frames, size_t count, float *out, struct reason *why);

/* Once there is no more: whether it is a sound. WISP_E_FORMAT. */
int mixdown_end(const struct mixdown *mix, struct reason *why);

/* What is loudest becomes 1, if it is beyond that. */
void mixdown_limit(const struct mixdown *mix, float *samples, size_t count);

/* Begins an empty one. WISP_E_FORMAT when no sound has such a rate or so many channels. */
int intake_begin(struct intake *intake, int rate, int channels, struct reason *why);

/* Takes `count` frames. WISP_E_FORMAT when a value is not finite, or there are too many; -ENOMEM. */
int intake_take(struct intake *intake, const float *frames, size_t count, struct reason *why);

/* Hands the sound out. WISP_E_FORMAT when nothing came. */
int intake_finish(struct intake *intake, struct media_sound *out, struct reason *why);

/* Frees what was taken and not handed out. */
void intake_drop(struct intake *intake);

#endif
