/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/tensor/csr.h"

/* Large arrays in large pages: fewer faults while they are filled, fewer translations while they are walked. */
static void *reserve(uint64_t count, size_t size)
{
    enum { LARGE = 32 << 20, PAGE = 2 << 20 };
    uint64_t bytes;
    void *memory;

    if (!size_multiply(count, size, &bytes) || bytes < LARGE || !size_align(bytes, PAGE, &bytes))
        return memory_alloc(count, size);
    memory = aligned_alloc(PAGE, bytes);
    if (memory)
        madvise(memory, bytes, MADV_HUGEPAGE); /* without it, it is slower */
    return memory;
}

int csr_reserve(struct csr *out, uint32_t rows, uint32_t columns, uint64_t count)
{
    struct csr matrix = { .rows = rows, .columns = columns, .count = count, .owned = true };

    matrix.starts = reserve((uint64_t)rows + 1, sizeof *matrix.starts);
    if (csr_is_narrow(&matrix))
        matrix.index.narrow = reserve(count, sizeof *matrix.index.narrow);
    else
        matrix.index.wide = reserve(count, sizeof *matrix.index.wide);
    matrix.values = reserve(count, sizeof *matrix.values);
    if (!matrix.starts || !(csr_is_narrow(&matrix) ? (void *)matrix.index.narrow : matrix.index.wide) ||
        !matrix.values) {
        csr_deinit(&matrix);
        return -ENOMEM;
    }
    *out = matrix;
    return 0;
}

int csr_alloc(struct csr *out, uint32_t rows, uint32_t columns, uint64_t count)
{
    int result = csr_reserve(out, rows, columns, count);

    if (result)
        return result;
    memset(out->starts, 0, ((size_t)rows + 1) * sizeof *out->starts);
    memset(out->values, 0, count * sizeof *out->values);
    return 0;
}

void csr_deinit(struct csr *matrix)
{
    if (matrix->owned) {
        free(matrix->starts);
        if (csr_is_narrow(matrix))
            free(matrix->index.narrow);
        else
            free(matrix->index.wide);
        if (!matrix->values_borrowed)
            free(matrix->values);
    }
    *matrix = CSR_NULL;
}

/* No entry is looked at before all starts are known to lie within the arrays. */
static int starts_check(const struct csr *matrix, struct reason *why)
{
    const uint64_t *starts = matrix->starts;

    if (starts[0] != 0)
        return refuse(why, WISP_E_FORMAT, "row 0 starts at connection %llu, not at 0", (unsigned long long)starts[0]);
    for (uint32_t row = 0; row < matrix->rows; row++) {
        if (starts[row + 1] < starts[row])
            return refuse(why, WISP_E_FORMAT, "row %u ends at connection %llu, before its start at %llu", row,
                          (unsigned long long)starts[row + 1], (unsigned long long)starts[row]);
    }
    if (starts[matrix->rows] != matrix->count)
        return refuse(why, WISP_E_FORMAT, "rows end at connection %llu, but there are %llu connections",
                      (unsigned long long)starts[matrix->rows], (unsigned long long)matrix->count);
    return 0;
}

static int row_check(const struct csr *matrix, uint32_t row, struct reason *why)
{
    uint64_t begin = matrix->starts[row];

    for (uint64_t at = begin; at < matrix->starts[row + 1]; at++) {
        uint32_t column = csr_column(matrix, at);

        if (column >= matrix->columns)
            return refuse(why, WISP_E_FORMAT, "row %u, connection %llu: column %u is out of range, there are %u", row,
                          (unsigned long long)at, column, matrix->columns);
        if (at > begin && column <= csr_column(matrix, at - 1))
            return refuse(why, WISP_E_FORMAT, "row %u, connection %llu: column %u does not ascend, it follows %u", row,
                          (unsigned long long)at, column, csr_column(matrix, at - 1));
        if (!isfinite(matrix->values[at]))
            return refuse(why, WISP_E_FORMAT, "row %u, connection %llu: the value is not a finite number", row,
                          (unsigned long long)at);
    }
    return 0;
}

int csr_check(const struct csr *matrix, struct reason *why)
{
    int result = starts_check(matrix, why);

    for (uint32_t row = 0; !result && row < matrix->rows; row++)
        result = row_check(matrix, row, why);
    return result;
}
