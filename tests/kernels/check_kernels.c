/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of kernels.h for products, element by element: here every chain is written out once more, naively, and
 * each usable table must give the same bits, for empty and full rows, narrow and wide indices, any batch, NaN,
 * infinities, -0 and denormals, in the weights as well. Operands, matrices and packed weights end at a page that cannot
 * be touched, and then begin behind one, so that reading or writing past either end is a crash.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "kernels/guarded_memory.h"
#include "kernels/matrices.h"
#include "kernels/operands.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/kernels.h"
#include "support/test.h"

/* Most of the time goes into single sums, of the scalar table and of an emulator: neither takes in what is far
 * otherwise than what is near, and whether the scalar one is right is seen where nothing is emulated. */
#ifdef EMULATED
static const bool is_emulated = true;
#else
static const bool is_emulated;
#endif

static bool is_scalar(const struct kernels *kernels)
{
    return strcmp(kernels->name, "scalar") == 0;
}

/* Besides the others: rows of the matrix have a loop for each of these. */
static const size_t few[] = { 3, 4, 5, 8, 9, 23, 32, 47 };

static size_t batch_at(size_t i)
{
    return i < ARRAY_SIZE(few) ? few[i] : batches[i - ARRAY_SIZE(few)];
}

/* Whether it is checked with this matrix: with rounded values those formats that others have not been checked with. */
static bool is_checked(const struct kernels *kernels, const struct csr *w, unsigned format, size_t n)
{
    struct csr plain = *w;

    plain.type = VALUE_FLOAT32;
    plain.scales = NULL;
    return !(is_emulated && is_scalar(kernels)) && weight_format_can(kernels, format, w, batch_class_of(n)) &&
           (w->type == VALUE_FLOAT32 || !weight_format_can(kernels, format, &plain, batch_class_of(n)));
}

/* What a product is made of, and what comes out without and with a bias (1), as it is and rectified (2). */
struct operands {
    struct guarded x, y, bias;
    float *expected[4];
};

static struct operands operands_new(struct rng *rng, const struct csr *w, bool special, size_t n)
{
    const size_t size = w->rows * n;
    struct operands made = { guarded_new(w->columns * n), guarded_new(size), guarded_new(w->rows), { NULL } };

    fill(rng, made.x.data, w->columns * n, special);
    fill(rng, made.bias.data, w->rows, special);
    for (uint32_t r = 0; r < w->rows && special; r += 2) /* what is filled up, too, leaves it as it is */
        made.bias.data[r] = -0.0f;
    for (int way = 0; way < 4; way++) {
        made.expected[way] = calloc(size, sizeof(float));
        if (way < 2)
            expect_spmm(w, way & 1 ? made.bias.data : NULL, made.x.data, made.expected[way], n);
        for (size_t i = 0; i < size && way >= 2; i++)
            made.expected[way][i] = made.expected[way - 2][i] <= 0 ? 0 : made.expected[way - 2][i];
    }
    return made;
}

static void operands_free(struct operands *o)
{
    for (int way = 0; way < 4; way++)
        free(o->expected[way]);
    guarded_free(&o->x);
    guarded_free(&o->y);
    guarded_free(&o->bias);
}

/* In two calls, as two threads would. */
static void check_packed(const struct kernels *kernels, struct packed *packed, unsigned format, const struct product *p,
                         size_t size, const float *expected)
{
    const uint32_t cut = packed->units / 2;
    const bool asks_ahead =
        strcmp(kernels->name, "scalar"); /* for what is far; which takes most of the time, and need not twice */

    for (int far = 0; far <= asks_ahead; far++) {
        packed->far = far;
        memset(p->y, 0xff, size * sizeof *p->y);
        kernels->run[format](packed, p, 0, cut);
        kernels->run[format](packed, p, cut, packed->units);
        assert_same(expected, p->y, size, packed->format->name, kernels->name);
    }
}

static void check_format(const struct kernels *kernels, const struct csr *w, unsigned format, const struct operands *o,
                         size_t n)
{
    struct packed *packed;

    guard_packed = true;
    assert_int_equal(packed_new(w, format, &packed), 0);
    guard_packed = false;
    assert_true(packed->memory > 0);
    for (int way = 0; way < 4; way++) {
        const struct product p = {
            .bias = way & 1 ? o->bias.data : NULL, .x = o->x.data, .y = o->y.data, .n = n, .rectify = way & 2
        };

        check_packed(kernels, packed, format, &p, w->rows * n, o->expected[way]);
    }
    packed_free(packed);
}

