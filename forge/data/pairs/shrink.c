/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture made smaller by the bicubic filter, as Pillow makes it: side by side, each pixel the weighted mean of those
 * within two of its own widths, in bytes after each side. Weights and sums are of doubles in a fixed order.
 */
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/degradation.h"

/* Keys 1981, with a = -0.5. */
static double bicubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* A line of pixels, `step` bytes apart. */
struct line {
    uint8_t *pixels;
    size_t step;
};

static uint8_t mean_around(const struct line *in, uint32_t length, double middle, uint32_t factor)
{
    const int64_t first = MAX((int64_t)(middle - 2.0 * factor + 0.5), 0);
    const int64_t past = MIN((int64_t)(middle + 2.0 * factor + 0.5), (int64_t)length);
    double sum = 0, weights = 0;

    for (int64_t i = first; i < past; i++) {
        const double weight = bicubic(((double)i + 0.5 - middle) / factor);

        sum += weight * in->pixels[(size_t)i * in->step];
        weights += weight;
    }
    sum /= weights;
    return sum <= 0 ? 0 : sum >= 255 ? 255 : (uint8_t)lround(sum);
}

static void shrink_line(const struct line *in, uint32_t length, uint32_t factor, const struct line *out)
{
    for (uint32_t i = 0; i < length / factor; i++)
        out->pixels[i * out->step] = mean_around(in, length, (i + 0.5) * factor, factor);
}

int picture_shrink(const struct media_picture *in, uint32_t factor, struct media_picture *out)
{
    const uint32_t width = in->width / factor, height = in->height / factor, channels = in->channels;
    cleanup_free uint8_t *narrow = memory_alloc((size_t)width * in->height, channels);

    *out = (struct media_picture){ width, height, channels, memory_alloc((size_t)width * height, channels) };
    if (!narrow || !out->pixels) {
        free(out->pixels);
        return -ENOMEM;
    }
    for (size_t y = 0; y < in->height; y++) {
        for (size_t c = 0; c < channels; c++)
            shrink_line(&(struct line){ in->pixels + y * in->width * channels + c, channels }, width * factor, factor,
                        &(struct line){ narrow + y * width * channels + c, channels });
    }
    for (size_t x = 0; x < (size_t)width * channels; x++)
        shrink_line(&(struct line){ narrow + x, (size_t)width * channels }, height * factor, factor,
                    &(struct line){ out->pixels + x, (size_t)width * channels });
    return 0;
}
