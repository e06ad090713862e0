/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures into JPEG by libjpeg-turbo: of a quality at which a person sees no difference, and colours as fine as grey;
 * or of any quality, as small as libjpeg makes them.
 */
#include <setjmp.h>
#include <stdio.h> /* jpeglib.h wants FILE */
#include <stdlib.h>

#include <jpeglib.h>

#include "media/image/write.h"

enum { QUALITY = 95 };

struct manner {
    int quality;
    bool fine;   /* colours as fine as grey; else at half the size each way */
    bool fitted; /* Huffman tables made for the picture */
};

struct encoder {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf out; /* to where an error leads */
    unsigned char *bytes;
    unsigned long length;
};

_Noreturn static void leave(j_common_ptr jpeg)
{
    struct encoder *encoder = jpeg->client_data;

    longjmp(encoder->out, 1);
}

static int write_rows(struct encoder *encoder, const struct media_picture *picture, const struct manner *manner)
{
    struct jpeg_compress_struct *jpeg = &encoder->jpeg;

    if (setjmp(encoder->out))
        return WISP_E_INVALID;
    jpeg_mem_dest(jpeg, &encoder->bytes, &encoder->length);
    jpeg->image_width = picture->width;
    jpeg->image_height = picture->height;
    jpeg->input_components = (int)picture->channels;
    jpeg->in_color_space = picture->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, manner->quality, TRUE);
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->optimize_coding = manner->fitted;
    if (manner->fine)
        jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = picture->pixels + (size_t)jpeg->next_scanline * picture->width * picture->channels;

        (void)jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return 0;
}

/* The reason is libjpeg's. */
static int refuse_jpeg(struct encoder *encoder, const struct media_picture *picture, struct reason *why)
{
    char text[JMSG_LENGTH_MAX];

    encoder->errors.format_message((j_common_ptr)&encoder->jpeg, text);
    return refuse(why, WISP_E_INVALID, "JPEG of %u x %u: %s", picture->width, picture->height, text);
}

static int encode(const struct media_picture *picture, const struct manner *manner, void **bytes, size_t *length,
                  struct reason *why)
{
    struct encoder encoder = { .bytes = NULL };
    int result;

    encoder.jpeg.err = jpeg_std_error(&encoder.errors);
    encoder.errors.error_exit = leave;
    jpeg_create_compress(&encoder.jpeg);
    encoder.jpeg.client_data = &encoder;
    result = write_rows(&encoder, picture, manner);
    if (result)
        result = refuse_jpeg(&encoder, picture, why);
    jpeg_destroy_compress(&encoder.jpeg);
    if (result) {
        free(encoder.bytes);
        return result;
    }
    *bytes = encoder.bytes;
    *length = encoder.length;
    return 0;
}

int jpeg_encode(const struct media_picture *picture, void **bytes, size_t *length, struct reason *why)
{
    return encode(picture, &(struct manner){ .quality = QUALITY, .fine = true }, bytes, length, why);
}

int media_write_jpeg(const struct media_picture *picture, int quality, void **bytes, size_t *length, struct reason *why)
{
    return encode(picture, &(struct manner){ .quality = quality, .fitted = true }, bytes, length, why);
}
