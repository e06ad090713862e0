/* SPDX-License-Identifier: Apache-2.0
 *
 * Baselines against their definitions, computed plainly.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/baselines/baselines.h"
#include "forge/baselines/bicubic.h"
#include "forge/baselines/otsu.h"
#include "forge/baselines/wiener.h"
#include "forge/data/pairs/pairs.h"
#include "forge/data/recordings/likeness.h"
#include "support/test.h"

/* The sum of both parts' squared distances from their means; where one is empty there are no two parts. */
static double within(const uint64_t *histogram, unsigned threshold)
{
    double count[2] = { 0 }, sum[2] = { 0 }, squares = 0;

    for (unsigned i = 0; i < 256; i++) {
        count[i > threshold] += (double)histogram[i];
        sum[i > threshold] += i * (double)histogram[i];
    }
    if (count[0] <= 0 || count[1] <= 0)
        return INFINITY;
    for (unsigned i = 0; i < 256; i++) {
        const double apart = i - sum[i > threshold] / count[i > threshold];

        squares += (double)histogram[i] * apart * apart;
    }
    return squares;
}

static void a_threshold_parts_what_is_most_apart(void **state)
{
    struct rng rng = rng_make(1, 1);

    (void)state;
    for (int n = 0; n < 200; n++) {
        uint64_t histogram[256] = { 0 };
        double least = INFINITY;

        for (uint64_t i = 0, filled = 2 + rng_below(&rng, 60); i < filled; i++)
            histogram[rng_below(&rng, 256)] += 1 + rng_below(&rng, 1000);
        for (unsigned t = 0; t < 256; t++)
            least = fmin(least, within(histogram, t));
        if (isinf(least))
            continue; /* one brightness alone */
        assert_true(within(histogram, otsu_threshold(histogram)) <= least * (1 + 1e-9));
    }
}

