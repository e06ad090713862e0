/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution by tiles: so many positions that a row of the weight has their chains in registers. What a block of the
 * weight's columns reads for them is copied side by side, the padding with it, into a panel that stays in the
 * first-level cache while all rows pass over it. So every load is of one line, wherever a view begins, and of a near
 * cache.
 *
 * That pays where a column has several connections; else a copy is as dear as what is computed from it, and the
 * products with shifted views (convolution.h) copy an element once for all of its taps. The bits are the same.
 */
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/kernels/tiles.h"
#include "sparse/layers/convolution/blocks.h"
#include "sparse/layers/frame.h"

/* Connections of a column, on average, from which on tiles are the faster: measured by bench_conv. With eight samples
 * views lie in two lines half as often, and gain less. */
enum { MANY = 8, USES_FEW = 4, USES_MANY = 10 };

/* Bytes that the last cache has no room for: measured by bench_conv. Of 1 x 1, what comes and goes together; of any,
 * what is written. */
#define PRODUCT_BYTES ((size_t)48 << 20)
#define STREAM_BYTES  ((size_t)32 << 20)

static size_t positions_floats(const struct convolution *c)
{
    return c->positions * window_positions(&c->window) * c->batch;
}

static size_t picture_floats(const struct convolution *c)
{
    return (size_t)c->picture * c->window.height * c->window.width * c->batch;
}

/* A format goes over a few columns at a time, and memory is the slower the shorter the runs that it is asked for. */
static bool is_tiled_product(const struct convolution *c)
{
    return (picture_floats(c) + positions_floats(c)) * sizeof(float) >= PRODUCT_BYTES;
}

bool convolution_can_tiles(const struct convolution *c)
{
    return !c->transposed && c->groups == 1 && window_taps(&c->window) <= TILE_TAPS_MAX &&
           c->weight->rows <= TILE_ROWS_MAX;
}

bool convolution_is_tiled(const struct convolution *c)
{
    const struct csr *w = c->weight;

    if (convolution_is_product(c))
        return is_tiled_product(c) && convolution_can_tiles(c);
    return convolution_can_tiles(c) && w->count / (c->batch < MANY ? USES_FEW : USES_MANY) >= w->columns;
}

/* ---- what a tile reads ---- */

struct areas {
    float *panel, *frames; /* frames: of what is phased, a tile's inputs phase by phase */
    size_t frame;          /* floats of a channel there */
    unsigned char *doubts;
    struct piece *pieces;
    uint32_t begins[TILE_TAPS_MAX + 1];
    uint16_t masks[TILE_TAPS_MAX * TILE_VECTORS_MAX];
    int64_t shifts[TILE_TAPS_MAX];
};

/* Of a line of positions, the floats that lie within the picture's lines under a column of taps. */
struct reach {
    size_t begin, end;
};

/* One tile, counted in floats of a channel of positions; pieces go to the end of the list. */
struct cut {
    const struct convolution *c;
    struct reach reach[TILE_TAPS_MAX];
    size_t begin;
    struct piece *next;
};

static struct reach find_reach(const struct convolution *c, uint32_t column)
{
    const struct window *w = &c->window;
    const int64_t stride = w->stride, left = (int64_t)column - w->left;
    const int64_t first = left < 0 ? (-left + stride - 1) / stride : 0;
    const int64_t past = left < w->width ? (w->width - 1 - left) / stride + 1 : 0;

    return (struct reach){ (size_t)first * c->batch, (size_t)MAX(past, first) * c->batch };
}

/* Floats [begin, end) of the tile, which stand at `from` in the picture. */
static void add_pieces(struct cut *cut, size_t begin, size_t end, size_t from, size_t step)
{
    for (; begin < end; begin += PACK_LANES, from += PACK_LANES * step)
        *cut->next++ = (struct piece){ .x = (uint32_t)from,
                                       .y = (uint32_t)(begin - cut->begin),
                                       .count = (uint32_t)MIN(end - begin, (size_t)PACK_LANES) };
}

