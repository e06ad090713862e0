/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution on the picture as it stands: nothing is copied, and lanes that lie in the padding are masked. A chunk
 * is some vectors of positions whose chains are in registers together; in it a connection's inputs are as many vectors
 * of the picture, evenly apart.
 *
 * That pays where an input is used a few times only: of a channel that is mapped alone (depthwise) a copy is as dear
 * as what is computed from it. The bits are those of the other ways.
 */
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution/convolution.h"

enum {
    TAPS_MAX = 64,
    LANES_LEAST = 8, /* samples side by side, where a stride leads from position to position */
    USES_ONE = 24,   /* connections of a row, on average, up to which it is the faster for one sample: measured by */
    USES_MANY = 6,   /* bench_conv; and for several, of which views of frames lie in fewer lines */
    FLOATS_TOGETHER =
        1 << 13, /* of positions, that chunk by chunk is gone over: what a first-level cache has room for */
    CHUNK_FLOATS = DIRECT_VECTORS * PACK_LANES,
};

/* How chunks are cut. */
enum order {
    ORDER_RUN,     /* lines of positions and of the picture are as long: all positions are one run */
    ORDER_LINES,   /* the same vector of as many lines; lanes are a line's floats */
    ORDER_SAMPLES, /* of a line's positions some samples each */
};

static enum order order_of(const struct convolution *c)
{
    const struct window *w = &c->window;

    if (w->stride == 1 && w->out_width == w->width)
        return ORDER_RUN;
    return w->stride == 1 || convolution_lanes(c).step > 1 ? ORDER_LINES : ORDER_SAMPLES;
}

bool convolution_can_direct(const struct convolution *c)
{
    return !c->transposed && window_taps(&c->window) <= TAPS_MAX && convolution_lanes(c).step <= 2;
}

bool convolution_may_direct(const struct convolution *c)
{
    return convolution_can_direct(c) && c->groups > 1 && (order_of(c) != ORDER_SAMPLES || c->batch >= LANES_LEAST);
}

bool convolution_is_direct(const struct convolution *c)
{
    const struct csr *w = c->weight;

    return convolution_may_direct(c) && w->count / (c->batch == 1 ? USES_ONE : USES_MANY) <= w->rows;
}

/* ---- chunks ---- */

static size_t blocks_of(size_t count, size_t size)
{
    return (count + size - 1) / size;
}

static size_t chunks_most(const struct convolution *c)
{
    const struct window *w = &c->window;
    const struct lanes lanes = convolution_lanes(c);

    switch (order_of(c)) {
    case ORDER_RUN:
        return blocks_of(window_positions(w) * c->batch, CHUNK_FLOATS);
    case ORDER_LINES:
        return blocks_of(w->out_height, DIRECT_VECTORS) * blocks_of(w->out_width * c->batch, lanes_whole(&lanes));
    default:
        return w->out_height * blocks_of(w->out_width, DIRECT_VECTORS) * blocks_of(c->batch, PACK_LANES);
    }
}

struct areas {
    struct direct_view *views;
    struct direct_chunk *chunks;
    uint32_t *masks;
};

/* Of a channel of positions, in floats: under a column of taps those of a line that lie on the picture's columns, and
 * under a line of taps all that lie on its lines. */
struct reach {
    size_t begin, end;
};

struct cut {
    const struct convolution *c;
    struct areas areas;
    size_t line;                                             /* floats of a line of positions */
    struct reach columns[TAPS_MAX], lines[TAPS_MAX], inside; /* inside: under all lines of taps */
    size_t count, period; /* chunks; after so many the next that is cut alike, where it lies inside */
};

/* Of `count` places, `stride` apart from `begin` on, those within [0, size), times `each`. */
static struct reach find_reach(int64_t begin, int64_t stride, int64_t size, int64_t count, size_t each)
{
    const int64_t first = MIN(begin < 0 ? (-begin + stride - 1) / stride : 0, count);
    const int64_t past = begin < size ? MIN((size - 1 - begin) / stride + 1, count) : 0;

    return (struct reach){ (size_t)first * each, (size_t)MAX(past, first) * each };
}

static void find_reaches(struct cut *cut)
{
    const struct window *w = &cut->c->window;

    cut->inside = (struct reach){ 0, w->out_height * cut->line };
    for (uint32_t x = 0; x < w->kernel_width; x++)
        cut->columns[x] = find_reach((int64_t)x - w->left, w->stride, w->width, w->out_width, cut->c->batch);
    for (uint32_t y = 0; y < w->kernel_height; y++) {
        cut->lines[y] = find_reach((int64_t)y - w->top, w->stride, w->height, w->out_height, cut->line);
        cut->inside.begin = MAX(cut->inside.begin, cut->lines[y].begin);
        cut->inside.end = MIN(cut->inside.end, cut->lines[y].end);
    }
}

