/* SPDX-License-Identifier: Apache-2.0
 *
 * Text by a vocabulary: any text comes back as its NFKC, pieces are put together in the order of their numbers, and any
 * numbers are a text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/rng.h"
#include "base/size.h"
#include "make.h"
#include "media/spec/vocabulary.h"
#include "media/text/chunks.h"
#include "support/test.h"

enum { LONGEST = 4096, TEXTS = 300 };

/* Some overlap, some are never reached, some have two or three bytes a character. */
#define PIECES                                                                                                         \
    "\"th\",\"he\",\"the\",\" the\",\"é\",\"日\",\"本\",\"日本\",\"aa\",\"aaaa\",\"xyz\",\" "                     \
    "1\",\"12\",\"ab\",\"bc\",\"abc\""
#define DESCRIPTION "{\"kind\":\"text\",\"features\":300,\"sequence\":4096,\"vocabulary\":[" PIECES "]}"

static size_t numbers_of(const struct media *media, const char *text, size_t length, int32_t *out)
{
    static float values[LONGEST];
    struct reason why = { "" };
    size_t count = 0;

    assert_ok(media_encode_text(media, "text", text, length, values, &why), why);
    for (size_t i = 0; i < media_elements(media); i++)
        out[i] = (int32_t)values[i];
    while (count < media_elements(media) && out[count] != VOCABULARY_END)
        count++;
    return count;
}

/* Mostly of the characters that the pieces have, and of all of Unicode, but for what is none. */
static size_t random_text(struct rng *rng, char *out)
{
    static const char usual[] = "the aaaaabcabc 12xyz THE.\t\n";
    static const utf8proc_int32_t other[] = { 0xe9, 0x65e5, 0x672c, 0x301, 0x200d, 0x1f600, 0xfb01, 0x2126, 0xac00, 0 };
    const size_t points = 1 + rng_below(rng, 90);
    size_t used = 1;

    out[0] = 'x'; /* there is something to read */
    for (size_t i = 0; i < points; i++) {
        const uint64_t sort = rng_below(rng, 4);
        utf8proc_int32_t point = (utf8proc_int32_t)rng_below(rng, 0x110000);

        if (sort < 2)
            point = (unsigned char)usual[rng_below(rng, sizeof usual - 1)];
        else if (sort == 2)
            point = other[rng_below(rng, ARRAY_SIZE(other))];
        if (utf8proc_codepoint_valid(point))
            used += (size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)out + used);
    }
    return used;
}

static void nothing_is_lost(void **state)
{
    struct media *media = make_media(DESCRIPTION),
                 *bytes = make_media("{\"kind\":\"text\",\"features\":259,\"sequence\":"
                                     "4096,\"vocabulary\":true}");
    struct rng rng = rng_make(1, 0);
    struct reason why = { "" };
    int32_t numbers[512];

    (void)state;
    for (size_t i = 0; i < TEXTS; i++) {
        const struct media *by = i % 2 ? media : bytes;
        static int32_t all[LONGEST];
        char text[512], *normal, *back;
        utf8proc_uint8_t *expected;
        size_t length = random_text(&rng, text), normal_length, back_length, count = numbers_of(by, text, length, all);

        assert_true(count < ARRAY_SIZE(numbers) * 8);
        assert_ok(media_decode_text(by, all, LONGEST, &back, &back_length, &why), why);
        assert_ok(media_normal_text("text", text, length, &normal, &normal_length, &why), why);
        assert_true(utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &expected,
                                 UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE) ==
                    (utf8proc_ssize_t)back_length);
        assert_int_equal(normal_length, back_length);
        assert_memory_equal(back, expected, back_length);
        assert_memory_equal(back, normal, back_length);
        free(expected);
        free(normal);
        free(back);
    }
    media_free(media);
    media_free(bytes);
}

static void assert_numbers(const char *text, const int32_t *expected, size_t count)
{
    struct media *media = make_media(DESCRIPTION);
    static int32_t all[LONGEST];

    assert_int_equal(numbers_of(media, text, strlen(text), all), count);
    assert_memory_equal(all, expected, count * sizeof *expected);
    media_free(media);
}

#define PIECE(n) (VOCABULARY_PIECES + (n))
#define BYTE(n)  (VOCABULARY_BYTES + (n))

/* The piece of the least number first, then from the left; a space belongs to what follows it; none goes over the end
 * of a chunk, and a character without a piece is its bytes. */
static void by_the_book(void **state)
{
    (void)state;
    assert_numbers("the", (const int32_t[]){ PIECE(3) }, 1);
    assert_numbers("\xef\xbb\xbfthe", (const int32_t[]){ PIECE(3) }, 1); /* the mark of a file is none of the text */
    assert_numbers("\nthe", (const int32_t[]){ BYTE(' '), BYTE('\n'), PIECE(2) }, 3);
    assert_numbers("the12", (const int32_t[]){ PIECE(3), PIECE(12) }, 2);
    assert_numbers("12", (const int32_t[]){ PIECE(11), BYTE('2') }, 2);
    assert_numbers("aaaaa", (const int32_t[]){ BYTE(' '), PIECE(9), BYTE('a') }, 3);
    assert_numbers("abc", (const int32_t[]){ BYTE(' '), PIECE(15) }, 2);
    assert_numbers("e\xcc\x81日本!", (const int32_t[]){ BYTE(' '), PIECE(4), PIECE(7), BYTE('!') }, 4);
    assert_numbers("ß", (const int32_t[]){ BYTE(' '), BYTE(0xc3), BYTE(0x9f) }, 3);
}

