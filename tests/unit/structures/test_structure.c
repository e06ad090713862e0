/* SPDX-License-Identifier: Apache-2.0
 *
 * Structures: the short form, plans of every kind, identity, and the layers handed to the density solve.
 */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "sparse/graph/structure.h"
#include "support/test.h"

static void parse(const char *text, struct structure *out)
{
    struct reason why;

    assert_ok(structure_parse_layers(text, out, &why), why);
    snprintf(out->processing, sizeof out->processing, "image.classification");
    assert_ok(structure_plan(out, &why), why);
}

static void test_short_form(void **state)
{
    struct structure made;
    struct density_layer layers[4];

    (void)state;
    parse("784-1000-1000-1000-10", &made);
    assert_int_equal(structure_potential(&made), 2794000);
    assert_int_equal(structure_vectors(&made), 3010);
    assert_int_equal(structure_depth(&made), 4);
    assert_int_equal(structure_weighted(&made), 4);
    assert_int_equal(made.layer_count, 8);
    assert_string_equal(made.layers[7].kind->name, "softmax");
    structure_density_layers(&made, layers);
    assert_int_equal(layers[0].inputs, 784);
    assert_int_equal(layers[3].outputs, 10);
    assert_int_equal(layers[3].kernel_width, 1);
    structure_deinit(&made);
    structure_deinit(&made);
}

static void forward_nothing(const struct layer_run *run)
{
    (void)run;
}

static void backward_nothing(const struct layer_back *back)
{
    (void)back;
}

/* What is said must be what forward_new() and the trainer will say; of a kind, by what it can. */
static void test_what_this_version_can_do(void **state)
{
    static const struct layer_kind both = { .forward = forward_nothing, .backward = backward_nothing },
                                   serves = { .name = "one_way", .forward = forward_nothing },
                                   none = { .name = "drawn" };
    static const struct {
        const struct layer_kind *last;
        bool serves, trains;
        const char *text;
    } cases[] = {
        { &both, true, true, "" },
        { &serves, true, false, "this version cannot train it: softmax is of kind one_way" },
        { &none, false, false, "this version cannot serve or train it: softmax is of kind drawn" },
    };
    struct structure made;

    (void)state;
    parse("8-4-2", &made);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct structure_support support;
        char text[160];

        made.layers[3].kind = cases[i].last;
        support = structure_support(&made);
        structure_support_text(&support, text, sizeof text);
        assert_int_equal(support.serves, cases[i].serves);
        assert_int_equal(support.trains, cases[i].trains);
        assert_string_equal(text, cases[i].text);
    }
    made.layers[0].kind = &none;
    assert_ptr_equal(structure_support(&made).obstacle, &made.layers[0]);
    made.layers[0].kind = layer_kind_find("linear");
    made.layers[3].kind = layer_kind_find("softmax");
    assert_true(structure_support(&made).trains);
    made.signature.inputs[0].dtype = DTYPE_UINT8;
    made.signature.inputs[1] = made.signature.inputs[0];
    made.signature.input_count = 2;
    assert_true(structure_support(&made).trains);
    made.signature.inputs[1].scale = 0.5f;
    assert_true(structure_support(&made).serves && !structure_support(&made).trains);
    made.signature.input_count = 1;
    made.signature.output_count = 2;
    assert_true(structure_support(&made).serves && !structure_support(&made).trains);
    structure_deinit(&made);
}

static void test_short_form_says_where_it_is_wrong(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "784", "give neurons per layer" },
        { "", "give neurons per layer" },
        { "784-", "expected at character 5" },
        { "-10", "expected at character 1" },
        { "784-x-10", "expected at character 5" },
        { "784-0-10", "expected at character 5" },
        { "784--10", "expected at character 5" },
        { "784-10 ", "unexpected \" \" at character 7" },
        { "784,300-10", "\"-\" is expected at character 4" },
        { "784-99999999999999999999-1", "at character 5" },
        { "784-300x-10", "\"-\" is expected at character 8" },
    };
    struct structure made;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(structure_parse_layers(cases[i].text, &made, &why), WISP_E_INVALID);
        if (!strstr(why.text, cases[i].expected))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].text, why.text, cases[i].expected);
    }
}