static void add_zeros(struct cut *cut, size_t begin, size_t end)
{
    for (; begin < end; begin += MIN(end - begin, (size_t)PACK_LANES))
        *cut->next++ = (struct piece){ .y = (uint32_t)(begin - cut->begin) };
}

/* A tile's vectors follow each other without a gap: with a stride positions must fill them. */
static struct lanes tile_lanes(const struct convolution *c)
{
    return PACK_LANES % c->batch ? (struct lanes){ 1, 1 } : convolution_lanes(c);
}

/* The same of positions that lie on line in_y of the picture, `left` before or behind the tap's column. */
static void add_inside(struct cut *cut, size_t begin, size_t end, size_t line, int64_t in_y, int64_t left)
{
    const struct window *w = &cut->c->window;
    const struct lanes lanes = tile_lanes(cut->c);
    const size_t batch = cut->c->batch;
    const int64_t first = in_y * w->width + left;

    if (w->stride == 1 || lanes.step > 1) {
        const int64_t at = first * (int64_t)batch + (int64_t)lane_at(&lanes, begin - line);

        add_pieces(cut, begin, end, (size_t)at, lanes.step);
        return;
    }
    while (begin < end) {
        const size_t x = (begin - line) / batch, sample = (begin - line) % batch;
        const size_t count = MIN(batch - sample, end - begin);

        add_pieces(cut, begin, begin + count, (size_t)(first + (int64_t)(x * w->stride)) * batch + sample, 1);
        begin += count;
    }
}

/* Of the floats [begin, end) of line y of positions, those that lie on the picture under a tap; and on which line. */
struct inside {
    size_t begin, end;
    int64_t in_y;
};

static struct inside find_inside(const struct cut *cut, uint32_t tap, size_t y, size_t begin, size_t end)
{
    const struct window *w = &cut->c->window;
    const struct reach *reach = &cut->reach[tap % w->kernel_width];
    const size_t line = y * w->out_width * cut->c->batch;
    struct inside in = { begin, begin, (int64_t)(y * w->stride) + tap / w->kernel_width - w->top };

    if (in.in_y < 0 || in.in_y >= w->height || reach->begin >= reach->end)
        return in;
    in.begin = MIN(MAX(line + reach->begin, begin), end);
    in.end = MAX(MIN(line + reach->end, end), in.begin);
    return in;
}

/* Floats [begin, end) of line y under a tap. */
static void add_line(struct cut *cut, uint32_t tap, size_t y, size_t begin, size_t end)
{
    const struct window *w = &cut->c->window;
    const struct inside in = find_inside(cut, tap, y, begin, end);

    add_zeros(cut, begin, in.begin);
    add_inside(cut, in.begin, in.end, y * w->out_width * cut->c->batch, in.in_y,
               (int64_t)(tap % w->kernel_width) - w->left);
    add_zeros(cut, in.end, end);
}

static void set_lanes(uint16_t *masks, size_t begin, size_t end)
{
    while (begin < end) {
        const size_t lane = begin % PACK_LANES, count = MIN(end - begin, PACK_LANES - lane);

        masks[begin / PACK_LANES] |= (uint16_t)(((1u << count) - 1) << lane);
        begin += count;
    }
}

/* Where lines of positions and of the picture are as long, what lies under a tap is one run. */
static bool is_run(const struct window *w)
{
    return w->stride == 1 && w->out_width == w->width;
}

static void cut_run(struct cut *cut, uint32_t tap, size_t end, struct areas *a)
{
    const struct window *w = &cut->c->window;
    const size_t line = w->out_width * cut->c->batch, begin = cut->begin;
    const int64_t down = (int64_t)(tap / w->kernel_width) - w->top, right = (int64_t)(tap % w->kernel_width) - w->left;

    a->shifts[tap] = (down * w->width + right) * (int64_t)cut->c->batch + (int64_t)begin;
    for (size_t y = begin / line; y * line < end; y++) {
        const struct inside in = find_inside(cut, tap, y, MAX(begin, y * line), MIN(end, (y + 1) * line));

        set_lanes(a->masks + tap * TILE_VECTORS_MAX, in.begin - begin, in.end - begin);
    }
}

