/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/formats/dense8.h"

/* Fewer samples would fill a part of each register only: dense16 has rows there. */
static bool can(const struct csr *w, unsigned batch_class)
{
    return batch_class >= batch_class_of(PACK_LANES) && w->count > 0 &&
           (double)w->count >= DENSE8_DENSITY_MIN * w->rows * w->columns;
}

static void fill(struct packed_dense8 *made, const struct csr *w)
{
    for (uint32_t r = 0; r < w->rows; r++) {
        const unsigned lane = r % DENSE8_ROWS;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            const size_t place = dense8_place(made, r / DENSE8_ROWS, csr_column(w, k));

            made->values[place * DENSE8_ROWS + lane] = w->values[k];
            if (made->masks)
                made->masks[place] |= (uint8_t)(1u << lane);
        }
    }
}

static int pack(const struct csr *w, struct packed **out)
{
    const bool full = w->count == (uint64_t)w->rows * w->columns;
    struct packed_dense8 *made = calloc(1, sizeof *made);
    size_t places;

    if (!made)
        return -ENOMEM;
    *out = &made->packed;
    made->packed.columns = w->columns; /* places are counted by it */
    made->blocks = (w->columns - 1) / DENSE8_COLUMNS + 1;
    made->width = (w->columns - 1) / made->blocks + 1; /* all about as wide */
    made->packed.units = (w->rows - 1) / DENSE8_ROWS + 1;
    made->packed.grain = 16; /* inputs are copied for each part once */
    if (__builtin_mul_overflow((size_t)made->packed.units, (size_t)w->columns, &places))
        return -ENOMEM;
    made->values = memory_zalloc(places, DENSE8_ROWS * sizeof *made->values);
    made->masks = full ? NULL : memory_zalloc(places, sizeof *made->masks);
    if (!made->values || (!full && !made->masks))
        return -ENOMEM;
    made->packed.memory =
        sizeof *made + places * DENSE8_ROWS * sizeof *made->values + (full ? 0 : places * sizeof *made->masks);
    fill(made, w);
    return 0;
}

static void release(struct packed *packed)
{
    struct packed_dense8 *made = (struct packed_dense8 *)packed;

    free(made->values);
    free(made->masks);
    free(made);
}

const struct weight_format weight_format_dense8 = { .name = "dense8",
                                                    .costs = { [4] = { 0.173f, 0 }, { 0.358f, 0 }, { 0.671f, 0 } },
                                                    .can = can,
                                                    .pack = pack,
                                                    .free = release };
