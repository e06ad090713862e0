/* SPDX-License-Identifier: Apache-2.0
 *
 * A sound as it is taken in, from a decoder or from a program's memory: frames of any number of channels become one
 * channel, finite and within -1..1. It grows as samples come, for what a header says of their number may be anything.
 */
#ifndef MEDIA_AUDIO_INTAKE_H
#define MEDIA_AUDIO_INTAKE_H

#include <stddef.h>

#include "base/error.h"
#include "media/spec/media.h"

struct intake {
    int rate, channels;
    float *samples;
    size_t count, capacity;
    float peak, loudest; /* of the mean of all channels, and of any one */
};

enum {
    INTAKE_BLOCK = 65536, /* floats to take at once */
    RATE_MIN = 1000,
    RATE_MAX = 768000,
    SAMPLES_MAX = 1 << 28, /* of all channels together, and of a resampled sound */
};

/* Less than one step of 16 bits: what is nowhere louder is silent. */
#define SILENCE (1.0f / 32768)

/* Begins an empty one. WISP_E_FORMAT when no sound has such a rate or so many channels. */
int intake_begin(struct intake *intake, int rate, int channels, struct reason *why);

/* Takes `count` frames. WISP_E_FORMAT when a value is not finite, or there are too many; -ENOMEM. */
int intake_take(struct intake *intake, const float *frames, size_t count, struct reason *why);

/* Hands the sound out. WISP_E_FORMAT when nothing came. */
int intake_finish(struct intake *intake, struct media_sound *out, struct reason *why);

/* Frees what was taken and not handed out. */
void intake_drop(struct intake *intake);

#endif
