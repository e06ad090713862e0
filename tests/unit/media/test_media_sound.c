/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings to tensors: against a plain computation of the same recipe, what must not matter, every format, and
 * recordings that are none.
 */
#include <complex.h>
#include <math.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "make.h"
#include "support/test.h"

enum { RATE = 8000, MELS = 40, FRAMES = 32, VALUES = MELS * FRAMES };

#define MP3 (SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III)

#define USUAL "{\"kind\":\"audio\",\"mels\":40,\"frames\":32"

static void encode_with(const char *json, struct bytes file, float *out)
{
    struct media *media = make_media(json);
    struct reason why = { "" };

    assert_ok(media_encode(media, "sound", file.data, file.size, out, &why), why);
    media_free(media);
}

static void encode(struct bytes file, float *out)
{
    encode_with(USUAL "}", file, out);
}

/* A rising tone under an envelope: something in every band and frame. */
static void fill_chirp(float *samples, size_t count, double rate, double amplitude)
{
    double phase = 0;

    for (size_t i = 0; i < count; i++) {
        double at = (double)i / (double)count;

        phase += 2 * M_PI * (200 + 3000 * at) / rate;
        samples[i] = (float)(amplitude * sin(phase) * sin(M_PI * at));
    }
}

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

static void by_the_book(void **state)
{
    enum { COUNT = 1000, WINDOW = 100, POINTS = 256, BANDS = 12, STEPS = 7 };
    struct media *media =
        make_media("{\"kind\":\"audio\",\"mels\":12,\"frames\":7,\"window\":100,\"trim_db\":0,\"floor_db\":"
                   "50,\"mean\":0.3,\"deviation\":0.7}");
    static float x[COUNT], out[BANDS * STEPS];
    struct media_sound sound = { .rate = RATE, .count = COUNT, .samples = x };
    double expected[BANDS * STEPS], loudest = 0, mean = 0;
    struct reason why = { "" };

    (void)state;
    fill_chirp(x, COUNT, RATE, 0.8);
    assert_ok(media_encode_sound(media, &sound, out, &why), why);
    for (int i = 0; i < COUNT; i++)
        mean += (double)x[i] / COUNT;
    for (int i = 0; i < COUNT; i++)
        x[i] -= (float)mean;
    for (int b = 0; b < BANDS; b++) {
        for (int f = 0; f < STEPS; f++) {
            double power = plain_band(x, COUNT, (2 * f + 1) * COUNT / (2 * STEPS), WINDOW, POINTS, b, BANDS);

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
        assert_ok(media_encode_sound(media, &sound, out, &why), why);
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
static void assert_close(const float *a, const float *b, float least, double most)
{
    double worst = 0;

    for (int i = 0; i < VALUES; i++)
        worst = a[i] >= least ? fmax(worst, fabs((double)a[i] - (double)b[i])) : worst;
    if (worst > most)
        fail_msg("the tensors differ by %g", worst);
}

static void range_is_0_to_1(void **state)
{
    static float x[RATE], out[VALUES];
    float most = 0;
    struct bytes file;

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    file = make_wav(RATE, x, RATE);
    encode(file, out);
    for (int i = 0; i < VALUES; i++) {
        assert_true(out[i] >= 0 && out[i] <= 1);
        most = fmaxf(most, out[i]);
    }
    assert_true(most == 1);
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
    assert_ok(media_encode_sound(media, &sound, base, &why), why);
    for (int i = 0; i < COUNT; i++)
        y[i] = x[i] / 64;
    assert_ok(media_encode_sound(media, &changed, other, &why), why);
    assert_close(base, other, 0, 1e-6);
    for (int i = 0; i < COUNT; i++)
        y[i] = x[i] + 0.25f;
    assert_ok(media_encode_sound(media, &changed, other, &why), why);
    assert_close(base, other, 0, 1e-3);
    memset(y, 0, sizeof y);
    memcpy(y + SILENCE, x, sizeof x);
    changed.count = PADDED;
    assert_ok(media_encode_sound(media, &changed, other, &why), why);
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

static void refused_with(const char *json, const void *bytes, size_t length, const char *says)
{
    struct media *media = make_media(json);
    struct reason why = { "" };
    static float out[VALUES];

    assert_int_equal(media_encode(media, "x.wav", bytes, length, out, &why), WISP_E_FORMAT);
    if (!strstr(why.text, says) || strncmp(why.text, "x.wav: ", 7) != 0)
        fail_msg("%s\n  wanted: %s", why.text, says);
    media_free(media);
}

static void refused(struct bytes file, const char *says)
{
    refused_with(USUAL "}", file.data, file.size, says);
    free(file.data);
}

static void not_recordings(void **state)
{
    (void)state;
    refused_with(USUAL "}", "", 0,
                 "the file is empty; a recording is expected, WAV, AIFF, AU, FLAC, Ogg (Vorbis, Opus) or MP3");
    refused_with(USUAL "}", "ID3\4\0\0\0\0\0\0", 10, "cut off at byte 10, within its ID3 tag");
    refused_with(USUAL "}", "ID3\4\0\0\0\0\0\1xhello", 16, "no sound at byte 11");
    refused_with(USUAL "}", "\xff\xfb\x90\x40", 4, "cut off at byte 4, within a frame");
    refused_with(USUAL "}", "caff\0\1\0\0desc", 12, "a CAF sound; recordings are read as WAV, AIFF, AU, FLAC, Ogg");
    refused_with(USUAL "}", ".snd", 4, "cut off at byte 4");
    refused_with(USUAL "}", "FORM\0\0\0\4AIFF", 12, "no samples up to byte 12");
    refused_with(USUAL "}", "\x89PNG\r\n\x1a\n", 8, "a PNG picture; recordings are read as");
    refused_with(USUAL "}", "hello", 5, "not a recording that is known here");
    refused_with(USUAL "}", "RIFF\x04\0\0\0WAVE", 12, "no samples up to byte 12");
    refused_with(USUAL "}", "fLaC", 4, "x.wav: ");
    refused_with(USUAL "}", "OggS", 4, "x.wav: ");
}

static void no_sound(void **state)
{
    static float x[RATE] = { 0 };
    struct bytes file;

    (void)state;
    refused(make_wav(RATE, x, 0), "the recording has no samples");
    refused(make_wav(RATE, x, RATE), "the recording is silent throughout");
    for (int i = 0; i < RATE; i++)
        x[i] = 0.5f;
    refused(make_wav(RATE, x, RATE), "the recording is silent throughout");
    fill_sine(x, RATE, RATE, 30, 0.5);
    file = make_wav(RATE, x, RATE);
    refused_with(
        "{\"kind\":\"audio\",\"mels\":4,\"frames\":32,\"low\":3000,\"trim_db\":0,\"floor_db\":60,\"window\":8000}",
        file.data, 44, "x.wav: ");
    free(file.data);
}

/* Of two channels one is the other upside down, exactly or as a lossy format has it: that is no silence. */
static void channels_that_cancel(void **state)
{
    static const int formats[] = { SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                                   SF_FORMAT_FLAC | SF_FORMAT_PCM_24 };
    static float x[2 * RATE];

    (void)state;
    for (size_t i = 0; i < RATE; i++) {
        x[2 * i] = (float)(0.7 * sin((double)i / 7));
        x[2 * i + 1] = -x[2 * i] + (float)(1e-4 * sin((double)i / 3));
    }
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        refused(make_sound(formats[i], RATE, 2, x, RATE), "its 2 channels cancel each other out");
    memset(x, 0, sizeof x);
    refused(make_sound(formats[0], RATE, 2, x, RATE), "the recording is silent throughout");
}

static void bad_numbers(void **state)
{
    static float x[100];
    struct bytes file;

    (void)state;
    fill_sine(x, 100, RATE, 440, 0.5);
    x[42] = NAN;
    refused(make_sound(SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 1, x, 100), "sample 42 is not a finite number");
    x[42] = -INFINITY;
    refused(make_sound(SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 1, x, 100), "sample 42 is not a finite number");
    x[42] = 3e38f; /* finite, and far beyond 1 */
    file = make_sound(SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 1, x, 100);
    {
        static float out[VALUES];

        encode(file, out);
        for (int i = 0; i < VALUES; i++)
            assert_true(isfinite(out[i]));
    }
    free(file.data);
}

static void put_le32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void bad_headers(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
        const char *says;
    } cases[] = {
        { 24, 0, "x.wav: " },                                 /* rate */
        { 24, 100, "a rate of 100 Hz; from 1000 to 768000" }, /* rate */
        { 24, 2000000, "a rate of 2000000 Hz" },              /* rate */
        { 24, 0xffffffff, "x.wav: " },                        /* rate */
        { 20, 0x00000001, "x.wav: " },                        /* format 1, no channels */
        { 40, 201, "cut off at byte 244; 201 bytes of samples are announced" },
        { 40, 1 << 20, "cut off at byte 244; 1048576 bytes" },
        { 36, 0, "no samples up to byte" }, /* no chunk "data" */
    };
    static float x[100];

    (void)state;
    fill_sine(x, 100, RATE, 440, 0.5);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bytes file = make_wav(RATE, x, 100);

        assert_int_equal(file.size, 244);
        put_le32(file.data + cases[i].at, cases[i].value);
        refused(file, cases[i].says);
    }
}

/* From a pipe: the size is not known, and whatever stands there is no cut. */
static void streamed(void **state)
{
    static const uint32_t sizes[] = { 0xffffffff, 0x7fffffff, 0x7ffff000 };
    static float x[RATE], base[VALUES], out[VALUES];
    struct bytes file;

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    file = make_wav(RATE, x, RATE);
    encode(file, base);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        put_le32(file.data + 40, sizes[i]);
        put_le32(file.data + 4, sizes[i] - 36);
        encode(file, out);
        assert_memory_equal(base, out, sizeof out);
    }
    free(file.data);
}

static void too_long(void **state)
{
    size_t count = 1000 * 601;
    float *x = malloc(count * sizeof *x);

    (void)state;
    fill_sine(x, count, 1000, 100, 0.5);
    refused(make_sound(SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1000, 1, x, count), "a recording of more than 600 s");
    free(x);
}

static void truncated(void **state)
{
    static const int formats[] = { SF_FORMAT_WAV | SF_FORMAT_PCM_16,  SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                                   SF_FORMAT_RF64 | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                   SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_AIFF | SF_FORMAT_FLOAT,
                                   SF_FORMAT_AU | SF_FORMAT_PCM_16,   SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                                   SF_FORMAT_OGG | SF_FORMAT_OPUS,    MP3 };
    static float x[RATE];

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        struct bytes file = make_sound(formats[f], RATE, 1, x, RATE);

        for (size_t part = 0; part < 40; part++)
            refused_with(USUAL "}", file.data, file.size * part / 40, "x.wav: ");
        free(file.data);
    }
}

