/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels' contract: one table of functions per instruction set, all equal to the bit.
 *
 * Every output element is one chain: acc = bias (or +0), then acc = fma(w, x, acc) over ascending columns, correctly
 * rounded each time. Nothing is split or reassociated, and padded by what changes no bit, so scalar, AVX2 and AVX-512
 * agree to the bit for every input, NaN and infinities included (which NaN it is may differ), whatever the batch. No
 * kernel swallows a NaN. Dot products over the batch (training only) have a fixed shape too: element b goes to lane b
 * mod 16, each lane is a chain of fma over ascending b starting at +0, and the 16 lanes are added as a tree: lane i +=
 * lane i + 8, then + 4, + 2,
 * + 1.
 *
 * Activations are feature-major: row f of n contiguous floats. Buffers are 64-byte aligned at their start (rows need
 * not be) and are never read or written outside [0, rows * n). Each file is compiled with its own flags and shares no
 * inline function with another; the choice is made once, from what the CPU and the kernel allow, or by WISP_CPU=NAME.
 */
#ifndef SPARSE_KERNELS_H
#define SPARSE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/kernels/formats/format.h"
#include "sparse/tensor/csc.h"
#include "sparse/tensor/csr.h"
#include "sparse/tensor/sparse_vector.h"

/* What all connections of a step share; a correction is 1 / (1 - beta^t) at step t. */
struct adam_step {
    float rate, beta1, beta2, epsilon, shrink, scale, correction1, correction2;
};

struct norm_sums {
    float gradient, product;
};

struct norm_back {
    float mean, factor, level, tilt;
};

/* Vectors of PACK_LANES columns that the rows of a panel have at most. */
enum { PANEL_VECTORS = 2 };

/* y[r][lane] = the chain over ascending c < steps of fma(a[r][c], x[c][lane], ..), for rows r of `vectors` x PACK_LANES
 * lanes each. Element (r, c) of a stands at a[r * a_row + c * a_step]; rows of x and y begin so many floats apart. */
struct panel_product {
    const float *a, *x;
    float *y;
    size_t a_row, a_step, x_step, y_row;
    size_t rows, steps, vectors;
    bool add; /* chains go on from what stands in y; else they begin at +0 */
};

/* Rows of `count` columns, `stride` floats apart. */
struct column_rows {
    const float *x;
    size_t stride, rows, count;
};

/* Columns that are normalised each by itself: their means and 1 / their deviations, and by row what it becomes. */
struct column_norm {
    const float *mean, *inverse;
    const float *factors, *shifts; /* NULL: 1, and 0 */
};

/* x becomes fma(x - offset, factor, shift), the difference rounded first. */
struct affine {
    float offset, factor, shift;
};

/* What becomes of sums once they are whole, before they are stored, each step as its function below has it:
 * norm_apply() with row r's norms[r], add() of what stands in `add` where y has the element, relu(). */
struct finish {
    const struct affine *norms; /* NULL: none */
    const float *add, *y;       /* the first elements of all rows'; add NULL: nothing is added */
    bool rectify;
};

/* Y = bias + W X: x is W's columns x n, y is W's rows x n. */
struct product {
    const float *bias; /* may be NULL */
    const float *x;
    float *y;
    size_t n;     /* columns: samples, or positions x samples */
    bool rectify; /* whole sums, before they are stored: relu() of Y */
};

/* Operands of the backward pass of the same, by columns: `by_column` is the index of w. */
struct back_product {
    const struct csr *w;
    const struct csc *by_column;
    const float *x, *y_gradient;
    float *x_gradient, *w_gradient; /* overwritten; x_gradient may be NULL */
    size_t n;
};

/* The same of samples that are sparse themselves, a vector each: `by_column` is the index of w. */
struct sparse_product {
    const struct csr *w;
    const struct csc *by_column;
    const float *bias; /* may be NULL */
    const struct sparse_vector *x;
    size_t n; /* samples */
};

/* The same of samples that stand apart, each of all elements, most of which are 0: `by_column` is the index of w. */
struct bag_product {
    const struct csc *by_column;
    const float *values;   /* of w, in the order of the index */
    const float *bias;     /* may be NULL */
    const float *const *x; /* by sample */
    uint32_t rows, columns;
    size_t n;     /* samples */
    bool rectify; /* whole sums, before they are stored: relu() of Y */
};

