/* SPDX-License-Identifier: Apache-2.0
 *
 * The window is a periodic Hann window, centred. Its transform has twice as many points (rounded up to a power of two)
 * as the window, so that the lowest bands, narrower than 1 / window, still fall on points. Filter i is a triangle over
 * frequency between the edges i and i + 2 of bands + 2 points evenly spaced on the mel scale 2595 log10(1 + f / 700).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/spec/fourier.h"
#include "media/spec/mel.h"

/* Points first .. first + count of the spectrum, each with its weight. */
struct band {
    uint32_t first, count;
    float *weights;
};

struct mel {
    struct mel_shape shape;
    uint32_t points; /* of the transform */
    float *window;
    float *weights; /* what the bands point into */
    struct band *bands;
    struct fourier *fourier;
};

CLEANUP_DEFINE(mel, struct mel, mel_free)

static uint32_t spectrum_points(const struct mel *mel)
{
    return mel->points / 2 + 1;
}

/* The samples; then the scratch of their transform, which are pairs; then the spectrum. */
size_t mel_scratch(const struct mel *mel)
{
    return 2 * (size_t)mel->points + 2 * (size_t)spectrum_points(mel);
}

static double mel_of(double frequency)
{
    return 2595 * log10(1 + frequency / 700);
}

static double frequency_of(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

/* The height at `frequency` of the triangle over left, middle, right. */
static double triangle(double frequency, double left, double middle, double right)
{
    double rising = (frequency - left) / (middle - left), falling = (right - frequency) / (right - middle);

    return fmax(0, fmin(rising, falling));
}

/* Appends a band's weights at `used`; false when none is above 0. */
static bool fill_band(struct mel *mel, struct band *band, const double edges[3], size_t used)
{
    band->weights = mel->weights + used;
    for (uint32_t k = 0; k < spectrum_points(mel); k++) {
        double frequency = (double)k * mel->shape.rate / mel->points;
        double weight = triangle(frequency, edges[0], edges[1], edges[2]);

        if (weight > 0) {
            if (!band->count)
                band->first = k;
            band->weights[band->count++] = (float)weight;
        }
    }
    return band->count > 0;
}

static int fill_bands(struct mel *mel, struct reason *why)
{
    const struct mel_shape *shape = &mel->shape;
    double low = mel_of(shape->low), step = (mel_of(shape->high) - low) / (shape->bands + 1);
    size_t used = 0;

    for (uint32_t i = 0; i < shape->bands; i++) {
        double edges[3];

        for (int k = 0; k < 3; k++)
            edges[k] = frequency_of(low + step * (i + (unsigned)k));
        if (!fill_band(mel, &mel->bands[i], edges, used))
            return refuse(why, WISP_E_FORMAT,
                          "%u mels between %g and %g Hz: the lowest are narrower than a window of %u samples resolves; "
                          "take fewer mels or a longer window",
                          shape->bands, shape->low, shape->high, shape->window);
        used += mel->bands[i].count;
    }
    return 0;
}

int mel_new(const struct mel_shape *shape, struct mel **out, struct reason *why)
{
    cleanup(mel_at_exit) struct mel *mel = calloc(1, sizeof *mel);
    int result;

    if (!mel)
        return refuse_errno(why, -ENOMEM, "mel filters");
    mel->shape = *shape;
    for (mel->points = 1; mel->points < 2 * shape->window;)
        mel->points *= 2;
    mel->window = memory_alloc(shape->window, sizeof *mel->window);
    mel->bands = calloc(shape->bands, sizeof *mel->bands);
    /* A point lies under at most two triangles. */
    mel->weights = memory_alloc(2 * (size_t)spectrum_points(mel), sizeof *mel->weights);
    if (!mel->window || !mel->bands || !mel->weights)
        return refuse_errno(why, -ENOMEM, "mel filters");
    for (uint32_t i = 0; i < shape->window; i++)
        mel->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / shape->window));
    result = fill_bands(mel, why);
    if (result)
        return result;
    result = fourier_new(mel->points, &mel->fourier);
    if (result)
        return refuse_errno(why, result, "Fourier transform of %u points", mel->points);
    *out = steal(&mel);
    return 0;
}

struct mel *mel_free(struct mel *mel)
{
    if (mel) {
        fourier_free(mel->fourier);
        free(mel->window);
        free(mel->weights);
        free(mel->bands);
        free(mel);
    }
    return NULL;
}

static double power_of(struct fourier_number x)
{
    const double re = (double)x.re, im = (double)x.im;

    return re * re + im * im;
}

void mel_power(const struct mel *mel, const float *samples, size_t count, size_t centre, float *scratch, double *power)
{
    size_t before = mel->shape.window / 2;
    struct fourier_number *spectrum = (struct fourier_number *)(scratch + 2 * mel->points);

    memset(scratch, 0, mel->points * sizeof *scratch);
    for (size_t i = 0; i < mel->shape.window; i++) {
        if (centre + i >= before && centre + i - before < count)
            scratch[i] = samples[centre + i - before] * mel->window[i];
    }
    fourier_forward(mel->fourier, scratch, spectrum, (struct fourier_number *)(scratch + mel->points));
    for (uint32_t b = 0; b < mel->shape.bands; b++) {
        const struct band *band = &mel->bands[b];

        power[b] = 0;
        for (uint32_t i = 0; i < band->count; i++)
            power[b] += (double)band->weights[i] * power_of(spectrum[band->first + i]);
    }
}
