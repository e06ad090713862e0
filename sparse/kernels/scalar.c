/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference: every chain written out, one fmaf at a time. Compiled for the baseline instruction set; what the other
 * tables must equal to the bit.
 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "sparse/kernels/formats/block8.h"
#include "sparse/kernels/formats/csr.h"
#include "sparse/kernels/formats/dense16.h"
#include "sparse/kernels/formats/dense8.h"
#include "sparse/kernels/formats/sell16.h"
#include "sparse/kernels/formats/window32.h"
#include "sparse/kernels/kernels.h"

enum { LANES = PACK_LANES };

/* Row r of Y before its connections are added; and one connection. */
static float *begin_row(const struct product *p, uint32_t r)
{
    float *sums = p->y + r * p->n;

    for (size_t b = 0; b < p->n; b++)
        sums[b] = p->bias ? p->bias[r] : 0;
    return sums;
}

static void add_connection(const struct product *p, float value, uint32_t column, float *sums)
{
    const float *in = p->x + column * p->n;

    for (size_t b = 0; b < p->n; b++)
        sums[b] = fmaf(value, in[b], sums[b]);
}

static float rectified(bool rectify, float sum)
{
    return rectify && sum <= 0 ? 0 : sum;
}

/* The row when its last connection is added. */
static void end_row(const struct product *p, uint32_t r)
{
    for (size_t i = r * p->n; i < (r + 1) * p->n; i++)
        p->y[i] = rectified(p->rectify, p->y[i]);
}

static void csr_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    const struct csr *w = csr_of(packed);

    for (uint32_t r = begin; r < end; r++) {
        float *sums = begin_row(p, r);

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
            add_connection(p, w->values[k], csr_column(w, k), sums);
        end_row(p, r);
    }
}

static void sell16_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    const struct packed_sell16 *w = (const struct packed_sell16 *)packed;

    for (uint32_t s = begin; s < end; s++) {
        const struct sell16_slice *slice = &w->slices[s];
        uint64_t at = slice->start;

        for (unsigned lane = 0; lane < slice->lanes; lane++)
            begin_row(p, slice->rows[lane]);
        for (uint32_t step = 0; step < slice->lengths[0]; step++) {
            for (unsigned lane = 0; lane < slice->lanes && slice->lengths[lane] > step; lane++, at++)
                add_connection(p, w->values[at], sell16_column(w, at), p->y + slice->rows[lane] * p->n);
        }
        for (unsigned lane = 0; lane < slice->lanes; lane++)
            end_row(p, slice->rows[lane]);
    }
}

static void dense16_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    const struct packed_dense16 *w = (const struct packed_dense16 *)packed;
    const uint32_t columns = packed->columns;

    for (uint32_t r = begin * LANES; r < packed->rows && r < end * LANES; r++) {
        const size_t first = (size_t)(r / LANES) * columns;
        float *sums = begin_row(p, r);

        for (uint32_t c = 0; c < columns; c++) {
            if (!w->masks || w->masks[first + c] >> r % LANES & 1)
                add_connection(p, w->values[(first + c) * LANES + r % LANES], c, sums);
        }
        end_row(p, r);
    }
}

static void dense8_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    const struct packed_dense8 *w = (const struct packed_dense8 *)packed;

    for (uint32_t r = begin * DENSE8_ROWS; r < packed->rows && r < end * DENSE8_ROWS; r++) {
        float *sums = begin_row(p, r);

        for (uint32_t c = 0; c < packed->columns; c++) {
            const size_t place = dense8_place(w, r / DENSE8_ROWS, c);

            if (!w->masks || w->masks[place] >> r % DENSE8_ROWS & 1)
                add_connection(p, w->values[place * DENSE8_ROWS + r % DENSE8_ROWS], c, sums);
        }
        end_row(p, r);
    }
}

