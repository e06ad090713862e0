/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures to tensors: every form of PNG and JPEG, channels, alpha, fitting.
 */
#include <math.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "make.h"
#include "support/test.h"

static void encode(const char *json, struct bytes file, float *out)
{
    struct media *media = make_media(json);
    struct reason why = { "" };

    assert_ok(media_encode(media, "picture", file.data, file.size, out, &why), why);
    media_free(media);
}

static void encode_and_free(const char *json, struct bytes file, float *out)
{
    encode(json, file, out);
    free(file.data);
}

/* Of the same size, a picture becomes its values / 255, exactly. */
static void grey_is_exact(void **state)
{
    uint8_t pixels[16 * 16];
    float out[16 * 16];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)i;
    encode_and_free(GREY(16, 16) "}", make_grey_png(16, 16, pixels), out);
    for (size_t i = 0; i < sizeof pixels; i++)
        assert_true(out[i] == (float)(i / 255.0));
    encode_and_free(GREY(16, 16) ",\"mean\":[0.25],\"deviation\":[0.5]}", make_grey_png(16, 16, pixels), out);
    for (size_t i = 0; i < sizeof pixels; i++)
        assert_true(out[i] == (float)((i / 255.0 - 0.25) / 0.5));
}

static void planes(void **state)
{
    static const uint8_t pixels[] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30 };
    static const float luma[] = { 76, 150, 29, 18 };
    struct bytes file =
        make_png(&(struct png){ .width = 2, .height = 2, .colour = SPNG_COLOR_TYPE_TRUECOLOR, .depth = 8 }, pixels,
                 sizeof pixels);
    float out[12];

    (void)state;
    encode(RGB(2, 2) ",\"mean\":[0,0.5,0],\"deviation\":[1,1,2]}", file, out);
    for (size_t i = 0; i < 4; i++) {
        assert_true(out[i] == (float)(pixels[3 * i] / 255.0));
        assert_true(out[4 + i] == (float)(pixels[3 * i + 1] / 255.0 - 0.5));
        assert_true(out[8 + i] == (float)(pixels[3 * i + 2] / 255.0 / 2));
    }
    encode_and_free(GREY(2, 2) "}", file, out);
    for (size_t i = 0; i < 4; i++)
        assert_true(out[i] == (float)((double)luma[i] / 255.0));
}

static void alpha_over_background(void **state)
{
    static const uint8_t grey_alpha[] = { 200, 0, 200, 255, 200, 128, 0, 64 };
    static const uint8_t rgba[] = { 255, 0, 0, 0, 255, 0, 0, 255, 255, 0, 0, 128, 0, 0, 0, 64 };
    struct bytes file;
    float out[12];

    (void)state;
    file = make_png(&(struct png){ .width = 2, .height = 2, .colour = SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, .depth = 8 },
                    grey_alpha, sizeof grey_alpha);
    encode(GREY(2, 2) ",\"background\":100}", file, out);
    assert_float_equal(out[0] * 255, 100, 1e-3);
    assert_float_equal(out[1] * 255, 200, 1e-3);
    assert_float_equal(out[2] * 255, 150, 1e-3);
    assert_float_equal(out[3] * 255, 75, 1e-3);
    encode_and_free(GREY(2, 2) "}", file, out);
    assert_float_equal(out[0], 0, 0);
    assert_float_equal(out[2] * 255, 100, 1e-3);

    file = make_png(&(struct png){ .width = 2, .height = 2, .colour = SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, .depth = 8 },
                    rgba, sizeof rgba);
    encode_and_free(RGB(2, 2) ",\"background\":255}", file, out);
    assert_float_equal(out[0] * 255, 255, 1e-3);
    assert_float_equal(out[4] * 255, 255, 1e-3);
    assert_float_equal(out[5] * 255, 0, 1e-3);
    assert_float_equal(out[6] * 255, 127, 1e-3);
    assert_float_equal(out[7] * 255, 191, 1e-3);
}

