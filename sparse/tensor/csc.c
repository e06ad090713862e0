/* SPDX-License-Identifier: Apache-2.0
 *
 * A counting sort by column: rows are walked in order, so they ascend within each column.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sparse/tensor/csc.h"

/* starts[c + 1] is where the next connection of column c goes, and at the end where column c + 1 begins. */
static void sort(const struct csr *matrix, struct csc *made)
{
    uint64_t *next = made->starts + 1, begin = 0;

    for (uint64_t k = 0; k < matrix->count; k++)
        next[csr_column(matrix, k)]++;
    for (uint32_t c = 0; c < matrix->columns; c++) {
        uint64_t count = next[c];

        next[c] = begin;
        begin += count;
    }
    for (uint32_t r = 0; r < matrix->rows; r++) {
        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++) {
            uint64_t at = next[csr_column(matrix, k)]++;

            made->rows[at] = r;
            made->connections[at] = (uint32_t)k;
        }
    }
}

int csc_init(struct csc *out, const struct csr *matrix)
{
    struct csc made = { .starts = memory_zalloc((uint64_t)matrix->columns + 1, sizeof *made.starts),
                        .rows = memory_alloc(matrix->count, sizeof *made.rows),
                        .connections = memory_alloc(matrix->count, sizeof *made.connections) };

    if (!made.starts || !made.rows || !made.connections) {
        csc_deinit(&made);
        return -ENOMEM;
    }
    sort(matrix, &made);
    *out = made;
    return 0;
}

void csc_deinit(struct csc *index)
{
    free(index->starts);
    free(index->rows);
    free(index->connections);
    *index = CSC_NULL;
}