/* Columns that sparse_backward() takes at a time, and the floats that it wants room for. */
#define SPARSE_STRETCH          256u
#define SPARSE_BACKWARD_ROOM(n) ((SPARSE_STRETCH + 1) * (n))

/* How lanes stand in what is read: so many side by side, and the next as many `step` times as far on. With one together
 * each is `step` floats from the one before; with more `step` is 2, and they are 8 at most: samples of a position, of
 * which a stride takes every second one. A vector has whole positions then, and its other lanes do not count. */
struct lanes {
    size_t step, together;
};

/* Where lane i stands. */
static inline size_t lane_at(const struct lanes *lanes, size_t i)
{
    return i / lanes->together * lanes->together * lanes->step + i % lanes->together;
}

/* Lanes of a vector that may count. */
static inline size_t lanes_whole(const struct lanes *lanes)
{
    return lanes->step > 1 ? PACK_LANES / lanes->together * lanes->together : PACK_LANES;
}

/* At most PACK_LANES elements that stand side by side: where in a row of X and in one of Y. */
struct piece {
    uint32_t x, y, count;
};

/* Connections whose inputs are shifted views of the same elements, as those of a convolution are: of connection k the
 * element i of a piece is x[offsets[k] + piece.x + i]. Row r has the connections [begins[r], ends[r]), and stands at
 * y + r * y_stride. A piece is read whole: what follows the last element of it, up to PACK_LANES floats, is memory, and
 * does not count. */
struct shifted {
    const uint64_t *begins, *ends;
    const float *values;
    const uint32_t *offsets;
    const struct piece *pieces;
    size_t piece_count;
    const float *x, *bias; /* bias may be NULL */
    size_t y_stride;
    const struct finish *finish; /* of shifted_run(), where its chains end; NULL: they are stored as they are */
    bool resume; /* chains go on from what stands there, instead of from the bias; dot products are added to it */
};

/* Some columns of a weight, in order, and its rows' connections there (tiles.h). */
struct tile_column {
    uint32_t channel, tap;
};

struct tile_row {
    uint16_t row, count; /* of connections */
};

struct tile_block {
    const struct tile_column *columns;
    uint32_t column_count, row_count;
    const struct tile_row *rows;
    const uint16_t *places; /* by connection: which of the columns */
    const float *values;
    /* All rows of the weight by all columns: TILE_TOGETHER rows at a time, of each column a value for each of them, 0
     * where nothing is; and the columns' places. NULL: the block is run by its connections alone. */
    const float *full;
    const uint16_t *full_places;
    uint32_t full_columns, full_rows;
};

enum { TILE_TOGETHER = 4 };

/* Vectors of a channel, from number `place` of the panel's on: `before` of zeros, `inside` that are read, the first
 * `from` floats behind the channel's, `after` of zeros. Of each that is read the lanes whose bit is set count, of lane
 * i the bit of its place (lane_at()); the others are 0. */
struct tile_copy {
    int64_t from;
    uint32_t place, lanes, before, inside, after;
    bool fetches; /* what the next tile reads there */
};

/* What a tile of positions reads under each of a block's columns, of a channel that begins `channel` floats after the
 * one before. Either it is one run under each tap, of which some lanes lie in the padding: it begins shifts[t] floats
 * behind the channel's first, and masks[t * masks_pitch + v] has the lanes of vector v that count. Or, where masks is
 * NULL, pieces: of tap t [begins[t], begins[t + 1]), whose y ascend. Or copies of the whole channel, of tap 0. */
struct tile_fill {
    const struct tile_block *block;
    const float *x;
    size_t channel, pitch;
    const uint16_t *masks;
    size_t masks_pitch;
    const int64_t *shifts;
    const struct piece *pieces;
    const uint32_t *begins;
    const struct tile_copy *copies; /* NULL: the others */
    size_t copy_pitch;              /* floats from a vector to the next */
    uint32_t copy_count;
    struct lanes lanes; /* of pieces and copies; the step of copies is 1 or 2 */
    size_t ahead; /* floats from what is read to what the next tile reads, and is fetched; 0: it is fetched elsewhere */
};

/* What the next filling reads, and running fetches row by row: of each of so many columns' channels, `floats` from x
 * on, which is in the first channel. */
struct tile_ahead {
    const float *x;
    const struct tile_column *columns;
    size_t channel, floats;
    uint32_t count;
};

/* Rows of y, y_stride floats apart, of `vectors` vectors that are y_step floats apart and have `lanes` lanes, the last
 * of them `last`. */
