/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/options.h"
#include "base/size.h"
#include "forge/data/pairs/degradation.h"
#include "forge/data/pairs/edges.h"
#include "sparse/kernels/functions.h"

#define WHAT_THERE_IS                                                                                                  \
    "give none, noise=S (above 0 to 128 of 255), dark=F (0.01 to 1), small=N (2 to 8), drawing=T (0 to 4) or "         \
    "oil=R (1 to 16)"

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
            memset(to, (double)edge_square(clean, x, y) > longest ? 255 : 0, clean->channels);
    }
    return 0;
}

static int make_oil(double amount, const struct media_picture *clean, struct media_picture *out)
{
    return picture_paint(clean, (uint32_t)amount, out);
}

static const struct degradation degradations[] = {
    { .name = "none" },
    { .name = "noise", .min = 1e-3, .max = 128, .noise = make_noise },
    { .name = "dark", .min = 0.01, .max = 1, .noise = make_dark },
    { .name = "small", .min = 2, .max = 8, .whole = make_small, .shrinks = true, .counts = true },
    { .name = "drawing", .min = 0, .max = 4, .whole = make_drawing },
    { .name = "oil", .min = 1, .max = 16, .whole = make_oil, .counts = true, .of_target = true },
};

static bool parse_one(const char *text, const struct degradation *d, double *amount)
{
    *amount = 0;
    if (d->max == 0)
        return !strcmp(text, d->name);
    return parse_amount(text, d->name, amount) && *amount >= d->min && *amount <= d->max &&
           (!d->counts || *amount == floor(*amount));
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
