/* SPDX-License-Identifier: Apache-2.0
 *
 * config/: every kind of wrong configuration is refused with its place and a sentence, and all faults at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/yaml/findings.h"
#include "config/config.h"
#include "support/test.h"

/* The whole output for each text, line by line. */
static const struct {
    const char *text;
    const char *errors;
} refusals[] = {
    /* keys */
    { "sokcet: /a\n", "f:1:1: unknown key 'sokcet'; did you mean 'socket'?\n" },
    { "qqqqqqqq: 1\n", "f:1:1: unknown key 'qqqqqqqq'\n" },
    { "limits:\n  chanels: 3\n", "f:2:3: unknown key 'chanels' in limits; did you mean 'channels'?\n" },
    { "channels: 3\n", "f:1:1: unknown key 'channels'; it belongs at limits.channels\n" },
    { "models:\n- {path: a, max: 3}\n", "f:2:13: unknown key 'max' in models[0]; it belongs at models.batch.max\n" },
    { "users: [{weight: 3}]\n", "f:1:9: users[0]: 'user' is missing\n" },
    { "users: [{user: a}, {user: b}, {user: a}]\n", "f:1:31: users[2]: 'a' again; the first is at line 1\n" },
    { "users: [{user: a, weight: 0}]\n", "f:1:27: users[0].weight: '0' is out of range, from 1 to 10000\n" },
    { "users: [{user: a, time: 101%}]\n", "f:1:25: users[0].time: '101%' is out of range, from 1% to 100%\n" },
    { "users: [{user: a, time: 50}]\n", "f:1:25: users[0].time: expected a percentage such as 50%, got '50'\n" },
    { "users: {a: 1}\n", "f:1:8: users: expected a list of users, got a section\n" },
    { "users: [~]\n", "f:1:9: users[0]: expected a section with the user's name, got nothing\n" },
    { "weight: 3\n", "f:1:1: unknown key 'weight'; it belongs at users.weight\n" },
    { "Socket: /a\n", "f:1:1: unknown key 'Socket'; did you mean 'socket'?\n" },
    { "\"\": 1\n", "f:1:1: unknown key ''\n" },
    { "<<: {loop: auto}\n", "f:1:1: unknown key '<<'\n" },
    { "loop: auto\nspin: auto\nloop: auto\n", "f:3:1: loop: given twice; the first is at line 1\n" },
    { "limits: {rows: 1, rows: 1}\n", "f:1:19: limits.rows: given twice; the first is at line 1\n" },
    { "? [a]\n: 1\n", "f:1:3: a key must be a word\n" },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1\n",
      "f:1:1: unknown key 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'...\n" },
    /* shapes */
    { "hello\n", "f:1:1: the file: expected a section of keys, got 'hello'\n" },
    { "- a\n", "f:1:1: the file: expected a section of keys, got a list\n" },
    { "limits: 3\n", "f:1:9: limits: expected a section of keys, got '3'\n" },
    { "limits: [3]\n", "f:1:9: limits: expected a section of keys, got a list\n" },
    { "models: {path: a}\n", "f:1:9: models: expected a list of models, got a section\n" },
    { "models: a\n", "f:1:9: models: expected a list of models, got 'a'\n" },
    { "models: [a]\n", "f:1:10: models[0]: expected a section of keys, got 'a'\n" },
    { "models:\n-\n", "f:2:2: models[0]: expected a section with the model's path, got nothing\n" },
    { "models:\n- name: a\n", "f:2:3: models[0]: 'path' is missing\n" },
    { "socket: [a]\n", "f:1:9: socket: expected a path, got a list\n" },
    { "socket:\n", "f:1:8: socket: expected a path, got nothing\n" },
    { "socket: ~\n", "f:1:9: socket: expected a path, got nothing\n" },
    { "loop: {a: b}\n", "f:1:7: loop: expected a word, got a section\n" },
    { "spin: null\n", "f:1:7: spin: expected auto or a duration such as 50us, got nothing\n" },
    /* texts */
    { "socket: wisp.sock\n", "f:1:9: socket: 'wisp.sock': the path of a socket begins with '/'\n" },
    { "socket: \"\"\n", "f:1:9: socket: '': the path of a socket begins with '/'\n" },
    { "socket: \"/a\\nb\"\n", "f:1:9: a control character or line break inside a value\n" },
    { "socket: \"/a\\0b\"\n", "f:1:9: a control character or line break inside a value\n" },
    { "socket: \"/a\\u202ab\\u0085\"\n", "f:1:9: a control character or line break inside a value\n" },
    { "\"loo\\tp\": auto\n", "f:1:1: a control character or line break inside a value\n" },
    { "models: [{path: \"\"}]\n", "f:1:17: models[0].path: '': the path is empty\n" },
    { "models: [{path: 7}]\n", "f:1:17: models[0].path: '7': put it in quotes if it is meant as a text\n" },
    { "models: [{path: a, name: Yes}]\n",
      "f:1:26: models[0].name: 'Yes': put it in quotes if it is meant as a text\n" },
    { "models: [{path: a, name: b c}]\n", "f:1:26: models[0].name: 'b c': a name is letters, digits, '_', '.' and '-', "
                                          "and begins with a letter, digit or '_'\n" },
    { "models: [{path: a, name: ../b}]\n", "f:1:26: models[0].name: '../b': a name is letters, digits, '_', '.' and "
                                           "'-', and begins with a letter, digit or '_'\n" },
    /* words */
    { "kernels: avx-512\n",
      "f:1:10: kernels: expected one of auto, scalar, avx2, avx512, got 'avx-512'; did you mean 'avx512'?\n" },
    { "loop: kqueue\n", "f:1:7: loop: expected one of auto, io_uring, epoll, got 'kqueue'\n" },
    { "log: {level: warn}\n", "f:1:14: log.level: expected one of error, warning, notice, info, debug, got 'warn'\n" },
    { "log: {level: INFO}\n", "f:1:14: log.level: expected one of error, warning, notice, info, debug, got 'INFO'\n" },
    /* numbers */
    { "shards: 0\n", "f:1:9: shards: '0' is out of range, from 1 to 16\n" },
    { "shards: 17\n", "f:1:9: shards: '17' is out of range, from 1 to 16\n" },
    { "shards: \"2\"\n", "f:1:9: shards: expected a whole number, got a text: write 2 without quotes\n" },
    { "threads: 0\n", "f:1:10: threads: '0' is out of range, from 1 to 16\n" },
    { "threads: 17\n", "f:1:10: threads: '17' is out of range, from 1 to 16\n" },
    { "threads: all\n", "f:1:10: threads: expected a whole number, got 'all'\n" },
    { "pin: 1\n", "f:1:6: pin: expected true or false, got '1'\n" },
    { "limits: {rows: 0}\n", "f:1:16: limits.rows: '0' is out of range, from 1 to 65536\n" },
    { "limits: {rows: 65537}\n", "f:1:16: limits.rows: '65537' is out of range, from 1 to 65536\n" },
    { "limits: {rows: 4294967297}\n", "f:1:16: limits.rows: '4294967297' is out of range, from 1 to 65536\n" },
    { "limits: {rows: -1}\n", "f:1:16: limits.rows: expected a whole number, got '-1'\n" },
    { "limits: {rows: 1e3}\n", "f:1:16: limits.rows: expected a whole number, got '1e3'\n" },
    { "limits: {rows: 010}\n", "f:1:16: limits.rows: expected a whole number, got '010'\n" },
    { "limits: {rows: 99999999999999999999}\n",
      "f:1:16: limits.rows: expected a whole number, got '99999999999999999999'\n" },
    { "limits: {rows: \"9\"}\n", "f:1:16: limits.rows: expected a whole number, got a text: write 9 without quotes\n" },
    { "limits: {entries: 100}\n", "f:1:19: limits.entries: '100' is not a power of two\n" },
    { "limits: {arena: 4}\n", "f:1:17: limits.arena: expected a size such as 64KiB, 4MiB or 1GiB, got '4'\n" },
    { "limits: {arena: 4MB}\n", "f:1:17: limits.arena: expected a size such as 64KiB, 4MiB or 1GiB, got '4MB'\n" },
    { "limits: {arena: 2GiB}\n", "f:1:17: limits.arena: '2GiB' is out of range, from 64KiB to 1GiB\n" },
    { "limits: {memory_per_user: 18446744073709551616B}\n",
      "f:1:27: limits.memory_per_user: expected a size such as 64KiB, 4MiB or 1GiB, got '18446744073709551616B'\n" },
    { "spin: 50\n", "f:1:7: spin: expected auto or a duration such as 50us, got '50'\n" },
    { "spin: 1s\n", "f:1:7: spin: '1s' is out of range, from 0 to 100ms\n" },
    { "models: [{path: a, batch: {wait: 2s}}]\n",
      "f:1:34: models[0].batch.wait: '2s' is out of range, from 0 to 1s\n" },
    { "models: [{path: a, batch: {time: 0}}]\n",
      "f:1:34: models[0].batch.time: '0' is out of range, from 1us to 10s\n" },
    { "models: [{path: a, batch: {wait: auto}}]\n",
      "f:1:34: models[0].batch.wait: expected a duration such as 50us, 2ms or 1s, got 'auto'\n" },
    { "socket_mode: 438\n", "f:1:14: socket_mode: expected an octal mode such as \"0660\", got '438'\n" },
    { "socket_mode: 0o666\n", "f:1:14: socket_mode: expected an octal mode such as \"0660\", got '0o666'\n" },
    { "models: [{path: a, default: yes}]\n", "f:1:29: models[0].default: expected true or false, got 'yes'\n" },
    { "models: [{path: a, default: \"true\"}]\n",
      "f:1:29: models[0].default: expected true or false, got a text: write true without quotes\n" },
    /* twins */
    { "models:\n- {path: a, name: x}\n- {path: b, name: x}\n",
      "f:3:3: models[1]: a second model named 'x'; the first is at line 2\n" },
    { "models:\n- path: a\n- path: a\n", "f:3:3: models[1]: the file of line 2 again: give each a name of its own\n" },
    /* YAML that a configuration does not need */
    { "loop: &a auto\n", "f:1:7: anchors are not allowed: write the value where it is needed\n" },
    { "log: {level: *a}\n", "f:1:14: aliases are not allowed: write the value out\n" },
    { "*a : 1\n", "f:1:1: aliases are not allowed: write the value out\n" },
    { "loop: !!str auto\n", "f:1:7: tags are not allowed: the key decides the type\n" },
    { "limits: !x {}\n", "f:1:9: tags are not allowed: the key decides the type\n" },
    { "%YAML 1.1\n---\nloop: auto\n", "f:1:1: directives (%YAML, %TAG) are not allowed\n" },
    { "loop: auto\n---\nloop: auto\n", "f:2:1: a second document: there is to be one\n" },
    { "a: [[[[[[[[[[[[1]]]]]]]]]]]]\n", "f:1:15: nested deeper than 12 levels\n" },
    { "loop: auto\n\tspin: 1s\n", "f:2:1: not YAML: a tab; indent with spaces\n" },
    { "loop: auto\nspin\n",
      "f:3:1: not YAML: could not find expected ':' (while scanning a simple key that began at line 2)\n" },
    { "limits: {rows: 1\n", "f:2:1: not YAML: did not find expected ',' or '}' (while parsing a flow mapping that "
                            "began at line 1)\n" },
    { "socket: \"/a\n", "f:2:1: not YAML: found unexpected end of stream (while scanning a quoted scalar that began "
                        "at line 1)\n" },
    { "loop: auto\nspin: \xff\n", "f:2:7: not UTF-8 text: invalid leading UTF-8 octet\n" },
    { "loop: \x01\n", "f:1:7: not UTF-8 text: control characters are not allowed\n" },
    { "# caf\xc3\xa9\nlog: {\xc3\xa9\xc3\xa9: 1, lvl: 2}\n",
      "f:2:7: unknown key '\xc3\xa9\xc3\xa9' in log\nf:2:14: unknown key 'lvl' in log; did you mean 'level'?\n" },
};

