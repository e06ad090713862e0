/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixels and samples that were in no file: to the bit what the same are in PNG and WAV, in every format, with every
 * stride and model; and arguments that do not go together.
 */
#include <math.h>
#include <sndfile.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "make.h"
#include "support/test.h"

enum { WIDTH = 22, HEIGHT = 14, VALUES_MAX = 3 * 32 * 32, RATE = 8000 };

static const char *const pictures[] = {
    "{\"kind\":\"image\",\"width\":9,\"height\":5,\"channels\":1,\"background\":77}",
    "{\"kind\":\"image\",\"width\":22,\"height\":14,\"mean\":[0.1,0.2,0.3],\"deviation\":0.5}",
    "{\"kind\":\"image\",\"width\":32,\"height\":32,\"fit\":\"contain\",\"background\":200}",
};

static uint32_t next(uint32_t *seed)
{
    return (*seed = *seed * 1664525 + 1013904223) >> 8;
}

/* The RGBA pixels in the given format, rows `stride` apart with rubbish between. */
static uint8_t *arrange(const uint8_t *rgba, enum wisp_pixel_format format, size_t stride)
{
    static const struct {
        const char *order; /* of the indices of R, G, B, A; 'x' is rubbish */
    } formats[] = {
        [WISP_PIXELS_GREY8] = { "0" },    [WISP_PIXELS_RGB8] = { "012" },   [WISP_PIXELS_BGR8] = { "210" },
        [WISP_PIXELS_RGBA8] = { "0123" }, [WISP_PIXELS_BGRA8] = { "2103" }, [WISP_PIXELS_RGBX8] = { "012x" },
        [WISP_PIXELS_BGRX8] = { "210x" }
    };
    uint8_t *out = malloc(stride * HEIGHT);
    size_t bytes = strlen(formats[format].order);

    assert_non_null(out);
    memset(out, 0x5a, stride * HEIGHT);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        for (size_t b = 0; b < bytes; b++) {
            char from = formats[format].order[b];

            out[i / WIDTH * stride + i % WIDTH * bytes + b] =
                from == 'x' ? (uint8_t)i : rgba[4 * i + (size_t)(from - '0')];
        }
    }
    return out;
}

/* The same picture as a PNG file. */
static struct bytes as_png(const uint8_t *rgba, enum wisp_pixel_format format)
{
    struct png png = { .width = WIDTH, .height = HEIGHT, .depth = 8, .colour = SPNG_COLOR_TYPE_TRUECOLOR };
    uint8_t *pixels = arrange(rgba, WISP_PIXELS_RGB8, (size_t)WIDTH * 3);
    size_t size = (size_t)WIDTH * HEIGHT * 3;
    struct bytes out;

    if (format == WISP_PIXELS_GREY8 || format == WISP_PIXELS_RGBA8 || format == WISP_PIXELS_BGRA8) {
        bool grey = format == WISP_PIXELS_GREY8;

        png.colour = grey ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
        size = (size_t)WIDTH * HEIGHT * (grey ? 1 : 4);
        free(pixels);
        pixels = arrange(rgba, grey ? format : WISP_PIXELS_RGBA8, size / HEIGHT);
    }
    out = make_png(&png, pixels, size);
    free(pixels);
    return out;
}

static void assert_same(const char *json, const struct media_pixels *pixels, struct bytes file)
{
    struct media *media = make_media(json);
    static float in_file[VALUES_MAX], in_memory[VALUES_MAX];
    struct reason why = { "" };

    assert_true(media_elements(media) <= VALUES_MAX);
    assert_ok(media_encode(media, "x", file.data, file.size, in_file, &why), why);
    assert_ok(media_encode_pixels(media, pixels, in_memory, &why), why);
    assert_memory_equal(in_file, in_memory, media_elements(media) * sizeof *in_file);
    media_free(media);
}

static void pixels_are_those_of_a_file(void **state)
{
    static uint8_t rgba[WIDTH * HEIGHT * 4];
    uint32_t seed = 3;

    (void)state;
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < sizeof rgba; i++)
            rgba[i] = (uint8_t)next(&seed);
        for (size_t i = 3; round % 3 == 0 && i < sizeof rgba; i += 4)
            rgba[i] = 255; /* nothing shows through */
        for (int format = WISP_PIXELS_GREY8; format <= WISP_PIXELS_BGRX8; format++) {
            size_t stride = (size_t)WIDTH * 4 + next(&seed) % 9;
            uint8_t *data = arrange(rgba, (enum wisp_pixel_format)format, stride);
            struct bytes file = as_png(rgba, (enum wisp_pixel_format)format);

            for (size_t m = 0; m < ARRAY_SIZE(pictures); m++)
                assert_same(pictures[m],
                            &(struct media_pixels){ data, WIDTH, HEIGHT, stride, (enum wisp_pixel_format)format },
                            file);
            free(data);
            free(file.data);
        }
    }
}

