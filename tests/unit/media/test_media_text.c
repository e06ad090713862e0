/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to features: the hashing by the book, what normalisation makes equal, and what is refused.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/base64.h"
#include "base/size.h"
#include "make.h"
#include "support/test.h"

enum { FEATURES = 512 };

#define COUNTS                                                                                                         \
    "{\"kind\":\"text\",\"features\":512,\"characters\":[1,3],\"words\":[1,2],\"weight\":\"count\",\"norm\":"          \
    "\"none\"}"

static void encode(const struct media *media, const char *text, float *out)
{
    struct reason why = { "" };

    assert_ok(media_encode_text(media, "text", text, strlen(text), out, &why), why);
}

static void add(float *features, const char *gram, uint64_t seed, float count)
{
    features[XXH3_64bits_withSeed(gram, strlen(gram), seed) % FEATURES] += count;
}

/* All n-grams of "Ab é, ab" by hand. */
static void by_the_book(void **state)
{
    static const char *const characters[] = { " ",  "a",   "b",   " ",   "é",   ",",   " ",   "a",   "b",
                                              " ",  " a",  "ab",  "b ",  " é",  "é,",  ", ",  " a",  "ab",
                                              "b ", " ab", "ab ", "b é", " é,", "é, ", ", a", " ab", "ab " };
    static const char *const words[] = { "ab", "é", "ab", "ab é", "é ab" };
    struct media *media = make_media(COUNTS);
    float expected[FEATURES] = { 0 }, out[FEATURES];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(characters); i++)
        add(expected, characters[i], 0, 1);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        add(expected, words[i], 1, 1);
    encode(media, "Ab é, ab", out);
    assert_memory_equal(out, expected, sizeof out);
    media_free(media);
}

/* Words in their order, by the book; what is longer is cut, what is shorter ends in 0. */
static void numbers_of_words(void **state)
{
    static const char *const words[] = { "ab", "é", "ab" };
    struct media *media = make_media("{\"kind\":\"text\",\"features\":100,\"sequence\":3}");
    float out[4] = { [3] = -1 };

    (void)state;
    assert_int_equal(media_elements(media), 3);
    encode(media, "Ab é -- ab X2!", out);
    for (size_t i = 0; i < 3; i++)
        assert_true(out[i] == (float)(1 + XXH3_64bits_withSeed(words[i], strlen(words[i]), 1) % 99));
    assert_true(out[0] == out[2] && out[3] == -1);
    encode(media, "x2", out);
    assert_true(out[0] == (float)(1 + XXH3_64bits_withSeed("x2", 2, 1) % 99) && out[1] == 0 && out[2] == 0);
    encode(media, "!?", out);
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == 0);
    media_free(media);
}

static void weights_and_norm(void **state)
{
    static const char *const weights[] = { "count", "sqrt", "log" };
    struct reason why = { "" };

    (void)state;
    for (size_t w = 0; w < ARRAY_SIZE(weights); w++) {
        char json[200];
        struct media *plain, *scaled;
        float a[64], b[64];
        double expected[] = { 5, sqrt(5), log(6) }, length = 0;

        snprintf(json, sizeof json,
                 "{\"kind\":\"text\",\"features\":64,\"characters\":[0,0],\"weight\":\"%s\",\"norm\":\"none\"}",
                 weights[w]);
        plain = make_media(json);
        assert_ok(media_encode_text(plain, "text", "x x x x x y", 11, a, &why), why);
        assert_float_equal(a[XXH3_64bits_withSeed("x", 1, 1) % 64], expected[w], 1e-6);
        snprintf(json, sizeof json, "{\"kind\":\"text\",\"features\":64,\"characters\":[0,0],\"weight\":\"%s\"}",
                 weights[w]);
        scaled = make_media(json);
        assert_ok(media_encode_text(scaled, "text", "x x x x x y", 11, b, &why), why);
        for (int i = 0; i < 64; i++)
            length += (double)b[i] * (double)b[i];
        assert_float_equal(length, 1, 1e-6);
        assert_float_equal(b[XXH3_64bits_withSeed("x", 1, 1) % 64] * a[XXH3_64bits_withSeed("y", 1, 1) % 64],
                           a[XXH3_64bits_withSeed("x", 1, 1) % 64] * b[XXH3_64bits_withSeed("y", 1, 1) % 64], 1e-6);
        media_free(plain);
        media_free(scaled);
    }
}

