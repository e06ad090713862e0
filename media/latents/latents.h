/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture as the whole numbers that a network's encoder makes of it: so many channels for each square of pixels; and
 * as bytes (docs/design/compression.md). The bytes are the same on every machine.
 */
#ifndef MEDIA_LATENTS_LATENTS_H
#define MEDIA_LATENTS_LATENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    LATENTS_CHANNELS_MAX = 1024,
    LATENTS_VALUE_MAX = 8191, /* either way; what is beyond is cut off */
    LATENTS_COUNT_MAX = 1 << 28,
};

struct latents {
    uint32_t channels, width, height;
    int16_t *values; /* [channels][height][width] */
};

static inline size_t latents_count(const struct latents *latents)
{
    return (size_t)latents->channels * latents->height * latents->width;
}

/* All 0. WISP_E_INVALID when there are none, or too many; -ENOMEM. */
int latents_init(struct latents *latents, uint32_t channels, uint32_t width, uint32_t height, struct reason *why);
void latents_deinit(struct latents *latents); /* idempotent */

/* To bytes that the caller frees. -ENOMEM. */
int latents_encode(const struct latents *latents, uint8_t **bytes, size_t *length);

/* Fills `latents`, whose size is known, from bytes. WISP_E_FORMAT when they are not as many as such latents need;
 * -ENOMEM. */
int latents_decode(struct latents *latents, const uint8_t *bytes, size_t length, struct reason *why);

#endif
