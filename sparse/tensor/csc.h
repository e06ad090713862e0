/* SPDX-License-Identifier: Apache-2.0
 *
 * The connections of a sparse matrix by compressed columns: an index into its values, for who goes from an input to
 * what it is connected with. It holds no values, so it stays right while they are trained; it is as old as the
 * connections it was made from.
 */
#ifndef SPARSE_TENSOR_CSC_H
#define SPARSE_TENSOR_CSC_H

#include "sparse/tensor/csr.h"

#define CSC_CONNECTIONS_MAX UINT32_MAX

struct csc {
    uint64_t *starts;      /* columns + 1 */
    uint32_t *rows;        /* ascending within a column */
    uint32_t *connections; /* where each stands in the matrix's values */
};

#define CSC_NULL ((struct csc){ .starts = NULL })

/* The index of a checked matrix of at most CSC_CONNECTIONS_MAX connections. -ENOMEM. */
int csc_init(struct csc *out, const struct csr *matrix);
void csc_deinit(struct csc *index); /* leaves CSC_NULL; idempotent */

/* Bytes of the arrays of a matrix's index. */
static inline uint64_t csc_memory(const struct csr *matrix)
{
    return ((uint64_t)matrix->columns + 1) * sizeof(uint64_t) + matrix->count * 2 * sizeof(uint32_t);
}

#endif