/* What is expected is worked out once for all that check themselves by it, if any does. */
static void check_forward_of(struct rng *rng, const struct csr *w, bool special, size_t n)
{
    const struct kernels *kernels;
    struct operands operands = { 0 };

    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (unsigned format = 0; weight_format_at(format); format++) {
            if (!is_checked(kernels, w, format, n))
                continue;
            if (!operands.x.map)
                operands = operands_new(rng, w, special, n);
            check_format(kernels, w, format, &operands, n);
        }
    }
    if (operands.x.map)
        operands_free(&operands);
}

static void check_forward(struct rng *rng, const struct csr *plain, bool special)
{
    struct guarded_matrix matrix = guard_matrix(plain);
    const struct csr *w = &matrix.w;

    for (size_t i = 0; i < ARRAY_SIZE(few) + ARRAY_SIZE(batches); i++)
        check_forward_of(rng, w, special, w->columns > 1000 ? 1 + i : batch_at(i));
    guarded_matrix_free(&matrix);
}

/* Each way back, over rows and over columns, in parts and alone, of one table. */
static void check_back(const struct kernels *kernels, const struct back_product *p, uint32_t cut,
                       const float *expected_dx, const float *expected_dw)
{
    const struct csr *w = p->w;
    const size_t xs = w->columns * p->n;
    struct back_product weights_alone = *p;

    weights_alone.x_gradient = NULL;
    memset(p->x_gradient, 0xff, xs * sizeof(float));
    kernels->spmm_backward(w, p->x, p->y_gradient, p->x_gradient, p->w_gradient, p->n, 0, cut);
    kernels->spmm_backward(w, p->x, p->y_gradient, p->x_gradient, p->w_gradient, p->n, cut, w->columns);
    assert_same(expected_dx, p->x_gradient, xs, "spmm_backward x", kernels->name);
    assert_same(expected_dw, p->w_gradient, w->count, "spmm_backward w", kernels->name);
    memset(p->x_gradient, 0xff, xs * sizeof(float));
    memset(p->w_gradient, 0xff, w->count * sizeof(float));
    kernels->csc_backward(p, 0, cut);
    kernels->csc_backward(p, cut, w->columns);
    assert_same(expected_dx, p->x_gradient, xs, "csc_backward x", kernels->name);
    assert_same(expected_dw, p->w_gradient, w->count, "csc_backward w", kernels->name);
    memset(p->w_gradient, 0xff, w->count * sizeof(float));
    kernels->csc_backward(&weights_alone, 0, w->columns);
    assert_same(expected_dw, p->w_gradient, w->count, "csc_backward w alone", kernels->name);
    memset(p->w_gradient, 0xff, w->count * sizeof(float));
    kernels->spmm_backward(w, p->x, p->y_gradient, NULL, p->w_gradient, p->n, 0, w->columns);
    assert_same(expected_dw, p->w_gradient, w->count, "spmm_backward w alone", kernels->name);
    memset(p->x_gradient, 0xff, xs * sizeof(float));
    kernels->spmm_backward(w, NULL, p->y_gradient, p->x_gradient, NULL, p->n, 0, cut);
    kernels->spmm_backward(w, NULL, p->y_gradient, p->x_gradient, NULL, p->n, cut, w->columns);
    assert_same(expected_dx, p->x_gradient, xs, "spmm_backward x alone", kernels->name);
}

static void check_samples(struct rng *rng, const struct csr *w, const struct csc *index, size_t n, bool special)
{
    const size_t xs = w->columns * n, ys = w->rows * n;
    struct guarded x = guarded_new(xs), dy = guarded_new(ys), dx = guarded_new(xs), dw = guarded_new(w->count + 1);
    float *expected_dx = calloc(xs, sizeof *expected_dx), *expected_dw = calloc(w->count + 1, sizeof(float));
    const uint32_t cut = (uint32_t)rng_below(rng, w->columns + 1);
    const struct back_product p = { w, index, x.data, dy.data, dx.data, dw.data, n };
    const struct kernels *kernels;

    fill(rng, x.data, xs, special);
    fill(rng, dy.data, ys, special);
    expect_backward(w, x.data, dy.data, expected_dx, expected_dw, n);
    for (size_t t = 0; (kernels = kernels_at(t)); t++)
        check_back(kernels, &p, cut, expected_dx, expected_dw);
    free(expected_dx);
    free(expected_dw);
    guarded_free(&x);
    guarded_free(&dy);
    guarded_free(&dx);
    guarded_free(&dw);
}

