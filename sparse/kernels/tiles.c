/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/tiles.h"

#define NONE UINT32_MAX

/* How a weight is cut. */
struct cutting {
    const struct csr *w;
    uint32_t taps;                    /* columns of a channel */
    const struct tile_window *window; /* of vectors; NULL: of positions */
    uint32_t *numbers;                /* by column its number among those that are used, or NONE; of vectors all are */
    uint32_t used, each;              /* numbers: of all, and of a block */
    uint16_t *places;                 /* of a block's numbers, where their inputs stand: the same in each block */
    bool full;
};

uint32_t tile_vectors(uint64_t columns)
{
    uint32_t best = TILE_VECTORS_MAX;
    uint64_t least = UINT64_MAX;

    for (uint32_t vectors = TILE_VECTORS_MAX; vectors >= TILE_VECTORS_MAX / 2; vectors--) {
        const uint64_t floats = (uint64_t)vectors * PACK_LANES, lanes = (columns + floats - 1) / floats * floats;

        if (lanes < least) {
            least = lanes;
            best = vectors;
        }
    }
    return best;
}

uint32_t tile_line_vectors(const struct tile_window *window)
{
    uint32_t vectors = 0;

    for (uint32_t phase = 0; phase < tile_phases(window); phase++)
        vectors += tile_phase_vectors(window, phase);
    return vectors;
}

uint32_t tile_place(const struct tile_window *window, uint32_t tap)
{
    const uint32_t column = window->down ? tap / window->height : tap % window->width;
    const uint32_t row = window->down ? tap % window->height : tap / window->width;
    uint32_t place = row * tile_line_vectors(window) + column / window->stride;

    for (uint32_t phase = 0; phase < column % window->stride; phase++)
        place += tile_phase_vectors(window, phase);
    return place;
}

static void number_columns(struct cutting *cutting)
{
    const struct csr *w = cutting->w;

    for (uint32_t c = 0; c < w->columns; c++)
        cutting->numbers[c] = cutting->window ? 0 : NONE;
    for (uint64_t k = w->starts[0]; k < w->starts[w->rows]; k++)
        cutting->numbers[csr_column(w, k)] = 0;
    for (uint32_t c = 0; c < w->columns; c++) {
        if (cutting->numbers[c] != NONE)
            cutting->numbers[c] = cutting->used++;
    }
}

/* Rows of all blocks: of the first and the last all, where chains begin and end; of the others those that have a
 * connection there. */
static uint64_t count_rows(const struct cutting *cutting, uint32_t blocks)
{
    const struct csr *w = cutting->w;
    const uint32_t each = MAX(cutting->each, 1u); /* it is; the analyzer cannot see that */
    uint64_t count = w->rows;

    for (uint32_t r = 0; r < w->rows; r++) {
        uint32_t last = 0;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            const uint32_t block = cutting->numbers[csr_column(w, k)] / each;

            count += block != last;
            last = block;
        }
        count += last != blocks - 1;
    }
    return count;
}

static int allocate(struct tiles *t, uint32_t used, uint64_t rows, uint64_t count)
{
    t->blocks = calloc(t->block_count, sizeof *t->blocks);
    t->columns = calloc(MAX(used, 1u), sizeof *t->columns);
    t->rows = calloc(rows, sizeof *t->rows);
    t->places = memory_alloc(MAX(count, 1), sizeof *t->places);
    t->values = memory_alloc(MAX(count, 1), sizeof *t->values);
    t->memory = sizeof *t + t->block_count * sizeof *t->blocks + used * sizeof *t->columns + rows * sizeof *t->rows +
                count * (sizeof *t->places + sizeof *t->values);
    return t->blocks && t->columns && t->rows && t->places && t->values ? 0 : -ENOMEM;
}

/* What is written next, by block one after the other. */
struct cursor {
    struct tile_row *row;
    uint16_t *place;
    float *value;
};

/* Once for each, since it is divided by what nobody knows before. */
static int find_places(struct cutting *cutting)
{
    const struct tile_window *window = cutting->window;
    const uint32_t count = MIN(cutting->each, cutting->used), taps = MAX(cutting->taps, 1u);

    cutting->places = malloc(MAX(count, 1u) * sizeof *cutting->places);
    if (!cutting->places)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        cutting->places[i] =
            (uint16_t)(window ? i / taps * window->height * tile_line_vectors(window) + tile_place(window, i % taps)
                              : i);
    return 0;
}

/* One row's connections in the block of the numbers [first, past), from *at on. */
static void cut_row(const struct cutting *cutting, uint32_t first, uint32_t past, uint32_t row, uint64_t *at,
                    struct cursor *to)
{
    const struct csr *w = cutting->w;
    uint32_t count = 0;

    for (; *at < w->starts[row + 1]; (*at)++, count++) {
        const uint32_t number = cutting->numbers[csr_column(w, *at)];

        if (number >= past)
            break;
        *to->place++ = cutting->places[number - first];
        *to->value++ = w->values[*at];
    }
    if (count || !first || past >= cutting->used)
        *to->row++ = (struct tile_row){ (uint16_t)row, (uint16_t)count };
}

/* What is filled: the columns that are used; of vectors whole channels. */
static uint32_t list_columns(const struct cutting *cutting, struct tile_column *columns)
{
    const uint32_t taps = MAX(cutting->taps, 1u);
    uint32_t count = 0;

    for (uint32_t c = 0; c < cutting->w->columns; c += cutting->window ? taps : 1) {
        if (cutting->numbers[c] != NONE)
            columns[count++] = (struct tile_column){ c / taps, c % taps };
    }
    return count;
}

