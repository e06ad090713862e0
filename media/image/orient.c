/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "media/image/picture.h"

int picture_orient(struct media_picture *picture, unsigned orientation)
{
    /* Bits 2, 3, 7, 8 and 3, 4, 6, 7: which of the stored picture's axes run backwards. */
    bool swap = orientation >= 5, flip_x = 0x18c >> orientation & 1, flip_y = 0x0d8 >> orientation & 1;
    uint32_t width = picture->width, height = picture->height, channels = picture->channels;
    struct media_picture turned = { .width = swap ? height : width,
                                    .height = swap ? width : height,
                                    .channels = channels };

    if (orientation == 1)
        return 0;
    turned.pixels = memory_alloc((size_t)width * height, channels);
    if (!turned.pixels)
        return -ENOMEM;
    for (uint32_t y = 0; y < turned.height; y++) {
        for (uint32_t x = 0; x < turned.width; x++) {
            uint32_t from_x = swap ? y : x, from_y = swap ? x : y;

            from_x = flip_x ? width - 1 - from_x : from_x;
            from_y = flip_y ? height - 1 - from_y : from_y;
            memcpy(turned.pixels + ((size_t)y * turned.width + x) * channels,
                   picture->pixels + ((size_t)from_y * width + from_x) * channels, channels);
        }
    }
    free(picture->pixels);
    *picture = turned;
    return 0;
}