/* FLAC as it comes from a pipe: it says 0 samples. */
static void forget_length(struct bytes file)
{
    file.data[21] &= 0xf0;
    memset(file.data + 22, 0, 4);
}

/* One flipped bit, anywhere behind the head, or any end cut: formats with checksums tell. */
static void flipped(void **state)
{
    static const int formats[] = { SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_24,
                                   SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_OGG | SF_FORMAT_OPUS };
    static float whole[VALUES], out[VALUES];
    static float x[RATE * 2];

    (void)state;
    fill_chirp(x, ARRAY_SIZE(x), RATE, 0.5);
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        struct bytes file = make_sound(formats[f], RATE, 1, x, ARRAY_SIZE(x));

        encode(file, whole);
        if (formats[f] == (SF_FORMAT_FLAC | SF_FORMAT_PCM_24))
            forget_length(file);
        encode(file, out);
        assert_memory_equal(whole, out, sizeof out);
        for (size_t at = file.size - 1; at > 200; at -= 1 + at / 40) {
            file.data[at] ^= 0x10;
            refused_with(USUAL "}", file.data, file.size, "x.wav: ");
            file.data[at] ^= 0x10;
            refused_with(USUAL "}", file.data, at, "x.wav: ");
        }
        free(file.data);
    }
}

