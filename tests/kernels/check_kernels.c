/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of kernels.h, element by element: here every chain is written out once more, naively, and each usable
 * table must give the same bits, for empty and full rows, narrow and wide indices, any batch, NaN, infinities, -0 and
 * denormals, in the weights as well. Operands, matrices and packed weights end at a page that cannot be touched, and
 * then begin behind one, so that reading or writing past either end is a crash.
 */
#include <math.h>
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
#include "sparse/kernels/functions.h"
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

static void test_elementwise_kernels(void **state)
{
    const struct kernels *kernels, *scalar = kernels_find("scalar");
    struct rng rng = rng_make(12, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 0; n < 100; n++) {
            struct guarded in = guarded_new(n + 1), out = guarded_new(n), gradient = guarded_new(n),
                           back = guarded_new(n);
            float expected[100], w[100], v[100], w_expected[100], v_expected[100];

            fill(&rng, in.data, n + 1, true);
            fill(&rng, gradient.data, n, true);
            scalar->relu(in.data + 1, expected, n);
            kernels->relu(in.data + 1, out.data, n);
            assert_same(expected, out.data, n, "relu", kernels->name);
            for (size_t i = 0; i < n; i++)
                assert_true(isnan(in.data[i + 1]) ? isnan(out.data[i]) /* and -0 gives +0 */
                                                  : out.data[i] >= 0 && !signbit(out.data[i]));
            scalar->relu_backward(out.data, gradient.data, expected, n);
            kernels->relu_backward(out.data, gradient.data, back.data, n);
            assert_same(expected, back.data, n, "relu_backward", kernels->name);
            for (size_t i = 0; i < n; i++)
                assert_true(!isnan(out.data[i]) || same_bits(back.data[i], gradient.data[i]));
            for (size_t i = 0; i < n; i++)
                expected[i] = back.data[i] + in.data[i + 1];
            kernels->add(back.data, in.data + 1, n);
            assert_same(expected, back.data, n, "add", kernels->name);
            fill(&rng, w, n, false);
            fill(&rng, v, n, false);
            memcpy(w_expected, w, sizeof w);
            memcpy(v_expected, v, sizeof v);
            for (size_t i = 0; i < n; i++) {
                float d = fmaf(1e-4f, w[i], gradient.data[i] * 0.25f);

                v_expected[i] = fmaf(0.9f, v[i], d);
                w_expected[i] = fmaf(-0.1f, fmaf(0.9f, v_expected[i], d), w[i]);
            }
            kernels->sgd(w, v, gradient.data, n, 0.1f, 0.9f, 1e-4f, 0.25f);
            assert_same(w_expected, w, n, "sgd w", kernels->name);
            assert_same(v_expected, v, n, "sgd v", kernels->name);
            guarded_free(&in);
            guarded_free(&out);
            guarded_free(&gradient);
            guarded_free(&back);
        }
    }
}

/* Each place in turn, over the edges of blocks; the largest finite numbers are finite. */
/* Each from wisp's own functions, which tests/unit/sparse/kernels/test_math.c holds against libm. */
static float sigmoid_slope(float y)
{
    return y * (1 - y);
}

static float tanh_slope(float y)
{
    return fmaf(-y, y, 1);
}

static float gelu_of(float x)
{
    float density;

    return x * function_normal(x, &density);
}

static float gelu_slope(float x)
{
    float density, below = function_normal(x, &density);

    return fmaf(x, density, below);
}

static float gelu_tanh_of(float x)
{
    float density;

    return x * function_normal_by_tanh(x, &density);
}

static float gelu_tanh_slope(float x)
{
    float density, below = function_normal_by_tanh(x, &density);

    return fmaf(x, density, below);
}