/* What there is no room for is cut; of a word of any length the parts are put together. */
static void room(void **state)
{
    struct media *media =
        make_media("{\"kind\":\"text\",\"features\":300,\"sequence\":4,\"vocabulary\":[\"th\",\"the\",\" the\"]}");
    int32_t numbers[4];
    char word[1000];

    (void)state;
    assert_int_equal(numbers_of(media, "the the 日", strlen("the the 日"), numbers), 4);
    assert_true(numbers[0] == PIECE(2) && numbers[1] == PIECE(2) && numbers[2] == BYTE(' ') &&
                numbers[3] == BYTE(0xe6));
    memset(word, 'x', sizeof word);
    assert_int_equal(numbers_of(media, word, sizeof word, numbers), 4);
    media_free(media);
}

/* Whatever a network gives. */
static void any_numbers(void **state)
{
    static const struct {
        int32_t numbers[6];
        const char *text;
    } cases[] = {
        { { PIECE(3), BYTE(' '), PIECE(15), 0, PIECE(3) }, "the abc" },
        { { 2, PIECE(2), 1, -5, INT32_MAX, PIECE(16) }, "the\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { { BYTE(0xe6), PIECE(2), BYTE(0xff), BYTE(0xc3), BYTE(0xa9), 0 }, "\xef\xbf\xbdthe\xef\xbf\xbdé" },
        { { 0 }, "" },
    };
    struct media *media = make_media(DESCRIPTION);
    struct reason why;
    size_t length;
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_ok(media_decode_text(media, cases[i].numbers, ARRAY_SIZE(cases[i].numbers), &text, &length, &why), why);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(length, strlen(cases[i].text));
        free(text);
    }
    media_free(media);
}

static void refusals(void **state)
{
    static const char *const cases[][2] = {
        { "1", "true, false, or a list" },
        { "[1]", "piece 1 is no string" },
        { "[\"\"]", "0 bytes" },
        { "[\"a\\u001b\"]", "control character" },
        { "[\"ab\",\"cd\",\"ab\"]", "piece 3, \"ab\", is piece 1 already" },
        { "[\"ab\",\"bc\",\"cd\",\"de\",\"ef\",\"fg\"]", "features: 264, but the vocabulary has 265 numbers" },
    };
    struct vocabulary *vocabulary = vocabulary_new(2000);
    char json[400], piece[VOCABULARY_PIECE_MAX + 1];
    struct media *media = NULL;
    struct reason why;
    int result = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(json, sizeof json, "{\"kind\":\"text\",\"features\":264,\"sequence\":8,\"vocabulary\":%s}",
                 cases[i][0]);
        assert_int_equal(media_parse(json, &media, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, cases[i][1]));
    }
    assert_int_equal(media_parse("{\"kind\":\"text\",\"features\":264,\"vocabulary\":[]}", &media, &why),
                     WISP_E_FORMAT);
    memset(piece, 'a', sizeof piece);
    assert_int_equal(vocabulary_add(vocabulary, piece, sizeof piece, &why), WISP_E_FORMAT);
    for (int i = 0; !result && i < 2000; i++) {
        snprintf(piece, 5, "%04d", i);
        piece[4] = 'a';
        result = vocabulary_add(vocabulary, piece, VOCABULARY_PIECE_MAX, &why);
    }
    assert_non_null(strstr(why.text, "up to piece 1519 there are more than 393216 bytes"));
    vocabulary_free(vocabulary);
}

/* The text that comes out has a description of its own. */
static void answers(void **state)
{
    static const char *const refused[] = { "{\"kind\":\"image\",\"width\":3,\"height\":3}",
                                           "{\"kind\":\"text\",\"features\":300}", "{}", "true",
                                           "{\"kind\":\"text\",\"features\":300,\"sequence\":2,\"answer\":{}}" };
    struct media *media = make_media("{\"kind\":\"text\",\"features\":90,\"sequence\":5,\"answer\":{\"kind\":\"text\","
                                     "\"features\":300,\"sequence\":7,\"vocabulary\":[\"ab\"]}}");
    char json[200];
    struct reason why;

    (void)state;
    assert_int_equal(media_elements(media_answer_text(media)), 7);
    assert_int_equal(media_vocabulary(media_answer_text(media)), 300);
    assert_true(media_reads_back(media_answer_text(media)) && !media_reads_back(media));
    media = media_free(media);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        snprintf(json, sizeof json, "{\"kind\":\"text\",\"features\":90,\"answer\":%s}", refused[i]);
        assert_int_equal(media_parse(json, &media, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, "answer"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost), cmocka_unit_test(by_the_book), cmocka_unit_test(room),
        cmocka_unit_test(any_numbers),     cmocka_unit_test(refusals),    cmocka_unit_test(answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
