/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/choose.h"
#include "sparse/kernels/tiles.h"
#include "sparse/kernels/ways.h"
#include "sparse/kernels/weights.h"

/* Some rows, packed by themselves. */
struct block {
    struct csr rows; /* borrowed, or a copy of its own */
    struct weights *weights;
};

struct weights {
    const struct kernels *kernels;
    const struct packed *choice[BATCH_CLASSES];
    struct packed *packed[WEIGHT_FORMATS_MAX]; /* by number; NULL: not chosen */
    struct csc by_column;                      /* CSC_NULL: none was made */
    float *column_values;                      /* in the order of that; NULL: nobody asked */
    struct tiles *tiles, *samples, *lines;     /* of positions, of samples and of lines; NULL: none were cut */
    struct way_choice ways;
    bool has_ways;
    struct csr regrouped; /* CSR_NULL: it was not */
    struct block *blocks; /* NULL: it was not split */
    uint32_t block_count;
    enum residence residence;
    bool fixed; /* made to serve: values stand still, and the matrix may move when it is not read any more */
    size_t memory;
    unsigned first, last; /* the classes that can come */
};

static int pack_class(struct weights *weights, const struct csr *w, unsigned batch_class, unsigned number)
{
    if (!weights->packed[number]) {
        int result = packed_new(w, number, &weights->packed[number]);

        if (result)
            return result;
        weights->packed[number]->far = weights->residence == RESIDENCE_MEMORY;
        weights->memory += weights->packed[number]->memory;
    }
    weights->choice[batch_class] = weights->packed[number];
    return 0;
}

static int pack_chosen(struct weights *weights, const struct csr *w, const struct choice *choice)
{
    int result = 0;

    for (unsigned c = 0; c < BATCH_CLASSES && !result; c++) {
        if (weight_format_can(weights->kernels, choice->format[c], w, c)) /* else it is a class that cannot come */
            result = pack_class(weights, w, c, choice->format[c]);
    }
    return result;
}

static int make(const struct kernels *kernels, const struct csr *w, const struct choice *choice, struct weights **out)
{
    struct weights *weights = calloc(1, sizeof *weights);
    int result;

    if (!weights)
        return -ENOMEM;
    weights->kernels = kernels;
    weights->memory = sizeof *weights;
    weights->first = choice->first;
    weights->last = choice->last;
    weights->residence = choice->residence;
    result = pack_chosen(weights, w, choice);
    if (result) {
        weights_free(weights);
        return result;
    }
    *out = weights;
    return 0;
}

/* What is estimated is not remembered: there may be time for it at the next start. */
static int choose(const struct kernels *kernels, const struct csr *w, struct choice_cache *cache, struct choice *choice)
{
    const uint64_t patience = cache ? choice_cache_patience(cache) : CHOOSE_FOREVER;
    const uint64_t begin = clock_ns();
    int result;

    if (cache && choice_cache_find(cache, kernels, w, choice))
        return 0;
    result = choose_formats(kernels, w, patience, choice);
    if (!result && cache && patience) {
        choice_cache_spend(cache, clock_ns() - begin);
        choice_cache_add(cache, kernels, w, choice);
    }
    return result;
}

int weights_new(const struct kernels *kernels, const struct csr *w, const struct weights_use *use, struct weights **out)
{
    struct choice choice = { .first = batch_class_of(use->columns_min),
                             .last = batch_class_of(use->columns_max),
                             .residence = use->residence };
    int result = choose(kernels, w, use->cache, &choice);

    if (!result)
        result = make(kernels, w, &choice, out);
    if (!result)
        (*out)->fixed = true;
    return result;
}

int weights_borrow(const struct kernels *kernels, const struct csr *w, struct weights **out)
{
    struct choice choice = { .first = 1 }; /* none was chosen for a class */
    unsigned number = 0;

    while (!weight_format_at(number)->borrows)
        number++;
    for (unsigned c = 0; c < BATCH_CLASSES; c++)
        choice.format[c] = number;
    return make(kernels, w, &choice, out);
}

int weights_bare(const struct kernels *kernels, struct weights **out)
{
    struct weights *weights = calloc(1, sizeof *weights);

    if (!weights)
        return -ENOMEM;
    *weights =
        (struct weights){ .kernels = kernels, .fixed = true, .memory = sizeof *weights, .last = BATCH_CLASSES - 1 };
    *out = weights;
    return 0;
}

int weights_tile(struct weights *weights, const struct csr *w, uint32_t taps, uint64_t columns, bool full)
{
    int result = tiles_new(w, taps, tile_vectors(columns), full, &weights->tiles);

    if (!result)
        weights->memory += weights->tiles->memory;
    return result;
}

static int tile_vectors_of(struct weights *weights, const struct csr *w, const struct tile_window *window, bool full,
                           struct tiles **tiles)
{
    int result = tiles_new_vectors(w, window, full, tiles);

