/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution/convolution.h"
#include "sparse/layers/frame.h"
#include "sparse/layers/shift_list.h"
#include "sparse/layers/staged.h"

enum {
    STRIP_FLOATS = 1 << 16, /* about, of the frames of a strip: a quarter of a second-level cache */
    STRIP_LEAST = 128,      /* floats of an output channel in a strip, where it has as many */
    PIECES = 1024,          /* in a strip, unless one position has more */
    DOT_FLOATS = 1024,      /* of a channel of the positions in a strip of dots */
    DOT_FRAMES = 1 << 14,   /* floats of the frames that are taken together */
};

/* ---- what a product goes over ---- */

/* Units are what lies under one phase: positions, or squares of stride x stride of the picture; where there is one line
 * of positions, a stride leads to no other, and the squares are lines. */
struct side {
    uint32_t lines, columns;     /* units */
    struct frame frame;          /* of a strip; how many lines and columns, the strip says */
    uint32_t margin_y, margin_x; /* lines and columns of a frame beyond the units' */
    int64_t top, left;           /* of the frame of the first unit, in what is read */
    struct channel in, out;      /* pictures of one channel */
    uint32_t in_channels, out_channels;
    uint32_t groups;           /* of channels in order, each read for as many in order */
    uint32_t down, across;     /* from a unit to the next, in what is written */
    int64_t out_top, out_left; /* of the first unit, in what is written */
    bool add;                  /* to what stands there */
    bool staged;               /* computed apart, then moved to its place */
};

static struct side gather_side(const struct convolution *c, bool add)
{
    const struct window *w = &c->window;

    return (struct side){ .lines = w->out_height,
                          .columns = w->out_width,
                          .frame = { .step = w->stride,
                                     .phases_y = MIN(w->stride, w->kernel_height),
                                     .phases_x = MIN(w->stride, w->kernel_width),
                                     .batch = c->batch },
                          .margin_y = (w->kernel_height - 1) / w->stride,
                          .margin_x = (w->kernel_width - 1) / w->stride,
                          .top = -(int64_t)w->top,
                          .left = -(int64_t)w->left,
                          .in = { .height = w->height, .width = w->width },
                          .out = { .height = w->out_height, .width = w->out_width },
                          .in_channels = c->picture,
                          .out_channels = c->positions,
                          .groups = c->groups,
                          .down = 1,
                          .across = 1,
                          .add = add };
}

static uint32_t stride_down(const struct window *window)
{
    return window->out_height > 1 ? window->stride : 1;
}

uint32_t convolution_phases(const struct window *window)
{
    return stride_down(window) * window->stride;
}

uint32_t convolution_phase(const struct window *window, uint32_t tap)
{
    const uint32_t y = tap / window->kernel_width, x = tap % window->kernel_width;

    return y % stride_down(window) * window->stride + x % window->stride;
}

static struct side spread_side(const struct convolution *c, bool add)
{
    const struct window *w = &c->window;
    const uint32_t down = stride_down(w), across = w->stride, first_y = w->top / down, first_x = w->left / across;
    const uint32_t margin_y = (w->kernel_height - 1) / down, margin_x = (w->kernel_width - 1) / across;

    return (struct side){ .lines = (w->top + w->height - 1) / down - first_y + 1,
                          .columns = (w->left + w->width - 1) / across - first_x + 1,
                          .frame = { .step = 1, .phases_y = 1, .phases_x = 1, .batch = c->batch },
                          .margin_y = margin_y,
                          .margin_x = margin_x,
                          .top = (int64_t)first_y - margin_y,
                          .left = (int64_t)first_x - margin_x,
                          .in = { .height = w->out_height, .width = w->out_width },
                          .out = { .height = w->height, .width = w->width },
                          .in_channels = c->positions,
                          .out_channels = c->picture,
                          .groups = c->groups,
                          .down = down,
                          .across = across,
                          .out_top = (int64_t)first_y * down - w->top,
                          .out_left = (int64_t)first_x * across - w->left,
                          .add = add,
                          .staged = down * across > 1 };
}

/* Floats of frames and of what is staged, for a strip of lines x columns, all channels; a double holds any. */
static double strip_floats(const struct side *s, double lines, double columns, double batch)
{
    const double frame =
        (double)s->frame.phases_y * s->frame.phases_x * (lines + s->margin_y) * (columns + s->margin_x);
    const double stage = s->staged ? (double)s->down * s->across * lines * (columns + s->margin_x) : 0;
    const uint32_t in_channels = s->in_channels / s->groups;

    return (in_channels * frame + s->out_channels * stage) * batch;
}