/* Bits of the lanes that stand for the floats [begin, end) in a vector that begins at `at`. */
static uint32_t lanes_of(size_t at, size_t count, size_t begin, size_t end)
{
    const size_t first = MIN(MAX(begin, at) - at, count), past = end > at ? MIN(end - at, count) : 0;

    return past > first ? (1u << past) - (1u << first) : 0;
}

static uint32_t column_lanes(const struct cut *cut, const struct reach *column, size_t at, size_t count)
{
    uint32_t lanes = 0;

    for (size_t line = at / cut->line * cut->line; line < at + count; line += cut->line)
        lanes |= lanes_of(at, count, line + column->begin, line + column->end);
    return lanes;
}

/* The bits of lanes to those of their places. */
static uint32_t spread_bits(uint32_t bits, const struct lanes *lanes)
{
    const uint32_t each = (1u << lanes->together) - 1;
    uint32_t spread = 0;

    for (unsigned at = 0; bits >> at; at += (unsigned)lanes->together)
        spread |= (bits >> at & each) << lane_at(lanes, at);
    return spread;
}

/* Masks of one vector, of `count` floats of positions from `at` on. What all have. */
static uint32_t mask_vector(const struct cut *cut, size_t at, size_t count, uint32_t *masks)
{
    const struct window *w = &cut->c->window;
    const struct lanes step = convolution_lanes(cut->c);
    uint32_t all = UINT16_MAX;

    for (uint32_t x = 0; x < w->kernel_width; x++) {
        const uint32_t column = column_lanes(cut, &cut->columns[x], at, count);

        for (uint32_t y = 0; y < w->kernel_height; y++) {
            const uint32_t lanes = column & lanes_of(at, count, cut->lines[y].begin, cut->lines[y].end);

            masks[(size_t)(y * w->kernel_width + x) * DIRECT_VECTORS] =
                step.step == 2 ? spread_bits(lanes, &step) : lanes;
            all &= lanes;
        }
    }
    return step.step == 2 ? 0 : all;
}

static bool lies_inside(const struct cut *cut, const struct direct_chunk *chunk)
{
    return chunk->y >= cut->inside.begin &&
           chunk->y + (chunk->vectors - 1) * chunk->y_step + chunk->last <= cut->inside.end;
}

static bool is_alike(const struct cut *cut, const struct direct_chunk *a, const struct direct_chunk *b)
{
    return a->vectors == b->vectors && a->last == b->last && lies_inside(cut, a) && lies_inside(cut, b);
}

static void add_chunk(struct cut *cut, struct direct_chunk chunk)
{
    const size_t each = window_taps(&cut->c->window) * DIRECT_VECTORS, number = cut->count++;
    struct direct_chunk *to = &cut->areas.chunks[number];
    uint32_t *masks = cut->areas.masks + number * each, all = UINT16_MAX;

    *to = chunk;
    if (number >= cut->period && is_alike(cut, to - cut->period, to)) {
        to->masks = to[-(ptrdiff_t)cut->period].masks;
        return;
    }
    for (uint32_t v = 0; v < chunk.vectors; v++)
        all &=
            mask_vector(cut, chunk.y + v * chunk.y_step, v + 1 < chunk.vectors ? chunk.count : chunk.last, masks + v);
    to->masks = all == UINT16_MAX ? NULL : masks;
}

