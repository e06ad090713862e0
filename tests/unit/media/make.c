/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <sndfile.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "make.h"
#include "support/test.h"

/* libsndfile 1.2.0 loses what libvorbis gave it when it turns an Ogg file away; nothing here can free it. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:vorbis_info_init\n";
}

static void require(int condition, const char *what)
{
    if (!condition) {
        fail_msg("cannot make %s", what);
        abort(); /* fail_msg() does not come back, but does not say so */
    }
}

static void set_palette(spng_ctx *context, const struct png *png)
{
    struct spng_plte plte = { .n_entries = png->palette_count };
    struct spng_trns trns = { .n_type3_entries = png->palette_count };

    for (unsigned i = 0; i < png->palette_count; i++) {
        plte.entries[i].red = png->palette[3 * i];
        plte.entries[i].green = png->palette[3 * i + 1];
        plte.entries[i].blue = png->palette[3 * i + 2];
        trns.type3_alpha[i] = png->palette_alpha ? png->palette_alpha[i] : 255;
    }
    require(!spng_set_plte(context, &plte), "a palette");
    if (png->palette_alpha)
        require(!spng_set_trns(context, &trns), "a palette's alpha");
}

static void set_transparent(spng_ctx *context, const struct png *png)
{
    struct spng_trns trns = { .gray = png->transparent[0] };

    if (png->colour == SPNG_COLOR_TYPE_TRUECOLOR) {
        trns.red = png->transparent[0];
        trns.green = png->transparent[1];
        trns.blue = png->transparent[2];
    }
    require(!spng_set_trns(context, &trns), "a transparent colour");
}

struct bytes make_png(const struct png *png, const void *pixels, size_t size)
{
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr header = { .width = png->width,
                                .height = png->height,
                                .bit_depth = png->depth,
                                .color_type = png->colour,
                                .interlace_method = png->interlaced };
    struct bytes out;
    int error;

    require(context != NULL, "a PNG encoder");
    spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    require(!spng_set_ihdr(context, &header), "a PNG header");
    if (png->palette)
        set_palette(context, png);
    if (png->transparent)
        set_transparent(context, png);
    error = spng_encode_image(context, pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    require(!error, spng_strerror(error));
    out.data = spng_get_png_buffer(context, &out.size, &error);
    require(out.data != NULL, "a PNG file");
    spng_ctx_free(context);
    return out;
}

struct bytes make_grey_png(uint32_t width, uint32_t height, const uint8_t *pixels)
{
    return make_png(&(struct png){ .width = width, .height = height, .colour = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 8 },
                    pixels, (size_t)width * height);
}

static struct bytes compress(uint32_t width, uint32_t height, J_COLOR_SPACE space, int channels, bool progressive,
                             const uint8_t *pixels)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long size = 0;

    jpeg.err = jpeg_std_error(&errors); /* ends the program */
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = channels;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    for (int i = 0; i < jpeg.num_components; i++)
        jpeg.comp_info[i].h_samp_factor = jpeg.comp_info[i].v_samp_factor = 1;
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < height) {
        size_t row = (size_t)width * (unsigned)channels;
        JSAMPROW from = (JSAMPROW)(uintptr_t)(pixels + jpeg.next_scanline * row);

        jpeg_write_scanlines(&jpeg, &from, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct bytes){ .data = data, .size = size };
}

struct bytes make_jpeg(uint32_t width, uint32_t height, bool grey, bool progressive, const uint8_t *pixels)
{
    return compress(width, height, grey ? JCS_GRAYSCALE : JCS_RGB, grey ? 1 : 3, progressive, pixels);
}

struct bytes make_cmyk_jpeg(uint32_t width, uint32_t height, const uint8_t *pixels)
{
    return compress(width, height, JCS_CMYK, 4, false, pixels);
}

struct sink {
    struct bytes bytes;
    size_t capacity, at;
};

static sf_count_t sink_length(void *user)
{
    return (sf_count_t)((struct sink *)user)->bytes.size;
}

static sf_count_t sink_seek(sf_count_t offset, int whence, void *user)
{
    struct sink *sink = user;
    size_t base = whence == SEEK_CUR ? sink->at : whence == SEEK_END ? sink->bytes.size : 0;

    sink->at = (size_t)((sf_count_t)base + offset);
    return (sf_count_t)sink->at;
}

static sf_count_t sink_read(void *out, sf_count_t count, void *user)
{
    struct sink *sink = user;
    size_t left = sink->bytes.size > sink->at ? sink->bytes.size - sink->at : 0;
    size_t got = (size_t)count < left ? (size_t)count : left;

    memcpy(out, sink->bytes.data + sink->at, got);
    sink->at += got;
    return (sf_count_t)got;
}

static sf_count_t sink_write(const void *from, sf_count_t count, void *user)
{
    struct sink *sink = user;
    size_t end = sink->at + (size_t)count;

    require(end <= sink->capacity, "a sound so long");
    memcpy(sink->bytes.data + sink->at, from, (size_t)count);
    sink->at = end;
    if (end > sink->bytes.size)
        sink->bytes.size = end;
    return count;
}

static sf_count_t sink_tell(void *user)
{
    return (sf_count_t)((struct sink *)user)->at;
}

struct bytes make_sound(int format, int rate, int channels, const float *samples, size_t frames)
{
    SF_VIRTUAL_IO io = { sink_length, sink_seek, sink_read, sink_write, sink_tell };
    SF_INFO info = { .samplerate = rate, .channels = channels, .format = format };
    struct sink sink = { .capacity = frames * (size_t)channels * 8 + 65536 };
    SNDFILE *file;

    sink.bytes.data = calloc(1, sink.capacity);
    require(sink.bytes.data != NULL, "memory");
    file = sf_open_virtual(&io, SFM_WRITE, &info, &sink);
    require(file != NULL, sf_strerror(NULL));
    sf_command(file, SFC_SET_CLIPPING, NULL, SF_TRUE);
    require(sf_writef_float(file, samples, (sf_count_t)frames) == (sf_count_t)frames, "a sound");
    sf_close(file);
    return sink.bytes;
}

struct bytes make_wav(int rate, const float *samples, size_t count)
{
    return make_sound(SF_FORMAT_WAV | SF_FORMAT_PCM_16, rate, 1, samples, count);
}

void fill_sine(float *samples, size_t count, double rate, double frequency, double amplitude)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(amplitude * sin(2 * M_PI * frequency * (double)i / rate));
}

struct media *make_media(const char *json)
{
    struct media *media = NULL;
    struct reason why = { "" };

    assert_ok(media_parse(json, &media, &why), why);
    return media;
}

void write_bytes(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    require(file && fwrite(data, 1, size, file) == size && !fclose(file), path);
}

uint32_t png_crc(const uint8_t *bytes, size_t length)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}
