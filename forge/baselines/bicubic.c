/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/baselines/bicubic.h"
#include "forge/data/pairs/pairs.h"

#define PSNR_MAX 100

enum { TAPS = 4 };

static double kernel(double x)
{
    x = fabs(x);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0;
}

/* Of a position of the larger side: the four of the smaller one about it, and how much each counts. */
static void taps_at(uint32_t position, uint32_t factor, uint32_t length, uint32_t at[TAPS], double weights[TAPS])
{
    const double middle = (position + 0.5) / factor - 0.5;
    const int64_t first = (int64_t)floor(middle) - 1;

    for (int i = 0; i < TAPS; i++) {
        at[i] = (uint32_t)MIN(MAX(first + i, 0), (int64_t)length - 1);
        weights[i] = kernel(middle - (double)(first + i));
    }
}

int bicubic_enlarge(const struct media_picture *picture, uint32_t channel, uint32_t factor, double *out)
{
    const size_t width = (size_t)picture->width * factor;
    cleanup_free double *wide = memory_alloc(width * picture->height, sizeof *wide);
    uint32_t at[TAPS];
    double weights[TAPS];

    if (!wide)
        return -ENOMEM;
    for (uint32_t x = 0; x < width; x++) {
        taps_at(x, factor, picture->width, at, weights);
        for (size_t y = 0; y < picture->height; y++) {
            const uint8_t *row = picture->pixels + y * picture->width * picture->channels + channel;

            wide[y * width + x] = 0;
            for (int i = 0; i < TAPS; i++)
                wide[y * width + x] += weights[i] * row[at[i] * picture->channels];
        }
    }
    for (uint32_t y = 0; y < picture->height * factor; y++) {
        taps_at(y, factor, picture->height, at, weights);
        for (size_t x = 0; x < width; x++) {
            double sum = 0;

            for (int i = 0; i < TAPS; i++)
                sum += weights[i] * wide[at[i] * width + x];
            out[y * width + x] = fmin(fmax(sum, 0), 255);
        }
    }
    return 0;
}

static double squares_of(const struct media_picture *target, uint32_t channel, size_t width, size_t height,
                         const double *made)
{
    double sum = 0;

    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            const double apart =
                made[y * width + x] - target->pixels[(y * target->width + x) * target->channels + channel];

            sum += apart * apart;
        }
    }
    return sum;
}

static int psnr_of(const struct dataset *set, uint32_t pair, double *out)
{
    const struct media_picture *in = pairs_input(set, pair), *target = pairs_target(set, pair);
    const size_t width = (size_t)in->width * set->pairs->scale, height = (size_t)in->height * set->pairs->scale;
    cleanup_free double *made = memory_alloc(width * height, sizeof *made);
    double squares = 0;

    for (uint32_t c = 0; c < target->channels; c++) {
        if (!made || bicubic_enlarge(in, MIN(c, in->channels - 1), set->pairs->scale, made))
            return -ENOMEM;
        squares += squares_of(target, c, width, height, made);
    }
    squares /= (double)width * (double)height * target->channels;
    *out = squares > 0 ? fmin(10 * log10(255.0 * 255.0 / squares), PSNR_MAX) : PSNR_MAX;
    return 0;
}

int bicubic_psnr(const struct dataset *set, double *out)
{
    double sum = 0, one;

    for (uint32_t pair = 0; pair < set->pairs->count; pair++) {
        if (psnr_of(set, pair, &one))
            return -ENOMEM;
        sum += one;
    }
    *out = sum / (double)MAX(set->pairs->count, (size_t)1);
    return 0;
}