/* The same picture, in other forms of PNG. */
static void forms_of_png(void **state)
{
    static const uint16_t deep[] = { 0x0000, 0xffff, 0x8080, 0x4040 };
    static const uint8_t bits[] = { 0x40, 0x80 }; /* 0 1 / 1 0 */
    static const uint8_t palette[] = { 0, 0, 0, 255, 255, 255, 128, 128, 128, 64, 64, 64 }, index[] = { 0, 1, 2, 3 };
    static const uint8_t palette_alpha[] = { 255, 255, 0, 255 };
    static const uint16_t see_through[] = { 0x8080 };
    float out[12];

    (void)state;
    encode_and_free(GREY(2, 2) "}",
                    make_png(&(struct png){ .width = 2, .height = 2, .colour = 0, .depth = 16 }, deep, sizeof deep),
                    out);
    assert_true(out[0] == 0 && out[1] == 1 && out[2] == (float)(128 / 255.0) && out[3] == (float)(64 / 255.0));
    encode_and_free(
        GREY(2, 2) ",\"background\":9}",
        make_png(&(struct png){ .width = 2, .height = 2, .colour = 0, .depth = 16, .transparent = see_through }, deep,
                 sizeof deep),
        out);
    assert_true(out[0] == 0 && out[1] == 1 && out[2] == (float)(9 / 255.0) && out[3] == (float)(64 / 255.0));
    encode_and_free(GREY(2, 2) "}",
                    make_png(&(struct png){ .width = 2, .height = 2, .colour = 0, .depth = 1 }, bits, sizeof bits),
                    out);
    assert_true(out[0] == 0 && out[1] == 1 && out[2] == 1 && out[3] == 0);
    encode_and_free(RGB(2, 2) "}",
                    make_png(&(struct png){ .width = 2,
                                            .height = 2,
                                            .colour = SPNG_COLOR_TYPE_INDEXED,
                                            .depth = 8,
                                            .palette = palette,
                                            .palette_count = 4,
                                            .palette_alpha = palette_alpha },
                             index, sizeof index),
                    out);
    for (int c = 0; c < 12; c += 4)
        assert_true(out[c] == 0 && out[c + 1] == 1 && out[c + 2] == 0 && out[c + 3] == (float)(64 / 255.0));
}

static void interlaced(void **state)
{
    uint8_t pixels[20 * 13];
    float plain[20 * 13], adam[20 * 13];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 37);
    encode_and_free(GREY(20, 13) "}", make_grey_png(20, 13, pixels), plain);
    encode_and_free(GREY(20, 13) "}",
                    make_png(&(struct png){ .width = 20, .height = 13, .colour = 0, .depth = 8, .interlaced = true },
                             pixels, sizeof pixels),
                    adam);
    assert_memory_equal(plain, adam, sizeof plain);
}

static void jpeg(void **state)
{
    static uint8_t pixels[32 * 32 * 3];
    static float out[32 * 32 * 3];

    (void)state;
    for (int y = 0; y < 32; y++) {
        for (int x = 0; x < 32; x++) {
            pixels[(y * 32 + x) * 3] = (uint8_t)(x * 8);
            pixels[(y * 32 + x) * 3 + 1] = (uint8_t)(y * 8);
            pixels[(y * 32 + x) * 3 + 2] = 100;
        }
    }
    for (int progressive = 0; progressive < 2; progressive++) {
        encode_and_free(RGB(32, 32) "}", make_jpeg(32, 32, false, progressive, pixels), out);
        for (int i = 0; i < 32 * 32; i++) {
            assert_float_equal(out[i] * 255, pixels[3 * i], 8);
            assert_float_equal(out[2048 + i] * 255, 100, 8);
        }
        encode_and_free(GREY(32, 32) "}", make_jpeg(32, 32, true, progressive, pixels), out);
        for (int i = 0; i < 32 * 32; i++)
            assert_true(isfinite(out[i]) && out[i] >= 0 && out[i] <= 1);
    }
}

enum { TIFF_SIZE = 26, FILL_MAX = 5 };

/* How a camera says that it was held. */
struct note {
    unsigned orientation, type; /* TIFF's: 1 BYTE, 3 SHORT, 4 LONG */
    bool big;
};

static void put_number(uint8_t *at, bool big, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * (big ? size - 1 - i : i));
}

/* A folder with one entry. */
static void make_tiff(const struct note *note, uint8_t tiff[TIFF_SIZE])
{
    static const unsigned sizes[] = { [1] = 1, [3] = 2, [4] = 4 };

    memset(tiff, 0, TIFF_SIZE);
    memcpy(tiff, note->big ? "MM\0*" : "II*\0", 4);
    put_number(tiff + 4, note->big, 8, 4);
    put_number(tiff + 8, note->big, 1, 2);
    put_number(tiff + 10, note->big, 0x112, 2);
    put_number(tiff + 12, note->big, note->type, 2);
    put_number(tiff + 14, note->big, 1, 4);
    put_number(tiff + 18, note->big, note->orientation, sizes[note->type]);
}

