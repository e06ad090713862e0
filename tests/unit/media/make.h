/* SPDX-License-Identifier: Apache-2.0
 *
 * Files in memory for the tests of media/, made by the libraries that others make them with. Everything aborts on
 * failure; what is returned is freed by the caller.
 */
#ifndef TESTS_MEDIA_MAKE_H
#define TESTS_MEDIA_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/spec/media.h"

struct bytes {
    uint8_t *data;
    size_t size;
};

struct png {
    uint32_t width, height;
    uint8_t colour, depth; /* as PNG's header has them */
    bool interlaced;
    const uint8_t *palette; /* RGB, palette_count of them */
    unsigned palette_count;
    const uint8_t *palette_alpha;
    const uint16_t *transparent; /* the one transparent grey or RGB */
};

/* `pixels` in PNG's own layout, 16-bit samples in the host's order. */
struct bytes make_png(const struct png *png, const void *pixels, size_t size);
struct bytes make_grey_png(uint32_t width, uint32_t height, const uint8_t *pixels);
uint32_t png_crc(const uint8_t *bytes, size_t length); /* over the name of a chunk and what is in it */
/* `grey`: 1 channel; otherwise RGB. */
struct bytes make_jpeg(uint32_t width, uint32_t height, bool grey, bool progressive, const uint8_t *pixels);
struct bytes make_cmyk_jpeg(uint32_t width, uint32_t height, const uint8_t *pixels);

/* `format` is libsndfile's; interleaved samples. */
struct bytes make_sound(int format, int rate, int channels, const float *samples, size_t frames);
/* A 16-bit WAV of one channel. */
struct bytes make_wav(int rate, const float *samples, size_t count);
void fill_sine(float *samples, size_t count, double rate, double frequency, double amplitude);

/* Descriptions of pictures, to which more keys are added, and "}". */
#define GREY(w, h) "{\"kind\":\"image\",\"channels\":1,\"width\":" #w ",\"height\":" #h
#define RGB(w, h)  "{\"kind\":\"image\",\"channels\":3,\"width\":" #w ",\"height\":" #h

struct media *make_media(const char *json);
void write_bytes(const char *path, const void *data, size_t size);

#endif
