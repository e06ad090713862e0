/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said: the search is held against all ways through the positions where nothing is left out, and against a
 * search that keeps its prefixes as texts where much is.
 */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "media/transcript/exponential.h"
#include "media/transcript/search.h"

enum { POSITIONS = 14, LABELS = 6, TEXT = POSITIONS + 1 };

/* What is known of scores [labels][positions]: as probabilities, at each position. */
struct case_of {
    size_t labels, positions;
    float values[LABELS * POSITIONS];
    double p[LABELS][POSITIONS];
};

static void draw(struct case_of *c, size_t labels, size_t positions, uint64_t seed)
{
    struct rng rng = rng_make(seed, 3);

    c->labels = labels;
    c->positions = positions;
    for (size_t i = 0; i < labels * positions; i++)
        c->values[i] = (float)(2.5 * (double)rng_normal(&rng));
    for (size_t t = 0; t < positions; t++) {
        double sum = 0;

        for (size_t l = 0; l < labels; l++)
            sum += c->p[l][t] = exp((double)c->values[l * positions + t]);
        for (size_t l = 0; l < labels; l++)
            c->p[l][t] /= sum;
    }
}

/* As text, a letter a label. */
static double said(const struct case_of *c, uint32_t width, char text[TEXT])
{
    uint32_t labels[POSITIONS];
    struct transcript out = { .labels = labels };

    assert_int_equal(
        transcript_search(&(struct transcript_scores){ c->values, c->labels, c->positions, c->positions, 1 }, width,
                          &out),
        0);
    assert_true(out.count <= c->positions);
    for (size_t i = 0; i < out.count; i++)
        text[i] = (char)('0' + labels[i]);
    text[out.count] = 0;
    return out.probability;
}

/* How probable a text is: a sum over all ways that stand for it. Each is tried. */
static double sum_ways(const struct case_of *c, size_t at, size_t last, const char *rest)
{
    double sum = 0;

    if (at == c->positions)
        return *rest ? 0 : 1;
    for (size_t l = 0; l < c->labels; l++) {
        if (!l || l == last)
            sum += c->p[l][at] * sum_ways(c, at + 1, l, rest);
        else if (*rest == (char)('0' + l))
            sum += c->p[l][at] * sum_ways(c, at + 1, l, rest + 1);
    }
    return sum;
}

/* The best of all texts of so many labels or fewer. */
static void try_texts(const struct case_of *c, char *text, size_t length, char *best, double *most)
{
    const double p = sum_ways(c, 0, 0, text);

    if (p > *most) {
        *most = p;
        memcpy(best, text, TEXT);
    }
    for (size_t l = 1; length < c->positions && l < c->labels; l++) {
        text[length] = (char)('0' + l);
        try_texts(c, text, length + 1, best, most);
        text[length] = 0;
    }
}

static void test_nothing_is_left_out(void **state)
{
    static const size_t sizes[][2] = { { 3, 3 }, { 2, 9 }, { 4, 2 }, { 2, 1 }, { 1, 4 } };

    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++) {
        const size_t *size = sizes[seed % ARRAY_SIZE(sizes)];
        char text[TEXT] = "", best[TEXT] = "", found[TEXT];
        struct case_of c;
        double most = -1, p;

        draw(&c, size[0], size[1], seed);
        try_texts(&c, text, 0, best, &most);
        p = said(&c, TRANSCRIPT_BEAM_MAX, found);
        assert_string_equal(found, best);
        assert_true(fabs(p - most) < 1e-12);
    }
}

/* ---- prefixes as texts ---- */

struct beginning {
    char text[TEXT];
    double blank, label;
};

static int compare(const void *left, const void *right)
{
    const struct beginning *a = left, *b = right;
    const double p = a->blank + a->label, q = b->blank + b->label;

    return p > q ? -1 : p < q;
}

static struct beginning *at(struct beginning *list, size_t *count, const char *text)
{
    size_t i = 0;

