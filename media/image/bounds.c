/* SPDX-License-Identifier: Apache-2.0 */
#include "media/image/bounds.h"

int picture_check_size(uint32_t width, uint32_t height, struct reason *why)
{
    if (!width || !height)
        return refuse(why, WISP_E_FORMAT, "a picture of %u x %u", width, height);
    if (width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX || (uint64_t)width * height > PICTURE_PIXELS_MAX)
        return refuse(
            why, WISP_E_FORMAT,
            "a picture of %u x %u; at most %d a side and %d million pixels are read, so make it smaller first", width,
            height, PICTURE_SIDE_MAX, PICTURE_PIXELS_MAX / 1000000);
    return 0;
}
