/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings to tensors: against a plain computation of the same recipe, what must not matter, and every
 * format.
 */
#include <complex.h>
#include <math.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "sound.h"
#include "support/test.h"
#include "unit/media/make.h"

static double mel_edge(double low, double high, int bands, int k)
{
    double from = 2595 * log10(1 + low / 700), to = 2595 * log10(1 + high / 700);

    return 700 * (pow(10, (from + (to - from) * k / (bands + 1)) / 2595) - 1);
}

/* The power of one band around `centre`, by the definition of the Fourier transform. */
static double plain_band(const float *x, int count, int centre, int window, int points, int band, int bands)
{
    double left = mel_edge(60, 4000, bands, band), middle = mel_edge(60, 4000, bands, band + 1);
    double right = mel_edge(60, 4000, bands, band + 2), sum = 0;

    for (int k = 0; k <= points / 2; k++) {
        double f = (double)k * RATE / points,
               weight = fmin((f - left) / (middle - left), (right - f) / (right - middle));
        double complex value = 0;

        if (weight <= 0)
            continue;
        for (int i = 0; i < window; i++) {
            int at = centre - window / 2 + i;

            if (at >= 0 && at < count)
                value +=
                    (double)x[at] * (0.5 - 0.5 * cos(2 * M_PI * i / window)) * cexp(-2 * M_PI * I * k * i / points);
        }
        sum += weight * (creal(value) * creal(value) + cimag(value) * cimag(value));
    }
    return sum;
}

enum { SAMPLES = 1000, WINDOW = 100, POINTS = 256, BANDS = 12, STEPS = 10, HOP = 120, HEARD = 9 };

#define BOOK                                                                                                           \
    "{\"kind\":\"audio\",\"mels\":12,\"window\":100,\"trim_db\":0,\"floor_db\":50,\"mean\":0.3,\"deviation\":0.7,"

/* Frames spread over the sound, or `hop` samples apart, and silence behind its end. */
static void assert_book(const char *json, int hop)
{
    struct media *media = make_media(json);
    static float x[SAMPLES], out[BANDS * STEPS];
    struct media_sound sound = { .rate = RATE, .count = SAMPLES, .samples = x };
    double expected[BANDS * STEPS], loudest = 0, mean = 0;
    struct reason why = { "" };
    size_t frames;

    fill_chirp(x, SAMPLES, RATE, 0.8);
    assert_ok(media_encode_sound(media, &sound, out, &frames, &why), why);
    assert_int_equal(frames, hop ? HEARD : STEPS);
    for (int i = 0; i < SAMPLES; i++)
        mean += (double)x[i] / SAMPLES;
    for (int i = 0; i < SAMPLES; i++)
        x[i] -= (float)mean;
    for (int b = 0; b < BANDS; b++) {
        for (int f = 0; f < STEPS; f++) {
            int centre = hop ? hop * f + hop / 2 : (2 * f + 1) * SAMPLES / (2 * STEPS);
            double power = f < (int)frames ? plain_band(x, SAMPLES, centre, WINDOW, POINTS, b, BANDS) : 0;

            expected[b * STEPS + f] = power;
            loudest = fmax(loudest, power);
        }
    }
    for (int i = 0; i < BANDS * STEPS; i++) {
        double level = fmax(0, 1 + 10 * log10(expected[i] / loudest) / 50);

        assert_float_equal(out[i], (level - 0.3) / 0.7, 1e-4);
    }
    media_free(media);
}

static void by_the_book(void **state)
{
    (void)state;
    assert_book(BOOK "\"frames\":10}", 0);
    assert_book(BOOK "\"frames\":10,\"hop\":120}", HOP);
}

/* One frame more than there is room for is refused, or the others are taken, by who asks how many there are. */
static void longer_than_the_tensor(void **state)
{
    struct media *all = make_media(BOOK "\"frames\":9,\"hop\":120}");
    struct media *fewer = make_media(BOOK "\"frames\":8,\"hop\":120}");
    static float x[SAMPLES], whole[BANDS * HEARD], out[BANDS * HEARD];
    struct media_sound sound = { .rate = RATE, .count = SAMPLES, .samples = x };
    struct reason why = { "" };
    size_t frames;

    (void)state;
    fill_sine(x, SAMPLES, RATE, 440, 0.5);
    assert_ok(media_encode_sound(all, &sound, whole, NULL, &why), why);
    assert_int_equal(media_encode_sound(fewer, &sound, out, NULL, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "lasts 0.14 s, and the model takes 0.12 s"));
    assert_ok(media_encode_sound(fewer, &sound, out, &frames, &why), why);
    assert_int_equal(frames, HEARD);
    for (int i = 0; i < BANDS * (HEARD - 1); i++)
        assert_float_equal(out[i], whole[i / (HEARD - 1) * HEARD + i % (HEARD - 1)], 0.05);
    media_free(all);
    media_free(fewer);
}

