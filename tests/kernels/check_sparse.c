/* SPDX-License-Identifier: Apache-2.0
 *
 * Products with samples that are sparse: what the same samples in full give, in every table.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/matrices.h"
#include "sparse/kernels/kernels.h"

/* Samples of which few elements are not 0, in full and as vectors. */
struct sparse_samples {
    float *dense;
    struct sparse_vector *vectors;
    struct sparse_element *elements;
};

static struct sparse_samples sparse_samples(struct rng *rng, uint32_t columns, size_t n, unsigned percent)
{
    struct sparse_samples made = { calloc(columns * n + 1, sizeof *made.dense), calloc(n, sizeof *made.vectors),
                                   calloc(columns * n + 1, sizeof *made.elements) };
    struct sparse_element *next = made.elements;

    for (size_t b = 0; b < n; b++) {
        made.vectors[b].elements = next;
        for (uint32_t c = 0; c < columns; c++) {
            if (rng_below(rng, 100) >= percent)
                continue;
            fill(rng, &next->value, 1, false);
            next->index = c;
            made.dense[c * n + b] = next++->value;
            made.vectors[b].count++;
        }
    }
    return made;
}

static void sparse_samples_free(struct sparse_samples *samples)
{
    free(samples->dense);
    free(samples->vectors);
    free(samples->elements);
}

/* In two calls each, as two threads would; what no sample has keeps what it had. */
static void check_sparse(struct rng *rng, const struct kernels *kernels, const struct csr *w, size_t n,
                         unsigned percent)
{
    struct sparse_samples x = sparse_samples(rng, w->columns, n, percent);
    struct guarded y = guarded_new(w->rows * n), bias = guarded_new(w->rows), dw = guarded_new(w->count + 1);
    struct guarded room = guarded_new(MAX(w->rows, SPARSE_BACKWARD_ROOM(n)));
    float *expected = calloc(w->rows * n, sizeof *expected), *dx = calloc(w->columns * n, sizeof *dx);
    float *expected_dw = calloc(w->count + 1, sizeof *expected_dw);
    uint32_t cut = (uint32_t)rng_below(rng, w->columns + 1);
    struct csc index;
    struct sparse_product p = { .w = w, .by_column = &index, .bias = bias.data, .x = x.vectors, .n = n };

    assert_int_equal(csc_init(&index, w), 0);
    fill(rng, bias.data, w->rows, false);
    expect_spmm(w, bias.data, x.dense, expected, n);
    kernels->sparse_forward(&p, y.data, 0, n / 2, room.data);
    kernels->sparse_forward(&p, y.data, n / 2, n, room.data);
    for (size_t i = 0; i < w->rows * n; i++)
        assert_true(y.data[i] == expected[i]); /* a 0 of either sign */
    fill(rng, y.data, w->rows * n, false);
    for (size_t i = 0; i < w->rows * n; i += 3)
        y.data[i] = -0.0f;
    expect_backward(w, x.dense, y.data, dx, expected_dw, n);
    memset(dw.data, 0, w->count * sizeof(float));
    kernels->sparse_backward(&p, y.data, dw.data, 0, cut, room.data);
    kernels->sparse_backward(&p, y.data, dw.data, cut, w->columns, room.data);
    assert_same(expected_dw, dw.data, w->count, "sparse_backward", kernels->name);
    csc_deinit(&index);
    sparse_samples_free(&x);
    guarded_free(&y);
    guarded_free(&bias);
    guarded_free(&dw);
    guarded_free(&room);
    free(expected);
    free(expected_dw);
    free(dx);
}

static void test_sparse_samples(void **state)
{
    static const struct {
        uint32_t rows, columns;
        unsigned percent;
    } shapes[] = { { 1, 1, 50 }, { 17, 33, 30 }, { 80, 256, 100 }, { 33, 64, 0 }, { 65, 1300, 20 }, { 9, 70000, 1 } };
    const struct kernels *kernels;
    struct rng rng = rng_make(14, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
            struct csr w = matrix(&rng, shapes[s].rows, shapes[s].columns, shapes[s].percent);

            for (size_t i = 0; i < ARRAY_SIZE(batches); i++) {
                size_t n = shapes[s].columns > 2000 ? 1 + i : batches[i];

                check_sparse(&rng, kernels, &w, n, 2);
                check_sparse(&rng, kernels, &w, n, 40);
            }
            csr_deinit(&w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