static uint8_t rounded(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : lround(value));
}

/* Against the definition of BT.601 in floating point; whole numbers are within one of it. */
static void video(void **state)
{
    static uint8_t yuyv[HEIGHT * (WIDTH * 2 + 6)], nv12[HEIGHT * 3 / 2 * (WIDTH + 10)];
    struct media_pixels packed = { yuyv, WIDTH, HEIGHT, WIDTH * 2 + 6, WISP_PIXELS_YUYV };
    struct media_pixels planes = { nv12, WIDTH, HEIGHT, WIDTH + 10, WISP_PIXELS_NV12 };
    struct media_picture a, b;
    struct reason why = { "" };
    uint32_t seed = 5;

    (void)state;
    for (size_t i = 0; i < sizeof nv12; i++)
        nv12[i] = (uint8_t)next(&seed);
    for (size_t y = 0; y < HEIGHT; y++) {
        for (size_t x = 0; x < WIDTH; x++) {
            yuyv[y * packed.stride + 2 * x] = nv12[y * planes.stride + x];
            yuyv[y * packed.stride + 2 * x + 1] = nv12[(HEIGHT + y / 2) * planes.stride + x];
        }
    }
    assert_ok(media_take_pixels(&packed, &a, &why), why);
    assert_ok(media_take_pixels(&planes, &b, &why), why);
    assert_int_equal(a.channels, 3);
    assert_memory_equal(a.pixels, b.pixels, (size_t)WIDTH * HEIGHT * 3);
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        const uint8_t *colour = nv12 + (HEIGHT + i / WIDTH / 2) * planes.stride + (i % WIDTH & ~(size_t)1);
        size_t at = i / WIDTH * planes.stride + i % WIDTH;
        double light = 255.0 / 219 * (nv12[at] - 16);
        double u = 255.0 / 224 * (colour[0] - 128), v = 255.0 / 224 * (colour[1] - 128);

        assert_in_range(abs(a.pixels[3 * i] - rounded(light + 1.402 * v)), 0, 1);
        assert_in_range(abs(a.pixels[3 * i + 1] - rounded(light - 0.344136 * u - 0.714136 * v)), 0, 1);
        assert_in_range(abs(a.pixels[3 * i + 2] - rounded(light + 1.772 * u)), 0, 1);
    }
    free(a.pixels);
    free(b.pixels);
}

static void pixels_that_are_none(void **state)
{
    static const uint8_t some[64];
    static const struct {
        struct media_pixels pixels;
        const char *says;
    } cases[] = {
        { { NULL, 4, 4, 4, WISP_PIXELS_GREY8 }, "no pixels are given" },
        { { some, 0, 4, 4, WISP_PIXELS_GREY8 }, "a picture of 0 x 4" },
        { { some, 4, 16385, 4, WISP_PIXELS_GREY8 }, "at most 16384 a side" },
        { { some, 4, 4, 3, WISP_PIXELS_GREY8 }, "a stride of 3 bytes; a row of 4 pixels in GREY8 has 4" },
        { { some, 4, 4, 0, WISP_PIXELS_BGRA8 }, "a row of 4 pixels in BGRA8 has 16" },
        { { some, 4, 4, SIZE_MAX, WISP_PIXELS_RGB8 }, "a stride of" },
        { { some, 4, 16384, SIZE_MAX / 16384, WISP_PIXELS_RGB8 }, "a stride of" },
        { { some, 3, 4, 64, WISP_PIXELS_YUYV }, "3 x 4 pixels in YUYV, which share their colours" },
        { { some, 4, 3, 64, WISP_PIXELS_NV12 }, "4 x 3 pixels in NV12" },
        { { some, 4, 4, 4, (enum wisp_pixel_format)0 }, "0 is no format of pixels" },
        { { some, 4, 4, 4, (enum wisp_pixel_format)99 }, "99 is no format of pixels" },
        { { some, 4, 4, 4, (enum wisp_pixel_format) - 1 }, "is no format of pixels" },
    };
    struct media *media = make_media(pictures[0]), *text = make_media("{\"kind\":\"text\",\"features\":8}");
    struct reason why = { "" };
    float out[45];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(media_encode_pixels(media, &cases[i].pixels, out, &why), WISP_E_INVALID);
        if (!strstr(why.text, cases[i].says))
            fail_msg("%s\n  wanted: %s", why.text, cases[i].says);
    }
    assert_int_equal(media_encode_pixels(text, &cases[0].pixels, out, &why), WISP_E_INVALID);
    assert_string_equal(why.text, "the model takes texts, no pixels");
    media_free(media);
    media_free(text);
}

/* ---- sound ---- */

static const char *const recordings[] = {
    "{\"kind\":\"audio\",\"mels\":40,\"frames\":32}",
    "{\"kind\":\"audio\",\"rate\":16000,\"mels\":20,\"frames\":9,\"trim_db\":0}",
};

