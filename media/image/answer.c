/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that a network gives: what their bytes are as numbers, which it learns, and what its numbers are as bytes.
 */
#include <math.h>

#include "media/spec/media.h"
#include "media/spec/spec.h"

bool media_goes_in_tiles(const struct media *media)
{
    return media->kind == MEDIA_IMAGE && media->image.fit == MEDIA_FIT_TILES;
}

uint32_t media_overlap(const struct media *media)
{
    return media->image.overlap;
}

/* The input's channel whose scale a channel of the answer has. */
static uint32_t scale_of(const struct image_spec *spec, uint32_t channels, uint32_t channel)
{
    return channels == spec->channels ? channel : 0;
}

void media_answer_levels(const struct media *media, uint32_t channels, struct media_levels *out)
{
    const struct image_spec *spec = &media->image;

    out->channels = channels;
    for (uint32_t c = 0; c < channels; c++) {
        const uint32_t from = scale_of(spec, channels, c);

        for (unsigned byte = 0; byte < 256; byte++)
            out->values[c][byte] = spec->answer == MEDIA_ANSWER_MASK
                                       ? (float)(byte >= spec->threshold)
                                       : media_normalised(byte / 255.0, spec->mean[from], spec->deviation[from]);
    }
}

/* Of what is no number 0: a daemon may say anything. */
static uint8_t byte_of(double value)
{
    return !(value > 0) ? 0 : value >= 255 ? 255 : (uint8_t)lround(value);
}

void media_answer_bytes(const struct media *media, uint32_t channels, size_t pixels, const float *values,
                        float threshold, uint8_t *out)
{
    const struct image_spec *spec = &media->image;

    for (uint32_t c = 0; c < channels; c++) {
        const uint32_t from = scale_of(spec, channels, c);

        for (size_t i = 0; i < pixels; i++) {
            const double value = (double)values[c * pixels + i];

            out[i * channels + c] = spec->answer == MEDIA_ANSWER_MASK
                                        ? (value > (double)threshold ? 255 : 0)
                                        : byte_of(255 * (value * spec->deviation[from] + spec->mean[from]));
        }
    }
}
