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

int csr_copy(const struct csr *matrix, struct csr *out)
{
    struct csr copy;
    int result = csr_reserve(&copy, matrix->rows, matrix->columns, matrix->count);

    if (result)
        return result;
    copy.type = matrix->type;
    if (matrix->scales) {
        copy.scales = memory_alloc(matrix->rows, sizeof *copy.scales);
        if (!copy.scales) {
            csr_deinit(&copy);
            return -ENOMEM;
        }
        memcpy(copy.scales, matrix->scales, matrix->rows * sizeof *copy.scales);
    }
    memcpy(copy.starts, matrix->starts, ((size_t)matrix->rows + 1) * sizeof *copy.starts);
    memcpy(copy.values, matrix->values, matrix->count * sizeof *copy.values);
    memcpy(copy.index.narrow, matrix->index.narrow, matrix->count * csr_index_bytes(matrix->columns));
    *out = copy;
    return 0;
}

static void round_row(struct csr *matrix, uint32_t row)
{
    float *values = matrix->values + matrix->starts[row];
    const uint64_t count = matrix->starts[row + 1] - matrix->starts[row];

    if (matrix->scales)
        matrix->scales[row] = int8_scale(values, count);
    for (uint64_t i = 0; i < count; i++)
        values[i] = matrix->scales ? int8_value(int8_of(values[i], matrix->scales[row]), matrix->scales[row])
                                   : bf16_round(values[i]);
}

int csr_round(struct csr *matrix, enum value_type type)
{
    float *scales = NULL;

    if (type == VALUE_INT8) {
        scales = memory_alloc(matrix->rows, sizeof *scales);
        if (!scales)
            return -ENOMEM;
    }
    matrix->scales = scales;
    matrix->type = type;
    for (uint32_t row = 0; row < matrix->rows && type != VALUE_FLOAT32; row++)
        round_row(matrix, row);
    return 0;
}

void csr_widen(struct csr *matrix)
{
    if (matrix->owned)
        free(matrix->scales);
    matrix->scales = NULL;
    matrix->type = VALUE_FLOAT32;
}

void csr_deinit(struct csr *matrix)
{
    if (matrix->owned) {
        free(matrix->starts);
        if (csr_is_narrow(matrix))
            free(matrix->index.narrow);
        else
            free(matrix->index.wide);
        free(matrix->scales);
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
        if (!value_type_has(matrix->type, matrix->values[at], matrix->scales ? matrix->scales[row] : 1))
            return refuse(why, WISP_E_FORMAT, "row %u, connection %llu: the value %.9g is none that %s has", row,
                          (unsigned long long)at, (double)matrix->values[at], value_type_name(matrix->type));
    }
    return 0;
}

static int scales_check(const struct csr *matrix, struct reason *why)
{
    for (uint32_t row = 0; matrix->scales && row < matrix->rows; row++) {
        if (!isfinite(matrix->scales[row]) || !(matrix->scales[row] > 0))
            return refuse(why, WISP_E_FORMAT, "row %u: the scale is not a finite number above 0", row);
    }
    return 0;
}

int csr_check_rows(const struct csr *matrix, struct reason *why)
{
    int result = starts_check(matrix, why);

    if (!result && (matrix->type == VALUE_INT8) != (matrix->scales != NULL))
        result = refuse(why, WISP_E_FORMAT, "scales stand at values of int8, and at no others");
    return result ? result : scales_check(matrix, why);
}

int csr_check(const struct csr *matrix, struct reason *why)
{
    int result = csr_check_rows(matrix, why);

    for (uint32_t row = 0; !result && row < matrix->rows; row++)
        result = row_check(matrix, row, why);
    return result;
}