static double keys(double x)
{
    x = fabs(x);
    return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

static struct media_picture noise_picture(uint32_t width, uint32_t height, uint32_t channels, uint64_t seed)
{
    struct media_picture picture = { width, height, channels, malloc((size_t)width * height * channels) };
    struct rng rng = rng_make(2, seed);

    assert_non_null(picture.pixels);
    for (size_t i = 0; i < (size_t)width * height * channels; i++)
        picture.pixels[i] = (uint8_t)rng_u32(&rng);
    return picture;
}

/* Every pixel of the picture by how near it is, as far as the edge goes on. */
static double plain_pixel(const struct media_picture *p, uint32_t channel, double x, double y)
{
    double sum = 0;

    for (int v = -3; v < (int)p->height + 3; v++) {
        for (int u = -3; u < (int)p->width + 3; u++) {
            const int row = MIN(MAX(v, 0), (int)p->height - 1), column = MIN(MAX(u, 0), (int)p->width - 1);

            sum += keys(x - u) * keys(y - v) * p->pixels[((size_t)row * p->width + column) * p->channels + channel];
        }
    }
    return fmin(fmax(sum, 0), 255);
}

static void a_picture_is_enlarged_by_its_neighbours(void **state)
{
    struct media_picture picture = noise_picture(7, 5, 3, 1);
    double out[21 * 15];

    (void)state;
    for (uint32_t channel = 0; channel < 3; channel++) {
        assert_int_equal(bicubic_enlarge(&picture, channel, 3, out), 0);
        for (int y = 0; y < 15; y++) {
            for (int x = 0; x < 21; x++)
                assert_float_equal(out[y * 21 + x],
                                   plain_pixel(&picture, channel, (x + 0.5) / 3 - 0.5, (y + 0.5) / 3 - 0.5), 1e-9);
        }
    }
    free(picture.pixels);
}

#define PICTURE "{\"kind\":\"image\",\"width\":4,\"height\":4,\"answer\":"

static struct media *describe(const char *json)
{
    struct media *media;
    struct reason why;

    assert_ok(media_parse(json, &media, &why), why);
    return media;
}

/* Two pairs: what is above the first's threshold is its mask; the second's is empty. */
static void pairs_have_figures(void **state)
{
    struct media_picture pictures[4] = { noise_picture(20, 9, 1, 1), noise_picture(20, 9, 1, 2),
                                         noise_picture(6, 4, 1, 3), noise_picture(6, 4, 1, 4) };
    struct pairs pairs = { .count = 2, .scale = 1, .channels = 1 };
    struct dataset set = { .pictures = pictures, .pairs = &pairs };
    struct media *mask = describe(PICTURE "\"mask\",\"threshold\":2}"), *picture = describe(PICTURE "\"picture\"}");
    struct baseline baseline;
    uint64_t histogram[256] = { 0 }, both = 0, either = 0;

    (void)state;
    for (size_t i = 0; i < 180; i++)
        histogram[pictures[0].pixels[i]]++;
    for (size_t i = 0; i < 180; i++) {
        pictures[1].pixels[i] = pictures[0].pixels[i] > otsu_threshold(histogram) ? 2 : 1;
        both += pictures[1].pixels[i] > 1;
    }
    memset(histogram, 0, sizeof histogram);
    for (size_t i = 0; i < 24; i++)
        histogram[pictures[2].pixels[i]]++;
    for (size_t i = 0; i < 24; i++)
        either += pictures[2].pixels[i] > otsu_threshold(histogram);
    memset(pictures[3].pixels, 0, 24);
    assert_int_equal(baseline_of_pictures(&set, mask, &baseline), 0);
    assert_string_equal(baseline.name, "Otsu's threshold");
    assert_float_equal(baseline.figures[0].value, (double)both / (double)(both + either), 1e-12);
    assert_int_equal(baseline_of_pictures(&set, picture, &baseline), 0);
    assert_null(baseline.name);
    for (size_t i = 0; i < 4; i++)
        free(pictures[i].pixels);
    media_free(mask);
    media_free(picture);
}

static void larger_pictures_have_a_figure(void **state)
{
    struct media_picture pictures[2] = { noise_picture(8, 6, 3, 5), noise_picture(17, 12, 3, 6) };
    struct pairs pairs = { .count = 1, .scale = 2, .channels = 3 };
    struct dataset set = { .pictures = pictures, .pairs = &pairs };
    struct media *media = describe(PICTURE "\"picture\"}");
    struct baseline baseline;
    double squares = 0;

    (void)state;
    for (uint32_t i = 0; i < 16 * 12 * 3; i++) {
        const uint32_t x = i / 3 % 16, y = i / 48, c = i % 3;
        const double apart = plain_pixel(&pictures[0], c, (x + 0.5) / 2 - 0.5, (y + 0.5) / 2 - 0.5) -
                             pictures[1].pixels[((size_t)y * 17 + x) * 3 + c];

        squares += apart * apart / (16 * 12 * 3);
    }
    assert_int_equal(baseline_of_pictures(&set, media, &baseline), 0);
    assert_string_equal(baseline.name, "bicubic interpolation");
    assert_float_equal(baseline.figures[0].value, 10 * log10(255 * 255 / squares), 1e-9);
    free(pictures[0].pixels);
    free(pictures[1].pixels);
    media_free(media);
}

/* ---- sound ---- */

enum { SAMPLES = 8000 };

#define SOUND "{\"kind\":\"audio\",\"spectrum\":256,\"frames\":20,\"answer\":\"sound\"}"

/* A tone that is there half of the time, and white noise. */
static void fill(float *target, float *noisy)
{
    struct rng rng = rng_make(3, 0);

    for (int i = 0; i < SAMPLES; i++) {
        target[i] = i / 2000 % 2 ? 0.4f * sinf((float)i * 0.5f) : 0;
        noisy[i] = target[i] + 0.2f * (rng_float(&rng) - 0.5f);
    }
}

/* The quietest 20 of 63 frames are the noise: of 63 that are alike but for their loudness it is known which. */
static void masks_keep_what_is_not_noise(void **state)
{
    struct media *media = describe(SOUND);
    struct media_sound sound = { .rate = 8000, .count = 62 * 128, .samples = memory_alloc(62 * 128, sizeof(float)) };
    struct rng rng = rng_make(3, 1);
    float *masks;
    double quiet = 0, loud = 0;

    (void)state;
    for (size_t i = 0; i < sound.count; i++)
        sound.samples[i] = (rng_float(&rng) - 0.5f) * (i < 22 * 128 ? 0.1f : 1);
    assert_int_equal(wiener_masks(media, &sound, &masks), 0);
    for (size_t i = 0; i < (size_t)63 * 129; i++)
        assert_true(masks[i] >= 0 && masks[i] <= 1);
    for (size_t i = 0; i < (size_t)18 * 129; i++) {
        quiet += (double)masks[129 + i] / (18 * 129);
        loud += (double)masks[30 * 129 + i] / (18 * 129);
    }
    assert_true(quiet < 0.3); /* noise is about its own mean */
    assert_true(loud > 0.9);
    free(masks);
    free(sound.samples);
    media_free(media);
}

static void noise_is_taken_off(void **state)
{
    struct media *media = describe(SOUND);
    float *target = memory_alloc(SAMPLES, sizeof *target), *noisy = memory_alloc(SAMPLES, sizeof *noisy);
    struct media_sound inputs[2] = { { 8000, SAMPLES, noisy }, { 8000, SAMPLES, target } };
    struct recording_pair pair = { inputs, { 8000, SAMPLES, target }, 1 };
    struct recordings recordings = { .count = 1, .pairs = &pair, .inputs = 1 };
    struct dataset set = { .recordings = &recordings };
    struct baseline baseline;
    double one;

    (void)state;
    fill(target, noisy);
    assert_int_equal(wiener_si_sdr(media, &pair, &one), 0);
    assert_true(one > si_sdr(noisy, target, SAMPLES) + 3);
    assert_int_equal(baseline_of_sounds(&set, media, &baseline), 0);
    assert_string_equal(baseline.name, "Wiener's filter");
    assert_true(baseline.figures[0].value == one);
    recordings.inputs = 2;
    assert_int_equal(baseline_of_sounds(&set, media, &baseline), 0);
    assert_string_equal(baseline.name, "the best recording");
    assert_true(baseline.figures[0].value == 100); /* one of them is the target */
    free(target);
    free(noisy);
    media_free(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_threshold_parts_what_is_most_apart),
        cmocka_unit_test(a_picture_is_enlarged_by_its_neighbours),
        cmocka_unit_test(pairs_have_figures),
        cmocka_unit_test(larger_pictures_have_a_figure),
        cmocka_unit_test(masks_keep_what_is_not_noise),
        cmocka_unit_test(noise_is_taken_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
