/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG by libjpeg-turbo, baseline and progressive, with the accurate inverse DCT. libjpeg mends what it can and warns:
 * a picture that it had to invent a part of, one that is cut off above all, is refused; one with bytes between its
 * parts that belong to none, as some cameras write them, has lost nothing and is read. The picture is turned as Exif
 * says; libjpeg finds that note, so that nobody else walks the file.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h> /* jpeglib.h wants FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/memory.h"
#include "base/size.h"
#include "media/image/bounds.h"
#include "media/image/exif.h"
#include "media/image/picture.h"

enum {
    MARKER_EXIF = JPEG_APP0 + 1,
    EXIF_NAME = 6,   /* "Exif\0\0" */
    SCANS_MAX = 500, /* each is a pass over the whole picture, so a small file could keep us for hours */
    LENGTH_MAX = 0xffff,
};

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out; /* to where an error leads */
    size_t length;
    struct reason *why;
    struct media_picture picture;
};

static struct decoder *decoder_of(j_common_ptr jpeg)
{
    return jpeg->client_data;
}

static bool is_one_of(int code, const int *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code == codes[i])
            return true;
    }
    return false;
}

_Noreturn static void leave(j_common_ptr jpeg)
{
    static const int not_read[] = { JERR_SOF_UNSUPPORTED, JERR_BAD_PRECISION, JERR_ARITH_NOTIMPL,
                                    JERR_CONVERSION_NOTIMPL, JERR_COMPONENT_COUNT };
    struct decoder *decoder = decoder_of(jpeg);
    char text[JMSG_LENGTH_MAX];

    decoder->errors.format_message(jpeg, text);
    if (decoder->errors.msg_code == JWRN_JPEG_EOF)
        (void)refuse(decoder->why, WISP_E_FORMAT, "the JPEG file is cut off at byte %zu", decoder->length);
    else if (is_one_of(decoder->errors.msg_code, not_read, ARRAY_SIZE(not_read)))
        (void)refuse(decoder->why, WISP_E_FORMAT, "a kind of JPEG that is not read (%s); save it as baseline JPEG",
                     text);
    else
        (void)refuse(decoder->why, WISP_E_FORMAT, "damaged JPEG file: %s", text);
    longjmp(decoder->out, decoder->errors.msg_code == JERR_OUT_OF_MEMORY ? -ENOMEM : WISP_E_FORMAT);
}

/* `level` is below 0 for a warning, and otherwise says how little it matters. */
static void check_message(j_common_ptr jpeg, int level)
{
    static const int harmless[] = { JWRN_EXTRANEOUS_DATA, JWRN_ADOBE_XFORM, JWRN_JFIF_MAJOR, JWRN_BOGUS_ICC,
                                    JWRN_NOT_SEQUENTIAL };

    if (level < 0 && !is_one_of(jpeg->err->msg_code, harmless, ARRAY_SIZE(harmless)))
        leave(jpeg);
}

static void say_nothing(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void count_scans(j_common_ptr jpeg)
{
    struct decoder *decoder = decoder_of(jpeg);

    if (decoder->jpeg.input_scan_number <= SCANS_MAX)
        return;
    (void)refuse(decoder->why, WISP_E_FORMAT, "a JPEG picture of more than %d scans", SCANS_MAX);
    longjmp(decoder->out, WISP_E_FORMAT);
}

static unsigned orientation(const struct jpeg_decompress_struct *jpeg)
{
    for (const struct jpeg_marker_struct *note = jpeg->marker_list; note; note = note->next) {
        if (note->data_length >= EXIF_NAME && !memcmp(note->data, "Exif\0\0", EXIF_NAME))
            return exif_orientation(note->data + EXIF_NAME, note->data_length - EXIF_NAME);
    }
    return 1;
}

static int read_header(struct decoder *decoder)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

    jpeg_save_markers(jpeg, MARKER_EXIF, LENGTH_MAX);
    (void)jpeg_read_header(jpeg, TRUE);
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
        return refuse(decoder->why, WISP_E_FORMAT, "a JPEG picture in CMYK, for print; save it as RGB");
    jpeg->out_color_space = jpeg->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    return picture_check_size(jpeg->image_width, jpeg->image_height, decoder->why);
}

static int read_pixels(struct decoder *decoder)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    struct media_picture *picture = &decoder->picture;
    unsigned turned = orientation(jpeg);
    size_t row;

    *picture = (struct media_picture){ .width = jpeg->image_width,
                                       .height = jpeg->image_height,
                                       .channels = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3 };
    row = (size_t)picture->width * picture->channels;
    picture->pixels = memory_alloc(picture->height, row);
    if (!picture->pixels)
        return refuse_errno(decoder->why, -ENOMEM, "picture of %u x %u", picture->width, picture->height);
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW to = picture->pixels + jpeg->output_scanline * row;

        (void)jpeg_read_scanlines(jpeg, &to, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
    if (picture_orient(picture, turned))
        return refuse_errno(decoder->why, -ENOMEM, "picture of %u x %u", picture->width, picture->height);
    return 0;
}

static int decode(struct decoder *decoder, const void *bytes)
{
    int result = setjmp(decoder->out);

    if (result)
        return result;
    jpeg_create_decompress(&decoder->jpeg);
    decoder->jpeg.progress = &decoder->progress;
    jpeg_mem_src(&decoder->jpeg, bytes, decoder->length);
    result = read_header(decoder);
    return result ? result : read_pixels(decoder);
}

int jpeg_decode(const void *bytes, size_t length, struct media_picture *out, struct reason *why)
{
    struct decoder decoder = { .progress = { .progress_monitor = count_scans }, .length = length, .why = why };
    int result;

    decoder.jpeg.err = jpeg_std_error(&decoder.errors);
    decoder.jpeg.client_data = &decoder;
    decoder.errors.error_exit = leave;
    decoder.errors.emit_message = check_message;
    decoder.errors.output_message = say_nothing;
    result = decode(&decoder, bytes);
    jpeg_destroy_decompress(&decoder.jpeg);
    if (result)
        free(decoder.picture.pixels);
    else
        *out = decoder.picture;
    return result;
}
