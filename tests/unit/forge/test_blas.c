/* SPDX-License-Identifier: Apache-2.0
 *
 * forge/train/blas: what it leaves to OpenBLAS is what the other kernels compute, but for rounding: of whole matrices
 * and of some rows of them, all or half full, forward and back, with either gradient.
 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "forge/train/blas/blas.h"
#include "sparse/construct/sample.h"
#include "sparse/kernels/weights.h"
#include "support/test.h"

enum { ROWS = 12, COLUMNS = 7, BATCH = 5 };

static float *random_floats(size_t count, uint64_t stream)
{
    struct rng rng = rng_make(3, stream);
    float *made = calloc(count, sizeof *made);

    assert_non_null(made);
    for (size_t i = 0; i < count; i++)
        made[i] = rng_normal(&rng);
    return made;
}

static void assert_near(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(fabsf(a[i] - b[i]) <= 1e-5f * (1 + fabsf(b[i])));
}

static void run_forward(const struct kernels *kernels, const struct csr *w, bool rectify, float *out)
{
    float *x = random_floats((size_t)COLUMNS * BATCH, 1), *bias = random_floats(ROWS, 2);
    const struct product product = { .bias = bias, .x = x, .y = out, .n = BATCH, .rectify = rectify };
    struct weights *weights;

    assert_int_equal(weights_borrow(kernels, w, &weights), 0);
    weights_run(weights, &product, 0, 2);
    weights_run(weights, &product, 1, 2);
    weights_free(weights);
    free(x);
    free(bias);
}

/* The gradients of both at once, then of each alone. */
static void check_backward(const struct kernels *kernels, const struct csr *w, float *dx, float *dw)
{
    float *x = random_floats((size_t)COLUMNS * BATCH, 1), *dy = random_floats((size_t)ROWS * BATCH, 4);
    float *alone = calloc((size_t)COLUMNS * BATCH + ROWS * COLUMNS, sizeof *alone), *dw_alone = alone + COLUMNS * BATCH;

    kernels->spmm_backward(w, x, dy, dx, dw, BATCH, 0, 3);
    kernels->spmm_backward(w, x, dy, dx, dw, BATCH, 3, COLUMNS);
    kernels->spmm_backward(w, NULL, dy, alone, NULL, BATCH, 0, COLUMNS);
    kernels->spmm_backward(w, x, dy, NULL, dw_alone, BATCH, 0, COLUMNS);
    assert_near(alone, dx, (size_t)COLUMNS * BATCH);
    assert_near(dw_alone, dw, (size_t)ROWS * COLUMNS);
    free(alone);
    free(x);
    free(dy);
}

static void check(const struct csr *w)
{
    const struct kernels *base = kernels_find("auto"), *blas = blas_kernels(base);
    float y[2][ROWS * BATCH] = { { 0 } }, dx[2][COLUMNS * BATCH] = { { 0 } }, dw[2][ROWS * COLUMNS] = { { 0 } };

    for (int rectify = 0; rectify < 2; rectify++) {
        run_forward(base, w, rectify, y[0]);
        run_forward(blas, w, rectify, y[1]);
        assert_near(y[1], y[0], ROWS * BATCH);
    }
    check_backward(base, w, dx[0], dw[0]);
    check_backward(blas, w, dx[1], dw[1]);
    assert_near(dx[1], dx[0], COLUMNS * BATCH);
    assert_near(dw[1], dw[0], ROWS * COLUMNS);
}

static void check_rows(uint64_t connections)
{
    struct csr w, rows;
    struct reason why;

    assert_ok(sample_connections(ROWS, COLUMNS, connections, 5, 1, &w, &why), why);
    sample_weights(&w, 2, 5, 1);
    check(&w);
    rows = w;
    rows.owned = false;
    rows.rows = ROWS / 2;
    check(&rows);
    rows.starts += ROWS / 2;
    check(&rows);
    csr_deinit(&w);
}

static void test_the_same_products(void **state)
{
    (void)state;
    check_rows((uint64_t)ROWS * COLUMNS);
    check_rows((uint64_t)ROWS * COLUMNS / 2); /* as many as half the rows have, if they have all */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_same_products) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
