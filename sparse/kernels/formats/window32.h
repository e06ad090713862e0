/* SPDX-License-Identifier: Apache-2.0
 *
 * window32, for one sample and for few: sixty-four rows go together over windows of thirty-two columns. A window's
 * inputs stand in registers, and a permutation fetches them from there. At a step the window begins at the least column
 * that any of the rows has next; each row whose next connection is in it takes part with that one, and the others wait.
 *
 * window32_bf16 and window32_int8 are the same with values as a rounded matrix's file has them: they are widened in
 * registers, to the float32 that they stand for (sparse/tensor/value_type.h).
 *
 * window64, for one sample and few connections a row: windows of sixty-three columns, in which more rows have one. The
 * sixty-fourth place is +0, and who waits takes that, times -0: added to a sum it leaves each bit of it as it is, so
 * nothing is masked.
 */
#ifndef SPARSE_FORMAT_WINDOW32_H
#define SPARSE_FORMAT_WINDOW32_H

#include "sparse/kernels/formats/format.h"

enum {
    WINDOW32_COLUMNS = 32,
    WINDOW32_SLICES = 4, /* of PACK_LANES rows */
    WINDOW32_ROWS = WINDOW32_SLICES * PACK_LANES,
    WINDOW32_TAKES_PART = 0x80, /* in a place: the lane has a connection here */
    WINDOW32_SAMPLES = 4,       /* together, at most */
    WINDOW64_COLUMNS = 63,
    WINDOW64_NOWHERE = WINDOW64_COLUMNS, /* the place of who waits */
    WINDOW64_ALIGN = 8,                  /* where windows begin: then half of the loads lie in one cache line */
    WINDOW32_COLUMNS_MANY = 4096,        /* more samples than one: of so many columns at most, which are copied */
};

struct packed_window32 {
    struct packed packed; /* a unit is WINDOW32_ROWS rows, in their own order */
    uint64_t *starts;     /* [unit + 1]: its first step */
    uint32_t *columns;    /* [step]: where the window begins; all of it is in the matrix */
    uint32_t *places;     /* [step][lane]: byte `slice`: the column in the window, and whether it takes part */
    void *values;         /* [step][slice][lane], of the type */
    float *scales;        /* int8: [row], some more behind the last */
    enum value_type type;
    uint32_t width; /* columns of a window */
};

/* Value number `at`, of that row. */
static inline float window32_value(const struct packed_window32 *w, uint64_t at, uint32_t row)
{
    if (w->type == VALUE_BF16)
        return bf16_value(((const uint16_t *)w->values)[at]);
    if (w->type == VALUE_INT8)
        return int8_value(((const int8_t *)w->values)[at], w->scales[row]);
    return ((const float *)w->values)[at];
}

static inline unsigned window32_place(const struct packed_window32 *w, uint64_t step, unsigned slice, unsigned lane)
{
    return w->places[step * PACK_LANES + lane] >> 8 * slice & 0xff;
}

#endif
