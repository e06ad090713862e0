/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing set of connections, kept in the very arrays of the matrix it becomes: until the set is complete, entry k's
 * column stands where its column will be, and its row where its value will be. So sampling needs no memory of its own
 * but for the few per cent that are merged at the end.
 *
 *     [0, settled)            ascending, distinct
 *     [settled, known)        ascending, distinct, none of them settled
 *     [known, capacity)       free
 *
 * Private to sample.c.
 */
#ifndef SPARSE_CONSTRUCT_SAMPLE_SET_H
#define SPARSE_CONSTRUCT_SAMPLE_SET_H

#include <stdint.h>

#include "sparse/tensor/csr.h"

struct sample_set {
    uint32_t *rows;   /* the bytes of the matrix's values */
    uint16_t *narrow; /* the matrix's columns, one of the two */
    uint32_t *wide;
    uint64_t settled, known, capacity;
};

struct sample_set sample_set_over(struct csr *matrix);

/* Writes a draw to the free entry `at`. */
static inline void sample_set_put(struct sample_set *set, uint64_t at, uint32_t row, uint32_t column)
{
    set->rows[at] = row;
    if (set->narrow)
        set->narrow[at] = (uint16_t)column;
    else
        set->wide[at] = column;
}

/* Takes in the draws that were put at [known, end): those that are new become known. */
void sample_set_learn(struct sample_set *set, uint64_t end);

/* Makes all known entries one ascending run. -ENOMEM. */
int sample_set_settle(struct sample_set *set);

/* Turns the settled set into the matrix's starts, and its values into zeroes. */
void sample_set_finish(struct sample_set *set, struct csr *matrix);

#endif
