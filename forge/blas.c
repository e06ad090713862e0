/* SPDX-License-Identifier: Apache-2.0 */
#include <cblas.h>
#include <stdio.h>

#include "forge/blas.h"

static const struct kernels *fallback;
static struct kernels table;
static char table_name[64];

static bool is_full(const struct csr *w)
{
    return w->count == (uint64_t)w->rows * w->columns && w->count;
}

static void spmm(const struct csr *w, const float *bias, const float *x, float *y, size_t n, uint32_t row_begin,
                 uint32_t row_end)
{
    size_t columns = w->columns;

    if (!is_full(w)) {
        fallback->spmm(w, bias, x, y, n, row_begin, row_end);
        return;
    }
    if (row_begin == row_end)
        return;
    for (uint32_t row = row_begin; row < row_end; row++) {
        for (size_t i = 0; i < n; i++)
            y[row * n + i] = bias ? bias[row] : 0;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)(row_end - row_begin), (blasint)n, (blasint)columns,
                1, w->values + row_begin * columns, (blasint)columns, x, (blasint)n, 1, y + row_begin * n, (blasint)n);
}

static void spmm_backward(const struct csr *w, const float *x, const float *y_gradient, float *x_gradient,
                          float *w_gradient, size_t n, uint32_t column_begin, uint32_t column_end)
{
    blasint rows = (blasint)w->rows, columns = (blasint)w->columns, share = (blasint)(column_end - column_begin);

    if (!is_full(w)) {
        fallback->spmm_backward(w, x, y_gradient, x_gradient, w_gradient, n, column_begin, column_end);
        return;
    }
    if (!share)
        return;
    if (x_gradient)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, share, (blasint)n, rows, 1, w->values + column_begin,
                    columns, y_gradient, (blasint)n, 0, x_gradient + column_begin * n, (blasint)n);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, share, (blasint)n, 1, y_gradient, (blasint)n,
                x + column_begin * n, (blasint)n, 0, w_gradient + column_begin, columns);
}

const struct kernels *blas_kernels(const struct kernels *base)
{
    openblas_set_num_threads(1); /* the thread pool shares the work already */
    fallback = base;
    table = *base;
    snprintf(table_name, sizeof table_name, "%s+openblas", base->name);
    table.name = table_name;
    table.spmm = spmm;
    table.spmm_backward = spmm_backward;
    return &table;
}
