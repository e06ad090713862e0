/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans and labels: the golden densities as a plan reports them, bytes that follow the connections, label files.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/labels/labels.h"
#include "forge/plan/plan.h"
#include "support/test.h"

/* A plan for --layers and a density. */
static void make_plan(const char *layers, double density, struct plan *plan)
{
    struct structure structure;
    struct reason why;

    assert_ok(structure_parse_layers(layers, &structure, &why), why);
    strcpy(structure.processing, "raw");
    assert_ok(plan_solve(&structure, DENSITY_ER, density, plan, &why), why);
}

static void test_plan_names_its_structure(void **state)
{
    struct plan plan;
    char *text;

    (void)state;
    make_plan("784-300-100-10", 0.1, &plan);
    text = plan_structure_text(&plan);
    assert_string_equal(text, "784-300-100-10");
    free(text);
    assert_int_equal(plan.layer_count, 3);
    assert_string_equal(plan.structure.layers[plan.layers[1].place].name, "fc2");
    assert_int_equal(plan.layers[1].density.inputs, 300);
    assert_int_equal(plan.layers[1].density.outputs, 100);
    plan_deinit(&plan);
    plan_deinit(&plan);
}

/* Four bytes a value, two or four an index, eight a row start and one more, four a bias. */
static void test_bytes_follow_the_connections(void **state)
{
    struct plan plan;

    (void)state;
    make_plan("65537-10-5", 0.01, &plan);
    assert_int_equal(plan_layer_bytes(&plan, 0), plan.layers[0].density.connections * 8 + 11 * 8 + 10 * 4);
    assert_int_equal(plan_layer_bytes(&plan, 1), plan.layers[1].density.connections * 6 + 6 * 8 + 5 * 4);
    assert_int_equal(plan.bytes, plan_layer_bytes(&plan, 0) + plan_layer_bytes(&plan, 1));
    plan_deinit(&plan);
}

static void test_plan_has_the_golden_densities(void **state)
{
    static const struct {
        double sparsity, sigma, p[4];
    } golden[] = {
        { .1, 433.022, { .9853, .8660, .8660, 1 } },    { .5, 239.799, { .5457, .4796, .4796, 1 } },
        { .8, 94.882, { .2159, .1898, .1898, 1 } },     { .9, 46.577, { .1060, .0932, .0932, 1 } },
        { .95, 22.424, { .0510, .0448, .0448, 1 } },    { .98, 8.225, { .0187, .0164, .0164, .8307 } },
        { .99, 4.112, { .0094, .0082, .0082, .4154 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
        struct plan plan;

        make_plan("784-1000-1000-1000-10", 1 - golden[i].sparsity, &plan);
        assert_true(fabs(plan.sigma - golden[i].sigma) < 6e-4);
        for (size_t l = 0; l < 4; l++)
            assert_true(fabs(plan.layers[l].density.probability - golden[i].p[l]) < 6e-5);
        assert_int_equal(plan.potential, 2794000);
        assert_int_equal(plan.connections, llround(2794000 * (1 - golden[i].sparsity)));
        assert_int_equal(plan_layer_is_dense(&plan, 3), golden[i].sparsity < .98);
        plan_deinit(&plan);
    }
}

static void test_dense_plan_has_no_sigma_in_json(void **state)
{
    struct plan plan;
    json_t *object;

    (void)state;
    make_plan("4-3-2", 1, &plan);
    object = plan_json(&plan);
    assert_true(json_is_null(json_object_get(object, "sigma")));
    assert_int_equal(json_integer_value(json_object_get(object, "connections")), 18);
    assert_int_equal(json_array_size(json_object_get(object, "layers")), 2);
    json_decref(object);
    plan_deinit(&plan);
}

static void write_text(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void test_labels_are_one_a_line(void **state)
{
    static char letters[2 + MODEL_LABEL_BYTES + 1];
    const struct {
        const char *text;
        size_t length;
        const char *said;
    } bad[] = { { "", 0, "is empty" },
                { "a\n\nb\n", 5, ":2: the line is empty" },
                { "a\ncaf\xe9\n", 7, ":2: label: not UTF-8 at byte 3" },
                { "a\n  \n", 5, ":2: label: nothing but white space" },
                { "a\nb\na\n", 6, "'a' stands there twice" },
                { "a\0b\n", 4, "zero byte" },
                { letters, 2 + MODEL_LABEL_BYTES + 1, ":2: a label has 1 to 256 bytes, this one has 257" } };
    const char *folder = scratch_make(), *path = scratch_path(folder, "labels.txt");
    struct labels labels;
    struct reason why;

    (void)state;
    memset(letters, 'a', sizeof letters);
    letters[1] = '\n';
    write_text(path, letters, sizeof letters - 1);
    assert_ok(labels_read(path, &labels, &why), why);
    labels_deinit(&labels);
    write_text(path, "cat\r\ndog\nowl", 12);
    assert_ok(labels_read(path, &labels, &why), why);
    assert_int_equal(labels.count, 3);
    assert_string_equal(labels.entries[0], "cat");
    assert_string_equal(labels.entries[2], "owl");
    labels_deinit(&labels);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        write_text(path, bad[i].text, bad[i].length);
        assert_int_equal(labels_read(path, &labels, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, bad[i].said));
    }
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_names_its_structure),      cmocka_unit_test(test_bytes_follow_the_connections),
        cmocka_unit_test(test_plan_has_the_golden_densities), cmocka_unit_test(test_dense_plan_has_no_sigma_in_json),
        cmocka_unit_test(test_labels_are_one_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
