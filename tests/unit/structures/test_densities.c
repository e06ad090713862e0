/* SPDX-License-Identifier: Apache-2.0
 *
 * Densities of whole structures: every seed of the table against a separate implementation, to 1e-6; the plus variants
 * and given probabilities by their definitions; and what a solve without the cap inside would get wrong.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/catalog/documents/document.h"
#include "support/test.h"

enum { LAYERS_MAX = 200 };

static const struct {
    const char *structure;
    enum density_method method;
    double sparsity, sigma, weighted, connections;
} expected[] = {
#include "densities.inc"
};

struct wanted {
    const char *name;
    struct density_layer *layers;
    size_t count;
};

static int keep_layers(void *argument, const struct structure *structure)
{
    struct wanted *wanted = argument;

    if (!strcmp(structure->name, wanted->name)) {
        wanted->count = structure_weighted(structure);
        assert_true(wanted->count <= LAYERS_MAX);
        structure_density_layers(structure, wanted->layers);
        for (size_t i = 0; i < wanted->count; i++)
            wanted->layers[i].name = NULL; /* the structure's, which does not stay */
    }
    return 0;
}

static size_t seed_layers(const char *name, struct density_layer *layers)
{
    static const char *const families[] = { "mlp", "cnn", "resnet", "vit", "text", "audio", "picture-to-picture" };
    struct wanted wanted = { .name = name, .layers = layers };

    for (size_t i = 0; i < ARRAY_SIZE(families) && !wanted.count; i++) {
        char path[512];
        struct reason why;

        snprintf(path, sizeof path, "%s/%s.yaml", source_path("config/structures"), families[i]);
        assert_ok(document_read(path, keep_layers, &wanted, stderr, &why), why);
    }
    assert_true(wanted.count > 0);
    return wanted.count;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b));
}

static void test_every_row_agrees(void **state)
{
    static struct density_layer layers[LAYERS_MAX];
    const char *name = "";
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        double sigma, weighted = 0, connections = 0;
        uint64_t exact = 0;
        struct reason why;

        if (strcmp(name, expected[i].structure) != 0)
            count = seed_layers(name = expected[i].structure, layers);
        assert_ok(density_solve(expected[i].method, layers, count, 1 - expected[i].sparsity, &sigma, &why), why);
        for (size_t l = 0; l < count; l++) {
            weighted += (double)(l + 1) * layers[l].probability;
            connections += layers[l].probability * (double)layers[l].potential;
            exact += layers[l].connections;
        }
        if (!near(sigma, expected[i].sigma) || !near(weighted, expected[i].weighted) ||
            !near(connections, expected[i].connections))
            fail_msg("%s at %.2f: sigma %.9g, weighted %.9g, connections %.9g", name, expected[i].sparsity, sigma,
                     weighted, connections);
        assert_true(fabs((double)exact - expected[i].connections) <= 1);
    }
}

/* sigma = K / sum of a, then clip: loses what the clipped layers cannot hold. */
static void test_a_cap_outside_the_solve_would_be_seen(void **state)
{
    static struct density_layer layers[LAYERS_MAX];
    size_t count = seed_layers("mlp-784-1000x3-10", layers);
    double total = 0, spread = 0, sigma, naive = 0;
    struct reason why;

    (void)state;
    assert_ok(density_solve(DENSITY_ER, layers, count, 0.5, &sigma, &why), why);
    for (size_t l = 0; l < count; l++) {
        total += (double)layers[l].potential;
        spread += (double)(layers[l].inputs + layers[l].outputs);
    }
    for (size_t l = 0; l < count; l++)
        naive +=
            fmin(0.5 * total / spread * (double)(layers[l].inputs + layers[l].outputs), (double)layers[l].potential);
    assert_false(near(naive, 0.5 * total));
    assert_true(naive < 0.9 * 0.5 * total);
}

static double sum_of(const struct density_layer *layers, size_t count)
{
    double sum = 0;

    for (size_t l = 0; l < count; l++) {
        assert_true(layers[l].probability > 0 && layers[l].probability <= 1);
        assert_true(layers[l].connections <= layers[l].potential);
        sum += (double)layers[l].connections;
    }
    return sum;
}

