/* SPDX-License-Identifier: Apache-2.0
 *
 * stb_image_resize, compiled here and nowhere else: Mitchell's filter where a side shrinks, Catmull-Rom where it grows,
 * edges repeated, on the values as they are stored (no gamma). Scalar C on IEEE floats: the same on every machine.
 */
#include <string.h>

#define STBIR_DEFAULT_FILTER_UPSAMPLE   STBIR_FILTER_CATMULLROM
#define STBIR_DEFAULT_FILTER_DOWNSAMPLE STBIR_FILTER_MITCHELL
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb_image_resize.h>

#include "media/image/picture.h"

static uint8_t *pixel(const struct media_picture *picture, uint32_t x, uint32_t y)
{
    return picture->pixels + ((size_t)y * picture->width + x) * picture->channels;
}

int picture_resize(const struct media_picture *in, const struct picture_area *from, struct media_picture *out,
                   const struct picture_area *to)
{
    int channels = (int)in->channels;

    if (from->width == to->width && from->height == to->height) {
        for (uint32_t y = 0; y < to->height; y++)
            memcpy(pixel(out, to->left, to->top + y), pixel(in, from->left, from->top + y),
                   (size_t)to->width * out->channels);
        return 0;
    }
    return stbir_resize_uint8_generic(pixel(in, from->left, from->top), (int)from->width, (int)from->height,
                                      (int)in->width * channels, pixel(out, to->left, to->top), (int)to->width,
                                      (int)to->height, (int)out->width * channels, channels, STBIR_ALPHA_CHANNEL_NONE,
                                      0, STBIR_EDGE_CLAMP, STBIR_FILTER_DEFAULT, STBIR_COLORSPACE_LINEAR, NULL)
               ? 0
               : -ENOMEM;
}