/* The file with `length` more bytes at `at`. */
static struct bytes with_bytes(struct bytes file, size_t at, const void *bytes, size_t length)
{
    struct bytes out = { .data = malloc(file.size + length), .size = file.size + length };

    memcpy(out.data, file.data, at);
    memcpy(out.data + at, bytes, length);
    memcpy(out.data + at + length, file.data + at, file.size - at);
    return out;
}

/* `fill`: so many bytes 0xff before the segment, which T.81 B.1.1.2 allows. */
static struct bytes with_exif(struct bytes file, const struct note *note, size_t fill)
{
    uint8_t segment[FILL_MAX + 10 + TIFF_SIZE];

    memset(segment, 0xff, fill);
    memcpy(segment + fill,
           "\xff\xe1\0\x22"
           "Exif\0\0",
           10);
    make_tiff(note, segment + fill + 10);
    return with_bytes(file, 2, segment, fill + 10 + TIFF_SIZE);
}

/* Before the pixels, behind the header of 33 bytes; or behind them, before the end of 12. */
static struct bytes with_png_chunk(struct bytes file, bool behind, const char *name, const void *bytes, size_t length)
{
    uint8_t chunk[64];

    assert_true(length + 12 <= sizeof chunk);
    put_number(chunk, true, (uint32_t)length, 4);
    memcpy(chunk + 4, name, 4);
    memcpy(chunk + 8, bytes, length);
    put_number(chunk + 8 + length, true, png_crc(chunk + 4, length + 4), 4);
    return with_bytes(file, behind ? file.size - 12 : 33, chunk, length + 12);
}

/* A quarter of a picture of 32 x 16 is bright, at the upper left where it is stored. */
static void assert_turned(struct bytes file, unsigned orientation)
{
    /* Where it is once the picture is upright: row * 2 + column. */
    static const int bright[10] = { 0, 0, 1, 3, 2, 0, 1, 3, 2, 0 };
    bool swap = orientation >= 5 && orientation <= 8;
    struct media_picture picture;
    struct reason why = { "" };

    assert_ok(media_decode_picture("x", file.data, file.size, &picture, &why), why);
    assert_int_equal(picture.width, swap ? 16 : 32);
    assert_int_equal(picture.height, swap ? 32 : 16);
    for (int quarter = 0; quarter < 4; quarter++) {
        size_t x = picture.width / 4 + (quarter % 2) * picture.width / 2;
        size_t y = picture.height / 4 + (quarter / 2) * picture.height / 2;

        assert_int_equal(picture.pixels[y * picture.width + x] > 128, quarter == bright[orientation]);
    }
    free(picture.pixels);
    free(file.data);
}

/* In JPEG and PNG, whatever the order of bytes, the type of the number, and where it stands. */
static void turned_as_noted(void **state)
{
    static const unsigned types[] = { 1, 3, 4 };
    uint8_t pixels[32 * 16] = { 0 };
    struct bytes jpeg, png;

    (void)state;
    for (int y = 0; y < 8; y++)
        memset(pixels + 32 * y, 255, 16);
    jpeg = make_jpeg(32, 16, true, false, pixels);
    png = make_grey_png(32, 16, pixels);
    for (unsigned i = 0; i < 10 * ARRAY_SIZE(types) * 2; i++) {
        struct note note = { .orientation = i % 10, .type = types[i / 10 % 3], .big = i / 30 };
        uint8_t tiff[TIFF_SIZE];

        for (size_t fill = 0; fill <= FILL_MAX; fill++)
            assert_turned(with_exif(jpeg, &note, fill), note.orientation);
        make_tiff(&note, tiff);
        for (int behind = 0; behind < 2; behind++)
            assert_turned(with_png_chunk(png, behind, "eXIf", tiff, TIFF_SIZE), note.orientation);
    }
    free(jpeg.data);
    free(png.data);
}

