/* SPDX-License-Identifier: Apache-2.0 */
#include <cblas.h>
#include <stdio.h>

#include "forge/train/blas/blas.h"
#include "sparse/kernels/formats/csr.h"

static const struct kernels *fallback;
static struct kernels table;
static char table_name[64];

/* Of a matrix, or of some rows of one. */
static bool is_full(const struct csr *w)
{
    const uint64_t count = w->starts[w->rows] - w->starts[0];

    return count == (uint64_t)w->rows * w->columns && count;
}

/* A unit of csr is a row. */
static void run(const struct packed *packed, const struct product *p, uint32_t begin, uint32_t end)
{
    const struct csr *w = csr_of(packed);
    const size_t columns = w->columns, n = p->n;

    if (!is_full(w)) {
        fallback->run[packed->number](packed, p, begin, end);
        return;
    }
    if (begin == end)
        return;
    for (uint32_t row = begin; row < end; row++) {
        for (size_t i = 0; i < n; i++)
            p->y[row * n + i] = p->bias ? p->bias[row] : 0;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)(end - begin), (blasint)n, (blasint)columns, 1,
                w->values + w->starts[begin], (blasint)columns, p->x, (blasint)n, 1, p->y + begin * n, (blasint)n);
    if (p->rectify)
        fallback->relu(p->y + begin * n, p->y + begin * n, (end - begin) * n);
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
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, share, (blasint)n, rows, 1,
                    w->values + w->starts[0] + column_begin, columns, y_gradient, (blasint)n, 0,
                    x_gradient + column_begin * n, (blasint)n);
    if (w_gradient)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, share, (blasint)n, 1, y_gradient, (blasint)n,
                    x + column_begin * n, (blasint)n, 0, w_gradient + w->starts[0] + column_begin, columns);
}

const struct kernels *blas_kernels(const struct kernels *base)
{
    openblas_set_num_threads(1); /* the thread pool shares the work already */
    fallback = base;
    table = *base;
    snprintf(table_name, sizeof table_name, "%s+openblas", base->name);
    table.name = table_name;
    for (unsigned format = 0; weight_format_at(format); format++)
        table.run[format] = weight_format_at(format)->borrows ? run : base->run[format];
    table.spmm_backward = spmm_backward;
    return &table;
}