static void test_identity_is_what_it_is_not_its_names(void **state)
{
    struct structure a, b;
    char hash_a[33], hash_b[33];

    (void)state;
    parse("784-300-10", &a);
    parse("784-300-10", &b);
    snprintf(b.name, sizeof b.name, "other");
    snprintf(b.layers[0].name, sizeof b.layers[0].name, "renamed");
    structure_hash(&a, hash_a);
    structure_hash(&b, hash_b);
    assert_string_equal(hash_a, hash_b);
    b.layers[0].parameters[0] = 301;
    structure_hash(&b, hash_b);
    assert_string_not_equal(hash_a, hash_b);
    b.layers[0].parameters[0] = 300;
    snprintf(b.processing, sizeof b.processing, "text.classification");
    structure_hash(&b, hash_b);
    assert_string_not_equal(hash_a, hash_b);
    structure_deinit(&a);
    structure_deinit(&b);
}

/* One layer of a kind over one input: its output and potential connections, as the field defines them. */
static void test_plans(void **state)
{
    static const struct {
        const char *kind;
        struct shape input;
        double parameters[LAYER_PARAMETERS_MAX];
        struct shape output;
        uint64_t potential;
        double uses;
    } cases[] = {
        { "linear", { 3, { 3, 4, 5 } }, { 7 }, { 1, { 7 } }, 420, 1 },
        { "projection", { 2, { 64, 50 } }, { 128 }, { 2, { 128, 50 } }, 8192, 50 },
        { "conv2d", { 3, { 3, 32, 32 } }, { 16, 3, 3, 1, 1, 1 }, { 3, { 16, 32, 32 } }, 432, 1024 },
        { "conv2d", { 3, { 3, 224, 224 } }, { 768, 16, 16, 16, 0, 1 }, { 3, { 768, 14, 14 } }, 589824, 196 },
        { "conv2d", { 3, { 16, 33, 32 } }, { 8, 3, 1, 2, 0, 1 }, { 3, { 8, 16, 16 } }, 384, 256 },
        { "conv2d", { 3, { 16, 32, 32 } }, { 32, 3, 3, 1, 1, 4 }, { 3, { 32, 32, 32 } }, 32 * 4 * 9, 1024 },
        { "conv1d", { 2, { 16, 100 } }, { 32, 5, 2, 2, 1 }, { 2, { 32, 50 } }, 32 * 16 * 5, 50 },
        { "conv1d", { 2, { 16, 100 } }, { 16, 9, 1, 0, 16 }, { 2, { 16, 92 } }, 16 * 9, 92 },
        { "deconv2d", { 3, { 64, 8, 8 } }, { 32, 2, 2, 2, 0, 0 }, { 3, { 32, 16, 16 } }, 8192, 64 },
        { "deconv2d", { 3, { 64, 4, 4 } }, { 32, 3, 3, 2, 1, 1 }, { 3, { 32, 8, 8 } }, 18432, 16 },
        { "max_pool", { 3, { 6, 28, 28 } }, { 2, 0, 0 }, { 3, { 6, 14, 14 } }, 0, 0 },
        { "average_pool", { 3, { 6, 29, 29 } }, { 3, 2, 1 }, { 3, { 6, 15, 15 } }, 0, 0 },
        { "global_pool", { 3, { 6, 7, 7 } }, { 0 }, { 1, { 6 } }, 0, 0 },
        { "tokens", { 3, { 6, 7, 7 } }, { 0 }, { 2, { 6, 49 } }, 0, 0 },
        { "reshape", { 1, { 1024 } }, { 64, 4, 4 }, { 3, { 64, 4, 4 } }, 0, 0 },
        { "upsample", { 3, { 6, 7, 7 } }, { 2 }, { 3, { 6, 14, 14 } }, 0, 0 },
        { "embedding", { 1, { 128 } }, { 256, 8192 }, { 2, { 256, 128 } }, 2097152, 128.0 / 8192 },
        { "gelu", { 2, { 6, 7 } }, { 0 }, { 2, { 6, 7 } }, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct layer_kind *kind = layer_kind_find(cases[i].kind);
        struct layer_plan plan;
        struct reason why;

        assert_ok(kind->plan(cases[i].parameters, &cases[i].input, 1, &plan, &why), why);
        assert_int_equal(plan.shape.rank, cases[i].output.rank);
        for (uint32_t d = 0; d < plan.shape.rank; d++)
            assert_int_equal(plan.shape.dimension[d], cases[i].output.dimension[d]);
        assert_int_equal(plan.inputs * plan.outputs * plan.kernel_height * plan.kernel_width, cases[i].potential);
        assert_true(plan.uses == cases[i].uses);
    }
}

static void test_plans_refuse_what_does_not_fit(void **state)
{
    static const struct {
        const char *kind;
        uint32_t inputs;
        struct shape input[3];
        double parameters[LAYER_PARAMETERS_MAX];
        const char *expected;
    } cases[] = {
        { "conv2d", 1, { { 1, { 9 } } }, { 8, 3, 3, 1, 0, 1 }, "3 dimensions" },
        { "conv2d", 1, { { 3, { 1, 2, 2 } } }, { 8, 3, 3, 1, 0, 1 }, "does not fit" },
        { "conv2d", 1, { { 3, { 1, 9, 9 } } }, { 8, 3, 3, 1, 3, 1 }, "padding 3" },
        { "conv2d", 1, { { 3, { 6, 9, 9 } } }, { 8, 3, 3, 1, 1, 4 }, "4 groups do not divide" },
        { "conv2d", 1, { { 3, { 8, 9, 9 } } }, { 6, 3, 3, 1, 1, 4 }, "4 groups do not divide" },
        { "conv1d", 1, { { 3, { 1, 9, 9 } } }, { 8, 3, 1, 1, 1 }, "2 dimensions" },
        { "conv1d", 1, { { 2, { 6, 9 } } }, { 8, 3, 1, 1, 4 }, "4 groups do not divide" },
        { "deconv2d", 1, { { 3, { 1, 1, 1 } } }, { 8, 1, 1, 1, 1, 0 }, "make an output of" },
        { "deconv2d", 1, { { 3, { 1, 4, 4 } } }, { 8, 3, 3, 2, 0, 2 }, "extra 2" },
        { "reshape", 1, { { 1, { 10 } } }, { 3, 2, 2 }, "cannot be reshaped" },
        { "add", 2, { { 1, { 10 } }, { 1, { 11 } } }, { 0 }, "different shapes" },
        { "concat", 2, { { 3, { 1, 4, 4 } }, { 3, { 1, 4, 5 } } }, { 0 }, "more than their first" },
        { "attention", 3, { { 2, { 64, 5 } }, { 2, { 64, 6 } }, { 2, { 64, 7 } } }, { 4 }, "as many" },
        { "attention", 3, { { 2, { 64, 5 } }, { 2, { 64, 6 } }, { 2, { 64, 6 } } }, { 5 }, "5 heads" },
        { "embedding", 1, { { 2, { 64, 5 } } }, { 64, 100 }, "1 dimensions" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct layer_plan plan;
        struct reason why;

        assert_int_equal(
            layer_kind_find(cases[i].kind)->plan(cases[i].parameters, cases[i].input, cases[i].inputs, &plan, &why),
            WISP_E_FORMAT);
        if (!strstr(why.text, cases[i].expected))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].kind, why.text, cases[i].expected);
    }
}

static void test_every_kind_is_found_by_its_name(void **state)
{
    const struct layer_kind *kind;
    size_t count = 0;

    (void)state;
    for (; (kind = layer_kind_at(count)); count++) {
        assert_ptr_equal(layer_kind_find(kind->name), kind);
        assert_non_null(kind->plan);
        assert_true(kind->inputs_min >= 1 && kind->inputs_max <= LAYER_INPUTS_MAX);
    }
    assert_true(count >= 20);
    assert_null(layer_kind_find("no such kind"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_form),
        cmocka_unit_test(test_what_this_version_can_do),
        cmocka_unit_test(test_short_form_says_where_it_is_wrong),
        cmocka_unit_test(test_identity_is_what_it_is_not_its_names),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_plans_refuse_what_does_not_fit),
        cmocka_unit_test(test_every_kind_is_found_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