struct tile_run {
    const struct tile_block *block;
    const float *panel, *bias; /* bias may be NULL */
    float *y;
    size_t pitch, y_stride, y_step;
    uint32_t vectors, lanes, last;
    bool full;                      /* by the block's full places, which it has; else by its connections */
    bool begins;                    /* chains begin at the bias; else they go on from what stands there */
    const struct finish *finish;    /* where they end; NULL: they go on, or are stored as they are */
    bool streams;                   /* caches have no room for y, and rows that are whole lines are written past them */
    const struct tile_ahead *ahead; /* NULL: nothing is fetched */
    /* By row of the weight. Of a full block the rows some of whose sums came out as 0 or NaN, which a connection that
     * is not there may have changed, are marked; NULL: that is not asked. And the marked ones alone are run, by their
     * connections; NULL: all are. */
    unsigned char *doubts;
    const unsigned char *again;
};

/* Vectors of PACK_LANES positions at most that a chunk has, and that masks stand apart. */
enum { DIRECT_VECTORS = 16 };

/* Where a column's view begins, counted from that of a group's first position; and its tap. */
struct direct_view {
    int64_t shift;
    uint32_t tap;
};

/* Vectors of positions, evenly apart, of `count` lanes each and the last of `last`. A lane in the padding reads as 0,
 * and is not read: the bit of its place (lane_at()) in masks[tap * DIRECT_VECTORS + v] says that a lane of vector v
 * lies on the picture. NULL: all vectors are whole, side by side, and lie on it. */
struct direct_chunk {
    size_t x, y, x_step, y_step; /* of the first vector, in a channel each; and from one to the next */
    uint32_t vectors, count, last;
    const uint32_t *masks;
};

/* Connections whose inputs are views of a picture as it stands: of one in column j, lane i of vector v of a chunk is
 * x[shift of j + chunk.x + v * x_step + lane_at(i)]. `group_rows` rows each have the same channels of x; those of the
 * next begin group_stride floats later. */
struct direct {
    const struct csr *w;
    const struct direct_view *views; /* by column */
    const struct direct_chunk *chunks;
    size_t chunk_count;
    const float *x, *bias;       /* bias may be NULL */
    const struct finish *finish; /* NULL: sums are stored as they are */
    struct lanes lanes;          /* of a step of 1 or 2 */
    int64_t ahead;               /* floats from a vector's inputs to what will be wanted soon, and is fetched */
    size_t group_stride, y_stride;
    uint32_t group_rows;
    uint32_t rows_together; /* that a chunk is run for before the next */
};

/* Lines of positions of `batch` floats each, of which every phase has its share: `before` of zeros, `count` that stand
 * `step` apart from `from` on, `after` of zeros. */
struct padded_phase {
    size_t before, count, after, from;
};

struct padded_lines {
    const struct padded_phase *phases;
    size_t phase_count, lines, pitch; /* pitch: floats from a line to the next where they are read */
    size_t step, batch;
};

/* Windows of rows x columns taps at `count` positions of `batch` floats each, `step` floats apart; and from a row of
 * taps to the next. Of as many such lines, in_line and out_line floats apart. */
struct window_lines {
    size_t rows, columns, pitch;
    size_t count, batch, step;
    size_t lines, in_line, out_line;
};

typedef void weight_run(const struct packed *packed, const struct product *product, uint32_t begin, uint32_t end);

struct kernels {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* By number of the format: units [begin, end) of packed weights, for any n that the format can (formats/format.h).
     * NULL where these kernels have no code for a format. */
    weight_run *run[WEIGHT_FORMATS_MAX];

    /* For connections whose column is in [column_begin, column_end): x_gradient = W^T y_gradient (rows of that range
     * are overwritten; rows are accumulated in ascending order of r) and w_gradient[k] = dot(y_gradient[row k],
     * x[column k]). One of the two gradients may be NULL: it is not wanted; without w_gradient no x is read. */
    void (*spmm_backward)(const struct csr *w, const float *x, const float *y_gradient, float *x_gradient,
                          float *w_gradient, size_t n, uint32_t column_begin, uint32_t column_end);

    /* The same bits, column by column: faster for many samples, and it needs the index. */
    void (*csc_backward)(const struct back_product *product, uint32_t column_begin, uint32_t column_end);

