/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "base/size.h"
#include "forge/data/pairs/tiling.h"

static uint32_t margin(uint32_t tile)
{
    return tile / 8;
}

static uint32_t step(uint32_t tile)
{
    return tile - 2 * margin(tile);
}

uint32_t tiling_count(uint32_t length, uint32_t tile)
{
    return 1 + (length - tile + step(tile) - 1) / step(tile);
}

static uint32_t begin_of(uint32_t length, uint32_t tile, uint32_t number)
{
    return MIN(number * step(tile), length - tile);
}

struct tiling_stretch tiling_stretch(uint32_t length, uint32_t tile, uint32_t number)
{
    const uint32_t begin = begin_of(length, tile, number);
    const bool last = number + 1 == tiling_count(length, tile);

    return (struct tiling_stretch){ .begin = begin,
                                    .own_begin = number ? margin(tile) : 0,
                                    .own_end =
                                        last ? tile : begin_of(length, tile, number + 1) + margin(tile) - begin };
}
