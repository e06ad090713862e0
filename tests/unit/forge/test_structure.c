/* SPDX-License-Identifier: Apache-2.0
 *
 * Structures and plans: what --layers may say, and the densities' golden values as the plan reports them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/labels.h"
#include "forge/plan.h"
#include "forge/structure.h"
#include "support/test.h"

static void test_layers_are_read(void **state)
{
    struct structure s;
    struct reason why;
    char *text;

    (void)state;
    assert_ok(structure_parse("784-300-10", &s, &why), why);
    assert_int_equal(s.layer_count, 2);
    assert_int_equal(s.layers[0].inputs, 784);
    assert_int_equal(s.layers[0].outputs, 300);
    assert_string_equal(s.layers[0].activation, "relu");
    assert_int_equal(s.layers[1].inputs, 300);
    assert_int_equal(s.layers[1].outputs, 10);
    assert_string_equal(s.layers[1].activation, "softmax");
    text = structure_text(&s);
    assert_string_equal(text, "784-300-10");
    free(text);
    structure_deinit(&s);
    structure_deinit(&s);
}

static void test_bad_layers_name_the_position(void **state)
{
    static const struct {
        const char *text, *said;
    } bad[] = {
        { "", "position 1: a number" },        { "784", "at least one layer" },
        { "784-", "position 5: a number" },    { "-784-10", "position 1: a number" },
        { "784--10", "position 5: a number" }, { "784-1x0-10", "position 6: 'x'" },
        { "784-0-10", "position 5: a layer" }, { "784-99999999999-1", "position 5: a layer has at most" },
        { "784 -10", "position 4: ' '" },      { "784,10", "position 4: ','" },
        { "784-+5", "position 5: a number" },  { "784-1e3", "position 6: 'e'" },
    };
    struct structure s;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(structure_parse(bad[i].text, &s, &why), WISP_E_INVALID);
        if (!strstr(why.text, bad[i].said))
            fail_msg("'%s' said: %s", bad[i].text, why.text);
    }
}

static void test_too_many_layers_are_refused(void **state)
{
    size_t length = (size_t)(STRUCTURE_LAYERS_MAX + 1) * 2;
    char *text = malloc(length + 2);
    struct structure s;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < length; i += 2)
        memcpy(text + i, "1-", 2);
    memcpy(text + length, "1", 2);
    assert_int_equal(structure_parse(text, &s, &why), WISP_E_INVALID);
    text[length - 1] = 0;
    assert_ok(structure_parse(text, &s, &why), why);
    assert_int_equal(s.layer_count, STRUCTURE_LAYERS_MAX);
    structure_deinit(&s);
    free(text);
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
        struct structure s;
        struct plan plan;
        struct reason why;

        assert_ok(structure_parse("784-1000-1000-1000-10", &s, &why), why);
        assert_ok(plan_solve(&s, DENSITY_ER, 1 - golden[i].sparsity, &plan, &why), why);
        assert_true(fabs(plan.sigma - golden[i].sigma) < 6e-4);
        for (size_t l = 0; l < 4; l++)
            assert_true(fabs(plan.layers[l].probability - golden[i].p[l]) < 6e-5);
        assert_int_equal(plan.potential, 2794000);
        assert_int_equal(plan.connections, llround(2794000 * (1 - golden[i].sparsity)));
        assert_int_equal(plan_layer_is_dense(&plan, 3), golden[i].sparsity < .98);
        plan_deinit(&plan);
    }
}

static void test_dense_plan_has_no_sigma_in_json(void **state)
{
    struct structure s;
    struct plan plan;
    struct reason why;
    json_t *object;

    (void)state;
    assert_ok(structure_parse("4-3-2", &s, &why), why);
    assert_ok(plan_solve(&s, DENSITY_ER, 1, &plan, &why), why);
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
    static const struct {
        const char *text;
        size_t length;
        const char *said;
    } bad[] = { { "", 0, "is empty" },
                { "a\n\nb\n", 5, ":2: the line is empty" },
                { "a\nb\na\n", 6, "'a' stands there twice" },
                { "a\0b\n", 4, "zero byte" } };
    const char *folder = scratch_make(), *path = scratch_path(folder, "labels.txt");
    struct labels labels;
    struct reason why;

    (void)state;
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
        cmocka_unit_test(test_layers_are_read),
        cmocka_unit_test(test_bad_layers_name_the_position),
        cmocka_unit_test(test_too_many_layers_are_refused),
        cmocka_unit_test(test_plan_has_the_golden_densities),
        cmocka_unit_test(test_dense_plan_has_no_sigma_in_json),
        cmocka_unit_test(test_labels_are_one_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