static void check_activation(const struct kernels *kernels, size_t n, void (*run)(const float *, float *, size_t),
                             float (*expected)(float), void (*back)(const float *, const float *, float *, size_t),
                             float (*slope)(float), const char *name)
{
    struct guarded in = guarded_new(n), out = guarded_new(n), gradient = guarded_new(n);
    struct rng rng = rng_make(31, n);
    float right[100] = { 0 };

    fill(&rng, in.data, n, true);
    fill(&rng, gradient.data, n, true);
    for (size_t i = 0; i < n; i++) {
        in.data[i] *= 4;
        right[i] = expected(in.data[i]);
    }
    run(in.data, out.data, n);
    assert_same(right, out.data, n, name, kernels->name);
    for (size_t i = 0; i < n; i++)
        right[i] = gradient.data[i] * slope(in.data[i]);
    back(in.data, gradient.data, out.data, n);
    assert_same(right, out.data, n, name, kernels->name);
    guarded_free(&in);
    guarded_free(&out);
    guarded_free(&gradient);
}

static void test_activations(void **state)
{
    const struct kernels *k;

    (void)state;
    for (size_t t = 0; (k = kernels_at(t)); t++) {
        for (size_t n = 0; n < 100; n++) {
            check_activation(k, n, k->sigmoid, function_sigmoid, k->sigmoid_backward, sigmoid_slope, "sigmoid");
            check_activation(k, n, k->tanh, function_tanh, k->tanh_backward, tanh_slope, "tanh");
            check_activation(k, n, k->gelu, gelu_of, k->gelu_backward, gelu_slope, "gelu");
            check_activation(k, n, k->gelu_tanh, gelu_tanh_of, k->gelu_tanh_backward, gelu_tanh_slope, "gelu_tanh");
        }
    }
}

static void test_the_first_that_is_not_finite(void **state)
{
    static const float bad[] = { NAN, -NAN, INFINITY, -INFINITY },
                       good[] = { 0x1.fffffep127f, -0x1.fffffep127f, -0.0f };
    const struct kernels *kernels;

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 0; n < 800; n = n < 40 ? n + 1 : n + 97) {
            struct guarded x = guarded_new(n);

            for (size_t i = 0; i < n; i++)
                x.data[i] = good[i % ARRAY_SIZE(good)];
            assert_int_equal(kernels->first_not_finite(x.data, n), n);
            for (size_t at = n; at-- > 0;) { /* those behind it stay */
                x.data[at] = bad[at % ARRAY_SIZE(bad)];
                assert_int_equal(kernels->first_not_finite(x.data, n), at);
            }
            guarded_free(&x);
        }
    }
}

/* The contract written out; a gradient of 0 leaves everything as it is, and what is no number stays visible. */
static void test_adam(void **state)
{
    const struct adam_step s = { .rate = 0.01f,
                                 .beta1 = 0.9f,
                                 .beta2 = 0.999f,
                                 .epsilon = 1e-8f,
                                 .shrink = 1e-4f,
                                 .scale = 0.25f,
                                 .correction1 = 2.5f,
                                 .correction2 = 300 };
    const struct kernels *kernels;
    struct rng rng = rng_make(14, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 0; n < 100; n++) {
            struct guarded w = guarded_new(n), m = guarded_new(n), v = guarded_new(n), g = guarded_new(n);
            float w_expected[100], m_expected[100], v_expected[100];

            fill(&rng, w.data, n, false);
            fill(&rng, m.data, n, false);
            fill(&rng, v.data, n, false);
            fill(&rng, g.data, n, n > 50);
            for (size_t i = 0; i < n; i++) {
                float d = g.data[i] * s.scale, first, second;

                v.data[i] = fabsf(v.data[i]);
                first = fmaf(s.beta1, m.data[i], (1 - s.beta1) * d);
                second = fmaf(s.beta2, v.data[i], (1 - s.beta2) * d * d);
                g.data[i] = i % 5 ? g.data[i] : 0;
                m_expected[i] = g.data[i] == 0 ? m.data[i] : first;
                v_expected[i] = g.data[i] == 0 ? v.data[i] : second;
                w_expected[i] = g.data[i] == 0
                                    ? w.data[i]
                                    : fmaf(-s.rate, first * s.correction1 / (sqrtf(second * s.correction2) + s.epsilon),
                                           fmaf(-s.shrink, w.data[i], w.data[i]));
            }
            kernels->adam(w.data, m.data, v.data, g.data, n, &s);
            assert_same(w_expected, w.data, n, "adam w", kernels->name);
            assert_same(m_expected, m.data, n, "adam m", kernels->name);
            assert_same(v_expected, v.data, n, "adam v", kernels->name);
            guarded_free(&w);
            guarded_free(&m);
            guarded_free(&v);
            guarded_free(&g);
        }
    }
}