static void check_backward(struct rng *rng, const struct csr *w, bool special)
{
    struct guarded_matrix matrix = guard_matrix(w);
    struct csc index;

    assert_int_equal(csc_init(&index, w), 0);
    for (size_t i = 0; i < ARRAY_SIZE(few) + ARRAY_SIZE(batches); i++)
        check_samples(rng, &matrix.w, &index, batch_at(i), special);
    csc_deinit(&index);
    guarded_matrix_free(&matrix);
}

/* Of the same matrix: values of all kinds, and then rounded ones. */
static void check_values(struct rng *rng, const struct csr *w)
{
    struct csr other;

    assert_int_equal(csr_copy(w, &other), 0);
    make_special(rng, &other);
    check_forward(rng, &other, guard_side);
    if (other.columns <= 1000 && guard_side)
        check_backward(rng, &other, false);
    csr_deinit(&other);
    for (enum value_type type = VALUE_BF16; w->columns <= 1000 && type < VALUE_TYPES; type++) {
        assert_int_equal(csr_copy(w, &other), 0);
        assert_int_equal(csr_round(&other, type), 0);
        check_forward(rng, &other, true);
        csr_deinit(&other);
    }
}

static void test_matrix_kernels(void **state)
{
    static const struct {
        uint32_t rows, columns;
        unsigned percent;
    } shapes[] = {
        { 1, 1, 50 },    { 1, 40, 30 },    { 40, 1, 50 },   { 17, 33, 10 },  { 16, 16, 100 }, { 80, 50, 100 },
        { 90, 50, 100 }, { 33, 64, 0 },    { 100, 100, 5 }, { 65, 130, 20 }, { 5, 65536, 2 }, { 19, 70000, 3 },
        { 270, 500, 7 }, { 140, 600, 45 }, { 21, 3, 60 },   { 70, 300, 90 },
    };
    struct rng rng = rng_make(11, 0);

    (void)state;
    for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
        struct csr w = matrix(&rng, shapes[s].rows, shapes[s].columns, shapes[s].percent);
        bool many = shapes[s].columns > 1000;

        for (int special = many || guard_side; special < 2; special++) {
            check_forward(&rng, &w, special);
            if (!many)
                check_backward(&rng, &w, special);
        }
        check_values(&rng, &w);
        csr_deinit(&w);
    }
}

/* Each connection is there but every thirteenth; of the row `empty` none. */
static struct csr nearly_full(struct rng *rng, uint32_t rows, uint32_t columns, uint32_t empty)
{
    struct csr made;
    uint64_t at = 0;

    assert_int_equal(csr_alloc(&made, rows, columns, (uint64_t)rows * columns), 0);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < columns && r != empty; c++) {
            if ((r + c) % 13 == 0)
                continue;
            made.index.narrow[at] = (uint16_t)c;
            made.values[at++] = rng_normal(rng);
        }
        made.starts[r + 1] = at;
    }
    made.count = at;
    return made;
}

/* A sum of -0 that a 0 of no connection would make +0. */
static void check_sums_of_zero(const struct csr *w, size_t n)
{
    const size_t size = w->rows * n;
    struct guarded x = guarded_new(w->columns * n), y = guarded_new(size), bias = guarded_new(w->rows);
    float *expected = calloc(size, sizeof *expected);
    const struct product p = { .bias = bias.data, .x = x.data, .y = y.data, .n = n };
    const struct kernels *kernels;

    for (uint64_t k = 0; k < w->count; k++)
        w->values[k] = -fabsf(w->values[k]);
    for (uint32_t r = 0; r < w->rows; r++)
        bias.data[r] = -0.0f;
    for (size_t i = 0; i < size; i++)
        expected[i] = -0.0f;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (unsigned format = 0; weight_format_at(format); format++) {
            struct packed *packed;

            if (!is_checked(kernels, w, format, n))
                continue;
            assert_int_equal(packed_new(w, format, &packed), 0);
            check_packed(kernels, packed, format, &p, size, expected);
            packed_free(packed);
        }
    }
    free(expected);
    guarded_free(&x);
    guarded_free(&y);
    guarded_free(&bias);
}