/* Every byte of the note at odds with the rest: nothing is read beyond it. */
static void notes_are_never_trusted(void **state)
{
    uint8_t pixels[8 * 8] = { 9 }, tiff[TIFF_SIZE];
    struct bytes plain = make_jpeg(8, 8, true, false, pixels), png = make_grey_png(8, 8, pixels);

    (void)state;
    for (size_t i = 0; i < (size_t)TIFF_SIZE * 6; i++) {
        struct note note = { .orientation = 6, .type = 3, .big = i % 2 };
        uint8_t value = (uint8_t)(i % 6 * 51);
        struct bytes files[2];

        files[0] = with_exif(plain, &note, 0);
        files[0].data[12 + i / 6] = value;
        make_tiff(&note, tiff);
        tiff[i / 6] = value;
        files[1] = with_png_chunk(png, i % 4 > 1, "eXIf", tiff, TIFF_SIZE);
        for (int f = 0; f < 2; f++) {
            struct media_picture picture;
            struct reason why = { "" };

            if (!media_decode_picture("x", files[f].data, files[f].size, &picture, &why))
                free(picture.pixels);
            free(files[f].data);
        }
    }
    free(plain.data);
    free(png.data);
}

/* What has lost no pixel is read as it is without it: bytes of no segment, from cameras, and faults behind the pixels.
 */
static void faults_that_lose_nothing(void **state)
{
    uint8_t pixels[24 * 24];
    struct bytes jpeg, png;
    static float plain[24 * 24], out[24 * 24];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7);
    jpeg = make_jpeg(24, 24, true, false, pixels);
    encode(GREY(24, 24) "}", jpeg, plain);
    encode_and_free(GREY(24, 24) "}", with_bytes(jpeg, jpeg.size - 2, "twelve bytes", 12), out);
    assert_memory_equal(plain, out, sizeof out);
    encode_and_free(GREY(24, 24) "}", with_bytes(jpeg, 20, "junk", 4), out); /* behind the first segment */
    assert_memory_equal(plain, out, sizeof out);
    encode_and_free(GREY(24, 24) "}", with_bytes(jpeg, jpeg.size, "behind", 6), out);
    assert_memory_equal(plain, out, sizeof out);
    png = make_grey_png(24, 24, pixels);
    encode(GREY(24, 24) "}", png, plain);
    encode_and_free(GREY(24, 24) "}", with_png_chunk(png, true, "gAMA", "\0\0\xb1\x8f", 4), out);
    assert_memory_equal(plain, out, sizeof out);
    encode_and_free(GREY(24, 24) "}", with_bytes(png, png.size, "behind", 6), out);
    assert_memory_equal(plain, out, sizeof out);
    free(jpeg.data);
    free(png.data);
}

/* A constant stays what it is, whatever the sizes. */
static void constant_stays(void **state)
{
    static const uint32_t sides[] = { 1, 2, 3, 7, 64, 257, 3000 };
    struct media *media = make_media(GREY(9, 5) "}");

    (void)state;
    for (size_t w = 0; w < ARRAY_SIZE(sides); w++) {
        for (size_t h = 0; h < ARRAY_SIZE(sides); h++) {
            struct media_picture picture = { .width = sides[w], .height = sides[h], .channels = 1 };
            struct reason why = { "" };
            float out[45];

            picture.pixels = malloc((size_t)sides[w] * sides[h]);
            memset(picture.pixels, 77, (size_t)sides[w] * sides[h]);
            assert_ok(media_encode_picture(media, &picture, out, &why), why);
            for (int i = 0; i < 45; i++)
                assert_true(out[i] == (float)(77 / 255.0));
            free(picture.pixels);
        }
    }
    media_free(media);
}

/* Columns of black and white, made 16 times smaller: grey, not a moiré of either. */
static void antialiased(void **state)
{
    static uint8_t pixels[256 * 256];
    float out[256];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = i % 2 ? 255 : 0;
    encode_and_free(GREY(16, 16) "}", make_grey_png(256, 256, pixels), out);
    for (int i = 0; i < 256; i++) {
        bool edge = i % 16 == 0 || i % 16 == 15; /* its column is repeated beyond it */

        assert_float_equal(out[i], 0.5, edge ? 0.1 : 0.01);
    }
}

