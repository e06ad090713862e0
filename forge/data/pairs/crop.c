/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/data/pairs/crop.h"

enum { BLOCKS_A_NORMAL = 12 / ARRAY_SIZE(((struct rng *)NULL)->block) }; /* rng_normal() takes twelve words */

struct crop crop_scaled(const struct crop *crop, uint32_t scale)
{
    struct crop scaled = *crop;

    scaled.left *= scale;
    scaled.top *= scale;
    scaled.width *= scale;
    scaled.height *= scale;
    return scaled;
}

/* Where the pixel comes from that is at x, y of what comes out. */
static const uint8_t *pixel_at(const struct crop *crop, const struct media_picture *picture, uint32_t x, uint32_t y)
{
    const uint32_t last = crop->width - 1;

    for (unsigned turn = 0; turn < crop->turns; turn++) { /* back, by one quarter after the other */
        const uint32_t before = x;

        x = y;
        y = last - before;
    }
    if (crop->flip)
        x = last - x;
    return picture->pixels + ((size_t)(crop->top + y) * picture->width + crop->left + x) * picture->channels;
}

void crop_take(const struct crop *crop, const struct media_picture *picture, const struct media_levels *levels,
               float *out)
{
    const size_t plane = (size_t)crop->width * crop->height;

    for (uint32_t y = 0; y < crop->height; y++) {
        for (uint32_t x = 0; x < crop->width; x++, out++) {
            const uint8_t *pixel = pixel_at(crop, picture, x, y);

            for (uint32_t c = 0; c < picture->channels; c++)
                out[c * plane] = levels->values[c][pixel[c]];
        }
    }
}

static float noisy(const struct noise *noise, const float levels[256], uint8_t byte, float normal)
{
    const float value = noise->levels[byte] + noise->deviation * normal;

    if (noise->rounded)
        return levels[value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lroundf(value)];
    return levels[0] + value * ((levels[255] - levels[0]) / 255);
}

void crop_take_noisy(const struct crop *crop, const struct media_picture *picture, const struct media_levels *levels,
                     const struct noise *noise, const struct noise_key *key, float *out)
{
    const size_t plane = (size_t)crop->width * crop->height;
    struct rng rng = rng_make(key->seed, key->stream);

    for (uint32_t y = 0; y < crop->height; y++) {
        rng.position = ((uint64_t)(crop->top + y) * picture->width + crop->left) * picture->channels * BLOCKS_A_NORMAL;
        rng.left = 0;
        for (uint32_t x = 0; x < crop->width; x++, out++) {
            const uint8_t *pixel = pixel_at(crop, picture, x, y);

            for (uint32_t c = 0; c < picture->channels; c++)
                out[c * plane] = noisy(noise, levels->values[c], pixel[c], rng_normal(&rng));
        }
    }
}
