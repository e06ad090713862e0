/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/train/augment/augment.h"

/* -most … most. */
static double draw_within(struct rng *rng, double max)
{
    return max * (2 * rng_double(rng) - 1);
}

static uint8_t to_byte(double value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lround(value);
}

/* Between the four pixels around, each at its middle. */
static double sample(const struct media_picture *p, double x, double y, uint32_t channel)
{
    double left = MIN(MAX(x, 0.0), (double)(p->width - 1)), top = MIN(MAX(y, 0.0), (double)(p->height - 1));
    uint32_t x0 = (uint32_t)left, y0 = (uint32_t)top;
    uint32_t x1 = MIN(x0 + 1, p->width - 1), y1 = MIN(y0 + 1, p->height - 1);
    double right = left - (double)x0, down = top - (double)y0;
    const uint8_t *above = p->pixels + (size_t)y0 * p->width * p->channels + channel;
    const uint8_t *below = p->pixels + (size_t)y1 * p->width * p->channels + channel;
    double upper = (1 - right) * above[x0 * p->channels] + right * above[x1 * p->channels];
    double lower = (1 - right) * below[x0 * p->channels] + right * below[x1 * p->channels];

    return (1 - down) * upper + down * lower;
}

/* A part of the picture, in its own proportions, as large as the whole was. */
static int zoom(double max, struct rng *rng, struct media_picture *picture)
{
    double side = 1 - max * rng_double(rng);
    double left = rng_double(rng) * (1 - side) * picture->width, top = rng_double(rng) * (1 - side) * picture->height;
    uint8_t *made = memory_alloc((size_t)picture->width * picture->height, picture->channels), *to = made;

    if (!made)
        return -ENOMEM;
    for (uint32_t y = 0; y < picture->height; y++) {
        for (uint32_t x = 0; x < picture->width; x++) {
            for (uint32_t c = 0; c < picture->channels; c++)
                *to++ = to_byte(sample(picture, left + (x + 0.5) * side - 0.5, top + (y + 0.5) * side - 0.5, c));
        }
    }
    free(picture->pixels);
    picture->pixels = made;
    return 0;
}

/* Brightness and contrast, and of colours how far they are from grey. */
static void change_colour(double max, struct rng *rng, struct media_picture *picture)
{
    double brightness = 128 * draw_within(rng, max), contrast = 1 + draw_within(rng, max);
    double saturation = 1 + draw_within(rng, max);
    size_t pixels = (size_t)picture->width * picture->height;

    for (size_t i = 0; i < pixels; i++) {
        uint8_t *pixel = picture->pixels + i * picture->channels;
        double grey = picture->channels == 3 ? 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2] : 0;

        for (uint32_t c = 0; c < picture->channels; c++) {
            double value = picture->channels == 3 ? grey + saturation * (pixel[c] - grey) : pixel[c];

            pixel[c] = to_byte(128 + contrast * (value - 128) + brightness);
        }
    }
}

/* Nearly normal: four uniform numbers, whose sum has a variance of a third. */
static void add_grain(double deviation, struct rng *rng, struct media_picture *picture)
{
    const double root_of_3 = 1.7320508075688772;
    size_t bytes = (size_t)picture->width * picture->height * picture->channels;

    for (size_t i = 0; i < bytes; i++) {
        double sum = rng_double(rng) + rng_double(rng) + rng_double(rng) + rng_double(rng) - 2;

        picture->pixels[i] = to_byte(picture->pixels[i] + deviation * root_of_3 * sum);
    }
}

static uint8_t mean_of(const struct media_picture *picture, uint32_t channel)
{
    size_t pixels = (size_t)picture->width * picture->height;
    uint64_t sum = 0;

    for (size_t i = 0; i < pixels; i++)
        sum += picture->pixels[i * picture->channels + channel];
    return pixels ? (uint8_t)(sum / pixels) : 0; /* no picture has none */
}

/* A square around a pixel anywhere becomes the picture's mean. */
static void cut_out(double share, struct rng *rng, struct media_picture *picture)
{
    int64_t width = picture->width, height = picture->height, side = llround(share * (double)MIN(width, height));
    int64_t left = (int64_t)rng_below(rng, (uint64_t)width) - side / 2;
    int64_t top = (int64_t)rng_below(rng, (uint64_t)height) - side / 2;

    for (uint32_t c = 0; c < picture->channels; c++) {
        uint8_t mean = mean_of(picture, c);

        for (int64_t y = MAX(top, 0); y < MIN(top + side, height); y++) {
            for (int64_t x = MAX(left, 0); x < MIN(left + side, width); x++)
                picture->pixels[(y * width + x) * picture->channels + c] = mean;
        }
    }
}

unsigned augment_turns(const struct augment *augment, struct rng *rng)
{
    const double share = augment->amount[AUGMENT_TURN], drawn = share > 0 ? rng_double(rng) : 1;

    return drawn < share ? 1 + MIN((unsigned)(3 * drawn / share), 2) : 0;
}

/* A quarter, clockwise: what was its left side is its top. */
static int turn(struct media_picture *picture)
{
    const size_t width = picture->height, height = picture->width, channels = picture->channels;
    uint8_t *made = memory_alloc(width * height, channels), *to = made;

    if (!made)
        return -ENOMEM;
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++, to += channels)
            memcpy(to, picture->pixels + ((width - 1 - x) * picture->width + y) * channels, channels);
    }
    free(picture->pixels);
    *picture = (struct media_picture){ (uint32_t)width, (uint32_t)height, picture->channels, made };
    return 0;
}

int augment_pixels(const struct augment *augment, struct rng *rng, struct media_picture *picture)
{
    const double *amount = augment->amount;
    int result = 0;

    for (unsigned turns = augment_turns(augment, rng); turns && !result; turns--)
        result = turn(picture);
    if (!result && amount[AUGMENT_ZOOM] > 0)
        result = zoom(amount[AUGMENT_ZOOM], rng, picture);
    if (result)
        return result;
    if (amount[AUGMENT_COLOUR] > 0)
        change_colour(amount[AUGMENT_COLOUR], rng, picture);
    if (amount[AUGMENT_GRAIN] > 0)
        add_grain(amount[AUGMENT_GRAIN], rng, picture);
    if (amount[AUGMENT_CUTOUT] > 0)
        cut_out(amount[AUGMENT_CUTOUT], rng, picture);
    return 0;
}
