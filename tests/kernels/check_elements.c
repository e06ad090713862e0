/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of kernels.h for what goes element by element and for sums: written out once more, naively, and each
 * usable table must give the same bits, for any number of elements, NaN, infinities, -0 and denormals. Operands end at
 * a page that cannot be touched, and then begin behind one.
 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "kernels/matrices.h"
#include "kernels/operands.h"
#include "sparse/kernels/functions.h"
#include "sparse/kernels/kernels.h"
#include "support/test.h"

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

/* Each place in turn, over the edges of blocks; the largest finite numbers are finite. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elementwise_kernels),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_adam),
        cmocka_unit_test(test_row_sums),
        cmocka_unit_test(test_norm_sums),
        cmocka_unit_test(test_norm_elements),
        cmocka_unit_test(test_the_first_that_is_not_finite),
    };

    return guarded_run(tests, ARRAY_SIZE(tests));
}
