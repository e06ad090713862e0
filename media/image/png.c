/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG by libspng: every colour type and depth, interlaced or not; 16 bits become 8, palettes and grey below 8 bits are
 * expanded; turned as Exif says. The file is given as a stream, so that a refusal can say how far it was read.
 */
#include <spng.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/image/bounds.h"
#include "media/image/exif.h"
#include "media/image/picture.h"

enum {
    RGBA = 4,
    /* Text, profiles and the like are skipped, but read; one that is larger than this is no picture's. */
    CHUNK_MAX = 16 << 20,
};

struct stream {
    const uint8_t *bytes;
    size_t length, at;
    bool dry; /* more was asked for than there is; libspng 0.7.3 takes that for a wrong checksum, in places */
};

static void free_context(spng_ctx **context)
{
    spng_ctx_free(*context);
}

static int read_stream(spng_ctx *context, void *user, void *out, size_t length)
{
    struct stream *stream = user;

    (void)context;
    if (!size_within(stream->at, length, stream->length)) {
        stream->dry = true;
        return SPNG_IO_EOF;
    }
    memcpy(out, stream->bytes + stream->at, length);
    stream->at += length;
    return 0;
}

static int refuse_png(int code, const struct stream *stream, struct reason *why)
{
    if (code == SPNG_EMEM)
        return refuse_errno(why, -ENOMEM, "PNG");
    if (stream->dry)
        return refuse(why, WISP_E_FORMAT, "the PNG file is cut off at byte %zu", stream->length);
    return refuse(why, WISP_E_FORMAT, "damaged PNG file before byte %zu: %s", stream->at, spng_strerror(code));
}

static bool is_grey(const struct spng_ihdr *header)
{
    return header->color_type == SPNG_COLOR_TYPE_GRAYSCALE || header->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
}

static bool is_opaque(const uint8_t *rgba, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rgba[i * RGBA + 3] != 255)
            return false;
    }
    return true;
}

/* Keeps of each pixel the colours, and alpha where there is some. In place: what is written never overtakes what is
 * read. Returns the channels that are left. */
static uint32_t pack(uint8_t *pixels, size_t count, uint32_t colours)
{
    bool opaque = is_opaque(pixels, count);
    uint32_t channels = colours + !opaque;

    for (size_t i = 0; i < count; i++) {
        uint8_t alpha = pixels[i * RGBA + 3];

        memmove(pixels + i * channels, pixels + i * RGBA, colours);
        if (!opaque)
            pixels[i * channels + colours] = alpha;
    }
    return channels;
}

static int read_header(spng_ctx *context, const struct stream *stream, struct spng_ihdr *out, struct reason *why)
{
    int result = spng_get_ihdr(context, out);

    return result ? refuse_png(result, stream, why) : picture_check_size(out->width, out->height, why);
}

static int read_pixels(spng_ctx *context, const struct stream *stream, const struct spng_ihdr *header,
                       struct media_picture *out, struct reason *why)
{
    cleanup_free uint8_t *pixels = NULL;
    uint8_t *packed;
    size_t size;
    int result = spng_decoded_image_size(context, SPNG_FMT_RGBA8, &size);

    if (result)
        return refuse_png(result, stream, why);
    pixels = malloc(size);
    if (!pixels)
        return refuse_errno(why, -ENOMEM, "picture of %u x %u", header->width, header->height);
    result = spng_decode_image(context, pixels, size, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
    if (result)
        return refuse_png(result, stream, why);
    out->width = header->width;
    out->height = header->height;
    out->channels = pack(pixels, size / RGBA, is_grey(header) ? 1 : 3);
    /* Gives the rest back; when that fails, more is kept than needed. */
    packed = realloc(pixels, size / RGBA * out->channels);
    out->pixels = packed ? packed : pixels;
    pixels = NULL;
    return 0;
}

/* Reads the chunks up to the pixels, or those behind them, and takes Exif's note when it is among them. spng passes
 * over what is wrong with chunks that a picture can do without. */
static int read_chunks(spng_ctx *context, unsigned *orientation)
{
    struct spng_exif exif;
    int result = spng_decode_chunks(context);

    if (!result && !spng_get_exif(context, &exif))
        *orientation = exif_orientation(exif.data, exif.length);
    return result;
}

static int decode(spng_ctx *context, const struct stream *stream, struct media_picture *out, struct reason *why)
{
    unsigned orientation = 1;
    struct spng_ihdr header;
    int result = read_header(context, stream, &header, why);

    if (result)
        return result;
    result = read_chunks(context, &orientation);
    if (result)
        return refuse_png(result, stream, why);
    result = read_pixels(context, stream, &header, out, why);
    if (result)
        return result;
    /* Behind the pixels only the end itself must be there. */
    result = read_chunks(context, &orientation);
    if (stream->dry || result == SPNG_EMEM)
        result = refuse_png(result, stream, why);
    else if (picture_orient(out, orientation))
        result = refuse_errno(why, -ENOMEM, "picture of %u x %u", out->width, out->height);
    else
        return 0;
    free(out->pixels);
    return result;
}

int png_decode(const void *bytes, size_t length, struct media_picture *out, struct reason *why)
{
    cleanup(free_context) spng_ctx *context = spng_ctx_new(0);
    struct stream stream = { .bytes = bytes, .length = length };

    if (!context)
        return refuse_errno(why, -ENOMEM, "PNG");
    spng_set_chunk_limits(context, CHUNK_MAX, CHUNK_MAX);
    spng_set_png_stream(context, read_stream, &stream);
    return decode(context, &stream, out, why);
}