    if (!result)
        weights->memory += (*tiles)->memory;
    return result;
}

int weights_tile_samples(struct weights *weights, const struct csr *w, const struct tile_window *window, bool full)
{
    return tile_vectors_of(weights, w, window, full, &weights->samples);
}

int weights_tile_lines(struct weights *weights, const struct csr *w, const struct tile_window *window, bool full)
{
    return tile_vectors_of(weights, w, window, full, &weights->lines);
}

void weights_drop_tiles(struct weights *weights)
{
    struct tiles **const all[] = { &weights->tiles, &weights->samples, &weights->lines };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        weights->memory -= *all[i] ? (*all[i])->memory : 0;
        *all[i] = tiles_free(*all[i]);
    }
}

void weights_set_ways(struct weights *weights, const struct way_choice *choice)
{
    weights->ways = *choice;
    weights->has_ways = true;
}

/* starts[i + 1] is where the next connection of row i goes, and in the end where row i + 1 begins. */
static void regroup(const struct csr *w, const uint32_t *phases, struct csr *to)
{
    memset(to->starts, 0, ((size_t)to->rows + 1) * sizeof *to->starts);
    for (uint32_t r = 0; r < w->rows; r++) {
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
            to->starts[(size_t)phases[csr_column(w, k)] * w->rows + r + 1]++;
    }
    for (uint64_t begin = 0, i = 1; i <= to->rows; i++) {
        const uint64_t count = to->starts[i];

        to->starts[i] = begin;
        begin += count;
    }
    for (uint32_t r = 0; r < w->rows; r++) {
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            const uint32_t column = csr_column(w, k);
            const uint64_t at = to->starts[(size_t)phases[column] * w->rows + r + 1]++;

            csr_set_column(to, at, column);
            to->values[at] = w->values[k];
        }
    }
}

int weights_regroup(struct weights *weights, const struct csr *w, const uint32_t *phases, uint32_t phase_count)
{
    uint64_t rows;
    int result;

    if (!size_multiply(w->rows, phase_count, &rows) || rows >= UINT32_MAX)
        return -EOVERFLOW;
    result = csr_reserve(&weights->regrouped, (uint32_t)rows, w->columns, w->count);
    if (result)
        return result;
    regroup(w, phases, &weights->regrouped);
    weights->memory += csr_memory(&weights->regrouped);
    return 0;
}

int weights_index_columns(struct weights *weights, const struct csr *w)
{
    int result = csc_init(&weights->by_column, w);

    if (!result)
        weights->memory += csc_memory(w);
    return result;
}

int weights_gather_values(struct weights *weights, const struct csr *w)
{
    weights->column_values = memory_alloc(MAX(w->count, 1), sizeof *weights->column_values);
    if (!weights->column_values)
        return -ENOMEM;
    for (uint64_t k = 0; k < w->count; k++)
        weights->column_values[k] = w->values[weights->by_column.connections[k]];
    free(weights->by_column.connections); /* by which there is nothing to be found any more */
    weights->by_column.connections = NULL;
    weights->memory += w->count * sizeof *weights->column_values - w->count * sizeof *weights->by_column.connections;
    return 0;
}

const float *weights_column_values(const struct weights *weights)
{
    return weights->column_values;
}

const struct csc *weights_columns(const struct weights *weights)
{
    return weights->by_column.starts ? &weights->by_column : NULL;
}

const struct tiles *weights_tiles(const struct weights *weights)
{
    return weights->tiles;
}

const struct tiles *weights_sample_tiles(const struct weights *weights)
{
    return weights->samples;
}

const struct tiles *weights_line_tiles(const struct weights *weights)
{
    return weights->lines;
}

const struct way_choice *weights_ways(const struct weights *weights)
{
    return weights->has_ways ? &weights->ways : NULL;
}

const struct csr *weights_regrouped(const struct weights *weights)
{
    return weights->regrouped.starts ? &weights->regrouped : NULL;
}

static bool borrows(const struct weights *weights)
{
    for (unsigned f = 0; f < WEIGHT_FORMATS_MAX; f++) {
        if (weights->packed[f] && weights->packed[f]->format->borrows)
            return true;
    }
    return false;
}

/* Rows of a matrix in memory of their own: what they are of may move, as model_strip() does with it. */
static int copy_rows(struct csr *rows)
{
    const struct csr from = *rows;
    const uint64_t first = from.starts[0], bytes = csr_index_bytes(from.columns);
    int result = csr_reserve(rows, from.rows, from.columns, from.count);

    if (result)
        return result;
    for (uint32_t r = 0; r <= from.rows; r++)
        rows->starts[r] = from.starts[r] - first;
    rows->type = from.type;
    if (from.scales) {
        rows->scales = memory_alloc(from.rows, sizeof *rows->scales);
        if (!rows->scales)
            return -ENOMEM;
        memcpy(rows->scales, from.scales, from.rows * sizeof *rows->scales);
    }
    memcpy(rows->index.narrow, (const char *)from.index.narrow + first * bytes, from.count * bytes);
    memcpy(rows->values, from.values + first, from.count * sizeof *rows->values);
    return 0;
}

