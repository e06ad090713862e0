/* SPDX-License-Identifier: Apache-2.0
 *
 * An encoder a format; each fills *bytes, which the caller frees.
 */
#ifndef MEDIA_IMAGE_WRITE_H
#define MEDIA_IMAGE_WRITE_H

#include <stddef.h>

#include "base/error.h"
#include "media/spec/media.h"

int png_encode(const struct media_picture *picture, void **bytes, size_t *length, struct reason *why);
/* Of 1 or 3 channels. */
int jpeg_encode(const struct media_picture *picture, void **bytes, size_t *length, struct reason *why);

#endif