    /* Y = bias + W X for samples [begin, end), as run() gives it for the same samples in full and finite weights, but
     * that a 0 may have another sign. `room`: a float for each row. */
    void (*sparse_forward)(const struct sparse_product *product, float *y, size_t begin, size_t end, float *room);
    /* w_gradient[k] of the connections in columns [column_begin, column_end) that a sample has an element in, the bits
     * of spmm_backward() (of finite gradients); the others' it would make +0, and they are left as they are.
     * `room`: SPARSE_BACKWARD_ROOM(n) floats. */
    void (*sparse_backward)(const struct sparse_product *product, const float *y_gradient, float *w_gradient,
                            uint32_t column_begin, uint32_t column_end, float *room);

    /* Y = bias + W X for samples [begin, end), the bits of run() for finite weights. `room`: a float for each row. */
    void (*bag_run)(const struct bag_product *product, float *y, size_t begin, size_t end, float *room);
    /* How many elements are not 0: to know whether that is worth it. */
    size_t (*count_not_zero)(const float *x, size_t n);

    /* Rows [row_begin, row_end) of Y: chains over the connections in their order. And dots[k], of those rows'
     * connections: element i of every piece goes to lane i, pieces in their order. */
    void (*shifted_run)(const struct shifted *s, float *y, uint32_t row_begin, uint32_t row_end);
    void (*shifted_dots)(const struct shifted *s, const float *y, float *dots, uint32_t row_begin, uint32_t row_end);

    /* Rows [row_begin, row_end) of Y at the positions of all chunks. */
    void (*direct_run)(const struct direct *d, float *y, uint32_t row_begin, uint32_t row_end);

    /* panel[c * pitch + i] = x[channel of c + shift + i], or 0 where it does not count; or panel[c * pitch + piece.y +
     * i] = x[channel of c + piece.x + lane_at(i)] for i < piece.count, and 0 up to PACK_LANES, which the next piece may
     * overwrite: so much is written behind the last, too. Or panel[c * pitch + (place + before + v) * PACK_LANES + i] =
     * x[channel of c + from + v * copy_pitch + lane_at(i)], v < inside. What does not count is not read. */
    void (*tile_fill)(const struct tile_fill *fill, float *panel);
    /* Chains over the block's connections, of what stands in the panel; a row of it is read in whole vectors. Where the
     * block is full they may go over all places, of which those without a connection add 0 times what is there. */
    void (*tile_run)(const struct tile_run *run);

    /* Copies lines, phase by phase, so that all positions stand side by side. Up to PACK_LANES floats behind them are
     * undefined. */
    void (*pad_lines)(const struct padded_lines *lines, const float *from, float *to);

    /* out[i] = in[i] <= 0 ? +0 : in[i] (NaN stays NaN, and its gradient is passed on); in place allowed. */
    void (*relu)(const float *in, float *out, size_t n);
    void (*relu_backward)(const float *out, const float *out_gradient, float *in_gradient, size_t n);

    /* out[i] = 1 / (1 + exp(-in[i])), tanh(in[i]), and in[i] times the standard normal distribution of in[i]; in place
     * allowed. Back from the output, for gelu from the input: in_gradient[i] = out_gradient[i] times the slope. */
    void (*sigmoid)(const float *in, float *out, size_t n);
    void (*sigmoid_backward)(const float *out, const float *out_gradient, float *in_gradient, size_t n);
    void (*tanh)(const float *in, float *out, size_t n);
    void (*tanh_backward)(const float *out, const float *out_gradient, float *in_gradient, size_t n);
    void (*gelu)(const float *in, float *out, size_t n);
    void (*gelu_backward)(const float *in, const float *out_gradient, float *in_gradient, size_t n);

    /* The same with the distribution's approximation by tanh. */
    void (*gelu_tanh)(const float *in, float *out, size_t n);
    void (*gelu_tanh_backward)(const float *in, const float *out_gradient, float *in_gradient, size_t n);

    /* sum[i] += x[i] */
    void (*add)(float *sum, const float *x, size_t n);

    /* Of each line out[p * batch + b], b < batch <= step, = the largest of the taps
     * in[p * step + b + i * pitch + j * batch], over ascending i < rows and j < columns: NaN where there is one, of
     * equals the first, -infinity without taps. */
    void (*largest)(const struct window_lines *lines, const float *in, float *out);

    /* The index of the first element that is NaN or infinite; n when there is none. */
    size_t (*first_not_finite)(const float *x, size_t n);