/* 1 + idf / 16 times what it would be; then length 1. */
static void idf(void **state)
{
    static const uint8_t bytes[] = { 0, 1, 16, 255, 77, 3, 200 };
    char json[120] = "{\"kind\":\"text\",\"features\":7,\"norm\":\"none\",\"idf\":\"";
    struct media *plain = make_media("{\"kind\":\"text\",\"features\":7,\"norm\":\"none\"}"), *weighted, *scaled;
    float a[7], b[7], c[7];
    double length = 0;

    (void)state;
    base64_encode(bytes, sizeof bytes, json + strlen(json));
    memcpy(json + strlen(json), "\"}", 3);
    weighted = make_media(json);
    encode(plain, "all sorts of words", a);
    encode(weighted, "all sorts of words", b);
    for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
        float expected = a[i] * (1 + (float)bytes[i] / 16);

        assert_true(a[i] > 0);
        assert_memory_equal(&b[i], &expected, sizeof expected);
        length += (double)expected * (double)expected;
    }
    media_free(weighted);
    memcpy(strstr(json, "\"none\""), "\"l2\"  ", 6);
    scaled = make_media(json);
    encode(scaled, "all sorts of words", c);
    for (size_t i = 0; i < ARRAY_SIZE(a); i++)
        assert_float_equal(c[i], (double)b[i] / sqrt(length), 1e-7);
    media_free(plain);
    media_free(scaled);
}

/* What there is none of yet changes no bit. */
static void idf_to_come(void **state)
{
    struct media *none = make_media("{\"kind\":\"text\",\"features\":512}");
    struct media *later = make_media("{\"kind\":\"text\",\"features\":512,\"idf\":true}");
    float a[FEATURES], b[FEATURES];

    (void)state;
    encode(none, "all sorts of words", a);
    encode(later, "all sorts of words", b);
    assert_memory_equal(a, b, sizeof a);
    media_free(none);
    media_free(later);
}

static void idf_of_counts(void **state)
{
    (void)state;
    assert_int_equal(media_idf(0, 0), 0);
    assert_int_equal(media_idf(1000, 1000), 0);
    assert_int_equal(media_idf(9, 0), 37); /* 16 log 10 = 36.8 */
    assert_int_equal(media_idf(999, 9), 74);
    assert_int_equal(media_idf(UINT64_MAX, 0), 255); /* 709.8 */
    for (uint64_t k = 1; k <= 1000; k++)
        assert_int_equal(media_idf(1000, k), (uint8_t)lrint(16 * log(1001.0 / (1.0 + (double)k))));
}

/* Texts that a reader takes for the same. */
static void equals(void **state)
{
    static const char *const pairs[][2] = {
        { "Hello", "hello" },
        { "hello world", "  Hello \t\r\n\v\f world\n\n" },
        { "hello world", "hello\xc2\xa0world" },                 /* no-break space */
        { "hello world", "hello\xe3\x80\x80world\xe2\x80\xa8" }, /* ideographic space, line separator */
        { "hello world", "\xef\xbb\xbfhello world" },            /* byte order mark */
        { "hello", "he\xe2\x80\x8bllo" },                        /* zero-width space is ignorable */
        { "hello", "he\x01\x7fllo\xc2\x84" },                    /* control characters */
        { "stra\xc3\x9f"
          "e",
          "STRASSE" },                                                  /* sharp s */
        { "\xc3\xa9t\xc3\xa9", "e\xcc\x81te\xcc\x81" },                 /* composed, decomposed */
        { "\xef\xac\x81n", "fin" },                                     /* ligature */
        { "\xef\xbc\xb7\xef\xbc\xa9\xef\xbc\xb3\xef\xbc\xb0", "wisp" }, /* full width */
        { "\xce\xa3", "\xcf\x82" },                                     /* sigma, final sigma */
        { "10\xc2\xb2", "102" },
    };
    struct media *media = make_media(COUNTS);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        float a[FEATURES], b[FEATURES];

        encode(media, pairs[i][0], a);
        encode(media, pairs[i][1], b);
        if (memcmp(a, b, sizeof a) != 0)
            fail_msg("pair %zu: '%s' and '%s' differ", i, pairs[i][0], pairs[i][1]);
    }
    media_free(media);
}

static void nul_is_dropped(void **state)
{
    struct media *media = make_media(COUNTS);
    struct reason why = { "" };
    float a[FEATURES], b[FEATURES];

    (void)state;
    encode(media, "ab", a);
    assert_ok(media_encode_text(media, "text", "a\0b", 3, b, &why), why);
    assert_memory_equal(a, b, sizeof a);
    media_free(media);
}

