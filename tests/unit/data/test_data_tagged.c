/* SPDX-License-Identifier: Apache-2.0
 *
 * Sentences in CoNLL-U: words and their tags, what is passed over, and every damage with its line; and lemmas by
 * scripts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "media/text/lemma.h"
#include "support/test.h"
#include "unit/data/data_make.h"

#define REST "\t_\t0\troot\t_\t_"

static const char whole[] =
    "# sent_id = 1\n# text = don't\tgo\n1-2\tDon't\t_\t_\t_" REST "\n"
    "1\tDo\tdo\tAUX\tVBP" REST "\n2\tn't\tnot\tPART\tRB" REST "\n2.1\tx\tx\tX\tX" REST "\n"
    "3\tFlies\tfly\tNOUN\tNNS" REST "\r\n\n"
    "1\tboys\tboy\tNOUN\tNNS" REST "\n2\tboys\tboy\tNOUN\tNNS" REST "\n3\trun\trun\tVERB\tVB" REST;

static struct dataset_wish wish_of(enum dataset_tags tags, size_t scores)
{
    return (struct dataset_wish){ .path = data_path(data_root, "train.conllu"),
                                  .split = "train",
                                  .kind = MEDIA_TEXT,
                                  .tags = tags,
                                  .scores = scores,
                                  .positions = 9 };
}

static struct dataset *read_tagged(const struct dataset_wish *wish)
{
    struct dataset *set;
    struct reason why;

    data_write_text(data_root, "train.conllu", whole);
    assert_ok(dataset_read(wish, &set, &why), why);
    return set;
}

static void assert_sample(const struct dataset *set, size_t sample, const char *text, const char *tags)
{
    char found[200] = "";
    size_t used = 0;

    assert_int_equal(set->texts[sample].length, strlen(text));
    assert_memory_equal(set->texts[sample].bytes, text, strlen(text));
    for (uint64_t i = set->set_starts[sample]; i < set->set_starts[sample + 1]; i++)
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%s", used ? "|" : "",
                                 set->set[i] == DATASET_UNKNOWN ? "?" : set->labels[set->set[i]]);
    assert_string_equal(found, tags);
}

static void tags(void **state)
{
    struct dataset_wish wish = wish_of(TAGS_CATEGORY, 4);
    struct dataset *set = read_tagged(&wish);

    (void)state;
    data_has(set, 2, 4, "AUX NOUN PART VERB");
    assert_sample(set, 0,
                  "Do\x1fn't\x1f"
                  "Flies",
                  "AUX|PART|NOUN");
    assert_sample(set, 1,
                  "boys\x1f"
                  "boys\x1frun",
                  "NOUN|NOUN|VERB");
    assert_int_equal(set->lines[1], 9);
    dataset_free(set);
    wish.tags = TAGS_FINE;
    wish.positions = 2;
    set = read_tagged(&wish);
    data_has(set, 4, 4, "NNS RB VB VBP");
    assert_sample(set, 1, "Flies\x1f", "NNS");
    assert_sample(set, 3, "run\x1f", "VB");
    dataset_free(set);
}

/* The most frequent, as many as there are scores; and a model's, whatever else there is. */
static void keywords(void **state)
{
    struct dataset_wish wish = wish_of(TAGS_KEYWORDS, 4);
    char noun[] = "NOUN =-1", none[] = "O", *const labels[] = { noun, none };
    struct dataset *set = read_tagged(&wish);

    (void)state;
    data_has(set, 2, 4, "NOUN =-1 NOUN l-3+y O VERB =");
    assert_sample(set, 0,
                  "Do\x1fn't\x1f"
                  "Flies",
                  "O|O|NOUN l-3+y");
    dataset_free(set);
    wish.scores = 3;
    set = read_tagged(&wish);
    assert_sample(set, 1,
                  "boys\x1f"
                  "boys\x1frun",
                  "NOUN =-1|NOUN =-1|?");
    dataset_free(set);
    wish.labels = labels;
    wish.label_count = ARRAY_SIZE(labels);
    set = read_tagged(&wish);
    assert_sample(set, 0,
                  "Do\x1fn't\x1f"
                  "Flies",
                  "O|O|?");
    dataset_free(set);
}

/* Words on the longest common subsequence, and long ones that the gist has somewhere; of as many as there is room for.
 */
static void gists(void **state)
{
    struct dataset_wish wish = wish_of(TAGS_KEPT, 2);
    struct dataset *set;
    struct reason why;

    (void)state;
    wish.path = data_path(data_root, "gists.tsv");
    wish.pairs = true;
    data_write_text(data_root, "gists.tsv",
                    "The storm, he said, the Storm hit a town in May.\tStorm in town\nin x in\tin b\n");
    assert_ok(dataset_read(&wish, &set, &why), why);
    data_has(set, 2, 2, "O kept");
    assert_sample(set, 0, "The\x1fstorm\x1f,\x1fhe\x1fsaid\x1f,\x1fthe\x1fStorm\x1fhit\x1f", "O|kept|O|O|O|O|O|kept|O");
    assert_sample(set, 1, "in\x1fx\x1fin\x1f", "kept|O|O");
    assert_int_equal(set->targets[0].length, strlen("Storm in town"));
    assert_int_equal(set->lines[1], 2);
    dataset_free(set);
    wish.positions = 20;
    assert_ok(dataset_read(&wish, &set, &why), why);
    assert_int_equal(set->set_starts[1], 14);
    assert_true(set->set[10] == 1 && set->set[9] == 0);
    dataset_free(set);
}

