/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution by tiles of samples: some positions of a line, of so many samples that a vector has. A step of the
 * window leads from vector to vector there (vectors.h). The bits are those of the other ways.
 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution/vectors.h"

/* Connections of a column, on average, from which on they are the faster: measured by bench_conv. */
enum { USES = 4 };

struct tile_window convolution_window(const struct convolution *c)
{
    return (struct tile_window){ c->window.kernel_height, c->window.kernel_width, c->window.stride, false };
}

bool convolution_can_samples(const struct convolution *c)
{
    const struct tile_window window = convolution_window(c);

    return vectors_can(c, &window);
}

bool convolution_may_samples(const struct convolution *c)
{
    return convolution_can_samples(c) && way_fills_vectors(c->batch);
}

bool convolution_is_samples(const struct convolution *c)
{
    return convolution_may_samples(c) && c->weight->count / USES >= c->weight->columns;
}

bool convolution_samples_scratch(const struct convolution *c, uint64_t *bytes)
{
    return vectors_scratch(c, bytes);
}

/* Where a tile begins: positions from x on of line y, samples from `sample` on. */
struct place {
    uint32_t y, x;
    size_t sample;
};

/* Of a line of taps one phase: positions from the tile's first on, those outside of the picture of zeros. */
static struct tile_copy cut_phase(const struct convolution *c, const struct vector_tile *tile,
                                  const struct place *place, uint32_t line, uint32_t phase)
{
    const struct window *w = &c->window;
    const int64_t y = (int64_t)(place->y * w->stride) + line - w->top;
    const int64_t x = (int64_t)place->x * w->stride + phase - w->left;
    const uint32_t vectors = tile_phase_vectors(&tile->window, phase) - TILE_VECTORS_MAX + tile->vectors;
    struct vector_span span = vector_span(x, w->stride, w->width, vectors);

    if (y < 0 || y >= w->height)
        span.past = span.first;
    return (struct tile_copy){ .from = ((y * w->width + x + (int64_t)span.first * w->stride) * (int64_t)c->batch) +
                                       (int64_t)place->sample,
                               .lanes = (1u << tile->count) - 1,
                               .before = span.first,
                               .inside = span.past - span.first,
                               .after = vectors - span.past,
                               .fetches = true };
}

static void cut_tile(const struct convolution *c, const struct place *place, struct vector_tile *tile)
{
    struct tile_copy *next = tile->copies;
    uint32_t at = 0;

    for (uint32_t line = 0; line < tile->window.height; line++) {
        for (uint32_t phase = 0; phase < tile_phases(&tile->window); phase++, next++) {
            *next = cut_phase(c, tile, place, line, phase);
            next->place = at;
            at += tile_phase_vectors(&tile->window, phase);
        }
    }
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
    struct vector_tile tile = {
        .window = convolution_window(c), .copy_pitch = w->stride * c->batch, .lanes = { 1, 1 }, .y_step = c->batch
    };
    unsigned long long begin, end;

    pool_share((uint64_t)w->out_height * deep * across, 1, c->part, c->parts, &begin, &end);
    for (uint64_t i = begin; i < end; i++) {
        const struct place place = { .y = (uint32_t)(i / across / deep),
                                     .x = (uint32_t)(i % across) * each,
                                     .sample = i / across % deep * PACK_LANES };

        tile.vectors = MIN(each, w->out_width - place.x);
        tile.count = (uint32_t)MIN(c->batch - place.sample, (size_t)PACK_LANES);
        tile.y = ((size_t)place.y * w->out_width + place.x) * c->batch + place.sample;
        tile.ahead = tile.vectors * w->stride * c->batch;
        cut_tile(c, &place, &tile);
        vectors_run(c, tiles, &tile, picture, positions, scratch);
    }
}
