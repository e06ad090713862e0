/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiles of vectors that a step of the window leads from one to the next: of samples along a line of positions
 * (samples.c), or of a line's floats down the lines (lines.c). Taps along that way read the
 * same copy of a channel, each begun elsewhere, and none across a cache line: where tiles of positions
 * (tiles.c) have a copy for each tap. So as much memory has three times the columns, and rows go on for
 * longer.
 */
#ifndef SPARSE_LAYERS_CONVOLUTION_VECTORS_H
#define SPARSE_LAYERS_CONVOLUTION_VECTORS_H

#include "sparse/layers/convolution/convolution.h"

/* What is copied of a channel, but for where that lies: a run of vectors for each row of taps and phase. */
struct vector_tile {
    struct tile_window window;
    struct tile_copy copies[TILE_TAPS_MAX];
    size_t copy_pitch; /* floats from a vector to the next */
    struct lanes lanes;
    size_t y, y_step;        /* of the first vector; from one to the next */
    size_t ahead;            /* floats to what the next tile reads */
    uint32_t vectors, count; /* of the tile; lanes that a vector has */
};

/* Of `count` places, `stride` apart from `begin` on, those within [0, size). */
struct vector_span {
    uint32_t first, past;
};
struct vector_span vector_span(int64_t begin, uint32_t stride, uint32_t size, uint32_t count);

/* Whether it can be run so, but for its batch. */
bool vectors_can(const struct convolution *c, const struct tile_window *window);
bool vectors_scratch(const struct convolution *c, uint64_t *bytes);
void vectors_run(const struct convolution *c, const struct tiles *tiles, const struct vector_tile *tile,
                 const float *picture, float *positions, void *scratch);

#endif