static size_t divisor(size_t a, size_t b)
{
    while (b) {
        const size_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static void cut_run(struct cut *cut)
{
    const size_t floats = window_positions(&cut->c->window) * cut->c->batch;

    cut->period = cut->line / divisor(cut->line, CHUNK_FLOATS);
    for (size_t at = 0; at < floats; at += CHUNK_FLOATS) {
        const uint32_t count = (uint32_t)MIN(floats - at, (size_t)CHUNK_FLOATS);
        const uint32_t vectors = (count + PACK_LANES - 1) / PACK_LANES;

        add_chunk(cut, (struct direct_chunk){ at, at, PACK_LANES, PACK_LANES, vectors, PACK_LANES,
                                              count - (vectors - 1) * PACK_LANES, NULL });
    }
}

static void cut_lines(struct cut *cut)
{
    const struct window *w = &cut->c->window;
    const struct lanes lanes = convolution_lanes(cut->c);
    const size_t in_line = (size_t)w->stride * w->width * cut->c->batch, each = lanes_whole(&lanes);

    cut->period = blocks_of(cut->line, each);
    for (uint32_t y = 0; y < w->out_height; y += DIRECT_VECTORS) {
        const uint32_t lines = MIN(w->out_height - y, (uint32_t)DIRECT_VECTORS);

        for (size_t at = 0; at < cut->line; at += each) {
            const uint32_t count = (uint32_t)MIN(cut->line - at, each);

            add_chunk(cut, (struct direct_chunk){ y * in_line + lane_at(&lanes, at), y * cut->line + at, in_line,
                                                  cut->line, lines, count, count, NULL });
        }
    }
}

static void cut_samples(struct cut *cut)
{
    const struct window *w = &cut->c->window;
    const size_t batch = cut->c->batch, step = w->stride * batch;

    cut->period = blocks_of(w->out_width, DIRECT_VECTORS) * blocks_of(batch, PACK_LANES);
    for (uint32_t y = 0; y < w->out_height; y++) {
        for (uint32_t x = 0; x < w->out_width; x += DIRECT_VECTORS) {
            const uint32_t positions = MIN(w->out_width - x, (uint32_t)DIRECT_VECTORS);

            for (size_t b = 0; b < batch; b += PACK_LANES) {
                const uint32_t count = (uint32_t)MIN(batch - b, (size_t)PACK_LANES);

                add_chunk(cut, (struct direct_chunk){ y * w->width * step + x * step + b, y * cut->line + x * batch + b,
                                                      step, batch, positions, count, count, NULL });
            }
        }
    }
}

/* By column of the weight: where a view of the group's first channel begins. */
static void find_views(const struct convolution *c, struct direct_view *views)
{
    const struct window *w = &c->window;
    const uint32_t taps = (uint32_t)window_taps(w);
    const int64_t channel = (int64_t)w->height * w->width;

    for (uint32_t j = 0; j < c->weight->columns; j++) {
        const uint32_t tap = j % taps;
        const int64_t y = (int64_t)(tap / w->kernel_width) - w->top, x = (int64_t)(tap % w->kernel_width) - w->left;

        views[j] = (struct direct_view){ (j / taps * channel + y * w->width + x) * (int64_t)c->batch, tap };
    }
}

/* ---- areas ---- */

static bool add_area(uint64_t *bytes, uint64_t count, uint64_t size, uint64_t *begin)
{
    uint64_t more;

    *begin = *bytes;
    return size_multiply(count, size, &more) && size_align(more, CACHE_LINE, &more) && size_add(*bytes, more, bytes);
}

/* Where they begin, for a batch; and what they take. */
static bool measure_areas(const struct convolution *c, uint64_t begins[3], uint64_t *bytes)
{
    const uint64_t chunks = chunks_most(c), masks = window_taps(&c->window) * DIRECT_VECTORS * sizeof(uint32_t);

    *bytes = 0;
    return add_area(bytes, c->weight->columns, sizeof(struct direct_view), &begins[0]) &&
           add_area(bytes, chunks, sizeof(struct direct_chunk), &begins[1]) &&
           add_area(bytes, chunks, masks, &begins[2]);
}

bool convolution_direct_scratch(const struct convolution *c, uint64_t *bytes)
{
    struct convolution one = *c;
    uint64_t begins[3], less;

    if (!measure_areas(c, begins, bytes))
        return false;
    for (one.batch = 1; one.batch < MIN(c->batch, (size_t)PACK_LANES); one.batch++) { /* which may be cut otherwise */
        if (!measure_areas(&one, begins, &less))
            return false;
        *bytes = MAX(*bytes, less);
    }
    return true;
}

static struct areas take_areas(const struct convolution *c, void *scratch)
{
    uint64_t begins[3] = { 0 }, bytes;
    char *base = scratch;

    measure_areas(c, begins, &bytes);
    return (struct areas){ (struct direct_view *)(base + begins[0]), (struct direct_chunk *)(base + begins[1]),
                           (uint32_t *)(base + begins[2]) };
}

void convolution_direct(const struct convolution *c, const float *picture, float *positions, void *scratch)
{
    static void (*const cut_by[])(struct cut * cut) = { cut_run, cut_lines, cut_samples };
    const size_t channel = (size_t)c->window.height * c->window.width * c->batch;
    const uint32_t group_rows = c->positions / c->groups;
    struct cut cut = { .c = c, .areas = take_areas(c, scratch), .line = c->window.out_width * c->batch };
    struct direct run = { .w = c->weight,
                          .views = cut.areas.views,
                          .chunks = cut.areas.chunks,
                          .x = picture,
                          .bias = c->bias,
                          .finish = c->finish,
                          .lanes = convolution_lanes(c),
                          .group_stride = c->picture / c->groups * channel,
                          .y_stride = window_positions(&c->window) * c->batch,
                          .group_rows = group_rows };
    unsigned long long begin, end;

    pool_share(c->positions, 1, c->part, c->parts, &begin, &end);
    if (begin == end)
        return;
    find_views(c, cut.areas.views);
    find_reaches(&cut);
    cut_by[order_of(c)](&cut);
    run.chunk_count = cut.count;
    run.ahead = cut.areas.views[window_taps(&c->window) - 1].shift + (int64_t)(CHUNK_FLOATS * run.lanes.step);
    run.rows_together = (uint32_t)MAX((size_t)FLOATS_TOGETHER / MAX(run.y_stride, (size_t)1), (size_t)group_rows);
    c->kernels->direct_run(&run, positions, (uint32_t)begin, (uint32_t)end);
}
