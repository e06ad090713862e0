/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/pack.h"

struct pack *pack_free(struct pack *pack)
{
    if (pack) {
        free(pack->slices);
        free(pack->values);
        free(pack->masks);
        free(pack->index.wide);
        free(pack);
    }
    return NULL;
}

size_t pack_memory(const struct pack *pack)
{
    return pack->memory;
}

const char *pack_name(const struct pack *pack)
{
    static const char *const names[WEIGHT_FORMATS] = { "csr", "sell16", "dense16" };

    return names[pack->format];
}

static uint32_t row_length(const struct csr *matrix, uint32_t row)
{
    return (uint32_t)(matrix->starts[row + 1] - matrix->starts[row]);
}

/* Rows, longest first, equal lengths in their own order: a counting sort. */
static uint32_t *sort_rows(const struct csr *matrix)
{
    uint32_t *order = memory_alloc(matrix->rows, sizeof *order), *place, longest = 0, sum = 0;

    for (uint32_t r = 0; r < matrix->rows; r++)
        longest = MAX(longest, row_length(matrix, r));
    place = calloc((size_t)longest + 1, sizeof *place);
    if (!order || !place) {
        free(order);
        free(place);
        return NULL;
    }
    for (uint32_t r = 0; r < matrix->rows; r++)
        place[longest - row_length(matrix, r)]++;
    for (uint32_t l = 0; l <= longest; l++) {
        uint32_t count = place[l];

        place[l] = sum;
        sum += count;
    }
    for (uint32_t r = 0; r < matrix->rows; r++)
        order[place[longest - row_length(matrix, r)]++] = r;
    free(place);
    return order;
}

static void fill_slice(struct pack *pack, struct pack_slice *slice)
{
    const struct csr *matrix = pack->matrix;
    uint64_t at = slice->start;

    for (uint32_t step = 0; step < slice->lengths[0]; step++) {
        for (uint32_t lane = 0; lane < slice->lanes && slice->lengths[lane] > step; lane++, at++) {
            uint64_t from = matrix->starts[slice->rows[lane]] + step;

            pack->values[at] = matrix->values[from];
            if (csr_is_narrow(matrix))
                pack->index.narrow[at] = matrix->index.narrow[from];
            else
                pack->index.wide[at] = matrix->index.wide[from];
        }
    }
}

static int fill_sell16(struct pack *pack)
{
    const struct csr *matrix = pack->matrix;
    size_t width = csr_is_narrow(matrix) ? sizeof *pack->index.narrow : sizeof *pack->index.wide;
    uint32_t *order = sort_rows(matrix);
    uint64_t start = 0;

    pack->slices = memory_zalloc(pack->slice_count, sizeof *pack->slices);
    pack->values = memory_alloc(matrix->count, sizeof *pack->values);
    /* Kernels read sixteen indices wherever one stands: the last are followed by zeros, which are columns too. */
    pack->index.wide = memory_zalloc(matrix->count + PACK_LANES, width);
    pack->memory += pack->slice_count * sizeof *pack->slices + matrix->count * sizeof *pack->values +
                    (matrix->count + PACK_LANES) * width;
    if (!order || !pack->slices || !pack->values || !pack->index.wide) {
        free(order);
        return -ENOMEM;
    }
    for (uint32_t s = 0; s < pack->slice_count; s++) {
        struct pack_slice *slice = &pack->slices[s];

        slice->start = start;
        slice->lanes = MIN((uint32_t)PACK_LANES, matrix->rows - s * PACK_LANES);
        for (uint32_t lane = 0; lane < slice->lanes; lane++) {
            slice->rows[lane] = order[s * PACK_LANES + lane];
            slice->lengths[lane] = row_length(matrix, slice->rows[lane]);
            start += slice->lengths[lane];
        }
        fill_slice(pack, slice);
    }
    free(order);
    return 0;
}

static int fill_dense16(struct pack *pack)
{
    const struct csr *matrix = pack->matrix;
    size_t steps;
    bool full = matrix->count == (uint64_t)matrix->rows * matrix->columns && matrix->rows % PACK_LANES == 0;

    if (__builtin_mul_overflow((size_t)pack->slice_count, (size_t)matrix->columns, &steps))
        return -ENOMEM;
    pack->values = memory_zalloc(steps, PACK_LANES * sizeof *pack->values);
    pack->masks = full ? NULL : memory_zalloc(steps, sizeof *pack->masks);
    if (!pack->values || (!full && !pack->masks))
        return -ENOMEM;
    pack->memory += steps * PACK_LANES * sizeof *pack->values + (full ? 0 : steps * sizeof *pack->masks);
    for (uint32_t r = 0; r < matrix->rows; r++) {
        const size_t first = (size_t)(r / PACK_LANES) * matrix->columns;
        const unsigned lane = r % PACK_LANES;

        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++) {
            const size_t step = first + csr_column(matrix, k);

            pack->values[step * PACK_LANES + lane] = matrix->values[k];
            if (!full)
                pack->masks[step] |= (uint16_t)(1u << lane);
        }
    }
    return 0;
}

static int fill_csr(struct pack *pack)
{
    (void)pack;
    return 0;
}

int pack_new(const struct csr *matrix, enum weight_format format, struct pack **out)
{
    static int (*const fills[WEIGHT_FORMATS])(struct pack *) = { fill_csr, fill_sell16, fill_dense16 };
    struct pack *pack = calloc(1, sizeof *pack);
    int result;

    if (!pack)
        return -ENOMEM;
    pack->format = format;
    pack->matrix = matrix;
    pack->memory = sizeof *pack;
    pack->slice_count = matrix->rows / PACK_LANES + (matrix->rows % PACK_LANES != 0);
    result = fills[format](pack);
    if (result) {
        pack_free(pack);
        return result;
    }
    *out = pack;
    return 0;
}
