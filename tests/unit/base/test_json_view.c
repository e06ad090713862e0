/* SPDX-License-Identifier: Apache-2.0
 *
 * What is JSON, and what is in it, as jansson has it: on texts that are made at random, whole and with a byte of them
 * changed.
 */
#include "support/test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_view.h"
#include "base/rng.h"
#include "base/size.h"

enum { ROUNDS = 3000, KEYS = 6 };

static const char *const keys[KEYS] = { "", "a", "shape", "\xc3\xa4", "name\n", "\xf0\x9f\x98\x80" };

/* ---- the same as jansson ---- */

static json_t *make_value(struct rng *rng, unsigned depth)
{
    static const json_int_t numbers[] = { 0, 1, -1, 10, 4096, 1234567890123, -5 };
    uint64_t kind = rng_below(rng, depth ? 8 : 2);
    json_t *value;

    switch (depth ? kind : kind + 6) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(rng_below(rng, 2));
    case 2:
        return json_real((double)rng_below(rng, 1000) / 7);
    case 3:
        return json_integer(numbers[rng_below(rng, ARRAY_SIZE(numbers))]);
    case 4:
    case 5:
        return json_string(keys[rng_below(rng, KEYS)]);
    case 6:
        value = json_array();
        for (uint64_t i = rng_below(rng, 5); i; i--)
            json_array_append_new(value, make_value(rng, depth + 1 < 6 ? depth + 1 : 5));
        return value;
    default:
        value = json_object();
        for (uint64_t i = rng_below(rng, 5); i; i--)
            json_object_set_new(value, keys[rng_below(rng, KEYS)], make_value(rng, depth + 1 < 6 ? depth + 1 : 5));
        return value;
    }
}

static void check_same(struct json_view view, const json_t *value)
{
    struct json_view item = { NULL, NULL };
    uint64_t whole;
    char *text;
    bool is_whole = json_is_integer(value) && json_integer_value(value) >= 0;

    assert_int_equal(json_view_is_something(view), value && !json_is_null(value));
    assert_int_equal(json_view_whole(view, UINT64_MAX, &whole), is_whole);
    if (is_whole)
        assert_int_equal(whole, json_integer_value(value));
    if (json_is_string(value)) {
        assert_int_equal(json_view_string(view, &text), 0);
        assert_string_equal(text, json_string_value(value));
        free(text);
    } else {
        assert_int_equal(json_view_string(view, &text), WISP_E_FORMAT);
    }
    assert_int_equal(json_view_count(view), json_array_size(value));
    for (size_t i = 0; json_view_next(view, &item); i++)
        check_same(item, json_array_get(value, i));
    for (size_t i = 0; i < KEYS; i++) {
        struct json_view member = json_view_member(view, keys[i]);

        assert_int_equal(member.at != NULL, json_object_get(value, keys[i]) != NULL);
        if (member.at)
            check_same(member, json_object_get(value, keys[i]));
    }
}

static void test_random_texts(void **state)
{
    static const size_t styles[] = { JSON_COMPACT, JSON_ENSURE_ASCII, JSON_INDENT(3),
                                     JSON_ENSURE_ASCII | JSON_INDENT(1) };
    struct rng rng = rng_make(7, 0);

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        json_t *value = make_value(&rng, 0);
        char *text = json_dumps(value, styles[rng_below(&rng, ARRAY_SIZE(styles))]);
        struct json_view view;
        struct reason why;

        assert_ok(json_view_open(text, strlen(text), &view, &why), why);
        check_same(view, value);
        free(text);
        json_decref(value);
    }
}

/* Both take it, or neither. */
static void test_a_byte_changed(void **state)
{
    static const char bytes[] = "{}[],:\"\\ue0-+.19 \n\t/tfn\xc3\xa4\xed\xf0\x80\x01";
    struct rng rng = rng_make(8, 0);
    int taken = 0;

    (void)state;
    for (int round = 0; round < 20 * ROUNDS; round++) {
        json_t *value = make_value(&rng, 0), *read;
        char *text = json_dumps(value, rng_below(&rng, 2) ? JSON_COMPACT : JSON_ENSURE_ASCII);
        struct reason why = { "" };
        struct json_view view;
        json_error_t error;
        int result;

        text[rng_below(&rng, strlen(text))] = bytes[rng_below(&rng, sizeof bytes)];
        result = json_view_open(text, strlen(text), &view, &why);
        read = json_loads(text, 0, &error);
        /* What has too many digits for jansson's integers is JSON all the same. */
        if (!read && (strstr(error.text, "too big") || strstr(error.text, "real number overflow")))
            assert_int_equal(result, 0);
        else if (!read != !!result)
            fail_msg("%s: jansson says '%s', we '%s'", text, read ? "" : error.text, why.text);
        assert_true(!result || strstr(why.text, "byte"));
        taken += !result;
        free(text);
        json_decref(read);
        json_decref(value);
    }
    assert_true(taken > ROUNDS && taken < 19 * ROUNDS); /* or it was no test */
}

