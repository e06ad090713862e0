/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/tiles.h"

/* Which columns are used: by column its number among those, or NONE. */
#define NONE UINT32_MAX

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

static uint32_t number_columns(const struct csr *w, uint32_t *numbers)
{
    uint32_t used = 0;

    for (uint32_t c = 0; c < w->columns; c++)
        numbers[c] = NONE;
    for (uint64_t k = w->starts[0]; k < w->starts[w->rows]; k++)
        numbers[csr_column(w, k)] = 0;
    for (uint32_t c = 0; c < w->columns; c++) {
        if (numbers[c] != NONE)
            numbers[c] = used++;
    }
    return used;
}

/* Rows of all blocks: of the first all, of the others those that have a connection there. */
static uint64_t count_rows(const struct csr *w, const uint32_t *numbers, uint32_t each)
{
    uint64_t count = w->rows;

    for (uint32_t r = 0; r < w->rows; r++) {
        uint32_t last = 0;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            const uint32_t block = numbers[csr_column(w, k)] / each;

            count += block != last;
            last = block;
        }
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
    struct tile_column *column;
    struct tile_row *row;
    uint16_t *place;
    float *value;
};

/* One row's connections in a block, from *at on. */
static void cut_row(const struct csr *w, const uint32_t *numbers, uint32_t first, uint32_t row, uint64_t *at,
                    const struct tile_block *block, struct cursor *to)
{
    uint32_t count = 0;

    for (; *at < w->starts[row + 1]; (*at)++, count++) {
        const uint32_t number = numbers[csr_column(w, *at)];

        if (number >= first + block->column_count)
            break;
        *to->place++ = (uint16_t)(number - first);
        *to->value++ = w->values[*at];
    }
    if (count || !first)
        *to->row++ = (struct tile_row){ (uint16_t)row, (uint16_t)count };
}

static void cut(const struct csr *w, const uint32_t *numbers, uint32_t taps, uint32_t each, uint64_t *at,
                struct tiles *t)
{
    struct cursor to = { t->columns, t->rows, t->places, t->values };
    uint32_t used = 0;

    for (uint32_t c = 0; c < w->columns; c++) {
        if (numbers[c] != NONE)
            t->columns[used++] = (struct tile_column){ c / taps, c % taps };
    }
    for (uint32_t r = 0; r < w->rows; r++)
        at[r] = w->starts[r];
    for (uint32_t b = 0; b < t->block_count; b++) {
        struct tile_block *block = &t->blocks[b];
        const uint32_t first = b * each;

        *block = (struct tile_block){ .columns = t->columns + first,
                                      .column_count = MIN(each, used - first),
                                      .rows = to.row,
                                      .places = to.place,
                                      .values = to.value };
        for (uint32_t r = 0; r < w->rows; r++)
            cut_row(w, numbers, first, r, &at[r], block, &to);
        block->row_count = (uint32_t)(to.row - block->rows);
    }
}

int tiles_new(const struct csr *w, uint32_t taps, uint32_t vectors, struct tiles **out)
{
    const uint32_t each = TILE_PANEL_FLOATS / (vectors * PACK_LANES);
    struct tiles *tiles = calloc(1, sizeof *tiles);
    uint32_t *numbers = malloc((size_t)w->columns * sizeof *numbers), used;
    uint64_t *at = malloc((size_t)w->rows * sizeof *at);
    int result = tiles && numbers && at ? 0 : -ENOMEM;

    if (!result) {
        used = number_columns(w, numbers);
        tiles->vectors = vectors;
        tiles->block_count = MAX((used + each - 1) / each, 1u);
        result = allocate(tiles, used, count_rows(w, numbers, each), w->count);
    }
    if (!result)
        cut(w, numbers, taps, each, at, tiles);
    free(numbers);
    free(at);
    if (result) {
        tiles_free(tiles);
        return result;
    }
    *out = tiles;
    return 0;
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
    free(tiles);
    return NULL;
}