/* What multiplies all entries, and looks at what comes out. The last row has no connection, or as many as the others:
 * of few rows that is reason enough not to. */
static void test_nearly_full(void **state)
{
    enum { COLUMNS = 61, SAMPLES = 17 };
    static const uint32_t rows[] = { 5, 80, 131 };
    struct rng rng = rng_make(15, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (uint32_t empty = rows[i] - 1; empty <= rows[i]; empty++) { /* the last one, or none */
            struct csr w = nearly_full(&rng, rows[i], COLUMNS, empty);

            for (size_t n = 1; n <= SAMPLES; n++) {
                check_forward_of(&rng, &w, false, n);
                check_forward_of(&rng, &w, true, n);
                check_sums_of_zero(&w, n);
            }
            csr_deinit(&w);
        }
    }
}

/* Neither what is read nor what comes out is taken for 0: 64 times the least number that there is. */
static void test_denormals(void **state)
{
    enum { SIDE = 64 };
    const struct kernels *kernels;
    struct csr w = matrix(&(struct rng){ 0 }, SIDE, SIDE, 100);
    static float x[SIDE * SIDE], y[SIDE * SIDE], expected[SIDE * SIDE];
    struct packed *packed;

    (void)state;
    for (uint64_t k = 0; k < w.count; k++)
        w.values[k] = 0x1p-149f;
    for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
        x[i] = 1;
        expected[i] = 0x1p-143f;
    }
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 1; n <= SIDE; n *= 2) {
            for (unsigned format = 0; weight_format_at(format); format++) {
                if (!is_checked(kernels, &w, format, n))
                    continue;
                assert_int_equal(packed_new(&w, format, &packed), 0);
                check_packed(kernels, packed, format, &(struct product){ .x = x, .y = y, .n = n }, SIDE * n, expected);
                packed_free(packed);
            }
        }
    }
    csr_deinit(&w);
}

/* More of X than a cache has: what a connection reads is asked for before. More of Y's gradient: columns go over it in
 * blocks of rows. */
static void test_backward_over_more_than_a_cache(void **state)
{
    enum { CACHE = 1 << 17 };
    static const struct {
        uint32_t rows, columns;
        unsigned percent;
        size_t n;
    } cases[] = { { 3, CACHE + 100, 1, 1 },     { 3, CACHE / 2 + 100, 1, 2 },   { 3, CACHE / 4 + 100, 1, 4 },
                  { 3, CACHE / 8 + 100, 1, 8 }, { CACHE / 35 + 40, 4, 30, 70 }, { CACHE / 150 + 40, 4, 30, 300 } };
    struct rng rng = rng_make(14, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct csr w = matrix(&rng, cases[i].rows, cases[i].columns, cases[i].percent);
        struct csc index;

        assert_int_equal(csc_init(&index, &w), 0);
        check_samples(&rng, &w, &index, cases[i].n, false);
        csc_deinit(&index);
        csr_deinit(&w);
    }
}

static void test_tables_by_name(void **state)
{
    const struct kernels *kernels, *last = kernels_at(0);

    (void)state;
    unsetenv("WISP_CPU");
    assert_ptr_equal(kernels_find("auto"), kernels_at(0));
    assert_null(kernels_find("vax"));
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        printf("usable here: %s\n", kernels->name);
        setenv("WISP_CPU", kernels->name, 1);
        assert_ptr_equal(kernels_find("auto"), kernels);
        last = kernels;
    }
    assert_string_equal(last->name, "scalar");
    setenv("WISP_CPU", "vax", 1);
    assert_null(kernels_find("auto"));
    unsetenv("WISP_CPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix_kernels), cmocka_unit_test(test_nearly_full),
        cmocka_unit_test(test_denormals),      cmocka_unit_test(test_backward_over_more_than_a_cache),
        cmocka_unit_test(test_tables_by_name),
    };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