/* One line of positions, more than one place apart: what lies under a tap is a run once phases stand apart. */
static bool is_phased(const struct window *w)
{
    return w->stride > 1 && w->out_height == 1 && w->kernel_height == 1;
}

static struct frame phased_frame(const struct convolution *c, uint32_t positions)
{
    const struct window *w = &c->window;

    return (struct frame){ .step = w->stride,
                           .phases_y = 1,
                           .phases_x = MIN(w->stride, w->kernel_width),
                           .lines = 1,
                           .columns = positions + (w->kernel_width - 1) / w->stride,
                           .batch = c->batch };
}

/* Padding is in the frames, so that all lanes count. */
static void cut_phases(const struct cut *cut, const float *picture, size_t end, struct areas *a)
{
    const struct convolution *c = cut->c;
    const struct window *w = &c->window;
    const size_t first = cut->begin / c->batch, plane = (size_t)w->height * w->width * c->batch;
    const struct frame frame = phased_frame(c, (uint32_t)((end - 1) / c->batch - first + 1));
    const int64_t left = (int64_t)first * w->stride - w->left;

    a->frame = frame_floats(&frame);
    for (uint32_t i = 0; i < c->picture; i++) {
        const struct channel channel = { picture + i * plane, w->height, w->width };

        frame_fill(&frame, c->kernels, &channel, -(int64_t)w->top, left, a->frames + i * a->frame);
    }
    memset(a->masks, 0xff, sizeof a->masks);
    for (uint32_t tap = 0; tap < w->kernel_width; tap++)
        a->shifts[tap] = (int64_t)(frame_at(&frame, 0, tap) + cut->begin % c->batch);
}

static void cut_tile(struct cut *cut, const float *picture, size_t end, struct areas *a)
{
    const struct window *w = &cut->c->window;
    const size_t line = w->out_width * cut->c->batch, begin = cut->begin;
    const uint32_t taps = (uint32_t)window_taps(w);

    if (is_phased(w)) {
        cut_phases(cut, picture, end, a);
        return;
    }
    if (is_run(w)) {
        memset(a->masks, 0, taps * TILE_VECTORS_MAX * sizeof *a->masks);
        for (uint32_t tap = 0; tap < taps; tap++)
            cut_run(cut, tap, end, a);
        return;
    }
    cut->next = a->pieces;
    for (uint32_t tap = 0; tap < taps; tap++) {
        a->begins[tap] = (uint32_t)(cut->next - a->pieces);
        for (size_t y = begin / line; y * line < end; y++)
            add_line(cut, tap, y, MAX(begin, y * line), MIN(end, (y + 1) * line));
    }
    a->begins[taps] = (uint32_t)(cut->next - a->pieces);
}

/* ---- tiles ---- */