/* A pure tone lights the band that it falls into, in every frame. */
static void tones(void **state)
{
    static const double tones[] = { 150, 440, 1000, 2500, 3700 };
    struct media *media = make_media(USUAL "}");

    (void)state;
    for (size_t t = 0; t < ARRAY_SIZE(tones); t++) {
        static float x[RATE / 2], out[VALUES];
        struct media_sound sound = { .rate = RATE, .count = RATE / 2, .samples = x };
        struct reason why = { "" };

        fill_sine(x, RATE / 2, RATE, tones[t], 0.5);
        assert_ok(media_encode_sound(media, &sound, out, NULL, &why), why);
        for (int f = 0; f < FRAMES; f++) {
            int best = 0;

            for (int m = 0; m < MELS; m++)
                best = out[m * FRAMES + f] > out[best * FRAMES + f] ? m : best;
            assert_true(mel_edge(60, 4000, MELS, best) < tones[t] && tones[t] < mel_edge(60, 4000, MELS, best + 2));
        }
    }
    media_free(media);
}

/* Where a is at least `least`; what is near the floor is at the mercy of every rounding. */
static void assert_close(const float *a, const float *b, float min, double max)
{
    double worst = 0;

    for (int i = 0; i < VALUES; i++)
        worst = a[i] >= min ? fmax(worst, fabs((double)a[i] - (double)b[i])) : worst;
    if (worst > max)
        fail_msg("the tensors differ by %g", worst);
}

static void range_is_0_to_1(void **state)
{
    static float x[RATE], out[VALUES];
    float max = 0;
    struct bytes file;

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    file = make_wav(RATE, x, RATE);
    encode(file, out);
    for (int i = 0; i < VALUES; i++) {
        assert_true(out[i] >= 0 && out[i] <= 1);
        max = fmaxf(max, out[i]);
    }
    assert_true(max == 1);
    free(file.data);
}

/* Loudness, an offset, silence around it, a second channel, another rate, more bits. */
static void what_does_not_matter(void **state)
{
    enum { COUNT = RATE, SILENCE = 2048, PADDED = COUNT + 2 * SILENCE };
    static float x[COUNT], y[PADDED], stereo[2 * COUNT], twice[2 * COUNT], base[VALUES], other[VALUES];
    struct media *media = make_media(USUAL "}");
    struct media_sound sound = { .rate = RATE, .count = COUNT, .samples = x };
    struct media_sound changed = { .rate = RATE, .count = COUNT, .samples = y };
    struct reason why = { "" };

    (void)state;
    fill_chirp(x + 1024, COUNT - 2048, RATE, 0.5);
    assert_ok(media_encode_sound(media, &sound, base, NULL, &why), why);
    for (int i = 0; i < COUNT; i++)
        y[i] = x[i] / 64;
    assert_ok(media_encode_sound(media, &changed, other, NULL, &why), why);
    assert_close(base, other, 0, 1e-6);
    for (int i = 0; i < COUNT; i++)
        y[i] = x[i] + 0.25f;
    assert_ok(media_encode_sound(media, &changed, other, NULL, &why), why);
    assert_close(base, other, 0, 1e-3);
    memset(y, 0, sizeof y);
    memcpy(y + SILENCE, x, sizeof x);
    changed.count = PADDED;
    assert_ok(media_encode_sound(media, &changed, other, NULL, &why), why);
    assert_close(base, other, 0.3f, 1e-2);
    for (int i = 0; i < 2 * COUNT; i++)
        stereo[i] = x[i / 2] * (i % 2 ? 0.5f : 1.5f);
    fill_chirp(twice + 2048, 2 * COUNT - 4096, 2 * RATE, 0.5);
    for (int i = 0; i < 3; i++) {
        static const int formats[] = { SF_FORMAT_WAV | SF_FORMAT_FLOAT, SF_FORMAT_WAV | SF_FORMAT_PCM_24,
                                       SF_FORMAT_FLAC | SF_FORMAT_PCM_16 };
        struct bytes file =
            make_sound(formats[i], i ? RATE * 2 : RATE, i ? 1 : 2, i ? twice : stereo, i ? 2 * COUNT : COUNT);

        encode(file, other);
        assert_close(base, other, i ? 0.6f : 0, i ? 0.05 : 1e-5);
        free(file.data);
    }
    media_free(media);
}

