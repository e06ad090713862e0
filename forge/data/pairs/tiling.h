/* SPDX-License-Identifier: Apache-2.0
 *
 * How tiles of one size cover a picture that is larger: along each side they begin at 0, overlap by an eighth of their
 * own at either side, and the last ends with the picture. Each pixel is one tile's own, away from the tile's edge but
 * where that is the picture's.
 */
#ifndef FORGE_DATA_PAIRS_TILING_H
#define FORGE_DATA_PAIRS_TILING_H

#include <stdint.h>

/* Along one side: the tile from `begin` on, and what of it is its own, counted from there. */
struct tiling_stretch {
    uint32_t begin, own_begin, own_end;
};

/* `length` of the side of a picture is `tile` or more. */
uint32_t tiling_count(uint32_t length, uint32_t tile);
struct tiling_stretch tiling_stretch(uint32_t length, uint32_t tile, uint32_t number);

#endif
