/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/pool.h"
#include "base/size.h"
#include "sparse/layers/convolution.h"

enum { TILE_COLUMNS = 512 }; /* about; at least a position of all samples */

static size_t tile_positions(const struct window *window, size_t batch)
{
    return MIN(MAX(TILE_COLUMNS / batch, (size_t)1), window_positions(window));
}

/* ---- scratch ---- */

static bool add_product(uint64_t a, uint64_t b, size_t *sum)
{
    uint64_t product;

    return size_multiply(a, b, &product) && !__builtin_add_overflow(*sum, product, sum);
}

/* Fewer samples may come than `batch`; their tiles are no larger than this. */
static uint64_t tile_columns_max(const struct window *window, size_t batch)
{
    return MIN(MAX((uint64_t)TILE_COLUMNS, batch), window_positions(window) * (uint64_t)batch);
}

bool convolution_scratch(const struct window *window, uint64_t rows, uint64_t columns, size_t batch, size_t *out)
{
    const uint64_t width = tile_columns_max(window, batch);

    *out = 0;
    return add_product(columns, width, out) && add_product(rows, width, out);
}

bool convolution_scratch_backward(const struct window *window, uint64_t rows, uint64_t columns, uint64_t connections,
                                  size_t batch, size_t *out)
{
    return convolution_scratch(window, rows, columns, batch, out) &&
           add_product(columns, tile_columns_max(window, batch), out) && add_product(connections, 1, out);
}

/* ---- tiles ---- */

/* Positions [begin, end) of the output, all samples. */
struct tile {
    size_t begin, end, columns;
};

static size_t tile_count(const struct convolution *c)
{
    const size_t each = tile_positions(&c->window, c->batch);

    return (window_positions(&c->window) + each - 1) / each;
}

static struct tile tile_at(const struct convolution *c, size_t index)
{
    const size_t each = tile_positions(&c->window, c->batch), begin = index * each;
    const size_t end = MIN(begin + each, window_positions(&c->window));

    return (struct tile){ begin, end, (end - begin) * c->batch };
}

/* Rows of the product's right side for input channels [begin, end): row 0 is the first tap of channel `first`. */
static void gather(const struct convolution *c, const struct tile *tile, const float *in, uint32_t first,
                   uint32_t begin, uint32_t end, float *columns)
{
    const size_t plane = (size_t)c->window.height * c->window.width * c->batch;
    const uint32_t taps = (uint32_t)window_taps(&c->window);

    for (uint32_t channel = begin; channel < end; channel++) {
        for (uint32_t tap = 0; tap < taps; tap++)
            window_gather(&c->window, in + channel * plane, c->batch, tap, tile->begin, tile->end,
                          columns + ((size_t)(channel - first) * taps + tap) * tile->columns);
    }
}

static void scatter(const struct convolution *c, const struct tile *tile, const float *columns, uint32_t first,
                    uint32_t begin, uint32_t end, float *in_gradient)
{
    const size_t plane = (size_t)c->window.height * c->window.width * c->batch;
    const uint32_t taps = (uint32_t)window_taps(&c->window);

    for (uint32_t channel = begin; channel < end; channel++) {
        for (uint32_t tap = 0; tap < taps; tap++)
            window_scatter(&c->window, columns + ((size_t)(channel - first) * taps + tap) * tile->columns, c->batch,
                           tap, tile->begin, tile->end, in_gradient + channel * plane);
    }
}

/* Whether the input is the product's right side as it stands. */
static bool is_plain(const struct convolution *c)
{
    return window_taps(&c->window) == 1 && c->window.stride == 1 && !c->window.top && !c->window.left && c->groups == 1;
}

/* ---- forward ---- */

static void run_tile(const struct convolution *c, const struct tile *tile, const float *in, float *out, float *columns,
                     float *answers)
{
    const size_t row = window_positions(&c->window) * c->batch;
    const uint32_t channels = c->channels / c->groups, rows = c->weight->rows / c->groups;
    const struct product product = { .bias = c->bias, .x = columns, .y = answers, .n = tile->columns };

    for (uint32_t g = 0; g < c->groups; g++) {
        gather(c, tile, in, g * channels, g * channels, (g + 1) * channels, columns);
        if (c->groups == 1)
            weights_run(c->weights, &product, 0, 1);
        else
            weights_run_rows(c->weights, &product, g * rows, (g + 1) * rows);
    }
    for (uint32_t r = 0; r < c->weight->rows; r++)
        memcpy(out + r * row + tile->begin * c->batch, answers + r * tile->columns, tile->columns * sizeof *out);
}