static void test_plus_variants(void **state)
{
    static const char *const names[] = { "lenet-5", "resnet-20-w16", "vit-tiny-4", "mlp-784-1000x3-10" };
    static struct density_layer layers[LAYERS_MAX];
    struct reason why;
    double sigma;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t count = seed_layers(names[i], layers);

        for (int percent = 10; percent <= 90; percent += 20) {
            double density = percent / 100.0, total = 0;

            for (size_t l = 0; l < count; l++)
                total += (double)layers[l].inputs * (double)layers[l].outputs * (double)layers[l].kernel_height *
                         (double)layers[l].kernel_width;
            assert_ok(density_solve(DENSITY_UNIFORM, layers, count, density, &sigma, &why), why);
            assert_true(near(sigma, density));
            assert_true(fabs(sum_of(layers, count) - density * total) <= 1);
            assert_ok(density_solve(DENSITY_ERK_PLUS, layers, count, density, &sigma, &why), why);
            assert_true(layers[count - 1].probability == 1);
            assert_true(fabs(sum_of(layers, count) - density * total) <= 1);
            assert_ok(density_solve(DENSITY_UNIFORM_PLUS, layers, count, density, &sigma, &why), why);
            assert_true((layers[0].probability == 1) == layers[0].convolution);
            assert_true(layers[count - 1].probability >= 0.2 - 1e-12);
            for (size_t l = 2; l < count - 1; l++)
                assert_true(near(layers[l].probability, layers[1].probability));
            assert_true(fabs(sum_of(layers, count) - density * total) <= 1);
        }
    }
}

/* The last layer has what the others have, but never less than 0.2: also where it is they who have less, and not all
 * of the network. */
static void test_uniform_plus_keeps_its_word(void **state)
{
    static const char *const names[] = { "lenet-300-100", "keyword-cnn-w16", "keyword-mlp-1280-512-256-10",
                                         "resnet-20-w16" };
    static struct density_layer layers[LAYERS_MAX];
    struct reason why;
    double sigma;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t count = seed_layers(names[i], layers);
        unsigned raised = 0;

        for (unsigned thousandths = 20; thousandths < 1000; thousandths++) {
            double density = thousandths / 1000.0, last, other;

            if (density_solve(DENSITY_UNIFORM_PLUS, layers, count, density, &sigma, &why))
                continue; /* less than the dense layer and the last one need */
            last = layers[count - 1].probability;
            other = layers[1].probability;
            assert_true((layers[0].probability == 1) == layers[0].convolution);
            assert_true(last >= 0.2 - 1e-12 && last >= other - 1e-12);
            assert_true(last == 0.2 || near(last, other));
            raised += last > other + 1e-9;
        }
        assert_true(raised > 100);
    }
}

static void test_given_probabilities(void **state)
{
    static struct density_layer layers[LAYERS_MAX];
    size_t count = seed_layers("lenet-300-100", layers);
    struct reason why;
    double sigma;

    (void)state;
    layers[0].fixed = 0.1;
    layers[1].fixed = 0.5;
    assert_int_equal(density_solve(DENSITY_FIXED, layers, count, 0, &sigma, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "layer 3 is given no probability"));
    layers[2].fixed = 1;
    assert_ok(density_solve(DENSITY_FIXED, layers, count, 0, &sigma, &why), why);
    assert_int_equal(layers[0].connections, 23520);
    assert_int_equal(layers[1].connections, 15000);
    assert_int_equal(layers[2].connections, 1000);
    layers[0].fixed = layers[2].fixed = 0;
    assert_ok(density_solve(DENSITY_ER, layers, count, 0.1, &sigma, &why), why);
    assert_true(layers[1].probability == 0.5);
    assert_true(fabs(sum_of(layers, count) - 26620) <= 1);
    assert_int_equal(density_solve(DENSITY_ER, layers, count, 0.01, &sigma, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "the given layers alone take 15000"));
    assert_int_equal(density_solve(DENSITY_ER, layers, count, 0.99, &sigma, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "at most"));
    layers[1].fixed = 1.5;
    assert_int_equal(density_solve(DENSITY_ER, layers, count, 0.5, &sigma, &why), WISP_E_INVALID);
    layers[1].fixed = NAN;
    assert_int_equal(density_solve(DENSITY_ER, layers, count, 0.5, &sigma, &why), WISP_E_INVALID);
}

static void test_methods_by_name(void **state)
{
    enum density_method method;

    (void)state;
    for (int i = 0; i < DENSITY_METHODS; i++) {
        assert_true(density_method_parse(density_method_name((enum density_method)i), &method));
        assert_int_equal(method, i);
    }
    assert_false(density_method_parse("er+", &method));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_agrees),
        cmocka_unit_test(test_a_cap_outside_the_solve_would_be_seen),
        cmocka_unit_test(test_plus_variants),
        cmocka_unit_test(test_given_probabilities),
        cmocka_unit_test(test_uniform_plus_keeps_its_word),
        cmocka_unit_test(test_methods_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
