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
    return pack->name;
}

int pack_csr(const struct csr *matrix, struct pack **out)
{
    struct pack *pack = calloc(1, sizeof *pack);

    if (!pack)
        return -ENOMEM;
    pack->name = "csr";
    pack->matrix = matrix;
    pack->memory = sizeof *pack;
    *out = pack;
    return 0;
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

int pack_sell16(const struct csr *matrix, struct pack **out)
{
    struct pack *pack = calloc(1, sizeof *pack);
    uint32_t *order = sort_rows(matrix);
    size_t width = csr_is_narrow(matrix) ? sizeof *pack->index.narrow : sizeof *pack->index.wide;
    uint64_t start = 0;

    if (!pack || !order)
        goto fail;
    pack->name = "sell16";
    pack->matrix = matrix;
    pack->slice_count = matrix->rows / PACK_LANES + (matrix->rows % PACK_LANES != 0);
    pack->slices = memory_zalloc(pack->slice_count, sizeof *pack->slices);
    pack->values = memory_alloc(matrix->count, sizeof *pack->values);
    /* Kernels read sixteen indices wherever one stands: the last are followed by zeros, which are columns too. */
    pack->index.wide = memory_zalloc(matrix->count + PACK_LANES, width);
    pack->memory = sizeof *pack + pack->slice_count * sizeof *pack->slices + matrix->count * sizeof *pack->values +
                   (matrix->count + PACK_LANES) * width;
    if (!pack->slices || !pack->values || !pack->index.wide)
        goto fail;
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
    *out = pack;
    return 0;
fail:
    free(order);
    pack_free(pack);
    return -ENOMEM;
}
