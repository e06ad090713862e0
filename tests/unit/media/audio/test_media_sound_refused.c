/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings that are none, or damaged, or cut off, and what stands beside a sound in its file.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "sound.h"
#include "support/test.h"
#include "unit/media/make.h"

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
    size_t count = 1000 * 7201;
    float *x = malloc(count * sizeof *x);

    (void)state;
    fill_sine(x, count, 1000, 100, 0.5);
    refused(make_sound(SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1000, 1, x, count), "a recording of more than 7200 s");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_recordings), cmocka_unit_test(no_sound),    cmocka_unit_test(channels_that_cancel),
        cmocka_unit_test(bad_numbers),    cmocka_unit_test(bad_headers), cmocka_unit_test(streamed),
        cmocka_unit_test(too_long),       cmocka_unit_test(truncated),   cmocka_unit_test(damaged),
        cmocka_unit_test(flipped),        cmocka_unit_test(tagged),      cmocka_unit_test(tags_between),
        cmocka_unit_test(damaged_mp3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
