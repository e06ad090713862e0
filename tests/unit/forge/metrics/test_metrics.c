/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of texts against sacrebleu 2.6.0, rouge-score 0.1.2 and jiwer 4.0.0; the figures stand here as those printed
 * them. metrics.py compares more, where they are installed.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "forge/metrics/bleu.h"
#include "forge/metrics/edits.h"
#include "forge/metrics/rouge.h"
#include "support/test.h"

static const char *const pairs[][2] = {
    { "The cat sat on the mat, didn't it?", "The cat is on the mat -- didn't it?" },
    { "It costs 1,000.50 dollars; e.g. 3-4 (or so).", "It costs 1,000.50 dollars, i.e. 3-4 or so." },
    { "Ein Haus &amp; ein \"Baum\" für 5%.", "Ein Haus & zwei \"Bäume\" für 5 %." },
    { "a b", "a b c d e f" },
};

static void cut(enum tokens_of of, const char *const pair[2], struct tokens *said, struct tokens *wanted)
{
    assert_int_equal(tokens_init(said, of, pair[0], strlen(pair[0])), 0);
    assert_int_equal(tokens_init(wanted, of, pair[1], strlen(pair[1])), 0);
}

static double bleu_of(enum tokens_of of, const char *const (*list)[2], size_t count)
{
    struct bleu bleu = { .said = 0 };

    for (size_t i = 0; i < count; i++) {
        struct tokens said, wanted;

        cut(of, list[i], &said, &wanted);
        assert_int_equal(bleu_add(&bleu, &said, &wanted), 0);
        tokens_deinit(&said);
        tokens_deinit(&wanted);
    }
    return bleu_score(&bleu);
}

static void bleu(void **state)
{
    static const char *const two[][2] = { { "the cat ran off now", "the cat walks away now" } };

    (void)state;
    assert_float_equal(bleu_of(TOKENS_13A, pairs, ARRAY_SIZE(pairs)), 35.3889477969265, 1e-9);
    assert_float_equal(bleu_of(TOKENS_SIGNS, pairs, ARRAY_SIZE(pairs)), 67.38890624473213, 1e-9);
    assert_float_equal(bleu_of(TOKENS_13A, two, 1), 23.643540225079384, 1e-9);
    assert_float_equal(bleu_of(TOKENS_13A, pairs + 3, 1), 0, 0);
}

/* Wide and narrow, with and without spaces, and what is no Chinese. */
static void bleu_of_chinese(void **state)
{
    static const char *const texts[][2] = {
        { "他昨天去了北京。", "他昨天去北京了。" },
        { "这本书 3,500.5 元, don't 买!", "这本书3,500.5元,别买!" },
        { "“好”，他说\u3000。", "“好”，他说。" },
    };

    static const char *const mixed[][2] = { { ".5 元x. ", ".5 元y." }, { "“a”好—b c", "“x”好—b c" } };

    (void)state;
    assert_float_equal(bleu_of(TOKENS_ZH, mixed, ARRAY_SIZE(mixed)), 52.83419944690571, 1e-9);
    assert_float_equal(bleu_of(TOKENS_ZH, texts, ARRAY_SIZE(texts)), 69.84479508924396, 1e-9);
}

static void rouge(void **state)
{
    struct rouge sums = { .texts = 0 };
    bool on_it[9];
    size_t length;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct tokens said, wanted;

        cut(TOKENS_ALNUM, pairs[i], &said, &wanted);
        assert_int_equal(rouge_add(&sums, &said, &wanted), 0);
        if (!i) {
            assert_int_equal(rouge_common(&said, &wanted, on_it, &length), 0);
            assert_int_equal(length, 8); /* all but "sat" */
            assert_true(on_it[0] && on_it[1] && !on_it[2] && on_it[3]);
        }
        tokens_deinit(&said);
        tokens_deinit(&wanted);
    }
    assert_float_equal(sums.one / 4, 0.7326388888888888, 1e-12);
    assert_float_equal(sums.two / 4, 0.5597943722943723, 1e-12);
    assert_float_equal(sums.longest / 4, 0.7326388888888888, 1e-12);
}

static double error_rate(enum tokens_of of)
{
    double edits = 0, all = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct tokens said, wanted;
        size_t count;

        cut(of, pairs[i], &said, &wanted);
        assert_int_equal(edits_count(&said, &wanted, &count), 0);
        edits += (double)count;
        all += (double)wanted.count;
        tokens_deinit(&said);
        tokens_deinit(&wanted);
    }
    return edits / all;
}

static void error_rates(void **state)
{
    (void)state;
    assert_float_equal(error_rate(TOKENS_WORDS), 0.5161290322580645, 1e-12);
    assert_float_equal(error_rate(TOKENS_CHARACTERS), 0.23333333333333334, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bleu),
        cmocka_unit_test(bleu_of_chinese),
        cmocka_unit_test(rouge),
        cmocka_unit_test(error_rates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