/* In the whole's formats, be it that some rows alone would not have been given them. */
static int make_block(const struct weights *whole, const struct csr *w, uint32_t begin, uint32_t rows,
                      struct block *out)
{
    int result = 0;

    out->rows = *w;
    out->rows.owned = false;
    out->rows.rows = rows;
    out->rows.starts += begin;
    out->rows.scales += out->rows.scales ? begin : 0;
    out->rows.count = out->rows.starts[rows] - out->rows.starts[0];
    out->weights = calloc(1, sizeof *out->weights);
    if (!out->weights)
        return -ENOMEM;
    if (whole->fixed && borrows(whole))
        result = copy_rows(&out->rows);
    *out->weights = (struct weights){ .kernels = whole->kernels,
                                      .memory = sizeof *out + sizeof *out->weights,
                                      .residence = whole->residence };
    if (out->rows.owned)
        out->weights->memory += csr_memory(&out->rows);
    for (unsigned c = 0; c < BATCH_CLASSES && !result; c++) {
        if (whole->choice[c])
            result = pack_class(out->weights, &out->rows, c, whole->choice[c]->number);
    }
    return result;
}

int weights_split(struct weights *weights, const struct csr *w, uint32_t blocks)
{
    weights->blocks = calloc(blocks, sizeof *weights->blocks);
    if (!weights->blocks)
        return -ENOMEM;
    weights->block_count = blocks;
    for (uint32_t b = 0; b < blocks; b++) {
        int result = make_block(weights, w, w->rows / blocks * b, w->rows / blocks, &weights->blocks[b]);

        if (result)
            return result;
        weights->memory += weights->blocks[b].weights->memory;
    }
    for (unsigned f = 0; f < WEIGHT_FORMATS_MAX; f++) {
        weights->memory -= weights->packed[f] ? weights->packed[f]->memory : 0;
        weights->packed[f] = packed_free(weights->packed[f]);
    }
    memcpy(weights->choice, weights->blocks[0].weights->choice, sizeof weights->choice); /* what the formats are */
    return 0;
}

struct weights *weights_free(struct weights *weights)
{
    if (!weights)
        return NULL;
    for (unsigned f = 0; f < WEIGHT_FORMATS_MAX; f++)
        packed_free(weights->packed[f]);
    csc_deinit(&weights->by_column);
    free(weights->column_values);
    csr_deinit(&weights->regrouped);
    tiles_free(weights->tiles);
    tiles_free(weights->samples);
    tiles_free(weights->lines);
    for (uint32_t b = 0; b < weights->block_count; b++) {
        weights_free(weights->blocks[b].weights);
        csr_deinit(&weights->blocks[b].rows);
    }
    free(weights->blocks);
    free(weights);
    return NULL;
}

void weights_run(const struct weights *weights, const struct product *product, unsigned part, unsigned parts)
{
    const struct packed *packed = weights->choice[batch_class_of(product->n)];
    uint32_t begin, end;

    packed_share(packed, part, parts, &begin, &end);
    weights->kernels->run[packed->number](packed, product, begin, end);
}

void weights_run_block(const struct weights *weights, uint32_t block, const struct product *product)
{
    const struct block *b = &weights->blocks[block];
    const size_t row = (size_t)block * b->rows.rows;
    const struct product rows = { .bias = product->bias ? product->bias + row : NULL,
                                  .x = product->x,
                                  .y = product->y + row * product->n,
                                  .n = product->n };

    weights_run(b->weights, &rows, 0, 1);
}

size_t weights_memory(const struct weights *weights)
{
    return weights->memory;
}

bool weights_borrow_csr(const struct weights *weights)
{
    if (weights->blocks)
        return !weights->fixed && borrows(weights->blocks[0].weights);
    return borrows(weights);
}

static const char *name_of(const struct packed *packed)
{
    return packed ? packed->format->name : "tiles";
}

const char *weights_format(const struct weights *weights, size_t columns)
{
    return name_of(weights->choice[batch_class_of(columns)]);
}

double weights_estimate(const struct weights *weights, const struct csr *w, unsigned batch_class)
{
    const struct packed *packed = weights->choice[batch_class];
    struct format_cost cost;

    if (!packed)
        return 0;
    cost = packed->format->costs[batch_class];
    return (cost.place * (double)w->rows * (double)w->columns + cost.connection * (double)w->count) /
           (double)batch_class_columns(batch_class);
}

const char *weights_class_format(const struct weights *weights, unsigned batch_class)
{
    const bool comes = batch_class >= weights->first && batch_class <= weights->last;

    return comes ? name_of(weights->choice[batch_class]) : NULL;
}
