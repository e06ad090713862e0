/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution's weight cut into blocks of columns, for tiles: so many columns that what they multiply, for one tile
 * of positions, stays in a first-level cache while all rows pass over it. Within a block rows come in order, each with
 * its connections in the order of the weight; a row's chain goes on from block to block.
 *
 * Columns without a connection are left out. Immutable once made.
 */
#ifndef SPARSE_KERNELS_TILES_H
#define SPARSE_KERNELS_TILES_H

#include "sparse/kernels/kernels.h"

enum {
    TILE_VECTORS_MAX = 8,                             /* of PACK_LANES floats, that a row of a tile has at most */
    TILE_FLOATS = TILE_VECTORS_MAX * PACK_LANES,      /* the same in floats */
    TILE_PANEL_FLOATS = 6144,                         /* of a block's inputs: what a cache of 32 KiB has room for */
    TILE_PANEL_ROOM = TILE_PANEL_FLOATS + PACK_LANES, /* as filling may write behind the last */
    TILE_TAPS_MAX = 64,
    TILE_ROWS_MAX = 1 << 16,
};

struct tiles {
    uint32_t vectors; /* that a tile is wide */
    uint32_t block_count;
    struct tile_block *blocks;
    struct tile_column *columns;
    struct tile_row *rows;
    uint16_t *places;
    float *values;
    size_t memory;
};

/* Of a weight of at most TILE_ROWS_MAX rows, and `taps` columns a channel. -ENOMEM. */
int tiles_new(const struct csr *w, uint32_t taps, uint32_t vectors, struct tiles **out);
struct tiles *tiles_free(struct tiles *tiles); /* accepts NULL; returns NULL */

/* How wide tiles of so many columns are best: the fewest lanes stay empty, and of equals the widest. */
uint32_t tile_vectors(uint64_t columns);

#endif
