/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/convolution/vectors.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/layers/convolution/blocks.h"

struct vector_span vector_span(int64_t begin, uint32_t stride, uint32_t size, uint32_t count)
{
    const int64_t each = stride;
    const int64_t first = begin < 0 ? (-begin + each - 1) / each : 0;
    const int64_t past = begin < size ? (size - 1 - begin) / each + 1 : 0;

    return (struct vector_span){ (uint32_t)MIN(first, (int64_t)count),
                                 (uint32_t)MIN(MAX(past, first), (int64_t)count) };
}

/* Floats of a channel in a panel. */
static size_t channel_floats(const struct tile_window *window)
{
    return (size_t)window->height * tile_line_vectors(window) * PACK_LANES;
}

bool vectors_can(const struct convolution *c, const struct tile_window *window)
{
    return !c->transposed && c->groups == 1 && window_taps(&c->window) > 1 &&
           window_taps(&c->window) <= TILE_TAPS_MAX && c->weight->rows <= TILE_ROWS_MAX &&
           channel_floats(window) <= TILE_PANEL_FLOATS;
}

bool vectors_scratch(const struct convolution *c, uint64_t *bytes)
{
    const double channel = (double)c->window.height * c->window.width * (double)c->batch;

    *bytes = TILE_PANEL_ROOM * sizeof(float) + convolution_doubts(c->weight);
    return channel <= UINT32_MAX && size_align(*bytes, CACHE_LINE, bytes);
}

void vectors_run(const struct convolution *c, const struct tiles *tiles, const struct vector_tile *tile,
                 const float *picture, float *positions, void *scratch)
{
    struct tile_work work = {
        .kernels = c->kernels, .tiles = tiles, .finish = c->finish, .panel = scratch, .full = c->full
    };

    work.doubts = (unsigned char *)(work.panel + TILE_PANEL_ROOM);
    work.fill = (struct tile_fill){ .x = picture,
                                    .channel = (size_t)c->window.height * c->window.width * c->batch,
                                    .pitch = channel_floats(&tile->window),
                                    .copies = tile->copies,
                                    .copy_count = tile->window.height * tile_phases(&tile->window),
                                    .copy_pitch = tile->copy_pitch,
                                    .lanes = tile->lanes,
                                    .ahead = tile->ahead };
    work.run = (struct tile_run){ .bias = c->bias,
                                  .y = positions + tile->y,
                                  .pitch = PACK_LANES,
                                  .y_stride = window_positions(&c->window) * c->batch,
                                  .y_step = tile->y_step,
                                  .vectors = tile->vectors,
                                  .lanes = tile->count,
                                  .last = tile->count };
    convolution_blocks(&work);
}
