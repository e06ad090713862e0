/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/density: golden values, and properties over random structures.
 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/density.h"
#include "support/test.h"

enum { LAYERS_MAX = 8 };

/* inputs, outputs, kernel width, kernel height of each layer */
struct structure {
    enum density_method method;
    uint64_t layers[LAYERS_MAX][4];
};

static const struct structure mlp = {
    DENSITY_ER, { { 784, 1000, 1, 1 }, { 1000, 1000, 1, 1 }, { 1000, 1000, 1, 1 }, { 1000, 10, 1, 1 } }
};
static const struct structure lenet = { DENSITY_ER, { { 784, 300, 1, 1 }, { 300, 100, 1, 1 }, { 100, 10, 1, 1 } } };
static const struct structure conv_er = { DENSITY_ER,
                                          { { 3, 16, 3, 3 }, { 16, 32, 3, 3 }, { 32, 64, 1, 1 }, { 64, 10, 1, 1 } } };
static const struct structure conv_erk = { DENSITY_ERK,
                                           { { 3, 16, 3, 3 }, { 16, 32, 3, 3 }, { 32, 64, 1, 1 }, { 64, 10, 1, 1 } } };

/* Sigma to three digits and probabilities to four, from a Python implementation of the published method. */
static const struct golden {
    const struct structure *structure;
    double sparsity, sigma, probability[LAYERS_MAX];
} goldens[] = {
    { &mlp, .1, 433.022, { .9853, .8660, .8660, 1 } },        { &mlp, .3, 336.411, { .7655, .6728, .6728, 1 } },
    { &mlp, .5, 239.799, { .5457, .4796, .4796, 1 } },        { &mlp, .7, 143.188, { .3258, .2864, .2864, 1 } },
    { &mlp, .8, 94.882, { .2159, .1898, .1898, 1 } },         { &mlp, .9, 46.577, { .1060, .0932, .0932, 1 } },
    { &mlp, .95, 22.424, { .0510, .0448, .0448, 1 } },        { &mlp, .98, 8.225, { .0187, .0164, .0164, .8307 } },
    { &mlp, .99, 4.112, { .0094, .0082, .0082, .4154 } },     { &lenet, .9, 17.264, { .0796, .2302, 1 } },
    { &lenet, .95, 8.350, { .0385, .1113, .9185 } },          { &lenet, .98, 3.340, { .0154, .0445, .3674 } },
    { &lenet, .99, 1.670, { .0077, .0223, .1837 } },          { &conv_erk, .5, 18.368, { 1, .2153, .8790, 1 } },
    { &conv_erk, .8, 6.109, { .3535, .0716, .2923, .7255 } }, { &conv_erk, .9, 3.055, { .1768, .0358, .1462, .3627 } },
    { &conv_er, .5, 5.701, { 1, .5345, .2672, .6592 } },      { &conv_er, .8, 1.999, { .7915, .1875, .0937, .2312 } },
    { &conv_er, .9, 1.000, { .3957, .0937, .0469, .1156 } },
};

static size_t layers_of(const struct structure *structure, struct density_layer *out)
{
    size_t count = 0;

    for (; count < LAYERS_MAX && structure->layers[count][0]; count++) {
        const uint64_t *from = structure->layers[count];

        out[count] = (struct density_layer){
            .inputs = from[0],
            .outputs = from[1],
            .kernel_width = from[2],
            .kernel_height = from[3],
            .convolution = structure != &mlp && structure != &lenet,
        };
    }
    return count;
}

static void test_golden_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
        const struct golden *golden = &goldens[i];
        struct density_layer layers[LAYERS_MAX];
        size_t count = layers_of(golden->structure, layers);
        struct reason why;
        double sigma;

        assert_ok(density_solve(golden->structure->method, layers, count, 1 - golden->sparsity, &sigma, &why), why);
        if (fabs(sigma - golden->sigma) > 0.000501)
            fail_msg("row %zu: sigma %.5f, not %.3f", i, sigma, golden->sigma);
        for (size_t l = 0; l < count; l++) {
            if (fabs(layers[l].probability - golden->probability[l]) > 0.0000501)
                fail_msg("row %zu, layer %zu: p %.6f, not %.4f", i, l, layers[l].probability, golden->probability[l]);
        }
    }
}

