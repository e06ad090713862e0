/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures into PNG, 8 bits a channel, by libspng.
 */
#include <spng.h>

#include "media/image/write.h"

static int encode(spng_ctx *context, const struct media_picture *picture, void **bytes, size_t *length)
{
    static const uint8_t colours[] = { [1] = SPNG_COLOR_TYPE_GRAYSCALE,
                                       [2] = SPNG_COLOR_TYPE_GRAYSCALE_ALPHA,
                                       [3] = SPNG_COLOR_TYPE_TRUECOLOR,
                                       [4] = SPNG_COLOR_TYPE_TRUECOLOR_ALPHA };
    struct spng_ihdr header = {
        .width = picture->width, .height = picture->height, .bit_depth = 8, .color_type = colours[picture->channels]
    };
    const size_t size = (size_t)picture->width * picture->height * picture->channels;
    int code = spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);

    if (!code)
        code = spng_set_ihdr(context, &header);
    if (!code)
        code = spng_encode_image(context, picture->pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (!code)
        *bytes = spng_get_png_buffer(context, length, &code);
    return code;
}

int png_encode(const struct media_picture *picture, void **bytes, size_t *length, struct reason *why)
{
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    int code = context ? encode(context, picture, bytes, length) : SPNG_EMEM;

    spng_ctx_free(context);
    if (code == SPNG_EMEM)
        return refuse_errno(why, -ENOMEM, "PNG");
    return code
               ? refuse(why, WISP_E_INVALID, "PNG of %u x %u: %s", picture->width, picture->height, spng_strerror(code))
               : 0;
}
