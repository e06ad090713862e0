/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/formats/dense16.h"

static bool is_dense(const struct csr *w, double density)
{
    return (double)w->count >= density * w->rows * w->columns;
}

/* Of sixteen samples and more a lane is one: they fill a vector. */
static bool can(const struct csr *w, unsigned batch_class)
{
    if (batch_class)
        return batch_class < batch_class_of(PACK_LANES) && w->count > 0 && is_dense(w, DENSE16_DENSITY_FEW);
    return is_dense(w, DENSE16_DENSITY_MIN) || (double)w->rows * w->columns * sizeof(float) <= DENSE16_SMALL;
}

/* A row that has none would come out as 0 every time. */
static bool has_empty_row(const struct csr *w)
{
    for (uint32_t r = 0; r < w->rows; r++) {
        if (w->starts[r] == w->starts[r + 1])
            return true;
    }
    return false;
}

static void fill(struct packed_dense16 *made, const struct csr *w)
{
    for (uint32_t r = 0; r < w->rows; r++) {
        const size_t first = (size_t)(r / PACK_LANES) * w->columns;
        const unsigned lane = r % PACK_LANES;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            const size_t step = first + csr_column(w, k);

            made->values[step * PACK_LANES + lane] = w->values[k];
            if (made->masks)
                made->masks[step] |= (uint16_t)(1u << lane);
        }
    }
}

static int pack(const struct csr *w, struct packed **out)
{
    const bool full = w->count == (uint64_t)w->rows * w->columns && w->rows % PACK_LANES == 0;
    struct packed_dense16 *made = calloc(1, sizeof *made);
    size_t steps;

    if (!made)
        return -ENOMEM;
    *out = &made->packed;
    made->packed.units = w->rows / PACK_LANES + (w->rows % PACK_LANES != 0);
    made->packed.grain = 4; /* four are in flight together */
    made->masked = !full && (!is_dense(w, DENSE16_DENSITY_ALL) || has_empty_row(w));
    if (__builtin_mul_overflow((size_t)made->packed.units, (size_t)w->columns, &steps))
        return -ENOMEM;
    made->values = memory_zalloc(steps, PACK_LANES * sizeof *made->values);
    made->masks = full ? NULL : memory_zalloc(steps, sizeof *made->masks);
    if (!made->values || (!full && !made->masks))
        return -ENOMEM;
    made->packed.memory =
        sizeof *made + steps * PACK_LANES * sizeof *made->values + (full ? 0 : steps * sizeof *made->masks);
    fill(made, w);
    return 0;
}

static void release(struct packed *packed)
{
    struct packed_dense16 *made = (struct packed_dense16 *)packed;

    free(made->values);
    free(made->masks);
    free(made);
}

const struct weight_format weight_format_dense16 = {
    .name = "dense16",
    .costs = { { 0.0421f, 0.007f }, { 0.0494f, 0 }, { 0.073f, 0 }, { 0.097f, 0 } },
    .can = can,
    .pack = pack,
    .free = release
};
