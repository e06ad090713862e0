/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture as if it were painted: what Kuwahara's filter leaves of it, and dark lines along edges.
 *
 * Kuwahara: of the four squares that have a pixel in a corner, each `radius` + 1 a side, the mean of the one whose
 * brightness varies least. Squares end with the picture. Sums are of whole numbers, from tables of sums.
 *
 * Lines: a pixel is darkened where the gradient (Sobel) of the brightness is steep: not at all up to FAINT, by DARK
 * from FULL on, and smoothly between.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/degradation.h"
#include "forge/data/pairs/edges.h"

#define FAINT 0.5 /* lengths of the gradient, of brightness of 0 to 1 */
#define FULL  2.0
#define DARK  0.8

enum { SUMS = 5 }; /* red, green, blue, brightness and its square; of a grey picture the last three */

/* Of all pixels left of and above a place, [row][column][SUMS], with a row and a column of zeros before the first. */
struct sums {
    uint64_t *table;
    size_t columns;
};

static void fill_sums(const struct media_picture *p, struct sums *sums)
{
    for (size_t y = 1; y <= p->height; y++) {
        uint64_t row[SUMS] = { 0 };

        for (size_t x = 1; x <= p->width; x++) {
            const uint8_t *pixel = p->pixels + ((y - 1) * p->width + x - 1) * p->channels;
            const uint64_t grey = (uint64_t)edge_grey(p, (int64_t)x - 1, (int64_t)y - 1);
            const uint64_t *above = sums->table + ((y - 1) * sums->columns + x) * SUMS;
            uint64_t *here = sums->table + (y * sums->columns + x) * SUMS;

            for (uint32_t c = 0; c < p->channels; c++)
                row[c] += pixel[c];
            row[3] += grey;
            row[4] += grey * grey;
            for (int i = 0; i < SUMS; i++)
                here[i] = above[i] + row[i];
        }
    }
}

/* A square's mean colour, and how much its brightness varies. */
struct patch {
    double variance;
    uint8_t colour[3];
};

/* Columns left to right, rows top to bottom, each without its end. */
static struct patch measure(const struct sums *sums, size_t left, size_t top, size_t right, size_t bottom)
{
    const uint64_t *a = sums->table + (top * sums->columns + left) * SUMS;
    const uint64_t *b = sums->table + (top * sums->columns + right) * SUMS;
    const uint64_t *c = sums->table + (bottom * sums->columns + left) * SUMS;
    const uint64_t *d = sums->table + (bottom * sums->columns + right) * SUMS;
    const uint64_t count = (right - left) * (bottom - top);
    struct patch patch = { .variance = 0 };
    uint64_t all[SUMS];

    for (int i = 0; i < SUMS; i++)
        all[i] = d[i] - b[i] - c[i] + a[i];
    for (int i = 0; i < 3; i++)
        patch.colour[i] = (uint8_t)((all[i] + count / 2) / count);
    patch.variance = (double)(count * all[4] - all[3] * all[3]) / (double)(count * count);
    return patch;
}

static struct patch smoothest(const struct media_picture *p, const struct sums *sums, size_t x, size_t y, size_t radius)
{
    const size_t left = x > radius ? x - radius : 0, right = MIN(x + radius + 1, (size_t)p->width);
    const size_t top = y > radius ? y - radius : 0, bottom = MIN(y + radius + 1, (size_t)p->height);
    struct patch best = measure(sums, left, top, x + 1, y + 1);

    for (int i = 1; i < 4; i++) {
        const struct patch other =
            measure(sums, i % 2 ? x : left, i / 2 ? y : top, i % 2 ? right : x + 1, i / 2 ? bottom : y + 1);

        if (other.variance < best.variance)
            best = other;
    }
    return best;
}

/* 0 to 1, of the gradient's length. */
static double darkness(double steepness)
{
    const double t = MIN(MAX((steepness - FAINT) / (FULL - FAINT), 0.0), 1.0);

    return DARK * t * t * (3 - 2 * t);
}

int picture_paint(const struct media_picture *in, uint32_t radius, struct media_picture *out)
{
    struct sums sums = { .columns = (size_t)in->width + 1 };
    cleanup_free uint64_t *table = memory_zalloc(sums.columns * (in->height + 1), SUMS * sizeof *table);
    uint8_t *to = memory_alloc((size_t)in->width * in->height, in->channels);

    if (!table || !to) {
        free(to);
        return -ENOMEM;
    }
    *out = (struct media_picture){ in->width, in->height, in->channels, to };
    sums.table = table;
    fill_sums(in, &sums);
    for (size_t y = 0; y < in->height; y++) {
        for (size_t x = 0; x < in->width; x++, to += in->channels) {
            const struct patch patch = smoothest(in, &sums, x, y, radius);
            const double left = 1 - darkness(edge_steepness(in, (int64_t)x, (int64_t)y));

            for (uint32_t c = 0; c < in->channels; c++)
                to[c] = (uint8_t)(patch.colour[c] * left + 0.5);
        }
    }
    return 0;
}