struct strips {
    uint32_t lines, columns;       /* of one */
    uint32_t lines_of, columns_of; /* how many there are */
};

/* Whole lines while a line fits, as many as fit; else a part of a line, large enough that chains are in flight. */
static struct strips cut_strips(const struct side *s, unsigned parts)
{
    const size_t batch = s->frame.batch, pieces_most = MAX((size_t)PIECES * PACK_LANES / batch, (size_t)1);
    uint32_t lines = 1, columns = (uint32_t)MIN(pieces_most, (size_t)s->columns);
    const uint32_t least = (uint32_t)MIN((STRIP_LEAST + batch - 1) / batch, (size_t)columns);

    while (columns > least && strip_floats(s, 1, columns, (double)batch) > STRIP_FLOATS)
        columns = MAX(columns / 2, least);
    if (columns == s->columns) {
        const size_t pieces = ((size_t)columns * batch + PACK_LANES - 1) / PACK_LANES;

        while (lines < s->lines && (lines + 1) * pieces <= PIECES &&
               strip_floats(s, lines + 1, columns, (double)batch) <= STRIP_FLOATS)
            lines++;
    }
    lines = MIN(lines, (s->lines + parts - 1) / parts);
    if (s->lines < parts)
        columns = MIN(columns, (uint32_t)(((uint64_t)s->lines * s->columns + parts - 1) / parts));
    return (struct strips){ lines, columns, (s->lines + lines - 1) / lines, (s->columns + columns - 1) / columns };
}

/* What no strip has more of, at so many samples or fewer. */
static double strip_floats_most(const struct side *s)
{
    const double batch = (double)s->frame.batch, whole = strip_floats(s, s->lines, s->columns, batch);
    const double least = strip_floats(s, 1, (STRIP_LEAST + batch) / batch, batch);

    return MIN(MAX(STRIP_FLOATS, least), whole);
}

/* The same of the strips of dots, whose frames are of some channels: what is cut depends on nothing else. */
static struct strips cut_dots(const struct side *s)
{
    const size_t batch = s->frame.batch;
    const uint32_t columns = (uint32_t)MIN(MAX((size_t)2 * DOT_FLOATS / batch, (size_t)1), (size_t)s->columns);
    const size_t fit = DOT_FLOATS / (columns * batch);
    const uint32_t lines = columns < s->columns ? 1 : (uint32_t)MIN(MAX(fit, (size_t)1), (size_t)s->lines);

    return (struct strips){ lines, columns, (s->lines + lines - 1) / lines, (s->columns + columns - 1) / columns };
}

static double dot_floats_most(const struct side *s)
{
    const double batch = (double)s->frame.batch, phases = (double)s->frame.phases_y * s->frame.phases_x;
    const double whole = phases * ((double)s->lines + s->margin_y) * ((double)s->columns + s->margin_x) * batch;
    const double cut = phases * ((2 * DOT_FLOATS + batch) * (1.0 + s->margin_y + s->margin_x) +
                                 (double)s->margin_y * s->margin_x * batch);

    return MIN(MAX(DOT_FRAMES, cut), whole * s->in_channels);
}

/* ---- scratch ---- */

struct room {
    uintptr_t at; /* 0: it is only measured */
    uint64_t used;
    bool fits;
};

static void *take(struct room *room, uint64_t count, size_t size)
{
    void *begin = (void *)(room->at + room->used);
    uint64_t bytes;

    room->fits = room->fits && size_multiply(count, size, &bytes) && size_align(bytes, CACHE_LINE, &bytes) &&
                 size_add(room->used, bytes, &room->used);
    return begin;
}

struct areas {
    struct shift_list list;
    uint32_t *groups, *offsets; /* by column of the weight */
    struct piece *pieces;
    float *floats, *found; /* frames and what is staged; dot products in the order of the list */
};

/* Which parts of a list are not the weight's own. */
enum list_order { LIST_ROWS, LIST_GROUPED };

static enum list_order list_order(const struct convolution *c, enum convolution_product product)
{
    if (product == CONVOLUTION_SPREAD && c->regrouped)
        return LIST_ROWS;
    if (product == CONVOLUTION_SPREAD)
        return c->transposed && convolution_phases(&c->window) == 1 ? LIST_ROWS : LIST_GROUPED;
    return c->transposed ? LIST_GROUPED : LIST_ROWS;
}