static void run_tile(const struct convolution *c, const struct tiles *tiles, const struct areas *a,
                     const float *picture, float *positions, size_t count)
{
    const size_t pitch = (count + PACK_LANES - 1) / PACK_LANES * PACK_LANES;
    const bool product = convolution_is_product(c), phased = is_phased(&c->window);
    struct tile_work work = { .kernels = c->kernels,
                              .tiles = tiles,
                              .finish = c->finish,
                              .panel = a->panel,
                              .doubts = a->doubts,
                              .full = c->full };

    work.fill = (struct tile_fill){ .masks = phased || is_run(&c->window) ? a->masks : NULL,
                                    .masks_pitch = TILE_VECTORS_MAX,
                                    .shifts = a->shifts,
                                    .pieces = a->pieces,
                                    .begins = a->begins,
                                    .x = phased ? a->frames : picture,
                                    .channel = phased ? a->frame : picture_floats(c) / c->picture,
                                    .lanes = tile_lanes(c),
                                    .ahead = product || phased ? 0 : pitch * c->window.stride,
                                    .pitch = pitch };
    work.run = (struct tile_run){ .bias = c->bias,
                                  .y = positions,
                                  .pitch = pitch,
                                  .y_stride = window_positions(&c->window) * c->batch,
                                  .y_step = PACK_LANES,
                                  .vectors = (uint32_t)(pitch / PACK_LANES),
                                  .lanes = PACK_LANES,
                                  .last = (uint32_t)(count - (pitch - PACK_LANES)) };
    work.streams = positions_floats(c) * sizeof(float) >= STREAM_BYTES;
    work.ahead = product ? picture + a->shifts[0] : NULL; /* of its one tap */
    convolution_blocks(&work);
}

static size_t pieces_most(const struct convolution *c)
{
    return window_taps(&c->window) * TILE_FLOATS;
}

/* Of any batch up to the convolution's: a tile's floats, what of the positions at its ends is not its own, and margins.
 * Vectors are read and written whole behind the last. */
static bool phased_floats(const struct convolution *c, uint64_t *floats)
{
    const struct frame frame = phased_frame(c, 2);
    uint64_t channel;

    *floats = 0;
    if (!is_phased(&c->window))
        return true;
    return size_multiply(frame.columns, c->batch, &channel) && size_add(channel, TILE_FLOATS, &channel) &&
           size_multiply(channel, (uint64_t)frame.phases_x * c->picture, floats) &&
           size_add(*floats, 2 * PACK_LANES, floats);
}

bool convolution_tile_scratch(const struct convolution *c, uint64_t *bytes)
{
    const double channel = (double)c->window.height * c->window.width * (double)c->batch;
    uint64_t frames;

    *bytes = TILE_PANEL_ROOM * sizeof(float) + convolution_doubts(c->weight) + pieces_most(c) * sizeof(struct piece);
    return channel <= UINT32_MAX && size_align(*bytes, CACHE_LINE, bytes) && phased_floats(c, &frames) &&
           size_multiply(frames, sizeof(float), &frames) && size_add(*bytes, frames, bytes) &&
           size_align(*bytes, CACHE_LINE, bytes);
}

static void take_areas(const struct convolution *c, void *scratch, struct areas *a)
{
    uint64_t before;

    a->panel = scratch;
    a->shifts[0] = 0;
    a->doubts = (unsigned char *)(a->panel + TILE_PANEL_ROOM);
    a->pieces = (struct piece *)(void *)(a->doubts + convolution_doubts(c->weight));
    before = (uint64_t)((char *)(a->pieces + pieces_most(c)) - (char *)scratch);
    a->frames = (float *)(void *)((char *)scratch + (before + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
}

void convolution_tile(const struct convolution *c, const struct tiles *tiles, const float *picture, float *positions,
                      void *scratch)
{
    const size_t columns = window_positions(&c->window) * c->batch, each = (columns + c->parts - 1) / c->parts;
    const size_t width = MIN((size_t)tiles->vectors, (each + PACK_LANES - 1) / PACK_LANES) * PACK_LANES;
    struct areas a;
    struct cut cut = { .c = c };
    unsigned long long begin, end;

    for (uint32_t column = 0; column < c->window.kernel_width; column++)
        cut.reach[column] = find_reach(c, column);
    take_areas(c, scratch, &a);
    pool_share((columns + width - 1) / width, 1, c->part, c->parts, &begin, &end);
    for (size_t at = begin * width; at < MIN(end * width, columns); at += width) {
        const size_t past = MIN(at + width, columns);

        cut.begin = at;
        cut_tile(&cut, picture, past, &a);
        run_tile(c, tiles, &a, picture, positions + at, past - at);
    }
}
