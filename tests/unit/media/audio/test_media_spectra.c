/* SPDX-License-Identifier: Apache-2.0
 *
 * Spectra that go back to sound, against the definition in double.
 */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "media/spec/spectra.h"
#include "support/test.h"
#include "unit/media/make.h"

enum { POINTS = 60, LENGTH = 200 };

static void fill(float *samples, size_t count, uint64_t stream)
{
    struct rng rng = rng_make(7, stream);

    for (size_t i = 0; i < count; i++)
        samples[i] = 2 * rng_float(&rng) - 1;
}

/* Number k of the frame about sample `middle`. */
static double complex number_of(const float *samples, int64_t middle, uint32_t k)
{
    double complex sum = 0;

    for (int64_t i = 0; i < POINTS; i++) {
        const int64_t at = middle - POINTS / 2 + i;
        const double window = pow(sin(M_PI * (double)i / POINTS), 2);

        if (at >= 0 && at < LENGTH)
            sum += (double)samples[at] * window * cexp(-2 * M_PI * I * (double)(k * i) / POINTS);
    }
    return sum;
}

static void frames_are_transforms(void **state)
{
    static const int64_t middles[] = { -40, -30, -3, 0, 100, 199, 215, 229, 230, 1000000 };
    float samples[LENGTH];
    struct fourier_number out[POINTS / 2 + 1];
    struct spectra *spectra;
    float *scratch;

    (void)state;
    assert_int_equal(spectra_new(POINTS, &spectra), 0);
    scratch = memory_alloc(spectra_scratch(spectra), sizeof *scratch);
    fill(samples, LENGTH, 1);
    for (size_t m = 0; m < ARRAY_SIZE(middles); m++) {
        spectra_frame(spectra, samples, LENGTH, middles[m], scratch, out);
        for (uint32_t k = 0; k <= POINTS / 2; k++) {
            const double complex right = number_of(samples, middles[m], k);

            assert_true(cabs(right - ((double)out[k].re + I * (double)out[k].im)) < 1e-5);
        }
    }
    free(scratch);
    spectra_free(spectra);
}

static void transforms_go_back(void **state)
{
    static const uint32_t lengths[] = { 16, 18, 20, 22, 54, 512, 1000, 8192 };

    (void)state;
    for (size_t n = 0; n < ARRAY_SIZE(lengths); n++) {
        const uint32_t points = lengths[n];
        float *in = memory_alloc(2 * (size_t)points, sizeof *in), *out = in + points;
        struct fourier_number *numbers = memory_alloc(points / 2 + 1, sizeof *numbers), *scratch;
        struct fourier *fourier;

        assert_int_equal(fourier_new(points, &fourier), 0);
        scratch = memory_alloc(fourier_scratch(fourier), sizeof *scratch);
        fill(in, points, points);
        fourier_forward(fourier, in, numbers, scratch);
        fourier_backward(fourier, numbers, out, scratch);
        for (uint32_t i = 0; i < points; i++)
            assert_true(fabsf(in[i] - out[i]) < 1e-6f);
        free(scratch);
        free(numbers);
        free(in);
        fourier_free(fourier);
    }
}

#define SPEC                                                                                                           \
    "{\"kind\":\"audio\",\"spectrum\":60,\"frames\":9,\"rate\":8000,\"floor_db\":40,\"mean\":0.5,\"deviation\":2}"

/* The tensor of a sound by its definition; frames behind the end are in no mean. */
static void assert_tensor(const float *samples, const float *tensor)
{
    const uint32_t bins = POINTS / 2 + 1, frames = 9, sounding = 8;
    double magnitudes[POINTS / 2 + 1][9], squares = 0, sum = 0, floor;

    for (uint32_t k = 0; k < bins; k++) {
        for (uint32_t f = 0; f < frames; f++) {
            magnitudes[k][f] = cabs(number_of(samples, (int64_t)f * POINTS / 2, k));
            squares += magnitudes[k][f] * magnitudes[k][f];
        }
    }
    floor = sqrt(squares / (bins * sounding)) / 100;
    for (uint32_t k = 0; k < bins; k++) {
        for (uint32_t f = 0; f < sounding; f++)
            sum += log(magnitudes[k][f] + floor);
    }
    for (uint32_t k = 0; k < bins; k++) {
        for (uint32_t f = 0; f < frames; f++) {
            const double value = log(magnitudes[k][f] + floor) - sum / (bins * sounding);

            assert_true(fabs((double)tensor[k * frames + f] - (value - 0.5) / 2) < 1e-3);
        }
    }
}

static void tensors_are_logarithms(void **state)
{
    struct media *media = make_media(SPEC);
    struct media_sound sound = { .rate = 8000, .count = LENGTH };
    float samples[LENGTH], tensor[31 * 9], louder[31 * 9];
    struct reason why;
    size_t frames;

    (void)state;
    fill(samples, LENGTH, 2);
    sound.samples = samples;
    assert_int_equal(media_encode_sound(media, &sound, tensor, &frames, &why), 0);
    assert_int_equal(frames, 8);
    assert_tensor(samples, tensor);
    for (size_t i = 0; i < LENGTH; i++)
        samples[i] *= 0.03f;
    assert_int_equal(media_encode_sound(media, &sound, louder, &frames, &why), 0);
    for (size_t i = 0; i < ARRAY_SIZE(tensor); i++)
        assert_true(fabsf(tensor[i] - louder[i]) < 1e-3f);
    media_free(media);
}

static void silence_is_one_number(void **state)
{
    struct media *media = make_media(SPEC);
    float samples[300] = { 0 }, tensor[31 * 9];
    const struct media_sound sound = { .rate = 8000, .count = 300, .samples = samples };
    struct reason why;
    size_t frames;

    (void)state;
    assert_int_equal(media_encode_sound(media, &sound, tensor, &frames, &why), 0);
    assert_int_equal(frames, 11);
    for (size_t i = 0; i < ARRAY_SIZE(tensor); i++)
        assert_true(tensor[i] == -0.25f);
    assert_int_equal(media_encode_sound(media, &sound, tensor, NULL, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "cut it in pieces"));
    media_free(media);
}

/* How long it is and how much goes in, and what takes more. */
static void too_long_is_refused(void **state)
{
#define LONG "{\"kind\":\"audio\",\"spectrum\":80,\"frames\":201,\"rate\":8000"
    static const char *const cases[][2] = {
        { LONG "}", "the recording lasts 2.00 s, and the model takes 1.00 s; cut it in pieces" },
        { LONG ",\"answer\":\"sound\"}",
          "the recording lasts 2.00 s, and the model takes 1.00 s at a time: wisp run -o "
          "FILE, or wisp_process_file(), takes any length" },
        { LONG ",\"answer\":\"sound\",\"recordings\":3}",
          "the model takes 3 recordings of one event together, and this is one: give all to wisp run -o FILE, or "
          "wisp_process_files()" },
    };
    static float samples[16000];
    const struct media_sound sound = { .rate = 8000, .count = ARRAY_SIZE(samples), .samples = samples };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct media *media = make_media(cases[i][0]);
        float *tensor = calloc(media_elements(media), sizeof *tensor);
        struct reason why;

        assert_non_null(tensor);
        assert_int_equal(media_encode_sound(media, &sound, tensor, NULL, &why), WISP_E_FORMAT);
        assert_string_equal(why.text, cases[i][1]);
        free(tensor);
        media_free(media);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_transforms),  cmocka_unit_test(transforms_go_back),
        cmocka_unit_test(tensors_are_logarithms), cmocka_unit_test(silence_is_one_number),
        cmocka_unit_test(too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