/* The two properties that define a solution; false where they do not hold. */
static bool is_solution(const struct density_layer *layers, size_t count, double density)
{
    double total = 0, sum = 0;

    for (size_t i = 0; i < count; i++) {
        double potential = (double)layers[i].potential;

        if (!(layers[i].probability > 0 && layers[i].probability <= 1))
            return false;
        total += potential;
        sum += layers[i].probability * potential;
    }
    return fabs(sum - density * total) < 1e-6 * density * total;
}

/* The connections are whole numbers near their share, and sum to the target to the nearest. */
static void assert_connections(const struct density_layer *layers, size_t count, double density)
{
    uint64_t total = 0, sum = 0;

    for (size_t i = 0; i < count; i++) {
        double share = layers[i].probability * (double)layers[i].potential;

        assert_true(layers[i].connections <= layers[i].potential);
        assert_true(fabs((double)layers[i].connections - share) < 1 + 1e-9 * share);
        total += layers[i].potential;
        sum += layers[i].connections;
    }
    assert_int_equal(sum, (uint64_t)llround(density * (double)total));
}

static size_t random_layers(struct rng *rng, struct density_layer *layers)
{
    size_t count = 1 + rng_below(rng, LAYERS_MAX);
    uint64_t inputs = 1 + rng_below(rng, 3000);

    for (size_t i = 0; i < count; i++) {
        uint64_t kernel = rng_below(rng, 3) ? 1 : 1 + rng_below(rng, 7);

        layers[i] = (struct density_layer){ .inputs = inputs,
                                            .outputs = 1 + rng_below(rng, rng_below(rng, 2) ? 3000 : 12),
                                            .kernel_width = kernel,
                                            .kernel_height = kernel };
        inputs = layers[i].outputs;
    }
    return count;
}

static void test_properties_of_random_structures(void **state)
{
    struct rng rng = rng_make(3, 0);

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct density_layer layers[LAYERS_MAX];
        size_t count = random_layers(&rng, layers);
        enum density_method method = round % 2 ? DENSITY_ERK : DENSITY_ER;
        double last = 0;

        for (int step = 1; step <= 20; step++) {
            double density = step / 20., sigma;
            struct reason why;

            assert_ok(density_solve(method, layers, count, density, &sigma, &why), why);
            assert_true(is_solution(layers, count, density));
            assert_connections(layers, count, density);
            assert_true(sigma > last);
            assert_true(step < 20 || isinf(sigma));
            last = sigma;
        }
    }
}

/* The well-known mistake: sigma without the cap, clipped afterwards. The property must catch it. */
static void test_clipping_afterwards_is_not_a_solution(void **state)
{
    struct density_layer layers[LAYERS_MAX];
    size_t count = layers_of(&mlp, layers);
    double total = 0, spread = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        layers[i].potential = layers[i].inputs * layers[i].outputs;
        total += (double)layers[i].potential;
        spread += (double)(layers[i].inputs + layers[i].outputs);
    }
    for (size_t i = 0; i < count; i++) {
        double raw = .5 * total / spread * (double)(layers[i].inputs + layers[i].outputs);

        layers[i].probability = fmin(1, raw / (double)layers[i].potential);
    }
    assert_false(is_solution(layers, count, .5));
}

static void test_dense_saturates_every_layer(void **state)
{
    struct density_layer layers[LAYERS_MAX], alike[3];
    size_t count = layers_of(&mlp, layers);
    struct reason why;
    double sigma;

    (void)state;
    assert_ok(density_solve(DENSITY_ER, layers, count, 1, &sigma, &why), why);
    assert_true(isinf(sigma) && sigma > 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(layers[i].probability == 1);
        assert_int_equal(layers[i].connections, layers[i].potential);
    }
    for (size_t i = 0; i < ARRAY_SIZE(alike); i++)
        alike[i] = (struct density_layer){ .inputs = 7, .outputs = 7, .kernel_width = 1, .kernel_height = 1 };
    assert_ok(density_solve(DENSITY_ER, alike, ARRAY_SIZE(alike), 1, &sigma, &why), why);
    assert_true(isinf(sigma));
    assert_ok(density_solve(DENSITY_ER, alike, ARRAY_SIZE(alike), 0x1.fffffffffffffp-1, &sigma, &why), why);
    assert_int_equal(alike[0].connections, 49);
}