static struct bytes joined(const void *before, size_t before_size, struct bytes file, const void *behind,
                           size_t behind_size)
{
    struct bytes out = { .data = malloc(before_size + file.size + behind_size),
                         .size = before_size + file.size + behind_size };

    memcpy(out.data, before, before_size);
    memcpy(out.data + before_size, file.data, file.size);
    memcpy(out.data + before_size + file.size, behind, behind_size);
    return out;
}

/* Programs put an ID3 tag before whatever it is, and others behind MP3. */
static void tagged(void **state)
{
    static const int formats[] = { SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                   SF_FORMAT_AIFF | SF_FORMAT_PCM_16, MP3 };
    static const char foot[128] = "TAG Title", tag[276] = "ID3\4\0\0\0\0\2\12"; /* 2 * 128 + 10 behind 10 */
    static float x[RATE], base[VALUES], out[VALUES];

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        struct bytes file = make_sound(formats[f], RATE, 1, x, RATE);
        struct bytes both = joined(tag, sizeof tag, file, foot, formats[f] == MP3 ? sizeof foot : 0);

        encode(file, base);
        encode(both, out);
        assert_memory_equal(base, out, sizeof out);
        free(file.data);
        free(both.data);
    }
}

/* Two files in one are no shorter sound. */
static void tags_between(void **state)
{
    static const char foot[128] = "TAG Title", tag[276] = "ID3\4\0\0\0\0\2\12";
    static float x[RATE];
    struct bytes file, first, both;

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    file = make_sound(MP3, RATE, 1, x, RATE);
    first = joined("", 0, file, tag, sizeof tag);
    both = joined(first.data, first.size, file, "", 0);
    refused(both, "another MP3 file begins at byte");
    free(first.data);
    first = joined("", 0, file, foot, sizeof foot);
    both = joined(first.data, first.size, file, foot, sizeof foot);
    refused(both, "another MP3 file begins at byte");
    free(first.data);
    free(file.data);
}

