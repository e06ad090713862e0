/* SPDX-License-Identifier: Apache-2.0
 *
 * Cameras store a picture as the sensor lay, and note in Exif how it was held. What can be read of that note is
 * followed; a damaged one is as good as none, for the picture is there all the same.
 */
#ifndef MEDIA_IMAGE_EXIF_H
#define MEDIA_IMAGE_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* How a picture with this note is to be turned, 1 (not at all) to 8: picture_orient() does it. `tiff` is the note from
 * its TIFF header on, as PNG has it in eXIf and JPEG behind "Exif\0\0". */
unsigned exif_orientation(const void *tiff, size_t length);

#endif
