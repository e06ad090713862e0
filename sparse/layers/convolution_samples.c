/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution by tiles of samples: some positions of a line, of so many samples that a vector has. A step of the
 * window leads from vector to vector there, so all taps read the same copy of a channel, each begun elsewhere and none
 * across a cache line: where tiles of positions (convolution_tiles.c) have a copy for each tap. So a block of as much
 * memory has three times the columns, and rows go on for longer. The bits are the same.
 */
#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/kernels/tiles.h"
#include "sparse/layers/convolution_blocks.h"

/* Connections of a column, on average, from which on they are the faster: measured by bench_conv. */
enum { USES = 4 };

struct tile_window convolution_window(const struct convolution *c)
{
    return (struct tile_window){ c->window.kernel_height, c->window.kernel_width, c->window.stride };
}

/* Floats of a channel in a panel. */
static size_t channel_floats(const struct convolution *c)
{
    const struct tile_window window = convolution_window(c);

    return (size_t)window.height * tile_line_vectors(&window) * PACK_LANES;
}

bool convolution_can_samples(const struct convolution *c)
{
    return !c->transposed && c->groups == 1 && window_taps(&c->window) > 1 &&
           window_taps(&c->window) <= TILE_TAPS_MAX && c->weight->rows <= TILE_ROWS_MAX &&
           channel_floats(c) <= TILE_PANEL_FLOATS;
}

static bool are_full(size_t batch)
{
    return batch >= (batch + PACK_LANES - 1) / PACK_LANES * CONVOLUTION_SAMPLES_LEAST;
}

bool convolution_is_samples(const struct convolution *c)
{
    return convolution_can_samples(c) && are_full(c->batch) && c->weight->count / USES >= c->weight->columns;
}

/* ---- what a tile reads ---- */

/* A tile: positions [x, x + positions) of line y, samples [sample, sample + lanes). */
struct tile {
    uint32_t y, x, positions;
    size_t sample;
    uint32_t lanes;
};

static size_t pieces_most(const struct convolution *c)
{
    return channel_floats(c) / PACK_LANES;
}

/* Of a line of taps one phase: vectors from the tile's first position on, those outside of the picture of zeros. */
static struct piece *cut_phase(const struct convolution *c, const struct tile *tile, uint32_t line, uint32_t phase,
                               uint32_t at, struct piece *next)
{
    const struct window *w = &c->window;
    const struct tile_window window = convolution_window(c);
    const int64_t y = (int64_t)(tile->y * w->stride) + line - w->top;
    const uint32_t vectors = tile_phase_vectors(&window, phase) - TILE_VECTORS_MAX + tile->positions;

    for (uint32_t v = 0; v < vectors; v++) {
        const int64_t x = (int64_t)(tile->x + v) * w->stride + phase - w->left;
        const bool inside = y >= 0 && y < w->height && x >= 0 && x < w->width;
        const size_t from = inside ? (size_t)(y * w->width + x) * c->batch + tile->sample : 0;

        *next++ = (struct piece){ (uint32_t)from, (at + v) * PACK_LANES, inside ? tile->lanes : 0 };
    }
    return next;
}

static uint32_t cut_tile(const struct convolution *c, const struct tile *tile, struct piece *pieces)
{
    const struct tile_window window = convolution_window(c);
    struct piece *next = pieces;
    uint32_t at = 0;

    for (uint32_t line = 0; line < window.height; line++) {
        for (uint32_t phase = 0; phase < tile_phases(&window); phase++) {
            next = cut_phase(c, tile, line, phase, at, next);
            at += tile_phase_vectors(&window, phase);
        }
    }
    return (uint32_t)(next - pieces);
}

/* ---- tiles ---- */

bool convolution_samples_scratch(const struct convolution *c, uint64_t *bytes)
{
    const double channel = (double)c->window.height * c->window.width * (double)c->batch;

    *bytes = TILE_PANEL_ROOM * sizeof(float) + convolution_doubts(c->weight) + pieces_most(c) * sizeof(struct piece);
    return channel <= UINT32_MAX && size_align(*bytes, CACHE_LINE, bytes);
}

static void run_tile(const struct convolution *c, const struct tiles *tiles, const struct tile *tile,
                     const float *picture, float *positions, float *panel)
{
    unsigned char *doubts = (unsigned char *)(panel + TILE_PANEL_ROOM);
    struct piece *pieces = (struct piece *)(void *)(doubts + convolution_doubts(c->weight));
    const uint32_t begins[] = { 0, cut_tile(c, tile, pieces) };
    struct tile_work work = { .kernels = c->kernels, .tiles = tiles, .panel = panel, .doubts = doubts };

    work.fill = (struct tile_fill){ .x = picture,
                                    .channel = (size_t)c->window.height * c->window.width * c->batch,
                                    .pitch = channel_floats(c),
                                    .pieces = pieces,
                                    .begins = begins,
                                    .step = 1,
                                    .ahead = tile->positions * c->window.stride * c->batch };
    work.run = (struct tile_run){ .bias = c->bias,
                                  .y = positions + (tile->y * c->window.out_width + tile->x) * c->batch + tile->sample,
                                  .pitch = PACK_LANES,
                                  .y_stride = window_positions(&c->window) * c->batch,
                                  .y_step = c->batch,
                                  .vectors = tile->positions,
                                  .lanes = tile->lanes,
                                  .last = tile->lanes };
    convolution_blocks(&work);
}

/* Positions of a tile: as many, as nearly as can be, in all of a line. */
static uint32_t tile_positions(uint32_t width)
{
    const uint32_t tiles = (width + TILE_VECTORS_MAX - 1) / TILE_VECTORS_MAX;

    return (width + tiles - 1) / tiles;
}

void convolution_samples(const struct convolution *c, const struct tiles *tiles, const float *picture, float *positions,
                         void *scratch)
{
    const struct window *w = &c->window;
    const uint32_t each = tile_positions(w->out_width), across = (w->out_width + each - 1) / each;
    const uint64_t deep = (c->batch + PACK_LANES - 1) / PACK_LANES;
    unsigned long long begin, end;

    pool_share((uint64_t)w->out_height * deep * across, 1, c->part, c->parts, &begin, &end);
    for (uint64_t i = begin; i < end; i++) {
        const uint32_t x = (uint32_t)(i % across) * each;
        const size_t sample = i / across % deep * PACK_LANES;
        const struct tile tile = { .y = (uint32_t)(i / across / deep),
                                   .x = x,
                                   .positions = MIN(each, w->out_width - x),
                                   .sample = sample,
                                   .lanes = (uint32_t)MIN(c->batch - sample, (size_t)PACK_LANES) };

        run_tile(c, tiles, &tile, picture, positions, scratch);
    }
}
