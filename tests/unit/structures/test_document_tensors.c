/* SPDX-License-Identifier: Apache-2.0
 *
 * Several inputs and outputs of a structure: what is understood, what makes another structure, what is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/catalog/documents/document.h"
#include "support/test.h"
#include "unit/structures/parsed.h"

#define HEAD "name: x\nprocessing: image.classification\n"
#define LAYERS                                                                                                         \
    "layers:\n- linear: {name: a, from: picture, neurons: 4}\n- linear: {name: b, from: facts, neurons: 3}\n"          \
    "- softmax: {name: s}\n"
#define BOTH                                                                                                           \
    "inputs:\n  picture: {shape: [3, 8, 8], dtype: uint8, scale: 0.00392156886}\n  facts: [5]\n"                       \
    "outputs:\n  class: s\n  marks: {from: a, dtype: int32, scale: 100}\n"

static int check_both(void *argument, const struct structure *structure)
{
    const struct model_tensor *in = structure->signature.inputs, *out = structure->signature.outputs;
    cleanup_free char *text = NULL;
    char before[33], after[33];
    struct reason why;

    assert_int_equal(structure->signature.input_count, 2);
    assert_string_equal(in[0].name, "picture");
    assert_int_equal(in[0].dtype, DTYPE_UINT8);
    assert_true(in[0].scale == 1.0F / 255);
    assert_int_equal(shape_elements(&in[0].shape), 192);
    assert_string_equal(in[1].name, "facts");
    assert_int_equal(in[1].dtype, DTYPE_FLOAT32);
    assert_int_equal(in[1].shape.dimension[0], 5);
    assert_int_equal(structure->layers[1].inputs[0], 1);
    assert_int_equal(structure->layers[2].inputs[0], 3);
    assert_int_equal(structure->signature.output_count, 2);
    assert_string_equal(out[0].name, "class");
    assert_int_equal(out[0].value, 4);
    assert_int_equal(shape_elements(&out[0].shape), 3);
    assert_string_equal(out[1].name, "marks");
    assert_int_equal(out[1].value, 2);
    assert_int_equal(out[1].dtype, DTYPE_INT32);
    assert_true(out[1].scale == 100);
    /* As it is stored it is the same, names included. */
    assert_ok(document_canonical(structure, &text, &why), why);
    structure_hash(structure, before);
    hash_of(text, after);
    assert_string_equal(before, after);
    ++*(unsigned *)argument;
    return 0;
}

static void test_both(void **state)
{
    const char *text = HEAD BOTH LAYERS;
    unsigned seen = 0;
    struct reason why;

    (void)state;
    assert_ok(document_parse("t", text, strlen(text), check_both, &seen, NULL, &why), why);
    assert_int_equal(seen, 1);
}

/* What is said at length, and names, do not count; what a tensor is does. */
static void test_hashes(void **state)
{
    static const struct {
        const char *text;
        bool same; /* as the first */
    } cases[] = {
        { HEAD BOTH LAYERS, true },
        { HEAD
          "outputs: {k: s, m: {from: a, dtype: int32, scale: 100}}\n"
          "inputs: {p: {shape: [3, 8, 8], dtype: uint8, scale: 0.00392156886}, f: {shape: 5}}\n"
          "layers: [{linear: {name: a, from: p, neurons: 4}}, {linear: {from: f, neurons: 3}}, softmax: {name: s}]",
          true },
        { HEAD "inputs: {picture: {shape: [3, 8, 8], scale: 2, dtype: uint8}, facts: [5]}\n"
               "outputs: {class: s, marks: {from: a, dtype: int32, scale: 100}}\n" LAYERS,
          false },
        { HEAD "inputs: {picture: {shape: [3, 8, 8], dtype: int32, scale: 0.00392156886}, facts: [5]}\n"
               "outputs: {class: s, marks: {from: a, dtype: int32, scale: 100}}\n" LAYERS,
          false },
        { HEAD "inputs: {picture: {shape: [3, 8, 8], dtype: uint8, scale: 0.00392156886}, facts: [5]}\n"
               "outputs: {class: s, marks: {from: b, dtype: int32, scale: 100}}\n" LAYERS,
          false },
        { HEAD "inputs: {picture: {shape: [3, 8, 8], dtype: uint8, scale: 0.00392156886}, facts: [5]}\n" LAYERS,
          false },
    };
    char first[33], hash[33];

    (void)state;
    hash_of(cases[0].text, first);
    for (size_t i = 1; i < ARRAY_SIZE(cases); i++) {
        hash_of(cases[i].text, hash);
        if (!strcmp(first, hash) != cases[i].same)
            fail_msg("case %zu", i);
    }
}