static uint64_t list_groups(const struct convolution *c, enum convolution_product product)
{
    if (product == CONVOLUTION_SPREAD)
        return (uint64_t)convolution_phases(&c->window) * c->picture;
    return c->positions;
}

/* The floats come last: how many there are does not move the others. */
static struct areas take_areas(const struct convolution *c, enum convolution_product product, struct room *room)
{
    const bool grouped = list_order(c, product) == LIST_GROUPED, dots = product == CONVOLUTION_DOTS;
    const uint64_t groups = list_groups(c, product), count = c->weight->count;
    struct areas a = { .found = NULL };

    a.list.begins = take(room, groups, sizeof *a.list.begins);
    a.list.ends = take(room, groups, sizeof *a.list.ends);
    a.list.offsets = take(room, count, sizeof *a.list.offsets);
    if (grouped && !dots)
        a.list.values = take(room, count, sizeof *a.list.values);
    if (grouped && dots) {
        a.list.sources = take(room, count, sizeof *a.list.sources);
        a.found = take(room, count, sizeof *a.found);
    }
    a.groups = take(room, c->weight->columns, sizeof *a.groups);
    a.offsets = take(room, c->weight->columns, sizeof *a.offsets);
    a.pieces = take(room, PIECES + c->batch / PACK_LANES + 1, sizeof *a.pieces);
    a.floats = take(room, 0, sizeof *a.floats);
    return a;
}

/* ---- lists ---- */

static uint32_t column_channels(const struct convolution *c)
{
    return (c->transposed ? c->positions : c->picture) / c->groups;
}

/* Where a tap's view begins in the first frame. */
static size_t tap_at(const struct convolution *c, const struct side *side, const struct frame *frame, bool spread,
                     uint32_t tap)
{
    const uint32_t y = tap / c->window.kernel_width, x = tap % c->window.kernel_width;

    return spread ? frame_at(frame, side->margin_y - y / side->down, side->margin_x - x / side->across)
                  : frame_at(frame, y, x);
}

static const struct csr *listed(const struct convolution *c, bool spread)
{
    return spread && c->regrouped ? c->regrouped : c->weight;
}

/* Of a weight's two sides the one is read, and its channel says where a view begins; the other is written, and its
 * channel says the group, after the phase. */
static void fill_list(const struct convolution *c, const struct side *side, const struct frame *frame, bool spread,
                      const struct areas *a)
{
    const struct csr *weight = listed(c, spread);
    const uint32_t taps = (uint32_t)window_taps(&c->window), channels = column_channels(c), rows = weight->rows;
    const bool columns_read = spread == c->transposed;
    const size_t floats = frame_floats(frame);
    const struct shift_route route = { .groups = a->groups,
                                       .offsets = a->offsets,
                                       .rows_together = columns_read ? 1 : rows / c->groups,
                                       .together_step = columns_read ? 1 : channels,
                                       .row_offset = columns_read ? 0 : floats };

    for (uint32_t tap = 0; tap < taps; tap++) {
        a->groups[tap] = spread ? convolution_phase(&c->window, tap) * c->picture : 0;
        a->offsets[tap] = (uint32_t)tap_at(c, side, frame, spread, tap);
    }
    for (uint32_t j = taps; j < channels * taps; j++) {
        a->groups[j] = a->groups[j - taps] + !columns_read;
        a->offsets[j] = (uint32_t)(a->offsets[j - taps] + (columns_read ? floats : 0));
    }
    if (list_order(c, spread ? CONVOLUTION_SPREAD : CONVOLUTION_GATHER) == LIST_GROUPED) {
        shift_list_group(&a->list, (uint32_t)list_groups(c, spread ? CONVOLUTION_SPREAD : CONVOLUTION_GATHER), weight,
                         0, rows, &route);
        return;
    }
    memcpy(a->list.begins, weight->starts, rows * sizeof *a->list.begins);
    shift_list_rows(&a->list, weight, 0, rows, &route, UINT32_MAX);
}

/* ---- gather and spread ---- */

struct strip {
    uint32_t y, x, lines, columns; /* units */
    size_t pitch;                  /* where it is staged: floats from a line to the next */
};

static struct strip strip_at(const struct side *side, const struct strips *strips, uint64_t index)
{
    const uint32_t y = (uint32_t)(index / strips->columns_of) * strips->lines;
    const uint32_t x = (uint32_t)(index % strips->columns_of) * strips->columns;