static char *errors_of(const char *text, size_t length, int *result, struct reason *why)
{
    char *errors = NULL;
    size_t size;
    FILE *out = open_memstream(&errors, &size);
    struct config config;

    assert_non_null(out);
    assert_int_equal(config_init(&config), 0);
    *result = config_parse("f", text, length, &config, out, why);
    config_deinit(&config);
    fclose(out);
    return errors;
}

static void test_each_refusal(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        struct reason why = { 0 };
        int result;
        cleanup_free char *errors = errors_of(refusals[i].text, strlen(refusals[i].text), &result, &why);

        if (result != WISP_E_CONFIG || strcmp(errors, refusals[i].errors) != 0)
            print_error("%s-> %d\n%sinstead of\n%s\n", refusals[i].text, result, errors, refusals[i].errors), wrong++;
        /* the reason is the first line */
        if (strncmp(errors, why.text, strlen(why.text)) != 0 || errors[strlen(why.text)] != '\n')
            print_error("reason '%s' of\n%s\n", why.text, errors), wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_all_faults_at_once_in_the_order_of_the_text(void **state)
{
    static const char text[] = "sokcet: /a\n"
                               "limits:\n"
                               "  rows: 0\n"
                               "  arena: 4\n"
                               "models:\n"
                               "- {path: a, name: x, default: 1}\n"
                               "- {name: y}\n"
                               "- {path: b, name: x, bathc: {}}\n"
                               "loop: *z\n";
    static const char *const places[] = { "f:1:1:", "f:3:9:", "f:4:10:", "f:6:31:",
                                          "f:7:3:", "f:8:3:", "f:8:22:", "f:9:7:" };
    int result;
    cleanup_free char *errors = errors_of(text, strlen(text), &result, NULL);
    const char *line = errors;

    (void)state;
    assert_int_equal(result, WISP_E_CONFIG);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if (strncmp(line, places[i], strlen(places[i])) != 0)
            fail_msg("expected %s at: %s", places[i], line);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
}

static void test_a_flood_of_faults_is_bounded(void **state)
{
    cleanup_free char *text = NULL;
    size_t size, lines = 0;
    FILE *out = open_memstream(&text, &size);
    int result;
    cleanup_free char *errors = NULL;

    (void)state;
    for (int i = 0; i < 5000; i++)
        fprintf(out, "key%d: 1\n", i);
    fclose(out);
    errors = errors_of(text, size, &result, NULL);
    for (const char *at = errors; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(result, WISP_E_CONFIG);
    assert_int_equal(lines, FINDINGS_MAX + 1);
    assert_non_null(strstr(errors, "f: 4900 more errors are not shown\n"));
}

/* Texts built to be large or deep; each must end quickly, with a refusal. */
static void test_giants(void **state)
{
    static const struct {
        const char *head, *unit, *fragment;
        size_t times;
    } giants[] = {
        { "a: ", "[", "nested deeper than 12 levels", 1000000 },
        { "a: ", "{a: ", "nested deeper than 12 levels", 200000 },
        { "", "- \n", "more than 65536 values", 300000 },
        { "models:\n", "- {path: a}\n", "models, more than 1024", 1025 },
        { "", "a", "expected a section of keys, got 'aaaa", 1000000 },
        { "", "? ", "a key must be a word", 400000 },
        { "socket: /", "a", "at most 107 bytes", 107 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(giants); i++) {
        cleanup_free char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        struct reason why = { 0 };
        int result;

        fputs(giants[i].head, out);
        for (size_t j = 0; j < giants[i].times; j++)
            fputs(giants[i].unit, out);
        fclose(out);
        free(errors_of(text, size, &result, &why));
        if (result != WISP_E_CONFIG || !strstr(why.text, giants[i].fragment))
            fail_msg("giant %zu: %d, %s", i, result, why.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_refusal),
        cmocka_unit_test(test_all_faults_at_once_in_the_order_of_the_text),
        cmocka_unit_test(test_a_flood_of_faults_is_bounded),
        cmocka_unit_test(test_giants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