static void damage(void **state)
{
    static const char *const cases[][2] = {
        { "1\ta\ta\tX\tX" REST "\n3\tb\tb\tX\tX" REST,
          ":2: word 2 of a sentence is expected, and its number is \"3\"" },
        { "1\ta\ta\tX\tX" REST "\n1\tb\tb\tX\tX" REST, ":2: a sentence begins, and no empty line is before it" },
        { "2\ta\ta\tX\tX" REST, ":1: word 1 of a sentence is expected" },
        { "en\tHello", ":1: 2 fields between tabs; 10, or 7, are expected: number" },
        { "1\ta\ta\tX\tX" REST "\n2\tb\tb\tX\tX\t0\troot", ":2: 7 fields between tabs; 10 are expected" },
        { "1\ta\ta\tX\tX\t0\troot\n2\tb\tb\tX\tX" REST, ":2: 10 fields between tabs; 7 are expected" },
        { "1\ta\ta\t\tX" REST, ":1: field 4 is empty" },
        { "1\t\xff\ta\tX\tX" REST, ":1: form: not UTF-8" },
        { "# nothing\n", "no data in it" },
    };
    const struct dataset_wish wish = wish_of(TAGS_CATEGORY, 4);
    struct dataset *set = NULL;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        data_write_text(data_root, "train.conllu", cases[i][0]);
        assert_int_equal(dataset_read(&wish, &set, &why), WISP_E_FORMAT);
        if (!strstr(why.text, cases[i][1]))
            fail_msg("\"%s\" instead of \"%s\"", why.text, cases[i][1]);
    }
}

/* Sentences are left out as a whole. */
static void skipping(void **state)
{
    struct dataset_wish wish = wish_of(TAGS_CATEGORY, 4);
    struct dataset *set;
    struct reason why;

    (void)state;
    wish.skip_bad = true;
    data_write_text(data_root, "train.conllu",
                    "1\tA\ta\tX\tX" REST "\n3\tb\tb\tX\tX" REST "\n4\tc\tc\tX\tX" REST "\n\n"
                    "1\tD\td\tY\tX" REST "\n2\te\te\tZ\tX" REST "\n\nen\tHello\n\n1\tf\tf\tY\tX" REST "\n");
    assert_ok(dataset_read(&wish, &set, &why), why);
    data_has(set, 2, 2, "Y Z");
    assert_sample(set, 0,
                  "D\x1f"
                  "e",
                  "Y|Z");
    assert_int_equal(set->lines[1], 10);
    assert_int_equal(set->skipped.count, 2);
    assert_non_null(strstr(set->skipped.first[0], "train.conllu:2: word 2 of a sentence is expected"));
    assert_non_null(strstr(set->skipped.first[1], "train.conllu:8: 2 fields between tabs"));
    dataset_free(set);
    data_write_text(data_root, "train.conllu", "en\tHello\n");
    assert_int_equal(dataset_read(&wish, &set, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "none of its 1 files can be read; the first: "));
}

/* A script makes the lemma of the word again, and of others like it. */
static void lemmas(void **state)
{
    static const char *const cases[][3] = {
        { "flies", "fly", "=-3+y" }, { "Flies", "fly", "l-3+y" },  { "Paris", "Paris", "=" },
        { "GOING", "go", "l-3" },    { "is", "be", "=-2+be" },     { "Écoles", "école", "l-1" },
        { "I", "i", "l" },           { "日本", "x+-", "=-2+x+-" },
    };
    char script[LEMMA_SCRIPT_MAX], *lemma, longest[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(lemma_script(cases[i][0], strlen(cases[i][0]), cases[i][1], strlen(cases[i][1]), script), 0);
        assert_string_equal(script, cases[i][2]);
        lemma = lemma_apply(cases[i][0], strlen(cases[i][0]), script);
        assert_string_equal(lemma, cases[i][1]);
        free(lemma);
    }
    lemma = lemma_apply("abc", 3, "=-99+z");
    assert_string_equal(lemma, "z");
    free(lemma);
    lemma = lemma_apply("Abc", 3, "no script");
    assert_string_equal(lemma, "Abc");
    free(lemma);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(lemma_script("a", 1, longest, sizeof longest, script), 0);
    assert_string_equal(script, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags),   cmocka_unit_test(keywords), cmocka_unit_test(gists),
        cmocka_unit_test(damage), cmocka_unit_test(skipping), cmocka_unit_test(lemmas),
    };

    return cmocka_run_group_tests(tests, data_root_make, data_root_remove);
}