/* What is filled up is left out: it would change no bit. */
static void block8_group(const struct packed_block8 *w, const struct product *p, uint32_t block, uint32_t group,
                         uint64_t at)
{
    const struct block8_group *rows = &w->groups[(size_t)block * w->group_count + group];

    for (unsigned lane = 0; lane < block8_lanes(w, group); lane++) {
        float *sums = block ? p->y + rows->rows[lane] * p->n : begin_row(p, rows->rows[lane]);

        for (uint32_t step = 0; step < rows->steps; step++) {
            const uint64_t entry = at + (uint64_t)step * BLOCK8_ROWS + lane;
            const uint32_t column = w->offsets[entry] / BLOCK8_SAMPLE_BYTES;

            if (column < w->width)
                add_connection(p, w->values[entry], block * w->width + column, sums);
        }
        if (block + 1 == w->blocks)
            end_row(p, rows->rows[lane]);
    }
}

static void block8_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    const struct packed_block8 *w = (const struct packed_block8 *)packed;

    for (uint32_t block = 0; block < w->blocks && begin < end; block++) {
        uint64_t at = w->starts[(size_t)block * packed->units + begin];

        for (uint32_t group = block8_first_group(w, begin); group < block8_first_group(w, end); group++) {
            block8_group(w, p, block, group, at);
            at += (uint64_t)w->groups[(size_t)block * w->group_count + group].steps * BLOCK8_ROWS;
        }
    }
}

static void window_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    const struct packed_window32 *w = (const struct packed_window32 *)packed;

    for (uint32_t r = begin * WINDOW32_ROWS; r < packed->rows && r < end * WINDOW32_ROWS; r++) {
        const unsigned slice = r % WINDOW32_ROWS / LANES, lane = r % LANES;
        float *sums = begin_row(p, r);

        for (uint64_t step = w->starts[r / WINDOW32_ROWS]; step < w->starts[r / WINDOW32_ROWS + 1]; step++) {
            const unsigned place = window32_place(w, step, slice, lane);

            if (place & WINDOW32_TAKES_PART)
                add_connection(p, window32_value(w, (step * WINDOW32_SLICES + slice) * LANES + lane, r),
                               w->columns[step] + place % WINDOW32_TAKES_PART, sums);
        }
        end_row(p, r);
    }
}

static void window32_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    window_run(packed, p, begin, end);
}

static void window32_bf16_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    window_run(packed, p, begin, end);
}

static void window32_int8_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    window_run(packed, p, begin, end);
}

static void window64_run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    window_run(packed, p, begin, end);
}

