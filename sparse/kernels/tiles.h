/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution's weight cut into blocks of columns, for tiles: so many columns that what they multiply, for one tile
 * of positions, stays in a first-level cache while all rows pass over it. Within a block rows come in order, each with
 * its connections in the order of the weight; a row's chain goes on from block to block.
 *
 * Columns without a connection are left out. Immutable once made.
 *
 * Blocks may be full besides: they have a value for each row and column, 0 where nothing is, and can be run as a dense
 * product is, an input for several rows at a time: whether that is faster is the clock's to say. A 0 times a finite
 * input leaves a chain alone unless it is itself 0, whose sign it may change, and times another makes it NaN, which
 * stays: so a sum that is neither 0 nor NaN has the bits of its connections alone. The others, few, are run again by
 * those.
 */
#ifndef SPARSE_KERNELS_TILES_H
#define SPARSE_KERNELS_TILES_H

#include "sparse/kernels/kernels.h"

enum {
    TILE_VECTORS_MAX = 8,                             /* of PACK_LANES floats, that a row of a tile has at most */
    TILE_FLOATS = TILE_VECTORS_MAX * PACK_LANES,      /* the same in floats */
    TILE_PANEL_FLOATS = 6144,                         /* of a block's inputs: what a cache of 32 KiB has room for */
    TILE_PANEL_ROOM = TILE_PANEL_FLOATS + PACK_LANES, /* as filling may write behind the last */
    TILE_TAPS_MAX = 128,
    TILE_ROWS_MAX = 1 << 16,
};

/* What tiles of vectors read of a channel, those of samples and of lines: of every row of taps the vectors' inputs,
 * phase by phase of the stride. */
struct tile_window {
    uint32_t height, width, stride; /* of the window of taps; vectors follow each other along its width */
    bool down; /* its rows are the columns of the convolution's: vectors follow each other down the picture */
};

static inline uint32_t tile_phases(const struct tile_window *window)
{
    return window->stride < window->width ? window->stride : window->width;
}

/* Vectors of a phase of a line: as many as a tile has, and as taps of the phase lead beyond. */
static inline uint32_t tile_phase_vectors(const struct tile_window *window, uint32_t phase)
{
    return TILE_VECTORS_MAX + (window->width - 1 - phase) / window->stride;
}

uint32_t tile_line_vectors(const struct tile_window *window);
/* Where a tap's inputs begin in a channel: in vectors. */
uint32_t tile_place(const struct tile_window *window, uint32_t tap);

struct tiles {
    uint32_t vectors; /* that a tile is wide */
    uint32_t block_count;
    struct tile_block *blocks;
    struct tile_column *columns;
    struct tile_row *rows;
    uint16_t *places;
    float *values;
    float *full; /* NULL: they can only be run by their connections */
    uint16_t *full_places;
    bool gaps; /* of full blocks some places have no connection: sums are looked at (tile_run.doubts) */
    size_t memory;
};

/* Of a weight of at most TILE_ROWS_MAX rows, and `taps` columns a channel; `full`: with full blocks. -ENOMEM. */
int tiles_new(const struct csr *w, uint32_t taps, uint32_t vectors, bool full, struct tiles **out);
/* The same for tiles of vectors: places count vectors of such channels, and a block's columns are channels, of tap 0.
 */
int tiles_new_vectors(const struct csr *w, const struct tile_window *window, bool full, struct tiles **out);
struct tiles *tiles_free(struct tiles *tiles); /* accepts NULL; returns NULL */

/* How wide tiles of so many columns are best: the fewest lanes stay empty, and of equals the widest. */
uint32_t tile_vectors(uint64_t columns);

#endif
