/* SPDX-License-Identifier: Apache-2.0
 *
 * Products with samples that are sparse, as vectors and as bags: what the same samples in full give, in every table.
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

/* Samples of which most elements are 0, of either sign, apart; and so that sums end at -0, and inputs are of any kind.
 */
static void fill_bag(struct rng *rng, float *x, size_t count, unsigned percent, bool special)
{
    fill(rng, x, count, special);
    for (size_t i = 0; i < count; i++) {
        if (rng_below(rng, 100) >= percent)
            x[i] = special && rng_below(rng, 3) == 0 ? -0.0f : 0;
    }
}

/* In two calls, as two threads would; with relu() and without. */
static void check_bag(struct rng *rng, const struct kernels *kernels, const struct csr *w, size_t n, bool special)
{
    struct guarded y = guarded_new(w->rows * n), bias = guarded_new(w->rows), room = guarded_new(w->rows);
    struct guarded *samples = calloc(n, sizeof *samples);
    const float **x = calloc(n, sizeof *x);
    float *all = calloc(w->columns * n, sizeof *all), *expected = calloc(w->rows * n, sizeof *expected);
    float *values = calloc(w->count + 1, sizeof *values);
    struct csc index;
    struct bag_product p = { &index, values, bias.data, x, w->rows, w->columns, n, false };

    assert_int_equal(csc_init(&index, w), 0);
    for (uint64_t k = 0; k < w->count; k++)
        values[k] = w->values[index.connections[k]];
    fill(rng, bias.data, w->rows, special);
    for (uint32_t r = 0; r < w->rows && special; r += 2)
        bias.data[r] = -0.0f;
    for (size_t b = 0; b < n; b++) {
        size_t found = 0;

        samples[b] = guarded_new(w->columns);
        x[b] = samples[b].data;
        fill_bag(rng, samples[b].data, w->columns, b % 2 ? 3 : 40, special);
        for (uint32_t c = 0; c < w->columns; c++)
            found += (all[c * n + b] = x[b][c]) != 0;
        assert_int_equal(kernels->count_not_zero(x[b], w->columns), found);
    }
    expect_spmm(w, bias.data, all, expected, n);
    for (unsigned rectify = 0; rectify < 2; rectify++) {
        p.rectify = rectify;
        if (rectify)
            kernels->relu(expected, expected, w->rows * n);
        kernels->bag_run(&p, y.data, 0, n / 2, room.data);
        kernels->bag_run(&p, y.data, n / 2, n, room.data);
        assert_same(expected, y.data, w->rows * n, "bag_run", kernels->name);
    }
    csc_deinit(&index);
    for (size_t b = 0; b < n; b++)
        guarded_free(&samples[b]);
    guarded_free(&y);
    guarded_free(&bias);
    guarded_free(&room);
    free(samples);
    free(x);
    free(all);
    free(expected);
    free(values);
}

static void test_bags(void **state)
{
    static const struct {
        uint32_t rows, columns;
        unsigned percent;
    } shapes[] = { { 1, 1, 50 }, { 17, 33, 30 }, { 80, 256, 100 }, { 33, 64, 0 }, { 65, 1300, 20 }, { 9, 70000, 1 } };
    const struct kernels *kernels;
    struct rng rng = rng_make(15, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
            struct csr w = matrix(&rng, shapes[s].rows, shapes[s].columns, shapes[s].percent);

            for (uint64_t k = 0; k < w.count; k += 7)
                w.values[k] = k % 2 ? -0x1p-140f : -0.0f;
            for (size_t n = 1; n < 40; n += n < 3 ? 1 : 12) {
                check_bag(&rng, kernels, &w, n, false);
                check_bag(&rng, kernels, &w, n, true);
            }
            csr_deinit(&w);
        }
    }
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
        cmocka_unit_test(test_bags),
    };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