/* A wide picture: left third black, middle grey, right white. */
static void fits(void **state)
{
    uint8_t pixels[48 * 16];
    struct bytes file;
    float out[16 * 16];

    (void)state;
    for (int i = 0; i < 48 * 16; i++)
        pixels[i] = (uint8_t)(i % 48 / 16 * 100);
    file = make_grey_png(48, 16, pixels);
    encode(GREY(16, 16) ",\"fit\":\"stretch\"}", file, out);
    assert_float_equal(out[2] * 255, 0, 1);
    assert_float_equal(out[8] * 255, 100, 1);
    assert_float_equal(out[14] * 255, 200, 1);
    encode(GREY(16, 16) ",\"fit\":\"cover\"}", file, out);
    for (int i = 0; i < 256; i++)
        assert_true(out[i] == (float)(100 / 255.0));
    encode_and_free(GREY(16, 16) ",\"fit\":\"contain\",\"background\":30}", file, out);
    for (int y = 0; y < 16; y++) {
        bool inside = y >= 5 && y < 10; /* 16 / 3 rows, rounded, in the middle */

        assert_float_equal(out[y * 16 + 8] * 255, inside ? 100 : 30, 1);
        assert_float_equal(out[y * 16 + 1] * 255, inside ? 0 : 30, 1);
    }
}

static void tall_fits(void **state)
{
    uint8_t pixels[4 * 12];
    struct bytes file;
    float out[16];

    (void)state;
    for (int i = 0; i < 48; i++)
        pixels[i] = i / 16 == 1 ? 255 : 0;
    file = make_grey_png(4, 12, pixels);
    encode(GREY(4, 4) ",\"fit\":\"cover\"}", file, out);
    for (int i = 0; i < 16; i++)
        assert_true(out[i] == 1);
    encode_and_free(GREY(4, 4) ",\"fit\":\"contain\",\"background\":50}", file, out);
    for (int y = 0; y < 4; y++)
        assert_float_equal(out[y * 4 + 3] * 255, 50, 1e-3);
}

/* At its own size a picture has the bytes that it is fitted with where a model takes that size. */
static void channels_at_its_own_size(void **state)
{
    static const char *const models[] = { GREY(2, 2) ",\"background\":77}", RGB(2, 2) ",\"background\":77}" };
    uint8_t pixels[2 * 2 * 4], own[2 * 2 * 3], fitted[2 * 2 * 3];
    struct reason why = { "" };

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 71 + 13);
    for (uint32_t from = 1; from <= 4; from++) {
        const struct media_picture picture = { 2, 2, from, pixels };

        for (uint32_t to = 1; to <= 3; to += 2) {
            struct media *media = make_media(models[to / 2]), *other = make_media(models[!(to / 2)]);

            assert_ok(media_fit_picture(media, &picture, fitted, &why), why);
            media_picture_channels(other, &picture, to, own);
            assert_memory_equal(own, fitted, 4 * to);
            media_free(media);
            media_free(other);
        }
    }
}

/* Every byte is a number that a network learns, and that number is the byte again. */
static void answers_come_back(void **state)
{
    static const char *const models[] = {
        RGB(1, 1) ",\"mean\":[0.4,0.5,0.1],\"deviation\":[0.2,1,3],\"answer\":\"picture\"}",
        GREY(1, 1) ",\"mean\":0.3,\"deviation\":0.1,\"answer\":\"picture\"}",
        GREY(1, 1) ",\"mean\":0.3,\"answer\":\"mask\",\"threshold\":9}"
    };
    static struct media_levels levels;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        struct media *media = make_media(models[i]);

        for (uint32_t channels = 1; channels <= 3; channels += 2) {
            media_answer_levels(media, channels, &levels);
            assert_int_equal(levels.channels, channels);
            for (unsigned byte = 0; byte < 256; byte++) {
                float values[3];
                uint8_t bytes[3];

                for (uint32_t c = 0; c < channels; c++)
                    values[c] = levels.values[c][byte];
                media_answer_bytes(media, channels, 1, values, MEDIA_THRESHOLD, bytes);
                for (uint32_t c = 0; c < channels; c++)
                    assert_int_equal(bytes[c], i == 2 ? (byte >= 9 ? 255 : 0) : byte);
            }
        }
        media_free(media);
    }
}

/* What a network says of it may be no byte. */
static void answers_out_of_range(void **state)
{
    struct media *media = make_media(GREY(1, 1) ",\"mean\":0.5,\"deviation\":0.5,\"answer\":\"picture\"}");
    const float values[] = { -1.5f, 1.5f, NAN, INFINITY, -INFINITY };
    uint8_t bytes[ARRAY_SIZE(values)];

    (void)state;
    assert_int_equal(media_answer(media), MEDIA_ANSWER_PICTURE);
    media_answer_bytes(media, 1, ARRAY_SIZE(values), values, MEDIA_THRESHOLD, bytes);
    assert_memory_equal(bytes, ((uint8_t[]){ 0, 255, 0, 255, 0 }), sizeof bytes);
    media_free(media);
    media = make_media(GREY(1, 1) "}");
    assert_int_equal(media_answer(media), MEDIA_ANSWER_NONE);
    media_free(media);
}