    return (struct strip){
        .y = y, .x = x, .lines = MIN(strips->lines, side->lines - y), .columns = MIN(strips->columns, side->columns - x)
    };
}

static size_t plane(const struct channel *channel, size_t batch)
{
    return (size_t)channel->height * channel->width * batch;
}

struct call {
    const struct convolution *c;
    const struct side *side;
    const struct areas *areas;
    struct frame frame;
    float *out, *stage;
    const float *values;         /* of connections, in the order of the list */
    const struct finish *finish; /* NULL: none */
};

/* Frames of channels [begin, end) of what is read. */
static void fill_frames(const struct call *call, const struct strip *strip, uint32_t begin, uint32_t end, float *to)
{
    const struct frame *frame = &call->frame;
    const struct side *side = call->side;
    const int64_t step = frame->step, top = side->top + strip->y * step, left = side->left + strip->x * step;

    for (uint32_t i = begin; i < end; i++, to += frame_floats(frame)) {
        struct channel channel = side->in;

        channel.data += i * plane(&side->in, frame->batch);
        frame_fill(frame, call->c->kernels, &channel, top, left, to);
    }
}

static void move_strip(const struct call *call, const struct strip *strip)
{
    const struct side *side = call->side;
    const uint32_t phases = side->down * side->across;
    const size_t batch = call->frame.batch, part = strip->lines * strip->pitch;
    const struct staged staged = { .kernels = call->c->kernels,
                                   .lines = strip->lines,
                                   .columns = strip->columns,
                                   .pitch = strip->pitch,
                                   .batch = batch,
                                   .down = side->down,
                                   .across = side->across,
                                   .top = side->out_top + (int64_t)strip->y * side->down,
                                   .left = side->out_left + (int64_t)strip->x * side->across,
                                   .height = side->out.height,
                                   .width = side->out.width,
                                   .add = side->add };

    for (uint32_t channel = 0; channel < side->out_channels; channel++) {
        for (uint32_t phase = 0; phase < phases; phase++)
            staged_move(&staged, phase, call->stage + ((size_t)channel * phases + phase) * part,
                        call->out + channel * plane(&side->out, batch));
    }
}

/* A group's frames come one after the other into the same place, which so stays in the cache. */
static void run_group(const struct call *call, const struct strip *strip, uint32_t group, struct shifted s, float *y)
{
    const struct side *side = call->side;
    const uint32_t phases = side->down * side->across, in = side->in_channels / side->groups;
    const uint32_t out = side->out_channels / side->groups, first = group * out;
    const size_t part = strip->lines * strip->pitch;
    struct finish finish = call->finish ? *call->finish : (struct finish){ .add = NULL };

    fill_frames(call, strip, group * in, (group + 1) * in, call->areas->floats);
    s.bias = call->c->bias ? call->c->bias + first : NULL;
    finish.norms += finish.norms ? first : 0;
    s.finish = call->finish ? &finish : NULL;
    for (uint32_t phase = 0; phase < phases; phase++) {
        s.begins = call->areas->list.begins + (size_t)phase * side->out_channels + first;
        s.ends = call->areas->list.ends + (size_t)phase * side->out_channels + first;
        call->c->kernels->shifted_run(&s, y + first * s.y_stride + phase * part, 0, out);
    }
}

/* What is staged may have lines as long as the frame's: all positions are one run then, which is cut into fewer pieces
 * where lines are short; what comes of the margins between them is not moved on. */
static size_t cut_pieces(const struct call *call, struct strip *strip, struct piece *pieces)
{
    const struct frame *frame = &call->frame;
    const size_t line = strip->columns * frame->batch, pitch = frame_pitch(frame);
    const size_t run = (strip->lines - 1) * pitch + line;

    strip->pitch = line;
    if (!call->side->staged)
        return frame_pieces(frame, strip->lines, strip->columns, call->side->out.width * frame->batch, pieces);
    if (frame->phases_x > 1 || run / PACK_LANES + 1 >= strip->lines * ((line + PACK_LANES - 1) / PACK_LANES))
        return frame_pieces(frame, strip->lines, strip->columns, line, pieces);
    strip->pitch = pitch;
    return frame_run_pieces(run, pieces);
}

