/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that are none, or damaged, or cut off, or too large.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "make.h"
#include "support/test.h"

static void refused(const char *name, const void *bytes, size_t length, const char *says)
{
    struct media *media = make_media(RGB(4, 4) "}");
    struct reason why = { "" };
    float out[48];

    assert_int_equal(media_encode(media, name, bytes, length, out, &why), WISP_E_FORMAT);
    if (!strstr(why.text, says) || strncmp(why.text, name, strlen(name)) != 0)
        fail_msg("%s: %s\n  wanted: %s", name, why.text, says);
    media_free(media);
}

static void wrong_formats(void **state)
{
    (void)state;
    refused("empty.png", "", 0, "the file is empty");
    refused("a.png", "GIF89a\1\0\1\0", 10, "a.png: a GIF picture; pictures are read as PNG or JPEG");
    refused("b.png", "BM\x46\0\0\0\0\0\0\0\x36\0\0\0", 14, "a BMP picture; pictures are read as PNG or JPEG");
    refused("c.jpg", "RIFF\x24\0\0\0WEBPVP8 ", 16, "a WebP picture");
    refused("d.jpg", "RIFF\x24\0\0\0WAVEfmt ", 16, "a WAV sound");
    refused("e.png", "hello, world", 12, "not a picture that is known here; pictures are read as PNG or JPEG");
    refused("f.png", "\x89PNG", 4, "not a picture");
    refused("g.png", "\x89PNG\r\n\x1a\n", 8, "cut off at byte 8");
    refused("h.jpg", "\xff\xd8\xff", 3, "cut off at byte 3");
    refused("i.jpg", "\xff\xd8\xff\xd9", 4, "damaged JPEG");
}

/* A file of a hundred bytes that claims a large picture is refused before any memory is asked for. */
static void header_bomb(void **state)
{
    uint8_t pixel = 0;
    uint32_t crc;
    struct bytes file = make_grey_png(1, 1, &pixel);
    /* IHDR with its CRC, for 65535 x 65535, 16384 x 16385, 0 x 1 and 16384 x 16384. */
    static const struct {
        uint8_t ihdr[21];
        const char *says;
    } cases[] = {
        { "\0\0\xff\xff\0\0\xff\xff\x08\0\0\0\0", "a picture of 65535 x 65535; at most 16384 a side" },
        { "\0\0\x40\0\0\0\x40\x01\x08\0\0\0\0", "a picture of 16384 x 16385" },
        { "\0\0\x40\0\0\0\x40\0\x08\0\0\0\0", "a picture of 16384 x 16384" },
        { "\0\0\0\0\0\0\0\1\x08\0\0\0\0", "damaged PNG" },
        { "\xff\xff\xff\xff\0\0\0\1\x08\0\0\0\0", "damaged PNG" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        memcpy(file.data + 16, cases[i].ihdr, 13);
        crc = htobe32(png_crc(file.data + 12, 17));
        memcpy(file.data + 29, &crc, sizeof crc);
        refused("bomb.png", file.data, file.size, cases[i].says);
    }
    free(file.data);
}

static void large_jpeg(void **state)
{
    uint8_t *pixels = calloc(20000, 3);
    struct bytes file = make_jpeg(20000, 1, true, false, pixels);

    (void)state;
    refused("wide.jpg", file.data, file.size, "a picture of 20000 x 1; at most 16384 a side");
    free(file.data);
    file = make_cmyk_jpeg(8, 8, pixels);
    refused("print.jpg", file.data, file.size, "in CMYK, for print; save it as RGB");
    free(file.data);
    free(pixels);
}

static void truncated(void **state)
{
    static uint8_t pixels[64 * 64 * 3];
    struct bytes files[3];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i >> 3);
    files[0] = make_grey_png(64, 64, pixels);
    files[1] = make_jpeg(64, 64, false, false, pixels);
    files[2] = make_jpeg(64, 64, false, true, pixels);
    for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
        for (size_t size = 0; size < files[f].size; size += size < files[f].size - 40 ? 1 + size / 50 : 1)
            refused("cut", files[f].data, size, "cut: ");
        free(files[f].data);
    }
}

/* Any one byte changed: refused, or a picture; nothing worse. */
static void damaged(void **state)
{
    struct media *media = make_media(RGB(4, 4) "}");
    uint8_t pixels[24 * 24 * 3];
    struct bytes files[2];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7);
    files[0] = make_grey_png(24, 24, pixels);
    files[1] = make_jpeg(24, 24, false, false, pixels);
    for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
        for (size_t i = 0; i < files[f].size; i++) {
            struct reason why = { "" };
            float out[48];
            int result;

            files[f].data[i] ^= 0x55;
            result = media_encode(media, "x", files[f].data, files[f].size, out, &why);
            assert_true(result == 0 || result == WISP_E_FORMAT);
            assert_true(!result || why.text[0]);
            files[f].data[i] ^= 0x55;
        }
        free(files[f].data);
    }
    media_free(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_formats), cmocka_unit_test(header_bomb), cmocka_unit_test(large_jpeg),
        cmocka_unit_test(truncated),     cmocka_unit_test(damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