void convolution_forward(const struct convolution *c, const float *in, float *out, float *scratch)
{
    unsigned long long begin, end;

    if (is_plain(c)) {
        const struct product product = {
            .bias = c->bias, .x = in, .y = out, .n = window_positions(&c->window) * c->batch
        };

        weights_run(c->weights, &product, c->part, c->parts);
        return;
    }
    pool_share(tile_count(c), 1, c->part, c->parts, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        const struct tile tile = tile_at(c, t);

        run_tile(c, &tile, in, out, scratch, scratch + c->weight->columns * tile.columns);
    }
}

/* ---- backward ---- */

void convolution_share(const struct convolution *c, uint32_t *begin, uint32_t *end)
{
    unsigned long long first, past;

    pool_share(c->channels, 1, c->part, c->parts, &first, &past);
    *begin = (uint32_t)first;
    *end = (uint32_t)past;
}

/* A part's share of one group: its input channels [begin, end), counted over all groups. */
struct share {
    uint32_t first, begin, end; /* first: of the group */
    struct csr rows;            /* the group's, borrowed */
    uint32_t row;               /* its first */
};

static struct share share_of(const struct convolution *c, uint32_t group)
{
    const uint32_t channels = c->channels / c->groups, rows = c->weight->rows / c->groups;
    struct share share = { .first = group * channels, .rows = *c->weight, .row = group * rows };
    uint32_t begin, end;

    convolution_share(c, &begin, &end);
    share.begin = MIN(MAX(begin, share.first), share.first + channels);
    share.end = MIN(MAX(end, share.begin), share.first + channels);
    share.rows.starts += share.row;
    share.rows.rows = rows;
    return share;
}

/* Adds what one tile has found to the gradients of the connections in columns [begin, end). */
static void add_connections(const struct csr *rows, const float *found, float *sum, uint32_t begin, uint32_t end)
{
    for (uint64_t k = rows->starts[0]; k < rows->starts[rows->rows]; k++) {
        const uint32_t column = csr_column(rows, k);

        if (column >= begin && column < end)
            sum[k] += found[k];
    }
}

/* Areas of scratch, by a tile's columns. */
struct areas {
    float *columns, *column_gradients, *answer_gradients, *connections;
};

static void back_tile(const struct convolution *c, const struct share *share, const struct tile *tile,
                      const struct convolution_back *back, const struct areas *areas)
{
    const size_t row = window_positions(&c->window) * c->batch, taps = window_taps(&c->window);
    const uint32_t begin = (uint32_t)((share->begin - share->first) * taps);
    const uint32_t end = (uint32_t)((share->end - share->first) * taps);
    float *found = tile->begin ? areas->connections : back->weight_gradient;

    gather(c, tile, back->in, share->first, share->begin, share->end, areas->columns);
    for (uint32_t r = 0; r < share->rows.rows; r++)
        memcpy(areas->answer_gradients + r * tile->columns,
               back->out_gradient + (share->row + r) * row + tile->begin * c->batch, tile->columns * sizeof(float));
    c->kernels->spmm_backward(&share->rows, areas->columns, areas->answer_gradients,
                              back->in_gradient ? areas->column_gradients : NULL, found, tile->columns, begin, end);
    if (tile->begin)
        add_connections(&share->rows, found, back->weight_gradient, begin, end);
    if (back->in_gradient)
        scatter(c, tile, areas->column_gradients, share->first, share->begin, share->end, back->in_gradient);
}

static void back_bias(const struct convolution *c, const struct convolution_back *back)
{
    unsigned long long begin, end;

    if (!back->bias_gradient)
        return;
    pool_share(c->weight->rows, 4, c->part, c->parts, &begin, &end);
    c->kernels->row_sums(back->out_gradient, back->bias_gradient, window_positions(&c->window) * c->batch,
                         (uint32_t)begin, (uint32_t)end);
}

void convolution_backward(const struct convolution *c, const struct convolution_back *back, float *scratch)
{
    const size_t plane = (size_t)c->window.height * c->window.width * c->batch;
    const size_t width = tile_at(c, 0).columns;
    const struct areas areas = { scratch, scratch + c->weight->columns * width,
                                 scratch + 2 * c->weight->columns * width,
                                 scratch + (2 * (size_t)c->weight->columns + c->weight->rows) * width };

    back_bias(c, back);
    for (uint32_t g = 0; g < c->groups; g++) {
        const struct share share = share_of(c, g);

        if (share.begin == share.end)
            continue;
        if (back->in_gradient)
            memset(back->in_gradient + share.begin * plane, 0,
                   (share.end - share.begin) * plane * sizeof *back->in_gradient);
        for (size_t t = 0; t < tile_count(c); t++) {
            const struct tile tile = tile_at(c, t);

            back_tile(c, &share, &tile, back, &areas);
        }
    }
}