static void run_strip(const struct call *call, struct strip *strip)
{
    const struct side *side = call->side;
    const struct areas *a = call->areas;
    const size_t batch = call->frame.batch;
    float *y = side->staged ? call->stage : call->out + ((size_t)strip->y * side->out.width + strip->x) * batch;
    struct shifted s = { .values = call->values,
                         .offsets = a->list.offsets,
                         .pieces = a->pieces,
                         .x = a->floats,
                         .piece_count = cut_pieces(call, strip, a->pieces) };

    s.y_stride = side->staged ? side->down * side->across * strip->lines * strip->pitch : plane(&side->out, batch);
    for (uint32_t group = 0; group < side->groups; group++)
        run_group(call, strip, group, s, y);
    if (side->staged)
        move_strip(call, strip);
}

/* A frame is read whole past its end; what is staged begins at a cache line after that. */
static size_t stage_at(size_t frames)
{
    return (frames + 2 * PACK_LANES - 1) / PACK_LANES * PACK_LANES;
}

static void run_side(const struct convolution *c, bool spread, struct side side, float *out, void *scratch)
{
    const struct strips strips = cut_strips(&side, c->parts);
    struct room room = { (uintptr_t)scratch, 0, true };
    const struct areas areas = take_areas(c, spread ? CONVOLUTION_SPREAD : CONVOLUTION_GATHER, &room);
    const struct finish sum = { .add = out, .y = out };
    struct call call = {
        c, &side, &areas, side.frame, out, NULL, areas.list.values, side.add && !side.staged ? &sum : c->finish
    };
    unsigned long long begin, end;

    call.frame.lines = strips.lines + side.margin_y;
    call.frame.columns = strips.columns + side.margin_x;
    call.stage = areas.floats + stage_at(side.in_channels / side.groups * frame_floats(&call.frame));
    pool_share((uint64_t)strips.lines_of * strips.columns_of, 1, c->part, c->parts, &begin, &end);
    if (begin == end)
        return;
    fill_list(c, &side, &call.frame, spread, &areas);
    if (!call.values)
        call.values = listed(c, spread)->values;
    for (uint64_t i = begin; i < end; i++) {
        struct strip strip = strip_at(&side, &strips, i);

        run_strip(&call, &strip);
    }
}

void convolution_gather(const struct convolution *c, const float *picture, float *positions, bool add, void *scratch)
{
    struct side side = gather_side(c, add);

    side.in.data = picture;
    run_side(c, false, side, positions, scratch);
}

void convolution_spread(const struct convolution *c, const float *positions, float *picture, bool add, void *scratch)
{
    struct side side = spread_side(c, add);

    side.in.data = positions;
    run_side(c, true, side, picture, scratch);
}

/* ---- dots ---- */

/* Channels [begin, end) of the picture, of group `group`, whose frames are taken together. */
struct block {
    uint32_t group, begin, end;
};

/* The list of a block's connections by channel of the positions; of the group's alone where rows are these. */
static void list_block(const struct convolution *c, const struct side *side, const struct frame *frame,
                       const struct block *block, const struct areas *a)
{
    const uint32_t taps = (uint32_t)window_taps(&c->window), first = block->group * (c->picture / c->groups);
    const uint32_t rows = c->positions / c->groups, begin = block->begin - first, end = block->end - first;
    const struct shift_route route = { a->groups, a->offsets, c->weight->rows, 0, frame_floats(frame) };

    if (c->transposed) {
        shift_list_group(&a->list, c->positions, c->weight, block->begin, block->end, &route);
        return;
    }
    for (uint32_t channel = begin; channel < end; channel++) {
        for (uint32_t tap = 0; tap < taps; tap++)
            a->offsets[channel * taps + tap] =
                (uint32_t)(tap_at(c, side, frame, false, tap) + (channel - begin) * frame_floats(frame));
    }
    shift_list_rows(&a->list, c->weight, block->group * rows, (block->group + 1) * rows, &route, end * taps);
}