/* 100 of 147 in three equal layers: two get 33, and the first of equals gets 34. */
static void test_rounding_is_fair_and_stable(void **state)
{
    struct density_layer alike[3];
    struct reason why;
    double sigma;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(alike); i++)
        alike[i] = (struct density_layer){ .inputs = 7, .outputs = 7, .kernel_width = 1, .kernel_height = 1 };
    assert_ok(density_solve(DENSITY_ER, alike, ARRAY_SIZE(alike), 100. / 147, &sigma, &why), why);
    assert_int_equal(alike[0].connections, 34);
    assert_int_equal(alike[1].connections, 33);
    assert_int_equal(alike[2].connections, 33);
}

/* Beyond 2^53, where doubles no longer count: nothing overflows, and the sum is still whole. */
static void test_huge_layers(void **state)
{
    struct density_layer layers[3] = {
        { .inputs = 1ull << 31, .outputs = 1ull << 31, .kernel_width = 1, .kernel_height = 1 },
        { .inputs = 3, .outputs = (1ull << 60) + 1, .kernel_width = 1, .kernel_height = 1 },
        { .inputs = 5, .outputs = 7, .kernel_width = 3, .kernel_height = 1 },
    };
    uint64_t sum = 0;
    struct reason why;
    double sigma;

    (void)state;
    assert_ok(density_solve(DENSITY_ERK, layers, 3, .999, &sigma, &why), why);
    assert_true(is_solution(layers, 3, .999));
    for (int i = 0; i < 3; i++) {
        assert_true(layers[i].connections <= layers[i].potential);
        sum += layers[i].connections;
    }
    assert_true(sum == (uint64_t)(.999 * ((double)layers[0].potential + (double)layers[1].potential + 105)));
}

static void test_refusals(void **state)
{
    struct density_layer layer = { .inputs = 4, .outputs = 4, .kernel_width = 1, .kernel_height = 1 };
    struct density_layer wide[2] = {
        { .inputs = 1ull << 31, .outputs = 1ull << 32, .kernel_width = 1, .kernel_height = 1 },
        { .inputs = 1ull << 31, .outputs = 1ull << 32, .kernel_width = 1, .kernel_height = 1 },
    };
    const double densities[] = { 0, -.1, 1.0001, NAN, INFINITY };
    struct reason why;
    double sigma;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(densities); i++) {
        assert_int_equal(density_solve(DENSITY_ER, &layer, 1, densities[i], &sigma, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "is not in (0, 1]"));
    }
    assert_int_equal(density_solve(DENSITY_ER, &layer, 0, .5, &sigma, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "no weighted layers"));
    layer.kernel_width = 0;
    assert_int_equal(density_solve(DENSITY_ER, &layer, 1, .5, &sigma, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "zero dimension"));
    layer.kernel_width = UINT64_MAX;
    assert_int_equal(density_solve(DENSITY_ER, &layer, 1, .5, &sigma, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "layer 1 has more than 2^63"));
    assert_ok(density_solve(DENSITY_ER, wide, 1, .5, &sigma, &why), why);
    assert_int_equal(density_solve(DENSITY_ER, wide, 2, .5, &sigma, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "first 2 layers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_values),
        cmocka_unit_test(test_properties_of_random_structures),
        cmocka_unit_test(test_clipping_afterwards_is_not_a_solution),
        cmocka_unit_test(test_dense_saturates_every_layer),
        cmocka_unit_test(test_rounding_is_fair_and_stable),
        cmocka_unit_test(test_huge_layers),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
