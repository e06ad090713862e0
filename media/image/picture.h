/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of picture.c: a decoder a format, turning, and resizing.
 */
#ifndef MEDIA_IMAGE_PICTURE_H
#define MEDIA_IMAGE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "media/spec/media.h"

/* Each fills *out, with the channels that the file has. The reason is without the file's name. */
int png_decode(const void *bytes, size_t length, struct media_picture *out, struct reason *why);
int jpeg_decode(const void *bytes, size_t length, struct media_picture *out, struct reason *why);

/* Turns the picture so that it stands upright; `orientation` is 1 (not at all) to 8, as Exif has it. -ENOMEM, and it is
 * as it was. */
int picture_orient(struct media_picture *picture, unsigned orientation);

/* A rectangle, in pixels. */
struct picture_area {
    uint32_t left, top, width, height;
};

/* Writes the area `from` of `in` into the area `to` of `out`, which has as many channels, with antialiasing when it
 * becomes smaller. -ENOMEM. */
int picture_resize(const struct media_picture *in, const struct picture_area *from, struct media_picture *out,
                   const struct picture_area *to);

#endif