    while (i < *count && strcmp(list[i].text, text) != 0)
        i++;
    if (i == *count) {
        list[(*count)++] = (struct beginning){ .blank = 0 };
        memcpy(list[i].text, text, strlen(text) + 1);
    }
    return &list[i];
}

static void search_texts(const struct case_of *c, size_t width, char best[TEXT])
{
    static struct beginning now[TRANSCRIPT_BEAM_MAX], next[TRANSCRIPT_BEAM_MAX * (LABELS + 1)];
    size_t count = 1, all;

    now[0] = (struct beginning){ .blank = 1 };
    for (size_t t = 0; t < c->positions; t++) {
        all = 0;
        for (size_t i = 0; i < count; i++) {
            const struct beginning *b = &now[i];
            const size_t length = strlen(b->text);
            const size_t last = length ? (size_t)(b->text[length - 1] - '0') : 0;
            char text[TEXT];

            at(next, &all, b->text)->blank += c->p[0][t] * (b->blank + b->label);
            for (size_t l = 1; l < c->labels; l++) {
                memcpy(text, b->text, length);
                memcpy(text + length, (char[]){ (char)('0' + l), 0 }, 2);
                at(next, &all, text)->label += c->p[l][t] * (l == last ? b->blank : b->blank + b->label);
                if (l == last)
                    at(next, &all, b->text)->label += c->p[l][t] * b->label;
            }
        }
        qsort(next, all, sizeof *next, compare);
        count = MIN(all, width);
        memcpy(now, next, count * sizeof *now);
    }
    memcpy(best, now[0].text, TEXT);
}

static void test_a_beam(void **state)
{
    size_t others = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        const size_t labels = 2 + seed % (LABELS - 1), positions = 1 + seed % POSITIONS;
        const uint32_t width = 2 + seed % 7;
        char right[TEXT], found[TEXT], greedy[TEXT];
        struct case_of c;

        draw(&c, labels, positions, 1000 + seed);
        search_texts(&c, width, right);
        said(&c, width, found);
        assert_string_equal(found, right);
        said(&c, 1, greedy);
        others += strcmp(greedy, found) != 0;
    }
    assert_true(others > 50);
}

/* ---- what a daemon may say ---- */

static void test_no_numbers(void **state)
{
    static const float wrong[] = { NAN, INFINITY, -INFINITY, 3.4e38f, -3.4e38f, 0 };
    struct rng rng = rng_make(9, 9);

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct case_of c = { .labels = LABELS, .positions = POSITIONS };
        char text[TEXT];

        for (size_t i = 0; i < ARRAY_SIZE(c.values); i++)
            c.values[i] = round < 6 ? wrong[round] : wrong[rng_below(&rng, ARRAY_SIZE(wrong))];
        for (uint32_t width = 1; width <= TRANSCRIPT_BEAM_MAX; width++) {
            const double p = said(&c, width, text);

            assert_true(p >= 0 && p <= 1.000001);
        }
    }
}

/* The best label at each position; a number is better than none. */
static void test_one_at_a_time(void **state)
{
    static const float values[] = { 0, 0, NAN, 9, 0, 1, NAN, -1, 0, 1, 1, 1 }; /* two labels and none, 4 positions */
    uint32_t labels[4];
    struct transcript out = { .labels = labels };

    (void)state;
    assert_int_equal(transcript_search(&(struct transcript_scores){ values, 3, 4, 4, 1 }, 1, &out), 0);
    assert_int_equal(out.count, 2);
    assert_int_equal(labels[0], 1);
    assert_int_equal(labels[1], 2);
}

static void test_exponential(void **state)
{
    (void)state;
    for (double x = -700; x <= 0; x += 0.0137)
        assert_true(fabs(portable_exp(x) / exp(x) - 1) <= 2 * 0x1p-52);
    assert_true(portable_exp(0) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_left_out), cmocka_unit_test(test_a_beam),
        cmocka_unit_test(test_no_numbers),          cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_exponential),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