/* libmpg123 would play on behind it. */
static void damaged_mp3(void **state)
{
    static float x[RATE];
    struct bytes file, both;

    (void)state;
    fill_chirp(x, RATE, RATE, 0.5);
    file = make_sound(MP3, RATE, 1, x, RATE);
    both = joined("", 0, file, "and more", 8);
    refused(both, "no frame at byte");
    both = joined("", 0, file, "\xff\xfb\x90\x40", 4);
    refused(both, "cut off at byte");
    both = joined("", 0, file, file.data, file.size); /* one behind the other: that plays */
    encode_with(USUAL "}", both, x);
    free(both.data);
    file.data[file.size / 2] ^= 0xff;
    for (size_t i = file.size / 3; i < file.size / 3 + 300; i++)
        file.data[i] = 0;
    refused(file, "no frame at byte");
}

/* Any one byte changed or any end cut: refused, or a sound; nothing worse. */
static void damaged(void **state)
{
    static const int formats[] = { SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                   SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
                                   SF_FORMAT_AU | SF_FORMAT_FLOAT,   MP3 };
    struct media *media = make_media(USUAL "}");
    static float x[400], out[VALUES];

    (void)state;
    fill_chirp(x, 400, RATE, 0.5);
    for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
        struct bytes file = make_sound(formats[f], RATE, 1, x, 400);

        for (size_t i = 0; i < file.size; i += 1 + i / 300) {
            struct reason why = { "" };
            int result;

            file.data[i] ^= 0x55;
            result = media_encode(media, "x", file.data, file.size, out, &why);
            assert_true(result == 0 || result == WISP_E_FORMAT);
            file.data[i] ^= 0x55;
            result = media_encode(media, "x", file.data, i, out, &why);
            assert_true(result == 0 || result == WISP_E_FORMAT);
        }
        free(file.data);
    }
    media_free(media);
}

static void tiny(void **state)
{
    struct media *media = make_media(USUAL "}");
    struct reason why = { "" };
    float x[4] = { 0.5f, -0.5f, 0.25f, 0 }, out[VALUES];

    (void)state;
    for (size_t count = 2; count <= 4; count++) {
        struct media_sound sound = { .rate = RATE, .count = count, .samples = x };

        assert_ok(media_encode_sound(media, &sound, out, &why), why);
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
            media_encode_sound(i % 2 ? mine : worker->media, worker->sound, out, &why))
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
        assert_ok(media_encode_sound(media, &sound, workers[i].out, &why), why);
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
        cmocka_unit_test(by_the_book),
        cmocka_unit_test(tones),
        cmocka_unit_test(range_is_0_to_1),
        cmocka_unit_test(what_does_not_matter),
        cmocka_unit_test(formats),
        cmocka_unit_test(not_recordings),
        cmocka_unit_test(no_sound),
        cmocka_unit_test(channels_that_cancel),
        cmocka_unit_test(bad_numbers),
        cmocka_unit_test(bad_headers),
        cmocka_unit_test(streamed),
        cmocka_unit_test(too_long),
        cmocka_unit_test(truncated),
        cmocka_unit_test(damaged),
        cmocka_unit_test(flipped),
        cmocka_unit_test(tagged),
        cmocka_unit_test(tags_between),
        cmocka_unit_test(damaged_mp3),
        cmocka_unit_test(tiny),
        cmocka_unit_test(resampling),
        cmocka_unit_test(threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
