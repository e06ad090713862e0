/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/formats/sell16.h"

/* What a slice costs besides its entries, in these. */
enum { SLICE_WORK = 2 * PACK_LANES };

static bool can(const struct csr *w, unsigned batch_class)
{
    (void)w, (void)batch_class;
    return true;
}

static uint32_t row_length(const struct csr *w, uint32_t row)
{
    return (uint32_t)(w->starts[row + 1] - w->starts[row]);
}

/* Rows, longest first, equal lengths in their own order: a counting sort. */
static uint32_t *sort_rows(const struct csr *w)
{
    uint32_t *order = memory_alloc(w->rows, sizeof *order), *place, longest = 0, sum = 0;

    for (uint32_t r = 0; r < w->rows; r++)
        longest = MAX(longest, row_length(w, r));
    place = calloc((size_t)longest + 1, sizeof *place);
    if (!order || !place) {
        free(order);
        free(place);
        return NULL;
    }
    for (uint32_t r = 0; r < w->rows; r++)
        place[longest - row_length(w, r)]++;
    for (uint32_t l = 0; l <= longest; l++) {
        uint32_t count = place[l];

        place[l] = sum;
        sum += count;
    }
    for (uint32_t r = 0; r < w->rows; r++)
        order[place[longest - row_length(w, r)]++] = r;
    free(place);
    return order;
}

static void fill_slice(struct packed_sell16 *made, const struct csr *w, const struct sell16_slice *slice)
{
    uint64_t at = slice->start;

    for (uint32_t step = 0; step < slice->lengths[0]; step++) {
        for (uint32_t lane = 0; lane < slice->lanes && slice->lengths[lane] > step; lane++, at++) {
            uint64_t from = w->starts[slice->rows[lane]] + step;

            made->values[at] = w->values[from];
            if (made->narrow)
                made->index.narrow[at] = w->index.narrow[from];
            else
                made->index.wide[at] = w->index.wide[from];
        }
    }
}

static void fill(struct packed_sell16 *made, const struct csr *w, const uint32_t *order)
{
    uint64_t start = 0;

    for (uint32_t s = 0; s < made->packed.units; s++) {
        struct sell16_slice *slice = &made->slices[s];

        slice->start = start;
        slice->lanes = MIN((uint32_t)PACK_LANES, w->rows - s * PACK_LANES);
        for (uint32_t lane = 0; lane < slice->lanes; lane++) {
            slice->rows[lane] = order[s * PACK_LANES + lane];
            slice->lengths[lane] = row_length(w, slice->rows[lane]);
            start += slice->lengths[lane];
        }
        fill_slice(made, w, slice);
        made->work[s] = slice->start;
    }
    made->work[made->packed.units] = start;
}

static int pack(const struct csr *w, struct packed **out)
{
    struct packed_sell16 *made = calloc(1, sizeof *made);
    const size_t width = csr_is_narrow(w) ? sizeof *made->index.narrow : sizeof *made->index.wide;
    uint32_t *order;

    if (!made)
        return -ENOMEM;
    *out = &made->packed;
    made->narrow = csr_is_narrow(w);
    made->packed.units = w->rows / PACK_LANES + (w->rows % PACK_LANES != 0);
    made->packed.grain = 1;
    made->work = memory_alloc((size_t)made->packed.units + 1, sizeof *made->work);
    made->packed.work = &made->work;
    made->packed.unit_work = SLICE_WORK;
    made->slices = memory_zalloc(made->packed.units, sizeof *made->slices);
    made->values = memory_alloc(w->count, sizeof *made->values);
    made->index.wide = memory_zalloc(w->count + PACK_LANES, width);
    made->packed.memory = sizeof *made + made->packed.units * (sizeof *made->slices + sizeof *made->work) +
                          sizeof *made->work + w->count * sizeof *made->values + (w->count + PACK_LANES) * width;
    order = sort_rows(w);
    if (!order || !made->work || !made->slices || !made->values || !made->index.wide) {
        free(order);
        return -ENOMEM;
    }
    fill(made, w, order);
    free(order);
    return 0;
}

static void release(struct packed *packed)
{
    struct packed_sell16 *made = (struct packed_sell16 *)packed;

    free(made->work);
    free(made->slices);
    free(made->values);
    free(made->index.wide);
    free(made);
}

const struct weight_format weight_format_sell16 = { .name = "sell16",
                                                    .costs = { { 0.0002f, 0.163f },
                                                               { 0.0014f, 0.550f },
                                                               { 0, 0.584f },
                                                               { 0.0011f, 0.533f },
                                                               { 0.0006f, 0.421f },
                                                               { 0.0023f, 0.620f },
                                                               { 0.0068f, 1.226f } },
                                                    .can = can,
                                                    .pack = pack,
                                                    .free = release };
