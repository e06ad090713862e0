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
    const double few = batch_class < batch_class_of(8) ? DENSE16_DENSITY_FEW : DENSE16_DENSITY_EIGHT;

    if (batch_class)
        return batch_class < batch_class_of(PACK_LANES) && w->count > 0 && is_dense(w, few);
    return is_dense(w, DENSE16_DENSITY_MIN) || (double)w->rows * w->columns * sizeof(float) <= DENSE16_SMALL;
}

/* Whether more than an eighth of the slices has a row with so few connections that its sum may well be 0. */
static bool has_many_zeros(const struct csr *w)
{
    uint32_t slices = 0, few = 0;

    for (uint32_t first = 0; first < w->rows; first += PACK_LANES, slices++) {
        uint64_t least = UINT64_MAX;

        for (uint32_t r = first; r < MIN(first + PACK_LANES, w->rows); r++)
            least = MIN(least, w->starts[r + 1] - w->starts[r]);
        few += least < DENSE16_ROW_MIN;
    }
    return few > slices / 8;
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
    const bool full = w->count == (uint64_t)w->rows * w->columns; /* lanes past the last row are not stored */
    struct packed_dense16 *made = calloc(1, sizeof *made);
    size_t steps;

    if (!made)
        return -ENOMEM;
    *out = &made->packed;
    made->packed.units = w->rows / PACK_LANES + (w->rows % PACK_LANES != 0);
    made->packed.grain = 4; /* as many are in flight together, or nearly */
    made->masked = !full && has_many_zeros(w);
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
    .costs = { { 0.0421f, 0 }, { 0.0494f, 0 }, { 0.073f, 0 }, { 0.097f, 0 } },
    .can = can,
    .pack = pack,
    .free = release
};