    /* gradient[r] = sum over the activation's row r, in the shape of the dot product with ones. */
    void (*row_sums)(const float *activation, float *sums, size_t n, uint32_t row_begin, uint32_t row_end);

    /* Batch normalisation (Ioffe and Szegedy 2015). The sum of (x[i] - mean)^2, and, going back, the sums of g[i] and
     * of g[i] (x[i] - mean): in the shape of the dot product, the difference rounded first. */
    float (*norm_squares)(const float *x, size_t n, float mean);
    struct norm_sums (*norm_sums)(const float *x, const float *g, size_t n, float mean);

    /* out[i] = fma(in[i] - mean, factor, shift); in place allowed. */
    void (*norm_apply)(const float *in, float *out, size_t n, float mean, float factor, float shift);
    /* out[i] = factor * fma(-(x[i] - mean), tilt, g[i] - level) */
    void (*norm_backward)(const float *x, const float *g, float *out, size_t n, const struct norm_back *back);

    /* Layer normalisation (Ba et al. 2016). sums[i] = the chain from +0 over ascending rows of column i's numbers x, or
     * of fma(d, d, ..), d = x - mean[i]; then out, laid out as x, = fma(h, factor, shift), h = (x - mean[i])
     * inverse[i], in place allowed. */
    void (*column_sums)(const struct column_rows *columns, float *sums);
    void (*column_squares)(const struct column_rows *columns, const float *mean, float *sums);
    void (*column_norm)(const struct column_rows *columns, float *out, const struct column_norm *norm);
    /* Going back, a row of n columns at a time, whose factor is the first, with d = g[i] factor: level[i] += d,
     * tilt[i] = fma(d, h, tilt[i]); then out[i] = inverse[i] fma(-h, tilt[i], d - level[i]). */
    void (*column_norm_sums)(const float *x, const float *g, size_t n, const struct column_norm *norm, float *level,
                             float *tilt);
    void (*column_norm_backward)(const float *x, const float *g, float *out, size_t n, const struct column_norm *norm,
                                 const float *level, const float *tilt);

    /* to[c * to_row + r] = from[r * from_row + c], r < rows, c < columns: rows become columns. */
    void (*turn)(const float *from, size_t from_row, float *to, size_t to_row, size_t rows, size_t columns);

    /* What attention is made of: a product, and the softmax over the rows of each of a panel's columns, in place; sums
     * run over ascending rows, the largest is subtracted first. What is -infinity becomes 0, and so does all of a
     * column that has nothing else. Going back from p, the softmax: gradient = p (gradient - the chain of p gradient).
     */
    void (*panel_product)(const struct panel_product *product);
    void (*panel_softmax)(float *panel, size_t rows, size_t vectors);
    void (*panel_softmax_backward)(const float *p, float *gradient, size_t rows, size_t vectors);

    /* Over the features of each of the columns [begin, end): exp(x) / sum of exp, the largest subtracted first, the sum
     * over ascending features. Rows are `columns` floats; in place allowed. */
    void (*softmax)(const float *in, float *out, size_t features, size_t columns, size_t begin, size_t end);

    /* Nesterov momentum (Sutskever et al. 2013), per connection, with weight decay:
     *   d = fma(decay, w, g * scale); v = fma(momentum, v, d); w = fma(-rate, fma(momentum, v, d), w) */
    void (*sgd)(float *w, float *v, const float *g, size_t count, float rate, float momentum, float decay, float scale);

    /* AdamW (Loshchilov and Hutter 2019). A connection whose gradient is 0 is left as it is, its moments too: that of a
     * feature which a batch has not says nothing, and to let its moments fade would forget rare features.
     *   d = g * scale; m = fma(beta1, m, (1 - beta1) d); v = fma(beta2, v, (1 - beta2) d d)
     *   w = fma(-rate, (m correction1) / (sqrt(v correction2) + epsilon), fma(-shrink, w, w)) */
    void (*adam)(float *w, float *m, float *v, const float *g, size_t count, const struct adam_step *step);
};

/* The tables usable on this machine, best first; the last is "scalar". NULL past the end. */
const struct kernels *kernels_at(size_t index);
/* By name ("auto": $WISP_CPU if set, else the best); NULL when unknown or unusable here. */
const struct kernels *kernels_find(const char *name);
/* Says that there are none by this name, and which there are; `status`. */
int kernels_refuse(const char *name, int status, struct reason *why);

#endif