/* ---- and what is ours to decide ---- */

static int open_text(const char *text, struct json_view *view)
{
    struct reason why;

    return json_view_open(text, strlen(text), view, &why);
}

static void test_twice_is_not_there(void **state)
{
    struct json_view view;

    (void)state;
    assert_int_equal(open_text("{\"a\": 1, \"b\": 2, \"\\u0061\": 3}", &view), 0);
    assert_null(json_view_member(view, "a").at);
    assert_non_null(json_view_member(view, "b").at);
}

static void test_depth_has_an_end(void **state)
{
    char text[2 * JSON_VIEW_DEPTH + 4] = "";
    struct json_view view;

    (void)state;
    for (size_t depth = 1; depth <= JSON_VIEW_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = 0;
        assert_int_equal(open_text(text, &view), depth <= JSON_VIEW_DEPTH ? 0 : WISP_E_FORMAT);
    }
}

static void test_width_has_none(void **state)
{
    char text[4 * 3 * JSON_VIEW_DEPTH] = "[";
    struct json_view view;

    (void)state;
    for (size_t i = 0, at = 1; i < (size_t)2 * JSON_VIEW_DEPTH; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? "," : "",
                               i + 1 < (size_t)2 * JSON_VIEW_DEPTH ? "[]" : "[]]");
    assert_int_equal(open_text(text, &view), 0);
    assert_int_equal(json_view_count(view), 2 * JSON_VIEW_DEPTH);
}

/* First and last of each length, and what lies just outside: overlong, half a pair, beyond Unicode, cut off. */
static void test_only_utf8(void **state)
{
    static const struct {
        const char *text;
        bool taken;
    } cases[] = {
        { "[\"\xc2\x80\"]", true },
        { "[\"\xdf\xbf\"]", true },
        { "[\"\xe0\xa0\x80\"]", true },
        { "[\"\xed\x9f\xbf\"]", true },
        { "[\"\xef\xbf\xbf\"]", true },
        { "[\"\xf0\x90\x80\x80\"]", true },
        { "[\"\xf4\x8f\xbf\xbf\"]", true },
        { "[\"\xc1\xbf\"]", false },
        { "[\"\xe0\x9f\xbf\"]", false },
        { "[\"\xed\xa0\x80\"]", false },
        { "[\"\xf0\x8f\xbf\xbf\"]", false },
        { "[\"\xf4\x90\x80\x80\"]", false },
        { "[\"\xf5\x80\x80\x80\"]", false },
        { "[\"\x80\"]", false },
        { "[\"\xc2\"]", false },
        { "[\"\xe1\x80\"]", false },
        { "[\"\\ud800\"]", false },
        { "[\"\\udc00\\ud800\"]", false },
        { "[\"\\ud800\\ud800\"]", false },
        { "[\"\\u0000\"]", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json_view view;

        if (!open_text(cases[i].text, &view) != cases[i].taken)
            fail_msg("case %zu", i);
    }
}

static void test_numbers_have_bounds(void **state)
{
    static const struct {
        const char *text;
        bool whole;
    } cases[] = {
        { "[0]", true },     { "[100]", true },  { "[101]", false },   { "[-1]", false },
        { "[1.0]", false },  { "[1e1]", false }, { "[\"1\"]", false }, { "[18446744073709551616]", false },
        { "[null]", false }, { "[[1]]", false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct json_view view, item = { NULL, NULL };
        uint64_t value;

        assert_int_equal(open_text(cases[i].text, &view), 0);
        assert_true(json_view_next(view, &item));
        if (json_view_whole(item, 100, &value) != cases[i].whole)
            fail_msg("%s", cases[i].text);
    }
}

/* The text need not end with a zero. */
static void test_only_its_bytes_are_read(void **state)
{
    static const char text[] = "{\"shape\": [28, 28], \"name\": \"\\ud83d\\ude00\"}";
    struct json_view view;
    struct reason why;

    (void)state;
    for (size_t length = 0; length < sizeof text; length++) {
        char *copy = malloc(length + 1);

        assert_non_null(copy);
        memcpy(copy, text, length);
        copy = realloc(copy, length ? length : 1);
        assert_non_null(copy);
        assert_int_equal(json_view_open(copy, length, &view, &why), length == sizeof text - 1 ? 0 : WISP_E_FORMAT);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_texts),        cmocka_unit_test(test_a_byte_changed),
        cmocka_unit_test(test_twice_is_not_there),  cmocka_unit_test(test_depth_has_an_end),
        cmocka_unit_test(test_width_has_none),      cmocka_unit_test(test_only_utf8),
        cmocka_unit_test(test_numbers_have_bounds), cmocka_unit_test(test_only_its_bytes_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
