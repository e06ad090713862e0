/* SPDX-License-Identifier: Apache-2.0
 *
 * How large a picture may be.
 */
#ifndef MEDIA_IMAGE_BOUNDS_H
#define MEDIA_IMAGE_BOUNDS_H

#include <stdint.h>

#include "base/error.h"

enum {
    PICTURE_SIDE_MAX = 16384,
    PICTURE_PIXELS_MAX = 64 << 20,
};

/* What a decoder asks before it allocates anything. WISP_E_FORMAT. */
int picture_check_size(uint32_t width, uint32_t height, struct reason *why);

#endif
