/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/pack.h"

struct packed *packed_free(struct packed *packed)
{
    if (packed) {
        free(packed->slices);
        free(packed->values);
        free(packed->masks);
        free(packed->index.wide);
        free(packed);
    }
    return NULL;
}

size_t packed_memory(const struct packed *packed)
{
    return packed->memory;
}

const char *packed_name(const struct packed *packed)
{
    static const char *const names[WEIGHT_FORMATS] = { "csr", "sell16", "dense16" };

    return names[packed->format];
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

static void fill_slice(struct packed *packed, struct packed_slice *slice)
{
    const struct csr *matrix = packed->matrix;
    uint64_t at = slice->start;

    for (uint32_t step = 0; step < slice->lengths[0]; step++) {
        for (uint32_t lane = 0; lane < slice->lanes && slice->lengths[lane] > step; lane++, at++) {
            uint64_t from = matrix->starts[slice->rows[lane]] + step;

            packed->values[at] = matrix->values[from];
            if (csr_is_narrow(matrix))
                packed->index.narrow[at] = matrix->index.narrow[from];
            else
                packed->index.wide[at] = matrix->index.wide[from];
        }
    }
}

static int fill_sell16(struct packed *packed)
{
    const struct csr *matrix = packed->matrix;
    size_t width = csr_is_narrow(matrix) ? sizeof *packed->index.narrow : sizeof *packed->index.wide;
    uint32_t *order = sort_rows(matrix);
    uint64_t start = 0;

    packed->slices = memory_zalloc(packed->slice_count, sizeof *packed->slices);
    packed->values = memory_alloc(matrix->count, sizeof *packed->values);
    /* Kernels read sixteen indices wherever one stands: the last are followed by zeros, which are columns too. */
    packed->index.wide = memory_zalloc(matrix->count + PACK_LANES, width);
    packed->memory += packed->slice_count * sizeof *packed->slices + matrix->count * sizeof *packed->values +
                      (matrix->count + PACK_LANES) * width;
    if (!order || !packed->slices || !packed->values || !packed->index.wide) {
        free(order);
        return -ENOMEM;
    }
    for (uint32_t s = 0; s < packed->slice_count; s++) {
        struct packed_slice *slice = &packed->slices[s];

        slice->start = start;
        slice->lanes = MIN((uint32_t)PACK_LANES, matrix->rows - s * PACK_LANES);
        for (uint32_t lane = 0; lane < slice->lanes; lane++) {
            slice->rows[lane] = order[s * PACK_LANES + lane];
            slice->lengths[lane] = row_length(matrix, slice->rows[lane]);
            start += slice->lengths[lane];
        }
        fill_slice(packed, slice);
    }
    free(order);
    return 0;
}

static int fill_dense16(struct packed *packed)
{
    const struct csr *matrix = packed->matrix;
    size_t steps;
    bool full = matrix->count == (uint64_t)matrix->rows * matrix->columns && matrix->rows % PACK_LANES == 0;

    if (__builtin_mul_overflow((size_t)packed->slice_count, (size_t)matrix->columns, &steps))
        return -ENOMEM;
    packed->values = memory_zalloc(steps, PACK_LANES * sizeof *packed->values);
    packed->masks = full ? NULL : memory_zalloc(steps, sizeof *packed->masks);
    if (!packed->values || (!full && !packed->masks))
        return -ENOMEM;
    packed->memory += steps * PACK_LANES * sizeof *packed->values + (full ? 0 : steps * sizeof *packed->masks);
    for (uint32_t r = 0; r < matrix->rows; r++) {
        const size_t first = (size_t)(r / PACK_LANES) * matrix->columns;
        const unsigned lane = r % PACK_LANES;

        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++) {
            const size_t step = first + csr_column(matrix, k);

            packed->values[step * PACK_LANES + lane] = matrix->values[k];
            if (!full)
                packed->masks[step] |= (uint16_t)(1u << lane);
        }
    }
    return 0;
}

static int fill_csr(struct packed *packed)
{
    (void)packed;
    return 0;
}

int packed_new(const struct csr *matrix, enum weight_format format, struct packed **out)
{
    static int (*const fills[WEIGHT_FORMATS])(struct packed *) = { fill_csr, fill_sell16, fill_dense16 };
    struct packed *packed = calloc(1, sizeof *packed);
    int result;

    if (!packed)
        return -ENOMEM;
    packed->format = format;
    packed->matrix = matrix;
    packed->memory = sizeof *packed;
    packed->slice_count = matrix->rows / PACK_LANES + (matrix->rows % PACK_LANES != 0);
    result = fills[format](packed);
    if (result) {
        packed_free(packed);
        return result;
    }
    *out = packed;
    return 0;
}