static void formats(void **state)
{
    static const int formats[] = {
        SF_FORMAT_WAV | SF_FORMAT_PCM_16,
        SF_FORMAT_WAV | SF_FORMAT_PCM_U8,
        SF_FORMAT_WAV | SF_FORMAT_PCM_24,
        SF_FORMAT_WAV | SF_FORMAT_PCM_32,
        SF_FORMAT_WAV | SF_FORMAT_FLOAT,
        SF_FORMAT_WAV | SF_FORMAT_DOUBLE,
        SF_FORMAT_WAV | SF_FORMAT_ULAW,
        SF_FORMAT_WAV | SF_FORMAT_ALAW,
        SF_FORMAT_WAVEX | SF_FORMAT_PCM_16,
        SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM,
        SF_FORMAT_RF64 | SF_FORMAT_PCM_16,
        SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
        SF_FORMAT_FLAC | SF_FORMAT_PCM_24,
        SF_FORMAT_OGG | SF_FORMAT_VORBIS,
        SF_FORMAT_OGG | SF_FORMAT_OPUS,
        SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG,
        SF_FORMAT_AIFF | SF_FORMAT_PCM_S8,
        SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
        SF_FORMAT_AIFF | SF_FORMAT_PCM_24,
        SF_FORMAT_AIFF | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE,
        SF_FORMAT_AIFF | SF_FORMAT_FLOAT,
        SF_FORMAT_AIFF | SF_FORMAT_DOUBLE,
        SF_FORMAT_AIFF | SF_FORMAT_ULAW,
        SF_FORMAT_AIFF | SF_FORMAT_IMA_ADPCM,
        SF_FORMAT_AU | SF_FORMAT_PCM_16,
        SF_FORMAT_AU | SF_FORMAT_ALAW,
        SF_FORMAT_AU | SF_FORMAT_FLOAT,
        SF_FORMAT_AU | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE,
        MP3,
    };
    static float x[RATE], base[VALUES];
    struct bytes file;

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    file = make_wav(RATE, x, RATE);
    encode(file, base);
    free(file.data);
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        static float out[VALUES];

        file = make_sound(formats[i], RATE, 1, x, RATE);
        encode(file, out);
        assert_close(base, out, 0.9f, 0.1);
        free(file.data);
    }
}

static void tiny(void **state)
{
    struct media *media = make_media(USUAL "}");
    struct reason why = { "" };
    float x[4] = { 0.5f, -0.5f, 0.25f, 0 }, out[VALUES];

    (void)state;
    for (size_t count = 2; count <= 4; count++) {
        struct media_sound sound = { .rate = RATE, .count = count, .samples = x };

        assert_ok(media_encode_sound(media, &sound, out, NULL, &why), why);
        for (int i = 0; i < VALUES; i++)
            assert_true(isfinite(out[i]));
    }
    media_free(media);
}

static void resampling(void **state)
{
    static float x[RATE];
    struct media_sound sound = { .rate = RATE, .count = RATE, .samples = x }, out;
    struct reason why = { "" };

    (void)state;
    fill_sine(x, RATE, RATE, 1000, 0.5);
    assert_ok(media_resample(&sound, 16000, &out, &why), why);
    assert_int_equal(out.rate, 16000);
    assert_in_range(out.count, 15990, 16010);
    for (size_t i = 1000; i < 15000; i++)
        assert_float_equal(out.samples[i], 0.5 * sin(2 * M_PI * 1000 * (double)i / 16000), 0.01);
    free(out.samples);
    assert_ok(media_resample(&sound, 8800.5, &out, &why), why);
    assert_int_equal(out.rate, 8801);
    free(out.samples);
    assert_int_equal(media_resample(&sound, 0, &out, &why), WISP_E_INVALID);
    assert_int_equal(media_resample(&sound, NAN, &out, &why), WISP_E_INVALID);
    assert_int_equal(media_resample(&sound, 1e9, &out, &why), WISP_E_INVALID);
    sound.rate = 0;
    assert_int_equal(media_resample(&sound, 8000, &out, &why), WISP_E_INVALID);
}

/* One media, and making others, from several threads at once: the same floats as from one. */
struct worker {
    const struct media *media;
    const struct media_sound *sound;
    float out[VALUES];
    bool same;
};

static void *work(void *argument)
{
    struct worker *worker = argument;

    worker->same = true;
    for (int i = 0; i < 50; i++) {
        struct media *mine = NULL;
        struct reason why;
        float out[VALUES];

        if (media_parse(USUAL "}", &mine, &why) ||
            media_encode_sound(i % 2 ? mine : worker->media, worker->sound, out, NULL, &why))
            worker->same = false;
        else
            worker->same &= !memcmp(out, worker->out, sizeof out);
        media_free(mine);
    }
    return NULL;
}

static void threads(void **state)
{
    static struct worker workers[4];
    static float x[3000];
    struct media *media = make_media(USUAL "}");
    struct media_sound sound = { .rate = RATE, .count = ARRAY_SIZE(x), .samples = x };
    pthread_t ids[ARRAY_SIZE(workers)];
    struct reason why = { "" };

    (void)state;
    fill_chirp(x, ARRAY_SIZE(x), RATE, 0.5);
    for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
        workers[i] = (struct worker){ .media = media, .sound = &sound };
        assert_ok(media_encode_sound(media, &sound, workers[i].out, NULL, &why), why);
    }
    for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
        assert_int_equal(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
        pthread_join(ids[i], NULL);
        assert_true(workers[i].same);
    }
    media_free(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_book),          cmocka_unit_test(tones),   cmocka_unit_test(range_is_0_to_1),
        cmocka_unit_test(what_does_not_matter), cmocka_unit_test(formats), cmocka_unit_test(tiny),
        cmocka_unit_test(resampling),           cmocka_unit_test(threads), cmocka_unit_test(longer_than_the_tensor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
