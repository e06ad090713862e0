/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes to structures: what is inserted, removed and resized; that what does not fit leaves everything as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/graph/structure_edit.h"
#include "sparse/graph/structure_ties.h"
#include "support/test.h"

static void make(const char *layers, struct structure *out)
{
    struct reason why;

    assert_ok(structure_parse_layers(layers, out, &why), why);
    snprintf(out->processing, sizeof out->processing, "image.classification");
    assert_ok(structure_plan(out, &why), why);
}

static void assert_same_as(const struct structure *structure, const char *layers)
{
    struct structure expected;
    char a[33], b[33];

    make(layers, &expected);
    structure_hash(structure, a);
    structure_hash(&expected, b);
    assert_string_equal(a, b);
    structure_deinit(&expected);
}

static void test_insert_remove_and_set(void **state)
{
    struct structure s;
    struct reason why;

    (void)state;
    make("784-300-100-10", &s);
    assert_ok(structure_insert(&s, 2, 200, &why), why);
    assert_same_as(&s, "784-300-200-100-10");
    assert_ok(structure_insert(&s, 1, 500, &why), why);
    assert_same_as(&s, "784-500-300-200-100-10");
    assert_ok(structure_insert(&s, 5, 50, &why), why);
    assert_same_as(&s, "784-500-300-200-100-50-10");
    assert_ok(structure_set_neurons(&s, 1, 400, &why), why);
    assert_same_as(&s, "784-400-300-200-100-50-10");
    assert_ok(structure_remove(&s, 5, &why), why);
    assert_same_as(&s, "784-400-300-200-100-10");
    assert_ok(structure_remove(&s, 1, &why), why);
    assert_same_as(&s, "784-300-200-100-10");
    structure_deinit(&s);
}

static void test_what_does_not_fit_changes_nothing(void **state)
{
    struct structure s;
    struct reason why;

    (void)state;
    make("784-300-10", &s);
    assert_int_equal(structure_insert(&s, 3, 5, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "there is no layer 3"));
    assert_int_equal(structure_insert(&s, 0, 5, &why), WISP_E_INVALID);
    assert_int_equal(structure_set_neurons(&s, 1, 0, &why), WISP_E_FORMAT);
    assert_int_equal(structure_set_neurons(&s, 1, 4000000000u, &why), WISP_E_FORMAT);
    assert_same_as(&s, "784-300-10");
    assert_ok(structure_remove(&s, 1, &why), why);
    assert_int_equal(structure_remove(&s, 1, &why), WISP_E_INVALID);
    assert_same_as(&s, "784-10");
    structure_deinit(&s);
}

/* ---- where branches meet ---- */

struct row {
    const char *kind, *name;
    uint32_t inputs[LAYER_INPUTS_MAX], input_count;
    double parameter;
};

static void make_graph(const struct row *rows, uint32_t count, struct shape input, struct structure *out)
{
    struct reason why;

    *out = (struct structure){ .signature = signature_of(input),
                               .layers = calloc(count, sizeof *out->layers),
                               .layer_count = count };
    assert_non_null(out->layers);
    snprintf(out->name, sizeof out->name, "graph");
    snprintf(out->processing, sizeof out->processing, "image.classification");
    for (uint32_t i = 0; i < count; i++) {
        struct structure_layer *layer = &out->layers[i];

        layer->kind = layer_kind_find(rows[i].kind);
        assert_non_null(layer->kind);
        snprintf(layer->name, sizeof layer->name, "%s", rows[i].name);
        layer->input_count = rows[i].input_count;
        memcpy(layer->inputs, rows[i].inputs, sizeof rows[i].inputs);
        for (unsigned p = 0; p < LAYER_PARAMETERS_MAX && layer->kind->parameters[p].name; p++)
            layer->parameters[p] = layer->kind->parameters[p].default_value;
        if (rows[i].parameter)
            layer->parameters[0] = rows[i].parameter;
    }
    assert_ok(structure_plan(out, &why), why);
}

/* Two residual blocks. */
static const struct row residual[] = {
    { "linear", "stem", { 0 }, 1, 8 }, { "relu", "r0", { 1 }, 1, 0 },      { "linear", "a", { 2 }, 1, 16 },
    { "relu", "r1", { 3 }, 1, 0 },     { "linear", "b", { 4 }, 1, 8 },     { "add", "join1", { 5, 2 }, 2, 0 },
    { "linear", "c", { 6 }, 1, 8 },    { "add", "join2", { 7, 6 }, 2, 0 }, { "linear", "out", { 8 }, 1, 4 },
};

static const struct row transformer[] = {
    { "projection", "patches", { 0 }, 1, 8 }, { "layer_norm", "n", { 1 }, 1, 0 },
    { "projection", "q", { 2 }, 1, 8 },       { "projection", "k", { 2 }, 1, 8 },
    { "projection", "v", { 2 }, 1, 8 },       { "attention", "att", { 3, 4, 5 }, 3, 2 },
    { "projection", "o", { 6 }, 1, 8 },       { "add", "sum", { 7, 1 }, 2, 0 },
};

