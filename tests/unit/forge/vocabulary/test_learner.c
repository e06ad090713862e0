/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning byte pairs: by hand, as a learner that counts everything anew for each piece, and whatever the order of the
 * texts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/vocabulary/learner.h"
#include "support/test.h"

enum { TEXT_MAX = 32, PIECES = 40 };

static struct vocabulary *learn(const char (*texts)[TEXT_MAX], size_t count, size_t pieces)
{
    struct learner *learner = learner_new();
    struct vocabulary *vocabulary = NULL;

    for (size_t i = 0; i < count; i++)
        assert_int_equal(learner_add(learner, texts[i], strlen(texts[i])), 0);
    assert_int_equal(learner_finish(learner, pieces, &vocabulary), 0);
    learner_free(learner);
    return vocabulary;
}

static void assert_pieces(const struct vocabulary *vocabulary, const char *const *expected, size_t count)
{
    assert_int_equal(vocabulary_size(vocabulary), VOCABULARY_PIECES + count);
    for (uint32_t i = 0; i < count; i++) {
        size_t length;
        const char *piece = vocabulary_piece(vocabulary, VOCABULARY_PIECES + i, &length);

        if (length != strlen(expected[i]) || memcmp(piece, expected[i], length) != 0)
            fail_msg("piece %u is \"%.*s\", not \"%s\"", i, (int)length, piece, expected[i]);
    }
}

/* "ab" 4 times, then " ab" 3 times, and of the two that occur twice é before what it is in. */
static void by_hand(void **state)
{
    static const char texts[][TEXT_MAX] = { "ab ab", "ab é", "xab\té\n" };
    static const char *const expected[] = { "ab", " ab", "\xc3\xa9" };
    struct vocabulary *all = learn(texts, ARRAY_SIZE(texts), 99), *one = learn(texts, ARRAY_SIZE(texts), 1);

    (void)state;
    assert_pieces(all, expected, 3);
    assert_pieces(one, expected, 1);
    vocabulary_free(all);
    vocabulary_free(one);
}

/* ---- the same by counting all again ---- */

/* A text of one chunk, in parts that end at a 1. */
struct parts {
    const char *text;
    bool ends[TEXT_MAX + 1];
};

static size_t next_end(const struct parts *parts, size_t at)
{
    do
        at++;
    while (!parts->ends[at]);
    return at;
}

static bool is_better(uint64_t times, const char *string, uint64_t best_times, const char *best)
{
    return times > best_times || (times == best_times && strcmp(string, best) < 0);
}

/* How often two parts of the chunks are the string. */
static uint64_t count_string(const struct parts *all, size_t count, const char *string)
{
    uint64_t times = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(all[i].text);

        for (size_t a = 0, b = next_end(&all[i], 0), c; b < length; a = b, b = c) {
            c = next_end(&all[i], b);
            times += c - a == strlen(string) && !memcmp(all[i].text + a, string, c - a);
        }
    }
    return times;
}

static uint64_t find_best(const struct parts *all, size_t count, char best[TEXT_MAX])
{
    uint64_t best_times = 1;

    *best = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(all[i].text);

        for (size_t a = 0, b = next_end(&all[i], 0), c; b < length; a = b, b = c) {
            char string[TEXT_MAX] = "";
            uint64_t times;

            c = next_end(&all[i], b);
            memcpy(string, all[i].text + a, c - a);
            times = count_string(all, count, string);
            if (is_better(times, string, best_times, best)) {
                best_times = times;
                memcpy(best, string, TEXT_MAX);
            }
        }
    }
    return best_times;
}

static void join(struct parts *parts, const char *piece)
{
    const size_t length = strlen(parts->text);

    for (size_t a = 0, b, c; (b = next_end(parts, a)) < length; a = b) {
        c = next_end(parts, b);
        if (c - a != strlen(piece) || memcmp(parts->text + a, piece, c - a) != 0)
            continue;
        parts->ends[b] = false;
        b = c;
        if (b >= length)
            break;
    }
}

static void as_counting_anew(void **state)
{
    enum { COUNT = 30, ROUNDS = 20 };
    struct rng rng = rng_make(3, 0);

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char texts[COUNT][TEXT_MAX] = { "" }, spaced[COUNT][TEXT_MAX];
        struct parts all[COUNT];
        char pieces[PIECES][TEXT_MAX];
        const char *expected[PIECES];
        struct vocabulary *learned;
        size_t found = 0;

        for (size_t i = 0; i < COUNT; i++) {
            for (size_t k = 0; k < 1 + rng_below(&rng, 12); k++)
                texts[i][k] = "abcd"[rng_below(&rng, 4)];
            texts[i][0] = 'a';
            snprintf(spaced[i], TEXT_MAX, " %.30s", texts[i]);
            all[i].text = spaced[i];
            memset(all[i].ends, true, sizeof all[i].ends);
        }
        while (found < PIECES && find_best(all, COUNT, pieces[found]) > 1) {
            for (size_t i = 0; i < COUNT; i++)
                join(&all[i], pieces[found]);
            expected[found] = pieces[found];
            found++;
        }
        learned = learn(texts, COUNT, PIECES);
        assert_pieces(learned, expected, found);
        vocabulary_free(learned);
    }
}

static void order_of_texts(void **state)
{
    static const char texts[][TEXT_MAX] = { "the cat sat on the mat", "the dog sat", "日本 日本語", "a mat, a cat",
                                            "on on 日本" };
    struct vocabulary *there, *back;
    char turned[ARRAY_SIZE(texts)][TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        memcpy(turned[i], texts[ARRAY_SIZE(texts) - 1 - i], TEXT_MAX);
    there = learn(texts, ARRAY_SIZE(texts), PIECES);
    back = learn(turned, ARRAY_SIZE(texts), PIECES);
    assert_int_equal(vocabulary_size(there), vocabulary_size(back));
    for (uint32_t i = VOCABULARY_PIECES; i < vocabulary_size(there); i++) {
        size_t a_length, b_length;
        const char *a = vocabulary_piece(there, i, &a_length), *b = vocabulary_piece(back, i, &b_length);

        assert_int_equal(a_length, b_length);
        assert_memory_equal(a, b, a_length);
    }
    vocabulary_free(there);
    vocabulary_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(as_counting_anew),
        cmocka_unit_test(order_of_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
