/* SPDX-License-Identifier: Apache-2.0
 *
 * A sparse matrix by compressed rows: row = output neuron, column = input neuron, one entry = one connection.
 *
 * Values are float32, and of a type that says whether they need all of its bits (value_type.h).
 * Columns within a row ascend strictly. Indices take 16 bits when there are at most 65536 columns, else 32, in memory
 * as in the file. The arrays are owned (csr_alloc) or borrowed from a model file's buffer.
 */
#ifndef SPARSE_TENSOR_CSR_H
#define SPARSE_TENSOR_CSR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/tensor/value_type.h"

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
    float *scales; /* a row's, where values are of int8; else NULL */
    enum value_type type;
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
           matrix->count * (csr_index_bytes(matrix->columns) + sizeof *matrix->values) +
           (matrix->scales ? matrix->rows * sizeof *matrix->scales : 0);
}

/* Arrays for `count` connections, values and starts zeroed. -ENOMEM. */
int csr_alloc(struct csr *out, uint32_t rows, uint32_t columns, uint64_t count);

/* The same without zeroes, for who writes every element. */
int csr_reserve(struct csr *out, uint32_t rows, uint32_t columns, uint64_t count);

/* The same matrix in arrays of its own, type and all. -ENOMEM. */
int csr_copy(const struct csr *matrix, struct csr *out);

/* Rounds the values to what the type has, in an int8's case by scales that it makes anew. The arrays are the matrix's
 * own, and it is of float32. -ENOMEM, and nothing has changed. */
int csr_round(struct csr *matrix, enum value_type type);
/* Of float32 from now on, the values as they are: for who changes them. */
void csr_widen(struct csr *matrix);

/* Frees owned arrays; leaves CSR_NULL. Idempotent. */
void csr_deinit(struct csr *matrix);

/* Checks arrays that came from outside: starts begin at 0, do not descend, and end at count; columns in range and
 * strictly ascending within each row; scales finite and above 0; values finite, and of their type. WISP_E_FORMAT, and
 * says the row and position. */
int csr_check(const struct csr *matrix, struct reason *why);
/* The same of the starts and scales alone, for who has values to make by them. */
int csr_check_rows(const struct csr *matrix, struct reason *why);

#endif