/* With a mask made of the input: its width is that of the tokens, whatever the others' are. */
static const struct row masked[] = {
    { "linear", "mask", { 0 }, 1, 6 },
    { "projection", "q", { 0 }, 1, 8 },
    { "projection", "k", { 0 }, 1, 8 },
    { "projection", "v", { 0 }, 1, 8 },
    { "attention", "att", { 2, 3, 4, 1 }, 4, 2 },
};

static void test_branches_are_widened_together(void **state)
{
    struct structure s;
    struct reason why;
    char text[400];
    uint32_t refused;

    (void)state;
    make_graph(residual, ARRAY_SIZE(residual), (struct shape){ .rank = 1, .dimension = { 32 } }, &s);
    structure_ties_text(&s, 5, text, sizeof text);
    assert_string_equal(text, "");
    assert_ok(structure_set_neurons(&s, 1, 12, &why), why);
    assert_int_equal(structure_plan_at(&s, &refused, &why), WISP_E_FORMAT);
    assert_int_equal(refused, 5);
    structure_ties_text(&s, refused, text, sizeof text);
    assert_string_equal(text,
                        "layers 1, 3, 4 must have as many neurons or channels as each other (now 12, 8, 8): change "
                        "them together");
    structure_ties_text(&s, 0, text, sizeof text);
    assert_string_equal(text, "");
    assert_ok(structure_set_neurons(&s, 3, 12, &why), why);
    assert_ok(structure_set_neurons(&s, 4, 12, &why), why);
    assert_ok(structure_plan(&s, &why), why);
    assert_int_equal(s.layers[7].plan.shape.dimension[0], 12);
    structure_deinit(&s);
}

static void test_an_attention_keeps_its_maps(void **state)
{
    static const char *const expected[] = { "the queries of att", "the keys of att", "the values of att" };
    struct structure s;
    struct reason why;
    char text[400];
    uint32_t refused;

    (void)state;
    make_graph(transformer, ARRAY_SIZE(transformer), (struct shape){ .rank = 2, .dimension = { 4, 6 } }, &s);
    for (uint32_t place = 2; place <= 4; place++) {
        assert_int_equal(structure_remove(&s, place, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, expected[place - 2]));
    }
    assert_int_equal(s.layer_count, ARRAY_SIZE(transformer));
    assert_ok(structure_set_neurons(&s, 3, 16, &why), why);
    assert_int_equal(structure_plan_at(&s, &refused, &why), WISP_E_FORMAT);
    structure_ties_text(&s, refused, text, sizeof text);
    assert_non_null(strstr(text, "layers 2, 3, 4 must have"));
    assert_ok(structure_set_neurons(&s, 2, 16, &why), why);
    assert_ok(structure_set_neurons(&s, 4, 16, &why), why);
    assert_ok(structure_plan(&s, &why), why);
    assert_ok(structure_set_neurons(&s, 1, 24, &why), why);
    assert_ok(structure_set_neurons(&s, 5, 24, &why), why);
    assert_ok(structure_plan(&s, &why), why);
    structure_deinit(&s);
}

static void test_a_mask_is_no_map(void **state)
{
    struct structure s;
    struct reason why;
    char text[400];
    uint32_t refused;

    (void)state;
    make_graph(masked, ARRAY_SIZE(masked), (struct shape){ .rank = 2, .dimension = { 4, 6 } }, &s);
    assert_int_equal(structure_remove(&s, 4, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "the values of att"));
    assert_ok(structure_set_neurons(&s, 2, 16, &why), why);
    assert_int_equal(structure_plan_at(&s, &refused, &why), WISP_E_FORMAT);
    structure_ties_text(&s, refused, text, sizeof text);
    assert_non_null(strstr(text, "layers 2, 3, 4 must have as many neurons or channels as each other"));
    structure_deinit(&s);
}

/* Whatever is done, the result can be planned, names stay unique, and a change and its opposite are nothing. */
static void test_random_changes(void **state)
{
    struct rng rng = rng_make(5, 5);
    struct structure s;
    struct reason why;

    (void)state;
    make("64-32-16-8", &s);
    for (int turn = 0; turn < 2000; turn++) {
        uint32_t weighted = structure_weighted(&s), place = (uint32_t)rng_below(&rng, weighted) + 1;
        char before[33], after[33];

        structure_hash(&s, before);
        assert_ok(structure_insert(&s, place, (uint32_t)rng_below(&rng, 100) + 1, &why), why);
        assert_int_equal(structure_weighted(&s), weighted + 1);
        if (weighted > 40 || rng_below(&rng, 2)) {
            assert_ok(structure_remove(&s, place, &why), why);
            structure_hash(&s, after);
            assert_string_equal(before, after);
        }
        assert_ok(structure_plan(&s, &why), why);
        if (weighted > 40)
            assert_ok(structure_remove(&s, (uint32_t)rng_below(&rng, weighted - 1) + 1, &why), why);
    }
    structure_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_remove_and_set),
        cmocka_unit_test(test_what_does_not_fit_changes_nothing),
        cmocka_unit_test(test_branches_are_widened_together),
        cmocka_unit_test(test_an_attention_keeps_its_maps),
        cmocka_unit_test(test_a_mask_is_no_map),
        cmocka_unit_test(test_random_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