static void dot_block(const struct call *call, const struct strips *strips, const struct block *block, const float *out,
                      float *gradient)
{
    const struct convolution *c = call->c;
    const struct areas *a = call->areas;
    const uint32_t rows = c->positions / c->groups;
    struct shifted s = { .begins = a->list.begins,
                         .ends = a->list.ends,
                         .offsets = a->list.offsets,
                         .pieces = a->pieces,
                         .x = a->floats,
                         .y_stride = plane(&call->side->out, c->batch) };

    list_block(c, call->side, &call->frame, block, a);
    for (uint64_t i = 0; i < (uint64_t)strips->lines_of * strips->columns_of; i++) {
        const struct strip strip = strip_at(call->side, strips, i);
        const size_t first = ((size_t)strip.y * c->window.out_width + strip.x) * c->batch;

        fill_frames(call, &strip, block->begin, block->end, a->floats);
        s.piece_count =
            frame_pieces(&call->frame, strip.lines, strip.columns, c->window.out_width * c->batch, a->pieces);
        s.resume = i != 0;
        c->kernels->shifted_dots(&s, out + block->group * rows * s.y_stride + first, a->found ? a->found : gradient, 0,
                                 rows);
    }
    for (uint64_t k = 0; a->found && k < a->list.ends[c->positions - 1]; k++)
        gradient[a->list.sources[k]] = a->found[k];
}

/* Blocks of a group's channels [begin, end), in order. */
static void dot_group(const struct call *call, const struct strips *strips, struct block of, const float *out,
                      float *gradient)
{
    const struct convolution *c = call->c;
    const uint32_t rows = c->positions / c->groups, first = of.group * (c->picture / c->groups);
    const uint32_t each = (uint32_t)MAX(DOT_FRAMES / frame_floats(&call->frame), (size_t)1);
    const struct shift_list *list = &call->areas->list;
    const struct shift_route none = { .offsets = call->areas->offsets };

    if (!c->transposed) { /* up to its first column */
        memcpy(list->begins, c->weight->starts + of.group * rows, rows * sizeof *list->begins);
        shift_list_rows(list, c->weight, of.group * rows, (of.group + 1) * rows, &none,
                        (of.begin - first) * (uint32_t)window_taps(&c->window));
        memcpy(list->begins, list->ends, rows * sizeof *list->begins);
    }
    for (uint32_t begin = of.begin; begin < of.end; begin += MIN(each, of.end - begin)) {
        const struct block block = { of.group, begin, begin + MIN(each, of.end - begin) };

        dot_block(call, strips, &block, out, gradient);
        if (!c->transposed)
            memcpy(list->begins, list->ends, rows * sizeof *list->begins);
    }
}

void convolution_dots(const struct convolution *c, const float *picture, const float *positions, float *gradient,
                      void *scratch)
{
    struct side side = gather_side(c, false);
    const struct strips strips = cut_dots(&side);
    struct room room = { (uintptr_t)scratch, 0, true };
    const struct areas areas = take_areas(c, CONVOLUTION_DOTS, &room);
    struct call call = { .c = c, .side = &side, .areas = &areas, .frame = side.frame };
    const uint32_t channels = c->picture / c->groups, taps = (uint32_t)window_taps(&c->window);
    unsigned long long begin, end;

    side.in.data = picture;
    call.frame.lines = strips.lines + side.margin_y;
    call.frame.columns = strips.columns + side.margin_x;
    for (uint32_t j = 0; c->transposed && j < c->weight->columns; j++) {
        areas.groups[j] = j / taps;
        areas.offsets[j] = (uint32_t)tap_at(c, &side, &call.frame, false, j % taps);
    }
    pool_share(c->picture, 1, c->part, c->parts, &begin, &end);
    for (uint32_t g = (uint32_t)begin / channels; begin < end; g++) {
        const uint32_t past = (uint32_t)MIN(end, (unsigned long long)(g + 1) * channels);

        dot_group(&call, &strips, (struct block){ g, (uint32_t)begin, past }, positions, gradient);
        begin = past;
    }
}

/* ---- what it is, and how much ---- */

bool convolution_is_product(const struct convolution *c)
{
    const struct window *w = &c->window;

    return window_taps(w) == 1 && w->stride == 1 && !w->top && !w->left && c->groups == 1 && !c->transposed;
}

bool convolution_scratch(const struct convolution *c, enum convolution_product product, bool add, uint64_t *bytes)
{
    const struct side side = product == CONVOLUTION_SPREAD ? spread_side(c, add) : gather_side(c, add);
    const double most = product == CONVOLUTION_DOTS ? dot_floats_most(&side) : strip_floats_most(&side);
    struct room room = { 0, 0, true };

    if (most > UINT32_MAX - 4 * PACK_LANES || c->weight->count > UINT32_MAX)
        return false;
    take_areas(c, product, &room);
    take(&room, stage_at((size_t)most) + 2 * PACK_LANES, sizeof(float));
    *bytes = room.used;
    return room.fits;
}