/* The extremes that a picture and a model may have. */
/* A mean of 0 and a deviation of 1, whatever light there was; all channels by the same, so that colours stay apart. */
static void normalised_by_itself(void **state)
{
    enum { PIXELS = 16 * 12 };
    struct media *media = make_media(RGB(16, 12) ",\"normalise\":\"picture\"}");
    uint8_t dark[3 * PIXELS], light[3 * PIXELS];
    const struct media_picture pictures[] = { { 16, 12, 3, dark }, { 16, 12, 3, light } };
    float out[2][3 * PIXELS];
    struct reason why = { "" };
    double sum = 0, squares = 0;

    (void)state;
    for (size_t i = 0; i < sizeof dark; i++) {
        dark[i] = (uint8_t)(i * i * 71 % 31 + 20 * (i % 3));
        light[i] = (uint8_t)(2 * dark[i] + 50);
    }
    for (size_t i = 0; i < 2; i++)
        assert_ok(media_encode_picture(media, &pictures[i], out[i], &why), why);
    for (size_t i = 0; i < 3 * PIXELS; i++) {
        sum += (double)out[0][i];
        squares += (double)out[0][i] * (double)out[0][i];
        assert_float_equal(out[0][i], out[1][i], 1e-5);
        assert_true(out[0][i] < out[0][0] || dark[3 * (i % PIXELS) + i / PIXELS] >= dark[0]);
    }
    assert_float_equal(sum / (3 * PIXELS), 0, 1e-6);
    assert_float_equal(squares / (3 * PIXELS), 1, 1e-6);
    memset(dark, 77, sizeof dark); /* nothing to see: no division by nothing */
    dark[5] = 78;
    assert_ok(media_encode_picture(media, &pictures[0], out[0], &why), why);
    assert_true(out[0][0] > -0.01f && out[0][0] <= 0 && out[0][2 * PIXELS + 1] > 0.9f && out[0][2 * PIXELS + 1] < 1);
    media_free(media);
}

static void extremes(void **state)
{
    uint8_t *pixels = calloc(16384, 1);
    float *out = malloc(sizeof *out * 512 * 512);

    (void)state;
    memset(pixels, 9, 16384);
    encode_and_free(GREY(1, 1) "}", make_grey_png(16384, 1, pixels), out);
    assert_true(out[0] == (float)(9 / 255.0));
    encode_and_free(GREY(512, 512) "}", make_grey_png(1, 1, pixels), out);
    assert_true(out[512 * 512 - 1] == (float)(9 / 255.0));
    encode_and_free(GREY(512, 1) ",\"fit\":\"cover\"}", make_grey_png(1, 16384, pixels), out);
    encode_and_free(GREY(512, 1) ",\"fit\":\"contain\"}", make_grey_png(1, 16384, pixels), out);
    encode_and_free(GREY(1, 512) ",\"fit\":\"cover\"}", make_grey_png(16384, 1, pixels), out);
    encode_and_free(GREY(1, 512) ",\"fit\":\"contain\"}", make_grey_png(16384, 1, pixels), out);
    free(out);
    free(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_is_exact),
        cmocka_unit_test(planes),
        cmocka_unit_test(alpha_over_background),
        cmocka_unit_test(forms_of_png),
        cmocka_unit_test(interlaced),
        cmocka_unit_test(jpeg),
        cmocka_unit_test(turned_as_noted),
        cmocka_unit_test(notes_are_never_trusted),
        cmocka_unit_test(faults_that_lose_nothing),
        cmocka_unit_test(constant_stays),
        cmocka_unit_test(antialiased),
        cmocka_unit_test(fits),
        cmocka_unit_test(tall_fits),
        cmocka_unit_test(channels_at_its_own_size),
        cmocka_unit_test(answers_come_back),
        cmocka_unit_test(answers_out_of_range),
        cmocka_unit_test(normalised_by_itself),
        cmocka_unit_test(extremes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
