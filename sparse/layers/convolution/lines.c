/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution by tiles of lines: some floats of a line, as many as a vector has at most, of several lines of
 * positions. A step of the window down leads from vector to vector there (vectors.h). The bits are those of
 * the other ways.
 */
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution/vectors.h"

/* What it costs to copy a vector, in steps of a vector's chain, to here and to tiles of positions; and connections of a
 * column, on average, from which on they are faster than views, for few samples and from MANY on: measured by
 * bench_conv and bench_layers. */
enum { COPY = 2, COPY_POSITIONS = 4, MANY = 8, USES_FEW = 3, USES_MANY = 6 };

/* Lines from which on a row's chains in flight are enough. */
enum { LINES_LEAST = TILE_VECTORS_MAX / 2 };

struct tile_window convolution_lines_window(const struct convolution *c)
{
    return (struct tile_window){ c->window.kernel_width, c->window.kernel_height, c->window.stride, true };
}

static uint32_t parts_of(size_t count, size_t most)
{
    return (uint32_t)((count + most - 1) / most);
}

static size_t line_floats(const struct convolution *c)
{
    return c->window.out_width * c->batch;
}

/* As many of each as of the others, as nearly as can be. */
static uint32_t evenly(size_t count, size_t most)
{
    return parts_of(count, parts_of(count, most));
}

/* Vectors that no tile shares a cache line of, or a line is one: sums go to memory and back for each block, and where
 * only some lanes do, that costs more than copies save. */
static bool has_whole_vectors(const struct convolution *c)
{
    return line_floats(c) <= PACK_LANES || line_floats(c) % PACK_LANES == 0;
}

/* With a stride a step of two leads from position to position. */
bool convolution_can_lines(const struct convolution *c)
{
    const struct tile_window window = convolution_lines_window(c);

    return vectors_can(c, &window) && (c->window.stride == 1 || convolution_lanes(c).step == 2);
}

/* Floats of a line that a tile has: whole positions where a stride leads over others. */
static uint32_t tile_floats(const struct convolution *c)
{
    const struct lanes lanes = convolution_lanes(c);
    const uint32_t each = lanes.step > 1 ? (uint32_t)lanes.together : 1;

    return evenly(line_floats(c) / each, lanes_whole(&lanes) / each) * each;
}

bool convolution_may_lines(const struct convolution *c)
{
    return convolution_can_lines(c) && has_whole_vectors(c) && c->window.out_height >= LINES_LEAST;
}

/* Lines whose last lanes are empty cost steps, and positions a copy for each tap. */
bool convolution_is_lines(const struct convolution *c)
{
    const struct window *w = &c->window;
    const double uses = (double)c->weight->count / c->picture, taps = (double)window_taps(w);
    const double each = evenly(w->out_height, TILE_VECTORS_MAX), down = parts_of(w->out_height, TILE_VECTORS_MAX);
    const double copied = down * w->kernel_width * (each * MIN(w->stride, w->kernel_height) + w->kernel_height - 1);
    const double lines = parts_of(line_floats(c), PACK_LANES) * (w->out_height * uses + COPY * copied);
    const double positions = parts_of(w->out_height * line_floats(c), PACK_LANES) * (uses + COPY_POSITIONS * taps);

    return convolution_may_lines(c) &&
           c->weight->count / (c->batch < MANY ? USES_FEW : USES_MANY) >= c->weight->columns && lines < positions;
}

bool convolution_lines_scratch(const struct convolution *c, uint64_t *bytes)
{
    return vectors_scratch(c, bytes);
}

/* Where a tile begins: floats from `first` on of the lines from y on. */
struct place {
    uint32_t y;
    size_t first;
};

/* Lanes that lie on the picture under a column of taps, a bit each; and where the first of all would be in a line. */
static uint32_t find_lanes(const struct convolution *c, const struct vector_tile *tile, size_t first, uint32_t column,
                           int64_t *from)
{
    const struct window *w = &c->window;
    uint32_t lanes = 0;

    *from = (int64_t)lane_at(&tile->lanes, first) + ((int64_t)column - w->left) * (int64_t)c->batch;
    for (uint32_t i = 0; i < tile->count; i++) {
        const size_t place = lane_at(&tile->lanes, i);
        const int64_t at = *from + (int64_t)place;

        lanes |= (uint32_t)(at >= 0 && at < (int64_t)(w->width * c->batch)) << place;
    }
    return lanes;
}

/* Of a column of taps one phase: lines from the tile's first on, those outside of the picture of zeros. */
static struct tile_copy cut_phase(const struct convolution *c, const struct vector_tile *tile,
                                  const struct place *place, uint32_t phase)
{
    const struct window *w = &c->window;
    const int64_t y = (int64_t)place->y * w->stride + phase - w->top;
    const uint32_t vectors = tile_phase_vectors(&tile->window, phase) - TILE_VECTORS_MAX + tile->vectors;
    const struct vector_span span = vector_span(y, w->stride, w->height, vectors);

    return (struct tile_copy){ .from = (y + (int64_t)span.first * w->stride) * (int64_t)(w->width * c->batch),
                               .before = span.first,
                               .inside = span.past - span.first,
                               .after = vectors - span.past };
}

static void cut_tile(const struct convolution *c, const struct place *place, struct vector_tile *tile)
{
    struct tile_copy *next = tile->copies;
    uint32_t at = 0;

    for (uint32_t column = 0; column < tile->window.height; column++) {
        int64_t from;
        const uint32_t lanes = find_lanes(c, tile, place->first, column, &from);

        for (uint32_t phase = 0; phase < tile_phases(&tile->window); phase++, next++) {
            *next = cut_phase(c, tile, place, phase);
            next->from += from;
            next->lanes = lanes;
            next->place = at;
            next->fetches = column == 0; /* the others' inputs lie beside */
            at += tile_phase_vectors(&tile->window, phase);
        }
    }
}

void convolution_lines(const struct convolution *c, const struct tiles *tiles, const float *picture, float *positions,
                       void *scratch)
{
    const struct window *w = &c->window;
    const uint32_t wide = tile_floats(c), high = evenly(w->out_height, TILE_VECTORS_MAX);
    const uint32_t across = parts_of(line_floats(c), wide), down = parts_of(w->out_height, high);
    struct vector_tile tile = { .window = convolution_lines_window(c),
                                .copy_pitch = (size_t)w->stride * w->width * c->batch,
                                .lanes = convolution_lanes(c),
                                .y_step = line_floats(c),
                                .ahead = (size_t)wide * w->stride };
    unsigned long long begin, end;

    pool_share((uint64_t)across * down, 1, c->part, c->parts, &begin, &end);
    for (uint64_t i = begin; i < end; i++) {
        const struct place place = { .y = (uint32_t)(i / across) * high, .first = i % across * wide };

        tile.vectors = MIN(high, w->out_height - place.y);
        tile.count = (uint32_t)MIN(line_floats(c) - place.first, (size_t)wide);
        tile.y = place.y * line_floats(c) + place.first;
        cut_tile(c, &place, &tile);
        vectors_run(c, tiles, &tile, picture, positions, scratch);
    }
}
