/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a picture's brightness changes.
 */
#ifndef FORGE_DATA_PAIRS_EDGES_H
#define FORGE_DATA_PAIRS_EDGES_H

#include <stdint.h>

#include "media/spec/media.h"

/* Brightness of a pixel of 1 or 3 channels (BT.601), 0 to 255. The edge's pixels stand beyond it, too. */
int edge_grey(const struct media_picture *picture, int64_t x, int64_t y);

/* Square of the length of the gradient (Sobel) of the brightness, exactly; and the length, of brightness of 0 to 1. */
int64_t edge_square(const struct media_picture *picture, int64_t x, int64_t y);
double edge_steepness(const struct media_picture *picture, int64_t x, int64_t y);

#endif
