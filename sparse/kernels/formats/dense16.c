/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/kernels/formats/dense16.h"

/* One sample only: batches read inputs in order as it is. */
static bool can(const struct csr *w, unsigned batch_class)
{
    const double potential = (double)w->rows * w->columns;

    return batch_class == 0 &&
           ((double)w->count >= DENSE16_DENSITY_MIN * potential || potential * sizeof(float) <= DENSE16_SMALL);
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
    .name = "dense16", .costs = { [0] = { 0.0421f, 0.007f } }, .can = can, .pack = pack, .free = release
};
