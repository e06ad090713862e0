/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrices to check products with, and what the contract of kernels.h says of them, written out once more.
 */
#ifndef TESTS_KERNELS_MATRICES_H
#define TESTS_KERNELS_MATRICES_H

#include <stdlib.h>

#include "kernels/operands.h"
#include "sparse/tensor/csr.h"

/* Around every tile: 16 lanes, 64 samples. An emulator takes fifty times as long for a sum as a processor. */
#ifdef EMULATED
static const size_t batches[] = { 1, 2, 16, 33, 65 };
#else
static const size_t batches[] = { 1, 2, 7, 15, 16, 17, 33, 64, 65, 128, 129 };
#endif

static inline struct csr matrix(struct rng *rng, uint32_t rows, uint32_t columns, unsigned percent)
{
    uint64_t count = 0, at = 0;
    struct csr made;
    bool *chosen = calloc((size_t)rows * MIN(columns, 512u), sizeof *chosen);
    uint32_t spread = columns / MIN(columns, 512u), wide = MIN(columns, 512u);

    assert_non_null(chosen);
    for (uint32_t r = 0; r < rows; r++) {
        /* Some rows empty, some full; all full where 100 % are asked for. */
        bool empty = rng_below(rng, 9) == 0, full = rng_below(rng, 9) == 0;
        unsigned here = percent == 100 || (full && !empty) ? 100 : empty ? 0 : percent;

        for (uint32_t c = 0; c < wide; c++)
            count += chosen[r * wide + c] = rng_below(rng, 100) < here;
    }
    assert_int_equal(csr_alloc(&made, rows, columns, count), 0);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < wide; c++) {
            if (!chosen[r * wide + c])
                continue;
            if (csr_is_narrow(&made))
                made.index.narrow[at] = (uint16_t)(c * spread);
            else
                made.index.wide[at] = c * spread;
            made.values[at++] = rng_normal(rng);
        }
        made.starts[r + 1] = at;
    }
    free(chosen);
    return made;
}

/* Among its values, too, such as are no ordinary numbers; and of every fifth row so small ones that what they make is
 * denormal. */
static inline void make_special(struct rng *rng, struct csr *w)
{
    for (uint32_t r = 0; r < w->rows; r++) {
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            if (r % 5 == 3)
                w->values[k] *= 0x1p-130f;
            else if (rng_below(rng, 61) == 0)
                w->values[k] = specials[rng_below(rng, ARRAY_SIZE(specials))];
        }
    }
}

/* The same matrix, its arrays between forbidden pages. */
struct guarded_matrix {
    struct csr w;
    struct guarded starts, columns, values;
};

static inline struct guarded guarded_copy(const void *from, size_t bytes)
{
    struct guarded made = guarded_bytes(bytes);

    memcpy(made.memory, from, bytes);
    return made;
}

static inline struct guarded_matrix guard_matrix(const struct csr *w)
{
    struct guarded_matrix made = { .w = *w,
                                   .starts = guarded_copy(w->starts, ((size_t)w->rows + 1) * sizeof *w->starts),
                                   .columns = guarded_copy(w->index.narrow, w->count * csr_index_bytes(w->columns)),
                                   .values = guarded_copy(w->values, w->count * sizeof *w->values) };

    made.w.owned = false;
    made.w.starts = made.starts.memory;
    made.w.index.narrow = made.columns.memory;
    made.w.values = made.values.memory;
    return made;
}

static inline void guarded_matrix_free(struct guarded_matrix *matrix)
{
    guarded_free(&matrix->starts);
    guarded_free(&matrix->columns);
    guarded_free(&matrix->values);
}

static inline void expect_spmm(const struct csr *w, const float *bias, const float *x, float *y, size_t n)
{
    for (uint32_t r = 0; r < w->rows; r++) {
        float *sums = y + r * n;

        for (size_t b = 0; b < n; b++)
            sums[b] = bias ? bias[r] : 0;
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            for (size_t b = 0; b < n; b++)
                sums[b] = fmaf(w->values[k], x[csr_column(w, k) * n + b], sums[b]);
        }
    }
}

static inline float tree(const float *lanes)
{
    float a[8], b[4];

    for (int i = 0; i < 8; i++)
        a[i] = lanes[i] + lanes[i + 8];
    for (int i = 0; i < 4; i++)
        b[i] = a[i] + a[i + 4];
    return (b[0] + b[2]) + (b[1] + b[3]);
}

static inline void expect_backward(const struct csr *w, const float *x, const float *dy, float *dx, float *dw, size_t n)
{
    for (uint32_t r = 0; r < w->rows; r++) {
        for (uint64_t k = w->starts[r]; k < w->starts[r + 1]; k++) {
            float lanes[LANES] = { 0 };
            uint32_t c = csr_column(w, k);

            for (size_t b = 0; b < n; b++) {
                lanes[b % LANES] = fmaf(dy[r * n + b], x[c * n + b], lanes[b % LANES]);
                dx[c * n + b] = fmaf(w->values[k], dy[r * n + b], dx[c * n + b]);
            }
            dw[k] = tree(lanes);
        }
    }
}

#endif
