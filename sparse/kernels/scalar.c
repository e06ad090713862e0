/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference: every chain written out, one fmaf at a time. Compiled for the baseline instruction set; what the other
 * tables must equal to the bit.
 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "sparse/kernels/pack.h"

enum { LANES = 16 };

static void spmv(const struct packed *packed, const float *bias, const float *x, float *y)
{
    const struct csr *w = packed->matrix;

    for (uint32_t r = 0; r < w->rows; r++) {
        float sum = bias ? bias[r] : 0;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++)
            sum = fmaf(w->values[k], x[csr_column(w, k)], sum);
        y[r] = sum;
    }
}

static void spmm(const struct csr *w, const float *bias, const float *x, float *y, size_t n, uint32_t row_begin,
                 uint32_t row_end)
{
    for (uint32_t r = row_begin; r < row_end; r++) {
        float *sums = y + r * n;

        for (size_t b = 0; b < n; b++)
            sums[b] = bias ? bias[r] : 0;
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            const float *in = x + csr_column(w, k) * n;

            for (size_t b = 0; b < n; b++)
                sums[b] = fmaf(w->values[k], in[b], sums[b]);
        }
    }
}

static float add_lanes(float lanes[LANES])
{
    for (int half = LANES / 2; half; half /= 2) {
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static float dot(const float *a, const float *b, size_t n)
{
    float lanes[LANES] = { 0 };

    for (size_t i = 0; i < n; i++)
        lanes[i % LANES] = fmaf(a[i], b[i], lanes[i % LANES]);
    return add_lanes(lanes);
}

static void spmm_backward(const struct csr *w, const float *x, const float *y_gradient, float *x_gradient,
                          float *w_gradient, size_t n, uint32_t column_begin, uint32_t column_end)
{
    if (x_gradient && column_end > column_begin)
        memset(x_gradient + column_begin * n, 0, (column_end - column_begin) * n * sizeof *x_gradient);
    for (uint32_t r = 0; r < w->rows; r++) {
        const float *out = y_gradient + r * n;

        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            uint32_t column = csr_column(w, k);

            if (column < column_begin || column >= column_end)
                continue;
            w_gradient[k] = dot(out, x + column * n, n);
            for (size_t b = 0; x_gradient && b < n; b++)
                x_gradient[column * n + b] = fmaf(w->values[k], out[b], x_gradient[column * n + b]);
        }
    }
}

static void row_sums(const float *activation, float *sums, size_t n, uint32_t row_begin, uint32_t row_end)
{
    for (uint32_t r = row_begin; r < row_end; r++) {
        float lanes[LANES] = { 0 };

        for (size_t b = 0; b < n; b++)
            lanes[b % LANES] += activation[r * n + b];
        sums[r] = add_lanes(lanes);
    }
}

static float norm_squares(const float *x, size_t n, float mean)
{
    float lanes[LANES] = { 0 };

    for (size_t i = 0; i < n; i++)
        lanes[i % LANES] = fmaf(x[i] - mean, x[i] - mean, lanes[i % LANES]);
    return add_lanes(lanes);
}

static struct norm_sums norm_sums(const float *x, const float *g, size_t n, float mean)
{
    float gradients[LANES] = { 0 }, products[LANES] = { 0 };

    for (size_t i = 0; i < n; i++) {
        gradients[i % LANES] += g[i];
        products[i % LANES] = fmaf(g[i], x[i] - mean, products[i % LANES]);
    }
    return (struct norm_sums){ add_lanes(gradients), add_lanes(products) };
}

#include "sparse/kernels/elementwise.inc"

#define KERNELS_NAME    "scalar"
#define KERNELS_TABLE   kernels_scalar
#define KERNELS_FORMATS (1 << WEIGHT_CSR)
#include "sparse/kernels/table.inc"
