/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of which each word gets labels: how they are cut, and what a word is numbers of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "make.h"
#include "support/test.h"

enum { ROOM = 6, FORM = 0, SHAPE, SUFFIX, PREFIX = SUFFIX + 4, OCCURRENCES = PREFIX + 3, DISTANCE };

#define DESCRIPTION "{\"kind\":\"text\",\"features\":100003,\"sequence\":6,\"each\":\"word\"}"

static struct media_words *words_of(const struct media *media, const char *text)
{
    struct media_words *words;
    struct reason why;

    assert_ok(media_words_new(media, "text", text, strlen(text), &words, &why), why);
    return words;
}

/* "a|b", one behind the other. */
static void join(const struct media_words *words, char *out, size_t size)
{
    size_t used = 0;

    *out = '\0';
    for (size_t i = 0; i < media_words_count(words) && used < size; i++) {
        size_t length;
        const char *word = media_word(words, i, &length);

        used += (size_t)snprintf(out + used, size - used, "%s%.*s", i ? "|" : "", (int)length, word);
    }
}

static void cutting(void **state)
{
    static const char *const cases[][2] = {
        { "I don't know, it's 3.50 (or 10:30)!!", "I|do|n't|know|,|it|'s|3.50|(|or|10:30|)|!!" },
        { "\xef\xbb\xbfso it", "so|it" },
        { "  so\nit\tgoes...  ", "so|it|goes|..." },
        { "Can't won't n't 'tis dogs' it’s", "Ca|n't|wo|n't|n|'t|'|tis|dogs|'|it|’s" },
        { "see www.x.org/a-b?c=1, a@b.de; http://x/.", "see|www.x.org/a-b?c=1|,|a@b.de|;|http://x/|." },
        { "日本語 e\xcc\x81t\xc3\xa9", "日本語|été" },
        { "ﬁne ½", "fine|1|⁄|2" },
        { "so\u00adft a\u200bb \u00ad \x01x \u2764\ufe0f", "soft|ab|x|\u2764" },
        { "\U0001f468\u200d\U0001f469\u200d\U0001f467 می\u200cخواهم", "\U0001f468|\U0001f469|\U0001f467|میخواهم" },
        { "a\u00adb\x1f"
          "c\u200bd",
          "ab|cd" },
        { "New York\x1f"
          "don't\x1f\x1f"
          "3 .",
          "New York|don't|3 ." },
    };
    struct media *media = make_media(DESCRIPTION);
    char joined[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct media_words *words = words_of(media, cases[i][0]);

        join(words, joined, sizeof joined);
        assert_string_equal(joined, cases[i][1]);
        media_words_free(words);
    }
    media_free(media);
}

static const float *word_at(const float *tensor, size_t word)
{
    return tensor + word * MEDIA_WORD_NUMBERS;
}

/* What two words have in common has the same number, and nothing else has. */
static void numbers(void **state)
{
    struct media *media = make_media(DESCRIPTION);
    float out[ROOM * MEDIA_WORD_NUMBERS];
    const float *a = word_at(out, 0), *b = word_at(out, 1), *c = word_at(out, 2), *d = word_at(out, 3);
    struct reason why;

    (void)state;
    assert_int_equal(media_elements(media), ARRAY_SIZE(out));
    assert_ok(media_encode_text(media, "text", "Running running wing At", 23, out, &why), why);
    assert_true(a[FORM] == b[FORM] && b[FORM] != c[FORM] && a[SHAPE] != b[SHAPE] && b[SHAPE] == c[SHAPE]);
    assert_memory_equal(a + SUFFIX, b + SUFFIX, 7 * sizeof *a);
    assert_true(b[SUFFIX] == c[SUFFIX] && b[SUFFIX + 2] == c[SUFFIX + 2] && b[SUFFIX + 3] != c[SUFFIX + 3]);
    assert_true(b[PREFIX] != c[PREFIX] && b[PREFIX] != b[SUFFIX]);
    assert_true(d[SUFFIX + 1] != 0 && d[SUFFIX + 2] == 0 && d[SUFFIX + 3] == 0 && d[PREFIX + 1] != 0 &&
                d[PREFIX + 2] == 0);
    assert_true(a[OCCURRENCES] != b[OCCURRENCES] && a[OCCURRENCES] == c[OCCURRENCES]);
    assert_true(a[DISTANCE] != b[DISTANCE] && c[DISTANCE] != d[DISTANCE]);
    for (size_t i = 4 * MEDIA_WORD_NUMBERS; i < ARRAY_SIZE(out); i++)
        assert_true(out[i] == 0);
    media_free(media);
}

/* A window is a sentence, or as much of it as there is room for; what it begins with is known by it. */
static void windows(void **state)
{
    static const struct media_window expected[] = { { 0, 6 }, { 6, 2 }, { 8, 3 }, { 11, 1 }, { 12, 1 } };
    struct media *media = make_media(DESCRIPTION);
    struct media_words *words = words_of(media, "one two three four five six seven. Nine ten?! eleven");
    const struct media_window *found;
    float whole[ROOM * MEDIA_WORD_NUMBERS], out[ROOM * MEDIA_WORD_NUMBERS];
    struct reason why;

    (void)state;
    assert_int_equal(media_words_windows(words, &found), ARRAY_SIZE(expected));
    assert_memory_equal(found, expected, sizeof expected);
    assert_ok(media_encode_text(media, "text", "one two three four five six seven", 33, whole, &why), why);
    media_words_encode(words, &found[0], out);
    assert_memory_equal(out, whole, sizeof out);
    media_words_encode(words, &found[1], out);
    assert_true(out[SHAPE] == whole[SHAPE] && out[SHAPE] != whole[MEDIA_WORD_NUMBERS + SHAPE]);
    assert_true(out[DISTANCE] != whole[DISTANCE] && out[2 * MEDIA_WORD_NUMBERS] == 0);
    media_words_free(words);
    media_free(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutting),
        cmocka_unit_test(numbers),
        cmocka_unit_test(windows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