static void differ(void **state)
{
    static const char *const texts[] = { "a", "b", "ab", "ba", "a b", "a, b", "\xd0\xb0" /* Cyrillic a */ };
    struct media *media = make_media(COUNTS);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        for (size_t k = 0; k < i; k++) {
            float a[FEATURES], b[FEATURES];

            encode(media, texts[i], a);
            encode(media, texts[k], b);
            assert_memory_not_equal(a, b, sizeof a);
        }
    }
    media_free(media);
}

static void refusals(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        const char *says;
    } cases[] = {
        { "", 0, "text: the text is empty" },
        { " \t\r\n ", 5, "text: nothing but white space and control characters" },
        { "\xef\xbb\xbf", 3, "text: nothing but white space" },
        { "\x01\x02", 2, "text: nothing but white space" },
        { "abc\xff", 4, "text: not UTF-8 at byte 3 (0xff)" },
        { "abc\xc3", 4, "text: not UTF-8 at byte 3 (0xc3)" },
        { "\x80", 1, "text: not UTF-8 at byte 0 (0x80)" },
        { "ab\xc0\xaf", 4, "text: not UTF-8 at byte 2" },              /* overlong */
        { "ab\xed\xa0\x80", 5, "text: not UTF-8 at byte 2" },          /* surrogate */
        { "ab\xf4\x90\x80\x80", 6, "text: not UTF-8 at byte 2" },      /* beyond U+10FFFF */
        { "caf\xe9 au lait", 12, "text: not UTF-8 at byte 3 (0xe9)" }, /* Latin-1 */
        { "\xff\xfeh\0i", 5, "text: UTF-16 that is cut off: 5 bytes" },
        { "\xff\xfeh\0\x00\xdc", 6, "text: UTF-16 with half a character at byte 4" },
        { "\x89PNG\r\n\x1a\n", 8, "it looks like a PNG picture" },
    };
    struct media *media = make_media(COUNTS);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reason why = { "" };
        float out[FEATURES];

        assert_int_equal(media_encode(media, "text", cases[i].text, cases[i].length, out, &why), WISP_E_FORMAT);
        if (!strstr(why.text, cases[i].says))
            fail_msg("case %zu: %s\n  wanted: %s", i, why.text, cases[i].says);
    }
    media_free(media);
}

static void utf16(void **state)
{
    struct media *media = make_media(COUNTS);
    float plain[FEATURES], out[FEATURES];
    struct reason why;

    (void)state;
    encode(media, "hi \xc3\xa9", plain);
    assert_ok(media_encode(media, "text", "\xff\xfeh\0i\0 \0\xe9\0", 10, out, &why), why);
    assert_memory_equal(out, plain, sizeof out);
    assert_ok(media_encode(media, "text", "\xfe\xff\0h\0i\0 \0\xe9", 10, out, &why), why);
    assert_memory_equal(out, plain, sizeof out);
    media_free(media);
}

/* What stands behind the limit counts no more, but is still checked. */
static void limit(void **state)
{
    struct media *media = make_media("{\"kind\":\"text\",\"features\":512,\"limit\":16}");
    char text[20] = "0123456789abcde\xc3\xa9xy";
    struct reason why = { "" };
    float a[FEATURES], b[FEATURES];

    (void)state;
    encode(media, "0123456789abcde", a);
    encode(media, text, b); /* é would end at byte 17 */
    assert_memory_equal(a, b, sizeof a);
    encode(media, "0123456789abcdef", b);
    assert_memory_not_equal(a, b, sizeof a);
    text[18] = '\xff';
    assert_int_equal(media_encode_text(media, "text", text, strlen(text), b, &why), WISP_E_FORMAT);
    media_free(media);
}

/* Characters that become many: U+FDFA is 18 in NFKC. */
static void expansion(void **state)
{
    enum { COUNT = 20000 };
    struct media *media = make_media(COUNTS);
    struct reason why = { "" };
    char *text = malloc(COUNT * 3);
    float out[FEATURES];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        memcpy(text + (size_t)i * 3, "\xef\xb7\xba", 3);
    assert_ok(media_encode_text(media, "text", text, COUNT * 3, out, &why), why);
    free(text);
    media_free(media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_book),
        cmocka_unit_test(numbers_of_words),
        cmocka_unit_test(weights_and_norm),
        cmocka_unit_test(idf),
        cmocka_unit_test(idf_to_come),
        cmocka_unit_test(idf_of_counts),
        cmocka_unit_test(equals),
        cmocka_unit_test(nul_is_dropped),
        cmocka_unit_test(differ),
        cmocka_unit_test(refusals),
        cmocka_unit_test(utf16),
        cmocka_unit_test(limit),
        cmocka_unit_test(expansion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