static float add_lanes(float lanes[LANES])
{
    for (int half = LANES / 2; half; half /= 2) {
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static float dot(const float *a, const float *b, size_t n)
{
    float lanes[LANES] = { 0 };

    for (size_t i = 0; i < n; i++)
        lanes[i % LANES] = fmaf(a[i], b[i], lanes[i % LANES]);
    return add_lanes(lanes);
}

static void spmm_backward(const struct csr *w, const float *x, const float *y_gradient, float *x_gradient,
                          float *w_gradient, size_t n, uint32_t column_begin, uint32_t column_end)
{
    if (x_gradient && column_end > column_begin)
        memset(x_gradient + column_begin * n, 0, (column_end - column_begin) * n * sizeof *x_gradient);
    for (uint32_t r = 0; r < w->rows; r++) {
        const float *out = y_gradient + r * n;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            uint32_t column = csr_column(w, k);

            if (column < column_begin || column >= column_end)
                continue;
            if (w_gradient)
                w_gradient[k] = dot(out, x + column * n, n);
            for (size_t b = 0; x_gradient && b < n; b++)
                x_gradient[column * n + b] = fmaf(w->values[k], out[b], x_gradient[column * n + b]);
        }
    }
}

static void csc_backward(const struct back_product *p, uint32_t begin, uint32_t end)
{
    const struct csc *index = p->by_column;

    for (uint32_t c = begin; c < end; c++) {
        const float *x = p->x + c * p->n;
        float *x_gradient = p->x_gradient ? p->x_gradient + c * p->n : NULL;

        if (x_gradient)
            memset(x_gradient, 0, p->n * sizeof *x_gradient);
        for (uint64_t j = index->starts[c]; j < index->starts[c + 1]; j++) {
            const float *out = p->y_gradient + index->rows[j] * p->n, value = p->w->values[index->connections[j]];

            p->w_gradient[index->connections[j]] = dot(x, out, p->n);
            for (size_t b = 0; x_gradient && b < p->n; b++)
                x_gradient[b] = fmaf(value, out[b], x_gradient[b]);
        }
    }
}

#include "sparse/kernels/sparse.inc"

/* The lanes whose element is not 0. */
static unsigned not_zero(const float *x)
{
    unsigned lanes = 0;

    for (unsigned i = 0; i < LANES; i++)
        lanes |= (unsigned)(x[i] != 0) << i;
    return lanes;
}

#include "sparse/kernels/bag.inc"

/* What a whole sum of row r, which is stored at y, becomes. */
static float finish_sum(const struct finish *finish, float sum, const float *y, uint32_t r)
{
    if (!finish)
        return sum;
    if (finish->norms)
        sum = fmaf(sum - finish->norms[r].offset, finish->norms[r].factor, finish->norms[r].shift);
    if (finish->add)
        sum += finish->add[y - finish->y];
    return rectified(finish->rectify, sum);
}

/* One piece of one row. */
static void shifted_piece(const struct shifted *s, const struct piece *piece, uint32_t r, float *y)
{
    const float *x = s->x + piece->x;

    for (uint32_t i = 0; i < piece->count; i++) {
        float sum = s->resume ? y[i] : s->bias ? s->bias[r] : 0;

        for (uint64_t k = s->begins[r]; k < s->ends[r]; k++)
            sum = fmaf(s->values[k], x[s->offsets[k] + i], sum);
        y[i] = finish_sum(s->finish, sum, y + i, r);
    }
}

static void shifted_run(const struct shifted *s, float *y, uint32_t row_begin, uint32_t row_end)
{
    for (uint32_t r = row_begin; r < row_end; r++) {
        for (size_t p = 0; p < s->piece_count; p++)
            shifted_piece(s, &s->pieces[p], r, y + r * s->y_stride + s->pieces[p].y);
    }
}

static float shifted_dot(const struct shifted *s, const float *x, const float *y)
{
    float lanes[LANES] = { 0 };

    for (size_t p = 0; p < s->piece_count; p++) {
        const struct piece *piece = &s->pieces[p];

        for (uint32_t i = 0; i < piece->count; i++)
            lanes[i] = fmaf(y[piece->y + i], x[piece->x + i], lanes[i]);
    }
    return add_lanes(lanes);
}

static void shifted_dots(const struct shifted *s, const float *y, float *dots, uint32_t row_begin, uint32_t row_end)
{
    for (uint32_t r = row_begin; r < row_end; r++) {
        for (uint64_t k = s->begins[r]; k < s->ends[r]; k++) {
            const float dot = shifted_dot(s, s->x + s->offsets[k], y + r * s->y_stride);

            dots[k] = s->resume ? dots[k] + dot : dot;
        }
    }
}

/* One vector of one row. */
static void direct_vector(const struct direct *d, const struct direct_chunk *chunk, uint32_t r, uint32_t v, float *y)
{
    const float *x = d->x + r / d->group_rows * d->group_stride + chunk->x + v * chunk->x_step;

    for (uint32_t i = 0; i < (v + 1 < chunk->vectors ? chunk->count : chunk->last); i++) {
        float sum = d->bias ? d->bias[r] : 0;

        for (uint64_t k = d->w->starts[r]; k < d->w->starts[r + 1]; k++) {
            const struct direct_view *view = &d->views[csr_column(d->w, k)];
            const size_t at = lane_at(&d->lanes, i);
            const bool inside = !chunk->masks || chunk->masks[view->tap * DIRECT_VECTORS + v] >> at & 1;

            sum = fmaf(d->w->values[k], inside ? x[view->shift + (int64_t)at] : 0, sum);
        }
        y[i] = finish_sum(d->finish, sum, y + i, r);
    }
}

static void direct_run(const struct direct *d, float *y, uint32_t row_begin, uint32_t row_end)
{
    for (uint32_t r = row_begin; r < row_end; r++) {
        for (size_t c = 0; c < d->chunk_count; c++) {
            const struct direct_chunk *chunk = &d->chunks[c];

            for (uint32_t v = 0; v < chunk->vectors; v++)
                direct_vector(d, chunk, r, v, y + r * d->y_stride + chunk->y + v * chunk->y_step);
        }
    }
}

static void tile_fill_pieces(const struct tile_fill *fill, uint32_t tap, const float *from, float *to)
{
    for (uint32_t p = fill->begins[tap]; p < fill->begins[tap + 1]; p++) {
        const struct piece *piece = &fill->pieces[p];

        for (uint32_t i = 0; i < LANES; i++)
            to[piece->y + i] = i < piece->count ? from[piece->x + lane_at(&fill->lanes, i)] : 0;
    }
}

static void tile_fill_copies(const struct tile_fill *fill, const float *from, float *panel)
{
    for (uint32_t i = 0; i < fill->copy_count; i++) {
        const struct tile_copy *copy = &fill->copies[i];
        float *to = panel + (size_t)copy->place * LANES;

        memset(to, 0, (size_t)(copy->before + copy->inside + copy->after) * LANES * sizeof *to);
        to += (size_t)copy->before * LANES;
        for (size_t at = 0; at < (size_t)copy->inside * LANES; at++) {
            const size_t lane = lane_at(&fill->lanes, at % LANES);

            if (copy->lanes >> lane & 1)
                to[at] = from[copy->from + (int64_t)(at / LANES * fill->copy_pitch + lane)];
        }
    }
}

static void tile_fill(const struct tile_fill *fill, float *panel)
{
    for (uint32_t c = 0; c < fill->block->column_count; c++, panel += fill->pitch) {
        const struct tile_column *column = &fill->block->columns[c];
        const float *from = fill->x + column->channel * fill->channel;

        if (fill->copies)
            tile_fill_copies(fill, from, panel);
        else if (!fill->masks)
            tile_fill_pieces(fill, column->tap, from, panel);
        for (size_t i = 0; fill->masks && !fill->copies && i < fill->pitch; i++) {
            const uint16_t lanes = fill->masks[column->tap * fill->masks_pitch + i / LANES];

            panel[i] = lanes >> i % LANES & 1 ? from[fill->shifts[column->tap] + (int64_t)i] : 0;
        }
    }
}

static void tile_run(const struct tile_run *run)
{
    const struct tile_block *block = run->block;
    uint64_t at = 0;

    for (uint32_t r = 0; r < block->row_count; at += block->rows[r++].count) {
        const uint32_t row = block->rows[r].row;

        for (uint32_t v = 0; v < run->vectors && (!run->again || run->again[row]); v++) {
            float *y = run->y + row * run->y_stride + v * run->y_step;

            for (uint32_t i = 0; i < (v + 1 < run->vectors ? run->lanes : run->last); i++) {
                float sum = run->begins ? (run->bias ? run->bias[row] : 0) : y[i];

                for (uint64_t k = at; k < at + block->rows[r].count; k++)
                    sum = fmaf(block->values[k], run->panel[block->places[k] * run->pitch + v * LANES + i], sum);
                y[i] = finish_sum(run->finish, sum, y + i, row);
            }
        }
    }
}

static float *pad_phase(const struct padded_lines *lines, const struct padded_phase *phase, const float *from,
                        float *to)
{
    const size_t batch = lines->batch;

    memset(to, 0, phase->before * batch * sizeof *to);
    to += phase->before * batch;
    for (size_t i = 0; i < phase->count; i++, to += batch)
        memcpy(to, from + phase->from + i * lines->step * batch, batch * sizeof *to);
    memset(to, 0, phase->after * batch * sizeof *to);
    return to + phase->after * batch;
}

static void pad_lines(const struct padded_lines *lines, const float *from, float *to)
{
    for (size_t line = 0; line < lines->lines; line++, from += lines->pitch) {
        for (size_t phase = 0; phase < lines->phase_count; phase++)
            to = pad_phase(lines, &lines->phases[phase], from, to);
    }
}

static void row_sums(const float *activation, float *sums, size_t n, uint32_t row_begin, uint32_t row_end)
{
    for (uint32_t r = row_begin; r < row_end; r++) {
        float lanes[LANES] = { 0 };

        for (size_t b = 0; b < n; b++)
            lanes[b % LANES] += activation[r * n + b];
        sums[r] = add_lanes(lanes);
    }
}

static float norm_squares(const float *x, size_t n, float mean)
{
    float lanes[LANES] = { 0 };

    for (size_t i = 0; i < n; i++)
        lanes[i % LANES] = fmaf(x[i] - mean, x[i] - mean, lanes[i % LANES]);
    return add_lanes(lanes);
}

static struct norm_sums norm_sums(const float *x, const float *g, size_t n, float mean)
{
    float gradients[LANES] = { 0 }, products[LANES] = { 0 };

    for (size_t i = 0; i < n; i++) {
        gradients[i % LANES] += g[i];
        products[i % LANES] = fmaf(g[i], x[i] - mean, products[i % LANES]);
    }
    return (struct norm_sums){ add_lanes(gradients), add_lanes(products) };
}

static void column_sums(const struct column_rows *c, float *sums)
{
    for (size_t i = 0; i < c->count; i++) {
        sums[i] = 0;
        for (size_t r = 0; r < c->rows; r++)
            sums[i] += c->x[r * c->stride + i];
    }
}

static void column_squares(const struct column_rows *c, const float *mean, float *sums)
{
    for (size_t i = 0; i < c->count; i++) {
        sums[i] = 0;
        for (size_t r = 0; r < c->rows; r++)
            sums[i] = fmaf(c->x[r * c->stride + i] - mean[i], c->x[r * c->stride + i] - mean[i], sums[i]);
    }
}

static void turn(const float *from, size_t from_row, float *to, size_t to_row, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++)
            to[c * to_row + r] = from[r * from_row + c];
    }
}

