/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "base/size.h"
#include "forge/data/pairs/degradation.h"
#include "sparse/kernels/functions.h"

#define WHAT_THERE_IS                                                                                                  \
    "give none, noise=S (above 0 to 128 of 255), dark=F (0.01 to 1), small=N (2 to 8) or drawing=T (0 to 4)"

static void make_noise(double amount, struct noise *out)
{
    for (unsigned byte = 0; byte < 256; byte++)
        out->levels[byte] = (float)byte;
    out->deviation = (float)amount;
    out->rounded = false;
}

static void make_dark(double amount, struct noise *out)
{
    for (unsigned byte = 0; byte < 256; byte++)
        out->levels[byte] = byte ? 255 * (float)amount * function_exp(1.4f * function_log((float)byte / 255)) : 0;
    out->deviation = 3;
    out->rounded = true;
}

static int make_small(double amount, const struct media_picture *clean, struct media_picture *out)
{
    return picture_shrink(clean, (uint32_t)amount, out);
}

/* The edge's pixels stand beyond it, too. */
static int grey_at(const struct media_picture *p, int64_t x, int64_t y)
{
    const int64_t column = MIN(MAX(x, 0), (int64_t)p->width - 1), row = MIN(MAX(y, 0), (int64_t)p->height - 1);
    const uint8_t *pixel = p->pixels + (row * p->width + column) * p->channels;

    return p->channels == 3 ? (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000 : pixel[0];
}

/* Square of the gradient's length, exactly. */
static int64_t steepness(const struct media_picture *p, int64_t x, int64_t y)
{
    int64_t right = 0, down = 0;

    for (int64_t i = -1; i <= 1; i++) {
        const int weight = i ? 1 : 2;

        right += weight * (grey_at(p, x + 1, y + i) - grey_at(p, x - 1, y + i));
        down += weight * (grey_at(p, x + i, y + 1) - grey_at(p, x + i, y - 1));
    }
    return right * right + down * down;
}

static int make_drawing(double amount, const struct media_picture *clean, struct media_picture *out)
{
    const double longest = amount * 255 * amount * 255;
    uint8_t *to;

    *out = *clean;
    to = out->pixels = memory_alloc((size_t)clean->width * clean->height, clean->channels);
    if (!to)
        return -ENOMEM;
    for (uint32_t y = 0; y < clean->height; y++) {
        for (uint32_t x = 0; x < clean->width; x++, to += clean->channels)
            memset(to, (double)steepness(clean, x, y) > longest ? 255 : 0, clean->channels);
    }
    return 0;
}

static const struct degradation degradations[] = {
    { "none", 0, 0, NULL, NULL, false },
    { "noise", 1e-3, 128, make_noise, NULL, false },
    { "dark", 0.01, 1, make_dark, NULL, false },
    { "small", 2, 8, NULL, make_small, true },
    { "drawing", 0, 4, NULL, make_drawing, false },
};

static bool parse_one(const char *text, const struct degradation *d, double *amount)
{
    *amount = 0;
    if (d->max == 0)
        return !strcmp(text, d->name);
    return parse_amount(text, d->name, amount) && *amount >= d->min && *amount <= d->max &&
           (!d->shrinks || *amount == floor(*amount));
}

int degradation_parse(const char *text, struct degrading *out, struct reason *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(degradations); i++) {
        if (parse_one(text, &degradations[i], &out->amount)) {
            out->degradation = &degradations[i];
            return 0;
        }
    }
    return refuse(why, WISP_E_INVALID, "--degrade '%s': " WHAT_THERE_IS, text);
}

uint32_t degradation_scale(const struct degrading *degrading)
{
    return degrading->degradation && degrading->degradation->shrinks ? (uint32_t)degrading->amount : 1;
}
