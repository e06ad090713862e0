/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever stands for a name, a kind of network or a base: it is refused with the rule, or it is what comes back from
 * the text that would be stored, alone and in a list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/rng.h"
#include "base/size.h"
#include "base/yaml/text.h"
#include "forge/catalog/documents/document.h"
#include "sparse/graph/structure_edit.h"
#include "support/test.h"

/* What YAML reads as something else when nobody quotes it, what is in the way of quotes, and what is harmless. */
static const char *const awkward[] = {
    "*a",       "&a",     "'q",    "q'",       "!x",    "x: y",  "x:", "\"",      "\\",   "#",    "a #b",
    "- ",       "-",      "- a",   "yes",      "No",    "on",    "y",  "true",    "null", "Null", "~",
    "0x10",     "010",    "1e5",   "1_000",    "12:30", ".inf",  ".5", "-1",      "{a}",  "[a]",  "a, b",
    "?",        "? a",    "|",     ">",        "%a",    "@a",    "`a", " a",      "a ",   "grün", "名",
    "\xc2\xa0", "--help", "a--b",  "foo.yaml", "lead",  "_lead", "..", "a.b-c_d", "A",    "7",    "resnet-110-w64",
    "previous", "input",  "start", "a/b",      "<<",
};

static void quote(FILE *out, const char *key, const char *text)
{
    fprintf(out, "%s: ", key);
    text_print_quoted(text, out);
    fputc('\n', out);
}

struct words {
    char name[48], network[48], layer[48], block[48], base[96];
};

static char *document_of(const struct words *words)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    quote(out, "name", words->name);
    quote(out, "network", words->network);
    quote(out, "base", words->base);
    fprintf(out, "processing: image.classification\ninput: 8\nlayers:\n  - linear: {neurons: 4, ");
    quote(out, "name", words->layer);
    fprintf(out, "      }\n  - repeat: 2\n    ");
    quote(out, "name", words->block);
    fprintf(out, "    layers: [{linear: {neurons: 4, name: in}}, {add: {from: [previous, start]}}]\n");
    fprintf(out, "  - add: {from: [previous, ");
    text_print_quoted(words->layer, out);
    fprintf(out, "]}\n");
    fclose(out);
    return text;
}

static int keep_copy(void *argument, const struct structure *structure)
{
    struct structure *copy = argument;

    assert_null(copy->layers);
    return structure_copy(structure, copy);
}

static bool parse(const char *text, struct structure *out, struct reason *why)
{
    int result;

    *out = STRUCTURE_NULL;
    result = document_parse("t", text, strlen(text), keep_copy, out, NULL, why);
    if (result)
        assert_int_equal(result, WISP_E_FORMAT);
    return !result;
}

/* An export, as `wisp structure export` writes it. */
static char *list_of(const char *document)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    fprintf(out, "structures:\n  - ");
    for (; *document; document++) {
        fputc(*document, out);
        if (*document == '\n' && document[1])
            fprintf(out, "    ");
    }
    fclose(out);
    return text;
}

/* Whether it was taken; then it has come back. */
static bool goes_round(const struct words *words)
{
    cleanup_free char *text = document_of(words), *stored = NULL, *list = NULL, *again = NULL;
    struct structure first, second;
    struct reason why = { "" };

    if (!parse(text, &first, &why)) {
        assert_true(!strncmp(why.text, "t:", 2));
        return false;
    }
    assert_string_equal(first.name, words->name);
    assert_string_equal(first.network, words->network);
    assert_string_equal(first.base, words->base);
    assert_string_equal(first.layers[0].name, words->layer);
    assert_ok(document_canonical(&first, &stored, &why), why);
    list = list_of(stored);
    assert_true(parse(list, &second, &why));
    assert_ok(document_canonical(&second, &again, &why), why);
    assert_string_equal(stored, again);
    assert_string_equal(second.name, words->name);
    assert_string_equal(second.base, words->base);
    structure_deinit(&first);
    structure_deinit(&second);
    return true;
}

static struct words usual(void)
{
    return (struct words){ "n", "mlp", "l", "block", "/b.safetensors" };
}

static void test_awkward_words(void **state)
{
    unsigned names = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(awkward); i++) {
        struct words words[5];

        for (size_t k = 0; k < ARRAY_SIZE(words); k++)
            words[k] = usual();
        snprintf(words[0].name, sizeof words[0].name, "%s", awkward[i]);
        snprintf(words[1].network, sizeof words[1].network, "%s", awkward[i]);
        snprintf(words[2].layer, sizeof words[2].layer, "%s", awkward[i]);
        snprintf(words[3].block, sizeof words[3].block, "%s", awkward[i]);
        snprintf(words[4].base, sizeof words[4].base, "%s", awkward[i]);
        for (size_t k = 0; k < 4; k++)
            names += goes_round(&words[k]);
        assert_true(goes_round(&words[4])); /* a path may be anything */
    }
    assert_true(names > 60);
}

/* Pieces of the list above and of the alphabet of names, one after another. */
static void draw_word(struct rng *rng, char *out, size_t size, bool tame)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

    *out = 0;
    for (uint64_t pieces = 1 + rng_below(rng, 4); pieces > 0; pieces--) {
        size_t used = strlen(out);
        const char *piece = awkward[rng_below(rng, ARRAY_SIZE(awkward))];

        if (tame || rng_below(rng, 2))
            snprintf(out + used, size - used, "%c", letters[rng_below(rng, sizeof letters - 1)]);
        else if (used + strlen(piece) < size)
            snprintf(out + used, size - used, "%s", piece);
    }
}

static void test_random_words(void **state)
{
    struct rng rng = rng_make(6, 6);
    unsigned taken = 0;

    (void)state;
    for (int turn = 0; turn < 5000; turn++) {
        struct words words;
        bool tame = turn % 2;

        draw_word(&rng, words.name, sizeof words.name, tame);
        draw_word(&rng, words.network, sizeof words.network, tame);
        draw_word(&rng, words.layer, sizeof words.layer, tame);
        draw_word(&rng, words.block, sizeof words.block, tame);
        draw_word(&rng, words.base, sizeof words.base, false);
        taken += goes_round(&words);
    }
    assert_true(taken > 100);
}

static void test_the_rule_for_names(void **state)
{
    static const struct {
        const char *name, *expected;
    } cases[] = {
        { "lenet-5", NULL },
        { "5", NULL },
        { "a.b_c-D", NULL },
        { "", "is empty" },
        { "-a", "beginning with a letter or digit" },
        { "--help", "beginning with a letter or digit" },
        { "_lead", "beginning with a letter or digit" },
        { ".a", "beginning with a letter or digit" },
        { "a b", "(byte 1)" },
        { "a/b", "(byte 1)" },
        { "foo.yaml", "does not end in .yaml" },
        { "foo.yml", "does not end in .yml" },
        { "foo.safetensors", "does not end in .safetensors" },
        { "foo.yaml.x", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reason why = { "" };
        int result = structure_name_check(cases[i].name, &why);

        assert_int_equal(result, cases[i].expected ? WISP_E_FORMAT : 0);
        if (cases[i].expected && !strstr(why.text, cases[i].expected))
            fail_msg("\"%s\": \"%s\" lacks \"%s\"", cases[i].name, why.text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_awkward_words),
        cmocka_unit_test(test_random_words),
        cmocka_unit_test(test_the_rule_for_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