static void test_the_simple_form_at_length(void **state)
{
    char a[33], b[33];

    (void)state;
    hash_of(HEAD "input: [6]\nlayers: [linear: {name: a, neurons: 4}, softmax: {name: s}]\n", a);
    hash_of(HEAD "inputs: {thing: {shape: [6]}}\noutputs: {end: s}\n"
                 "layers: [linear: {name: a, neurons: 4}, softmax: {name: s}]\n",
            b);
    assert_string_equal(a, b);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { HEAD LAYERS, "t:1:1: \"input\" is missing" },
        { HEAD "inputs: 5\n" LAYERS, "t:3:9: \"inputs\" is a section" },
        { HEAD "inputs: {}\n" LAYERS, "\"inputs\" is empty" },
        { HEAD "input: [5]\ninputs: {a: [5]}\n" LAYERS, "\"input\" and \"inputs\" say the same" },
        { HEAD "inputs: {picture: [0], facts: [5]}\n" LAYERS, "\"picture\" takes 1 to 4 whole numbers" },
        { HEAD "inputs: {picture: {shape: x}, facts: [5]}\n" LAYERS, "\"shape\" takes 1 to 4 whole numbers" },
        { HEAD "inputs: {picture: {dtype: uint8}, facts: [5]}\n" LAYERS, "t:3:19: \"shape\" is missing" },
        { HEAD "inputs: {picture: {shape: [5], dtyp: uint8}, facts: [5]}\n" LAYERS,
          "a tensor has no \"dtyp\"; did you mean \"dtype\"?" },
        { HEAD "inputs: {picture: {shape: [5], dtype: float16}, facts: [5]}\n" LAYERS, "\"dtype\" is float32, int32" },
        { HEAD "inputs: {picture: {shape: [5], scale: x}, facts: [5]}\n" LAYERS, "\"scale\" takes a number" },
        { HEAD "inputs: {picture: {shape: [5], scale: 2}, facts: [5]}\n" LAYERS, "is float32, which has no scale" },
        { HEAD "inputs: {picture: {shape: [5], dtype: uint8, scale: 0}, facts: [5]}\n" LAYERS, "has the scale 0" },
        { HEAD "inputs: {picture: [5], facts: [5], facts: [5]}\n" LAYERS, "\"facts\" is given twice" },
        { HEAD "inputs: {picture: [5], facts: [5], more: [5]}\n" LAYERS, "input \"more\" is read by no layer" },
        { HEAD "inputs: {\"a b\": [5]}\n" LAYERS, "its name is not of letters" },
        { HEAD "inputs: {a: [1], b: [1], c: [1], d: [1], e: [1], f: [1], g: [1], h: [1], i: [1]}\n" LAYERS,
          "at most 8 inputs" },
        { HEAD "inputs: {picture: [5], facts: [5]}\nlayers: [relu]\n", "t:4:10: there are several inputs" },
        { HEAD "inputs: {picture: [5], facts: [5]}\nlayers: [{add: {from: [previous, facts]}}]\n",
          "is called \"previous\"" },
        { HEAD "inputs: {picture: [5], facts: [5]}\nlayers: [{repeat: 2, layers: [{relu: {from: start}}]}]\n",
          "is called \"start\"" },
        { HEAD "inputs: {picture: [5], facts: [5]}\nlayers: [{relu: {from: input}}]\n", "is called \"input\"" },
        { HEAD "inputs: {picture: [5], facts: [5]}\nlayers: [{relu: {name: facts, from: picture}}]\n",
          "\"facts\" is an input" },
        { HEAD "inputs: {picture: [5], facts: [5]}\noutputs: {class: nobody}\n" LAYERS,
          "t:4:18: no layer is called \"nobody\"" },
        { HEAD "inputs: {picture: [5], facts: [5]}\noutputs: {class: picture}\n" LAYERS,
          "no layer is called \"picture\"" },
        { HEAD "inputs: {picture: [5], facts: [5]}\noutputs: {class: s, more: s}\n" LAYERS, "are one value" },
        { HEAD "inputs: {picture: [5], facts: [5]}\noutputs: {class: {dtype: uint8}}\n" LAYERS, "\"from\" is missing" },
        { HEAD "inputs: {picture: [5], facts: [5]}\noutputs: [s]\n" LAYERS, "\"outputs\" is a section" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused(cases[i].text, cases[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_the_simple_form_at_length),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