static uint64_t full_rows(const struct csr *w)
{
    return ((uint64_t)w->rows + TILE_TOGETHER - 1) / TILE_TOGETHER * TILE_TOGETHER;
}

static int allocate_full(const struct cutting *cutting, struct tiles *t)
{
    const uint64_t floats = full_rows(cutting->w) * cutting->used;

    t->full = memory_zalloc(MAX(floats, 1), sizeof *t->full);
    t->full_places = calloc(MAX(cutting->used, 1u), sizeof *t->full_places);
    t->gaps = cutting->w->count < (uint64_t)cutting->used * cutting->w->rows;
    t->memory += floats * sizeof *t->full + cutting->used * sizeof *t->full_places;
    return t->full && t->full_places ? 0 : -ENOMEM;
}

/* The columns of the numbers [first, past), which the blocks before have left off at. */
static void fill_full(const struct cutting *cutting, uint32_t first, uint32_t past, const struct tiles *t,
                      struct tile_block *block)
{
    const struct csr *w = cutting->w;
    const uint32_t columns = past - first;
    float *full = t->full + full_rows(w) * first;

    for (uint32_t c = 0; c < columns; c++)
        t->full_places[first + c] = cutting->places[c];
    for (uint32_t r = 0; r < w->rows; r++) {
        float *row = full + (size_t)r / TILE_TOGETHER * columns * TILE_TOGETHER + r % TILE_TOGETHER;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            const uint32_t number = cutting->numbers[csr_column(w, k)];

            if (number >= first && number < past)
                row[(size_t)(number - first) * TILE_TOGETHER] = w->values[k];
        }
    }
    block->full = full;
    block->full_places = t->full_places + first;
    block->full_columns = columns;
    block->full_rows = w->rows;
}

static void cut(const struct cutting *cutting, uint64_t *at, struct tiles *t)
{
    const struct csr *w = cutting->w;
    const uint32_t count = list_columns(cutting, t->columns);
    const uint32_t each = cutting->window ? cutting->each / MAX(cutting->taps, 1u) : cutting->each;
    struct cursor to = { t->rows, t->places, t->values };

    memcpy(at, w->starts, w->rows * sizeof *at);
    for (uint32_t b = 0; b < t->block_count; b++) {
        struct tile_block *block = &t->blocks[b];

        *block = (struct tile_block){ .columns = t->columns + (size_t)b * each,
                                      .column_count = MIN(each, count - b * each),
                                      .rows = to.row,
                                      .places = to.place,
                                      .values = to.value };
        for (uint32_t r = 0; r < w->rows; r++)
            cut_row(cutting, b * cutting->each, (b + 1) * cutting->each, r, &at[r], &to);
        block->row_count = (uint32_t)(to.row - block->rows);
        if (t->full)
            fill_full(cutting, b * cutting->each, MIN((b + 1) * cutting->each, cutting->used), t, block);
    }
}

static int make(struct cutting cutting, uint32_t vectors, struct tiles **out)
{
    struct tiles *tiles = calloc(1, sizeof *tiles);
    uint64_t *at = malloc((size_t)cutting.w->rows * sizeof *at);
    int result;

    cutting.numbers = malloc((size_t)cutting.w->columns * sizeof *cutting.numbers);
    result = tiles && cutting.numbers && at ? 0 : -ENOMEM;
    if (!result) {
        number_columns(&cutting);
        tiles->vectors = vectors;
        tiles->block_count = MAX((cutting.used + cutting.each - 1) / MAX(cutting.each, 1u), 1u);
        result = find_places(&cutting);
    }
    if (!result)
        result = allocate(tiles, cutting.used, count_rows(&cutting, tiles->block_count), cutting.w->count);
    if (!result && cutting.full)
        result = allocate_full(&cutting, tiles);
    if (!result)
        cut(&cutting, at, tiles);
    free(cutting.numbers);
    free(cutting.places);
    free(at);
    if (result) {
        tiles_free(tiles);
        return result;
    }
    *out = tiles;
    return 0;
}

int tiles_new(const struct csr *w, uint32_t taps, uint32_t vectors, bool full, struct tiles **out)
{
    return make(
        (struct cutting){ .w = w, .taps = taps, .each = TILE_PANEL_FLOATS / (vectors * PACK_LANES), .full = full },
        vectors, out);
}

int tiles_new_vectors(const struct csr *w, const struct tile_window *window, bool full, struct tiles **out)
{
    const uint32_t taps = window->height * window->width;
    const uint32_t room = PACK_LANES * window->height * tile_line_vectors(window);
    const uint32_t channels = TILE_PANEL_FLOATS / MAX(room, 1u);

    return make((struct cutting){ .w = w, .taps = taps, .window = window, .each = channels * taps, .full = full },
                TILE_VECTORS_MAX, out);
}

struct tiles *tiles_free(struct tiles *tiles)
{
    if (!tiles)
        return NULL;
    free(tiles->blocks);
    free(tiles->columns);
    free(tiles->rows);
    free(tiles->places);
    free(tiles->values);
    free(tiles->full);
    free(tiles->full_places);
    free(tiles);
    return NULL;
}