/* The whole numbers are what they are in the file as well, for it is written with them. */
static void samples_are_those_of_a_file(void **state)
{
    static const struct {
        enum wisp_sample_format format;
        int written;
        size_t bytes;
    } formats[] = { { WISP_SAMPLES_U8, SF_FORMAT_PCM_U8, 1 },
                    { WISP_SAMPLES_S16, SF_FORMAT_PCM_16, 2 },
                    { WISP_SAMPLES_S32, SF_FORMAT_PCM_32, 4 },
                    { WISP_SAMPLES_F32, SF_FORMAT_FLOAT, 4 } };
    static const int rates[] = { 8000, 16000, 44100 };
    static float x[RATE * 3], in_file[VALUES_MAX], in_memory[VALUES_MAX];
    uint32_t seed = 7;

    (void)state;
    for (size_t i = 0; i < (size_t)RATE * 3; i++)
        x[i] = (float)(sin((double)i / 5) * 0.5 + (double)(next(&seed) % 1000) / 2000 - 0.25);
    for (size_t i = 0; i < ARRAY_SIZE(formats) * ARRAY_SIZE(rates) * 3 * ARRAY_SIZE(recordings); i++) {
        size_t f = i % ARRAY_SIZE(formats), r = i / ARRAY_SIZE(formats) % 3;
        uint32_t channels = 1 + (uint32_t)(i / 12 % 3);
        size_t frames = (size_t)RATE * 3 / channels, size = frames * channels * formats[f].bytes;
        struct media *media = make_media(recordings[i / 36]);
        struct bytes file = make_sound(SF_FORMAT_WAV | formats[f].written, rates[r], (int)channels, x, frames);
        const uint8_t *data = memmem(file.data, 200, "data", 4);
        struct media_samples samples = { data + 8, frames, channels, (uint32_t)rates[r], formats[f].format };
        struct reason why = { "" };

        assert_true(data && (size_t)(data - file.data) + 8 + size <= file.size);
        assert_ok(media_encode(media, "x", file.data, file.size, in_file, &why), why);
        assert_ok(media_encode_samples(media, &samples, in_memory, &why), why);
        assert_memory_equal(in_file, in_memory, media_elements(media) * sizeof *in_file);
        free(file.data);
        media_free(media);
    }
}

static void samples_that_are_none(void **state)
{
    static const float not_finite[4] = { 0.5f, NAN, 0, 0 }, silent[100] = { 0 }, against[4] = { 0.5f, -0.5f, 1, -1 };
    static const struct {
        struct media_samples samples;
        int result;
        const char *says;
    } cases[] = {
        { { NULL, 4, 1, RATE, WISP_SAMPLES_F32 }, WISP_E_INVALID, "no samples are given" },
        { { silent, 4, 0, RATE, WISP_SAMPLES_F32 }, WISP_E_INVALID, "0 channels; up to 32" },
        { { silent, 4, UINT32_MAX, RATE, WISP_SAMPLES_F32 }, WISP_E_INVALID, "channels; up to 32" },
        { { silent, 4, 1, 0, WISP_SAMPLES_F32 }, WISP_E_INVALID, "a rate of 0 Hz" },
        { { silent, 4, 1, UINT32_MAX, WISP_SAMPLES_F32 }, WISP_E_INVALID, "from 1000 to 768000 Hz" },
        { { silent, 4, 1, RATE, (enum wisp_sample_format)5 }, WISP_E_INVALID, "5 is no format of samples" },
        { { silent, 0, 1, RATE, WISP_SAMPLES_F32 }, WISP_E_FORMAT, "has no samples" },
        { { silent, 100, 1, RATE, WISP_SAMPLES_F32 }, WISP_E_FORMAT, "silent throughout" },
        { { not_finite, 4, 1, RATE, WISP_SAMPLES_F32 }, WISP_E_FORMAT, "sample 1 is not a finite number" },
        { { against, 2, 2, RATE, WISP_SAMPLES_F32 }, WISP_E_FORMAT, "cancel each other out" },
    };
    struct media *media = make_media(recordings[0]), *picture = make_media(pictures[0]);
    static float out[VALUES_MAX];
    struct reason why = { "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(media_encode_samples(media, &cases[i].samples, out, &why), cases[i].result);
        if (!strstr(why.text, cases[i].says))
            fail_msg("%s\n  wanted: %s", why.text, cases[i].says);
    }
    assert_int_equal(media_encode_samples(picture, &cases[0].samples, out, &why), WISP_E_INVALID);
    assert_string_equal(why.text, "the model takes pictures, no sound");
    media_free(media);
    media_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_those_of_a_file), cmocka_unit_test(video),
        cmocka_unit_test(pixels_that_are_none),       cmocka_unit_test(samples_are_those_of_a_file),
        cmocka_unit_test(samples_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
