/* SPDX-License-Identifier: Apache-2.0
 *
 * Structures as documents: what is understood, what is refused and where, and that every seed reads back to itself.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/catalog/documents/document.h"
#include "support/test.h"
#include "unit/structures/parsed.h"

#define HEAD "name: x\nprocessing: image.classification\ninput: [1, 28, 28]\n"

static void test_names_and_order_of_keys_do_not_matter(void **state)
{
    char a[33], b[33], c[33];

    (void)state;
    hash_of(HEAD "layers: [{conv2d: {name: c, channels: 6, kernel: 5}}, relu, {linear: 10}]\n", a);
    hash_of("layers:\n- conv2d: {kernel_width: 5, kernel_height: 5, channels: 6}\n- relu: {name: r}\n"
            "- linear: {neurons: 10, name: last}\ninput: [1, 28, 28]\nprocessing: image.classification\nname: y\n",
            b);
    hash_of(HEAD "layers: [{conv2d: {name: c, channels: 6, kernel: 3}}, relu, {linear: 10}]\n", c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

static void test_repeats_and_residuals(void **state)
{
    char a[33], b[33];

    (void)state;
    hash_of(HEAD "layers:\n- linear: 8\n- repeat: 2\n  name: block\n  layers:\n  - linear: {name: a, neurons: 8}\n"
                 "  - add: {from: [previous, start]}\n",
            a);
    hash_of(HEAD "layers:\n- linear: {name: s, neurons: 8}\n- linear: {name: p, neurons: 8}\n"
                 "- add: {name: q, from: [p, s]}\n- linear: {name: u, neurons: 8}\n- add: {from: [u, q]}\n",
            b);
    assert_string_equal(a, b);
}

/* The short form of an attention with a mask, and every layer of it written out. */
static void test_masks(void **state)
{
    static const char head[] = "name: x\nprocessing: text.classification\ninput: [9]\nlayers:\n"
                               "- embedding: {vocabulary: 20, neurons: 8}\n";
    char text[600], a[33], b[33], c[33];

    (void)state;
    snprintf(text, sizeof text, "%s- self_attention: {heads: 2, causal: true, mask: input}\n", head);
    hash_of(text, a);
    snprintf(text, sizeof text,
             "%s- projection: {name: q, neurons: 8, from: embedding1}\n- projection: {name: k, neurons: 8, from: "
             "embedding1}\n- projection: {name: v, neurons: 8, from: embedding1}\n"
             "- attention: {heads: 2, causal: 1, from: [q, k, v, input]}\n- projection: 8\n",
             head);
    hash_of(text, b);
    snprintf(text, sizeof text, "%s- self_attention: {heads: 2, causal: true}\n", head);
    hash_of(text, c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
}

/* A default that stands for another parameter's value, written out, is the same structure. */
static void test_defaults_written_out(void **state)
{
    static const char *const same[][2] = {
        { "max_pool", "max_pool: {kernel: 2, stride: 2, padding: 0}" },
        { "max_pool: {kernel: 3}", "max_pool: {stride: 3, kernel: 3}" },
        { "average_pool: 4", "average_pool: {kernel: 4, stride: 4}" },
        { "conv2d: {channels: 2, kernel: 3}", "conv2d: {channels: 2, kernel_height: 3, kernel: 3, stride: 1}" },
    };
    char a[33], b[33], text[300];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        snprintf(text, sizeof text, HEAD "layers:\n- %s\n", same[i][0]);
        hash_of(text, a);
        snprintf(text, sizeof text, HEAD "layers:\n- %s\n", same[i][1]);
        hash_of(text, b);
        assert_string_equal(a, b);
    }
    hash_of(HEAD "layers: [{max_pool: {stride: 1}}]\n", a);
    hash_of(HEAD "layers: [max_pool]\n", b);
    assert_string_not_equal(a, b);
}

static int keep_text(void *argument, const struct structure *structure)
{
    *(char **)argument = document_print(structure);
    return 0;
}

/* A choice is a word on the way in and on the way out, and only what deviates counts. */
static void test_words(void **state)
{
    static const char *const same[] = { "gelu: {approximation: tanh}", "gelu: {approximation: \"tanh\"}",
                                        "gelu: tanh" };
    char text[300], exact[33], spelt[33], by_tanh[33], again[33];
    struct reason why;

    (void)state;
    hash_of(HEAD "layers: [gelu]\n", exact);
    hash_of(HEAD "layers: [{gelu: none}]\n", spelt);
    assert_string_equal(exact, spelt);
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        cleanup_free char *printed = NULL;

        snprintf(text, sizeof text, HEAD "layers:\n- %s\n", same[i]);
        hash_of(text, by_tanh);
        assert_string_not_equal(exact, by_tanh);
        assert_ok(document_parse("t", text, strlen(text), keep_text, &printed, NULL, &why), why);
        assert_non_null(strstr(printed, "- gelu: {name: gelu1, approximation: tanh}"));
        hash_of(printed, again);
        assert_string_equal(by_tanh, again);
    }
    /* Of the word, not of its place in the list: databases keep it. */
    assert_string_equal(by_tanh, "c98338cc9028714fcb9b602cc5fb55ae");
}

