/* SPDX-License-Identifier: Apache-2.0
 *
 * A sparse matrix by compressed rows: row = output neuron, column = input neuron, one entry = one connection.
 *
 * Columns within a row ascend strictly. Indices take 16 bits when there are at most 65536 columns, else 32, in memory
 * as in the file. The arrays are owned (csr_alloc) or borrowed from a model file's buffer.
 */
#ifndef SPARSE_TENSOR_CSR_H
#define SPARSE_TENSOR_CSR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define CSR_NARROW_COLUMNS 65536u

struct csr {
    uint32_t rows;
    uint32_t columns;
    uint64_t count;   /* connections = starts[rows] */
    uint64_t *starts; /* rows + 1 */
    union {
        uint16_t *narrow; /* when csr_is_narrow() */
        uint32_t *wide;
    } index;
    float *values;
    bool owned;
    bool values_borrowed; /* the values are somebody else's, whatever `owned` says */
};

#define CSR_NULL ((struct csr){ .starts = NULL })

static inline bool csr_is_narrow(const struct csr *matrix)
{
    return matrix->columns <= CSR_NARROW_COLUMNS;
}

static inline uint32_t csr_column(const struct csr *matrix, uint64_t at)
{
    return csr_is_narrow(matrix) ? matrix->index.narrow[at] : matrix->index.wide[at];
}

static inline void csr_set_column(struct csr *matrix, uint64_t at, uint32_t column)
{
    if (csr_is_narrow(matrix))
        matrix->index.narrow[at] = (uint16_t)column;
    else
        matrix->index.wide[at] = column;
}

/* Bytes of one index of a matrix with so many columns. */
static inline unsigned csr_index_bytes(uint64_t columns)
{
    return columns <= CSR_NARROW_COLUMNS ? sizeof(uint16_t) : sizeof(uint32_t);
}

/* Bytes of the arrays. */
static inline uint64_t csr_memory(const struct csr *matrix)
{
    return ((uint64_t)matrix->rows + 1) * sizeof *matrix->starts +
           matrix->count * (csr_index_bytes(matrix->columns) + sizeof *matrix->values);
}

/* Arrays for `count` connections, values and starts zeroed. -ENOMEM. */
int csr_alloc(struct csr *out, uint32_t rows, uint32_t columns, uint64_t count);

/* The same without zeroes, for who writes every element. */
int csr_reserve(struct csr *out, uint32_t rows, uint32_t columns, uint64_t count);

/* Frees owned arrays; leaves CSR_NULL. Idempotent. */
void csr_deinit(struct csr *matrix);

/* Checks arrays that came from outside: starts begin at 0, do not descend, and end at count; columns in range and
 * strictly ascending within each row; values finite. WISP_E_FORMAT, and says the row and position. */
int csr_check(const struct csr *matrix, struct reason *why);

#endif