static void panel_product(const struct panel_product *product)
{
    const struct panel_product p = *product;

    for (size_t r = 0; r < p.rows; r++) {
        for (size_t lane = 0; lane < p.vectors * LANES; lane++) {
            float sum = p.add ? p.y[r * p.y_row + lane] : 0;

            for (size_t c = 0; c < p.steps; c++)
                sum = fmaf(p.a[r * p.a_row + c * p.a_step], p.x[c * p.x_step + lane], sum);
            p.y[r * p.y_row + lane] = sum;
        }
    }
}

#include "sparse/kernels/elementwise.inc"
#include "sparse/kernels/softmax.inc"

/* No comparison with NaN is true, so one is looked for. */
static float largest_of(const struct window_lines *lines, const float *in)
{
    float stands = -INFINITY;

    for (size_t i = 0; i < lines->rows; i++) {
        for (size_t j = 0; j < lines->columns; j++) {
            const float comes = in[i * lines->pitch + j * lines->batch];

            stands = comes > stands || comes != comes ? comes : stands;
        }
    }
    return stands;
}

static void largest_line(const struct window_lines *lines, const float *in, float *out)
{
    for (size_t p = 0; p < lines->count; p++) {
        for (size_t b = 0; b < lines->batch; b++)
            out[p * lines->batch + b] = largest_of(lines, in + p * lines->step + b);
    }
}

static void largest(const struct window_lines *lines, const float *in, float *out)
{
    for (size_t i = 0; i < lines->lines; i++)
        largest_line(lines, in + i * lines->in_line, out + i * lines->out_line);
}

#define KERNELS_NAME  "scalar"
#define KERNELS_TABLE kernels_scalar
#include "sparse/kernels/table.inc"