static void test_refusals_of_words(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { HEAD "layers: [{gelu: {approximation: erf}}]\n",
          "t:4:33: approximation is \"erf\", and must be one of: none, tanh" },
        { HEAD "layers: [{gelu: 1}]\n", "t:4:17: approximation is \"1\", and must be one of: none, tanh" },
        { HEAD "layers: [{gelu: {approximation: [tanh]}}]\n", "approximation is no word, and must be one of" },
        { HEAD "layers: [{gelu: {approximation: }}]\n", "approximation is \"\", and must be one of" },
        { HEAD "layers: [{gelu: {aproximation: tanh}}]\n", "did you mean \"approximation\"?" },
        { HEAD "layers: [{leaky_relu: tanh}]\n", "leaky_relu takes a number (its slope)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused(cases[i].text, cases[i].expected);
}

static void test_refusals_with_their_places(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        { "", "it is empty" },
        { "- 1\n", "a structure is a section" },
        { "name: x\n", "t:1:1: \"processing\" is missing" },
        { HEAD "layers: 3\n", "t:4:9: \"layers\" takes a list" },
        { HEAD "layers: []\n", "1 to 4096 layers" },
        { HEAD "layers: [rleu]\n", "t:4:10: there is no layer kind \"rleu\"; did you mean \"relu\"?" },
        { HEAD "layers: [{linear: {neurons: many}}]\n", "t:4:29: \"neurons\" takes a number" },
        { HEAD "layers: [{linear: {nuerons: 3}}]\n", "linear has no \"nuerons\"; did you mean \"neurons\"?" },
        { HEAD "layers: [{linear: 0}]\n", "neurons is 0, and must be 1 to" },
        { HEAD "layers: [{linear: .nan}]\n", "linear takes a number" },
        { HEAD "layers: [{linear: 1e99}]\n", "must be 1 to" },
        { HEAD "layers: [{linear: 3, relu: 1}]\n", "one layer an entry" },
        { HEAD "layers: [{conv2d: {channels: 3, kernel: 40}}]\n", "a kernel of 40 does not fit in 28" },
        { HEAD "layers: [{linear: {neurons: 3, from: nobody}}]\n", "no layer before this one is called \"nobody\"" },
        { HEAD "layers: [{linear: {name: a, neurons: 3, from: a}}]\n", "no layer before this one is called \"a\"" },
        { HEAD "layers: [{linear: {name: a, neurons: 3}}, {linear: {name: a, neurons: 3}}]\n",
          "two layers are called" },
        { HEAD "layers: [{linear: {name: input, neurons: 3}}]\n", "has a meaning of its own" },
        { HEAD "layers: [{linear: 3}, {add: {from: [previous]}}]\n", "takes 2 to 4 inputs" },
        { HEAD "layers: [{repeat: 0, layers: [relu]}]\n", "from 1 to 1000" },
        { HEAD "layers: [{repeat: 2}]\n", "a repeat needs \"layers\"" },
        { HEAD "layers: [{repeat: 2, layers: [{repeat: 2, layers: [relu]}]}]\n", "cannot stand inside a repeat" },
        { HEAD "layers: [{repeat: 1000, layers: [relu, relu, relu, relu, relu]}]\n", "more than 4096 layers" },
        { HEAD "layers: [{self_attention: {heads: 4}}]\n", "2 dimensions (features, tokens)" },
        { HEAD "layers: [tokens, {projection: 30}, {self_attention: {heads: 4}}]\n", "over 4 heads" },
        { "name: \"a b\"\nprocessing: i.c\ninput: 3\nlayers: [relu]\n", "t:1:7: a structure's name is not of letters" },
        { "name: x\nprocessing: Image!\ninput: 3\nlayers: [relu]\n", "t:2:13" },
        { "name: x\nprocessing: i.c\ninput: [0]\nlayers: [relu]\n", "t:3:9" },
        { "name: x\nprocessing: i.c\ninput: [99999, 99999]\nlayers: [relu]\n", "t:3:8" },
        { "name: x\nprocessing: i.c\ninput: 3\nlayers: [relu]\ncolour: red\n", "a structure has no \"colour\"" },
        { "name: &a x\nprocessing: *a\ninput: 3\nlayers: [relu]\n", "t:1" },
        { "structures: 3\n", "\"structures\" takes a list" },
        { "structures: [3]\n", "a structure is a section" },
        { "name: [\n", "t:" },
        { HEAD "name: y\nlayers: [relu]\n", "t:4:1: \"name\" is given twice; the first is at line 1" },
        { HEAD "layers: [{linear: {name: x, neurons: 41, neurons: 43}}]\n", "\"neurons\" is given twice" },
        { HEAD "layers: [{repeat: 2, layers: [relu], repeat: 3}]\n", "\"repeat\" is given twice" },
        { HEAD "layers: [tokens, {projection: 8}, {self_attention: {heads: 4, heads: 2}}]\n",
          "\"heads\" is given twice" },
        { HEAD "layers: [tokens, {projection: 8}, {self_attention: {heads: 4, haeds: 2}}]\n",
          "attention has \"heads\"" },
        { HEAD "layers: [tokens, {projection: 8}, {self_attention: {heads: 4, mask: nobody}}]\n",
          "t:4:69: \"mask\" names an input, or a layer before this one" },
        { HEAD "layers: [tokens, {projection: 8}, {self_attention: {heads: 4, mask: input}}]\n",
          "takes an input of 1 dimensions (tokens: the mask of the keys)" },
        { "name: x\nprocessing: i.c\ninput: [-18446744073709551615]\nlayers: [relu]\n", "\"input\" takes 1 to 4" },
        { "name: x\nprocessing: i.c\ninput: -3\nlayers: [relu]\n", "\"input\" takes 1 to 4" },
        { "name: x\nprocessing: i.c\ninput: 0x10\nlayers: [relu]\n", "\"input\" takes 1 to 4" },
        { "name: x\nprocessing: i.c\ninput: 010\nlayers: [relu]\n", "\"input\" takes 1 to 4" },
        { "name: x\nprocessing: i.c\ninput: \"10\"\nlayers: [relu]\n", "\"input\" takes 1 to 4" },
        { "name: x\nprocessing: i.c\ninput: 2.5\nlayers: [relu]\n", "\"input\" takes 1 to 4" },
        { "name: null\nprocessing: i.c\ninput: 3\nlayers: [relu]\n", "t:1:7: \"name\" takes a word" },
        { HEAD "layers: [{linear: true}]\n", "linear takes a number" },
        { HEAD "layers: [{linear: -5}]\n", "linear takes a number" },
        { HEAD "layers: [{linear: +5}]\n", "linear takes a number" },
        { HEAD "layers: [{linear: 0x10}]\n", "linear takes a number" },
        { HEAD "layers: [{linear: \"16\"}]\n", "linear takes a number" },
        { HEAD "layers: [{linear: 2.5}]\n", "whole" },
        { HEAD "layers: [{repeat: true, layers: [relu]}]\n", "from 1 to 1000" },
        { HEAD "layers: [{repeat: 2, name: \"x y\", layers: [relu]}]\n", "a block's name is not of letters" },
        { HEAD "layers: [{batch_norm: {epsilon: inf}}]\n", "takes a number" },
        { "structures: []\nname: x\n", "t:2:1: \"structures\" stands alone" },
        { "structures:\n- name: x\n  processing: i.c\n  input: 3\n  layers: [relu]\n- 3\n", "t:6:3: a structure is" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_refused(cases[i].text, cases[i].expected);
}

struct tally {
    unsigned structures;
    uint64_t potential;
    const char *name;
};

static int check_seed(void *argument, const struct structure *structure)
{
    cleanup_free char *text = document_print(structure);
    struct tally *tally = argument;
    char before[33], after[33];

    assert_non_null(text);
    structure_hash(structure, before);
    hash_of(text, after);
    assert_string_equal(before, after);
    tally->structures++;
    if (tally->name && !strcmp(tally->name, structure->name))
        tally->potential = structure_potential(structure);
    return 0;
}

static void test_every_seed_reads_back_to_itself(void **state)
{
    DIR *folder = opendir(source_path("config/structures"));
    struct tally tally = { .name = "vit-base-12" };
    struct dirent *entry;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        char path[512];
        struct reason why;

        if (!strstr(entry->d_name, ".yaml"))
            continue;
        snprintf(path, sizeof path, "%s/%s", source_path("config/structures"), entry->d_name);
        assert_ok(document_read(path, check_seed, &tally, stderr, &why), why);
    }
    closedir(folder);
    assert_true(tally.structures >= 90);
    /* 12 x (4 x 768^2 + 2 x 768 x 3072) + 768 x 768 (patches) + 768 x 1000. */
    assert_int_equal(tally.potential, 12ull * (4 * 768 * 768 + 2 * 768 * 3072) + 768 * 768 + 768 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_order_of_keys_do_not_matter),
        cmocka_unit_test(test_repeats_and_residuals),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_defaults_written_out),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_refusals_of_words),
        cmocka_unit_test(test_refusals_with_their_places),
        cmocka_unit_test(test_every_seed_reads_back_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