static void test_row_sums(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(13, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 1; n < 140; n++) {
            struct guarded activation = guarded_new(5 * n), sums = guarded_new(5);
            float expected[5];

            fill(&rng, activation.data, 5 * n, false);
            for (int r = 0; r < 5; r++) {
                float lanes[LANES] = { 0 };

                for (size_t b = 0; b < n; b++)
                    lanes[b % LANES] += activation.data[r * n + b];
                expected[r] = tree(lanes);
            }
            kernels->row_sums(activation.data, sums.data, n, 0, 2);
            kernels->row_sums(activation.data, sums.data, n, 2, 5);
            assert_same(expected, sums.data, 5, "row_sums", kernels->name);
            guarded_free(&activation);
            guarded_free(&sums);
        }
    }
}

static void test_norm_sums(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(14, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 1; n < 140; n++) {
            struct guarded x = guarded_new(n), g = guarded_new(n);
            float squares[LANES] = { 0 }, gradients[LANES] = { 0 }, products[LANES] = { 0 }, found[3], expected[3];
            const float mean = rng_normal(&rng);
            struct norm_sums sums;

            fill(&rng, x.data, n, n % 2);
            fill(&rng, g.data, n, n % 3 == 0);
            for (size_t i = 0; i < n; i++) {
                const float apart = x.data[i] - mean;

                squares[i % LANES] = fmaf(apart, apart, squares[i % LANES]);
                gradients[i % LANES] += g.data[i];
                products[i % LANES] = fmaf(g.data[i], apart, products[i % LANES]);
            }
            sums = kernels->norm_sums(x.data, g.data, n, mean);
            memcpy(found, (float[]){ kernels->norm_squares(x.data, n, mean), sums.gradient, sums.product }, 12);
            memcpy(expected, (float[]){ tree(squares), tree(gradients), tree(products) }, 12);
            assert_same(expected, found, 3, "norm_sums", kernels->name);
            guarded_free(&x);
            guarded_free(&g);
        }
    }
}

static void test_norm_elements(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(15, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (size_t n = 1; n < 70; n++) {
            struct guarded x = guarded_new(n), g = guarded_new(n), out = guarded_new(n);
            const struct norm_back back = { rng_normal(&rng), rng_normal(&rng), rng_normal(&rng), rng_normal(&rng) };
            float expected[70];

            fill(&rng, x.data, n, n % 2);
            fill(&rng, g.data, n, n % 3 == 0);
            for (size_t i = 0; i < n; i++)
                expected[i] = back.factor * fmaf(back.mean - x.data[i], back.tilt, g.data[i] - back.level);
            kernels->norm_backward(x.data, g.data, out.data, n, &back);
            assert_same(expected, out.data, n, "norm_backward", kernels->name);
            for (size_t i = 0; i < n; i++)
                expected[i] = fmaf(x.data[i] - back.mean, back.factor, back.level);
            kernels->norm_apply(x.data, x.data, n, back.mean, back.factor, back.level);
            assert_same(expected, x.data, n, "norm_apply", kernels->name);
            guarded_free(&x);
            guarded_free(&g);
            guarded_free(&out);
        }
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
        cmocka_unit_test(test_matrix_kernels),
        cmocka_unit_test(test_denormals),
        cmocka_unit_test(test_backward_over_more_than_a_cache),
        cmocka_unit_test(test_elementwise_kernels),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_adam),
        cmocka_unit_test(test_row_sums),
        cmocka_unit_test(test_norm_sums),
        cmocka_unit_test(test_norm_elements),
        cmocka_unit_test(test_the_first_that_is_not_finite),
        cmocka_unit_test(test_tables_by_name),
    };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
