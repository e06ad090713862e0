/* SPDX-License-Identifier: Apache-2.0
 *
 * The most frequent tag of a word, against plain counting over all words.
 */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/baselines/baselines.h"
#include "forge/baselines/frequent.h"
#include "support/test.h"

enum { TEXTS = 30, WORDS_MAX = 6, LABELS = 4 };

static char noun[] = "NOUN =", verb[] = "VERB -1",
            name[] = "PROPN =", adjective[] = "ADJ =", none[] = DATASET_NO_KEYWORD;
static char *labels[LABELS] = { noun, verb, none, name };

/* A set, and the same as a list of words. */
struct tagged {
    char text[TEXTS][64];
    struct dataset_text texts[TEXTS];
    uint32_t set[TEXTS * WORDS_MAX];
    uint64_t starts[TEXTS + 1];
    char words[TEXTS * WORDS_MAX][4];
    struct dataset dataset;
};

/* Words of one or two letters, of which each has a tag that it often has. */
static void draw(struct tagged *t, struct rng *rng)
{
    uint64_t count = 0;

    for (size_t i = 0; i < TEXTS; i++) {
        const uint64_t length = 1 + rng_below(rng, WORDS_MAX);
        char *to = t->text[i];

        t->starts[i] = count;
        for (uint64_t w = 0; w < length; w++, count++) {
            static const char letters[] = "aabbcdefghXYZ";
            char *word = t->words[count];

            memset(word, 0, sizeof t->words[count]);
            word[0] = letters[rng_below(rng, sizeof letters - 1)];
            if (rng_below(rng, 3) == 0)
                word[1] = letters[rng_below(rng, sizeof letters - 1)];
            t->set[count] = rng_below(rng, 2) ? (uint32_t)word[0] % LABELS : (uint32_t)rng_below(rng, LABELS);
            if (rng_below(rng, 10) == 0)
                t->set[count] = DATASET_UNKNOWN;
            to += sprintf(to, "%s%s", w ? "\x1f" : "", word);
        }
        t->texts[i] = (struct dataset_text){ t->text[i], (size_t)(to - t->text[i]) };
    }
    t->starts[TEXTS] = count;
    t->dataset = (struct dataset){ .count = TEXTS,
                                   .texts = t->texts,
                                   .set = t->set,
                                   .set_starts = t->starts,
                                   .labels = labels,
                                   .label_count = LABELS };
}

/* How often the word has a tag that is a label; with a tag, that one. */
static unsigned times(const struct tagged *t, const char *word, uint32_t tag)
{
    unsigned found = 0;

    for (uint64_t i = 0; i < t->starts[TEXTS]; i++)
        found +=
            !strcmp(t->words[i], word) && t->set[i] != DATASET_UNKNOWN && (tag == DATASET_UNKNOWN || t->set[i] == tag);
    return found;
}

static bool capital(const char *word)
{
    return strchr("XYZ", *word) != NULL;
}

static uint32_t plain_tag(const struct tagged *training, const char *word)
{
    const bool known = times(training, word, DATASET_UNKNOWN) > 0;
    unsigned most = 0, of[LABELS] = { 0 };
    uint32_t best = 0;

    for (uint64_t i = 0; !known && i < training->starts[TEXTS]; i++) {
        const char *other = training->words[i];

        if (times(training, other, DATASET_UNKNOWN) == 1 && training->set[i] != DATASET_UNKNOWN &&
            capital(other) == capital(word))
            of[training->set[i]]++;
    }
    for (uint32_t tag = 0; tag < LABELS; tag++) {
        const unsigned now = known ? times(training, word, tag) : of[tag];

        if (now > most) {
            most = now;
            best = tag;
        }
    }
    return best;
}

static void words_get_what_they_have_most_often(void **state)
{
    static struct tagged training, test;
    struct rng rng = rng_make(5, 0);

    (void)state;
    for (int n = 0; n < 100; n++) {
        struct frequent_counts plain = { .words = 0 }, counts;
        struct baseline baseline;

        draw(&training, &rng);
        draw(&test, &rng);
        plain.words = test.starts[TEXTS];
        for (uint64_t i = 0; i < plain.words; i++) {
            const uint32_t said = plain_tag(&training, test.words[i]);

            plain.right += said == test.set[i];
            plain.actual += test.set[i] != 2;
            plain.predicted += said != 2;
            plain.found += said != 2 && said == test.set[i];
        }
        assert_int_equal(frequent_tags(&training.dataset, &test.dataset, &counts), 0);
        assert_memory_equal(&counts, &plain, sizeof plain);
        assert_int_equal(baseline_of_tags(&training.dataset, &test.dataset, &baseline), 0);
        assert_float_equal(baseline.figures[0].value, (double)plain.right / (double)plain.words, 1e-12);
        assert_float_equal(baseline.figures[1].value,
                           2.0 * (double)plain.found / (double)(plain.actual + plain.predicted), 1e-12);
    }
}

/* Without "O" there is no F1; and nobody has learned anything where there is nothing. */
static void categories_have_no_f1(void **state)
{
    static struct tagged training, test;
    struct rng rng = rng_make(6, 0);
    struct baseline baseline;

    (void)state;
    draw(&training, &rng);
    draw(&test, &rng);
    labels[2] = adjective;
    assert_int_equal(baseline_of_tags(&training.dataset, &test.dataset, &baseline), 0);
    assert_null(baseline.figures[1].what);
    training.dataset.count = 0;
    assert_int_equal(baseline_of_tags(&training.dataset, &test.dataset, &baseline), 0);
    labels[2] = none;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_get_what_they_have_most_often),
        cmocka_unit_test(categories_have_no_f1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
