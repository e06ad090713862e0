/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/man/wispd.yaml.5 against the table: every key is described, with its bounds, and none that there is not; and its
 * example is a good configuration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/schema.h"
#include "support/test.h"

/* The manual with mdoc's quotes as quotes and its inline macros taken out of the way. */
static char *read_manual(void)
{
    static const char *const spelled[][2] = { { "\\(dq", "\"" }, { " , No from", ", from" } };
    struct reason why = { 0 };
    void *text;
    size_t size;

    assert_ok(file_read(source_path("docs/man/wispd.yaml.5"), 1 << 20, &text, &size, &why), why);
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        const char *from = spelled[i][0], *to = spelled[i][1];

        for (char *at = text; (at = strstr(at, from)); at += strlen(to)) {
            for (size_t k = 0; to[k]; k++)
                at[k] = to[k];
            memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
        }
    }
    return text;
}

/* The line ".It Cm KEY …", or NULL. */
static const char *find_item(const char *manual, const char *key)
{
    char item[128];
    const char *at;

    snprintf(item, sizeof item, "\n.It Cm %s ", key);
    at = strstr(manual, item);
    return at ? at + 1 : NULL;
}

static void check_bounds(const struct field *field, const char *key, const char *line)
{
    char min[VALUE_TEXT_MAX], max[VALUE_TEXT_MAX], bounds[128];
    const char *at;

    if (field->kind->form != FORM_NUMBER || field->max <= 1)
        return;
    field->kind->format(field->min, min);
    field->kind->format(field->max, max);
    snprintf(bounds, sizeof bounds, "from %s to %s%s", min, max, field->power ? ", a power of two" : "");
    at = strstr(line, bounds);
    if (!at || at > strchr(line, '\n'))
        fail_msg("%s: the manual does not say '%s'", key, bounds);
}

/* Returns how many keys the table has; those of a model are described below `models`, by their own names. */
static unsigned check_fields(const struct field *fields, const char *parent, const char *manual)
{
    unsigned count = 0;

    for (const struct field *field = fields; field->key; field++) {
        char key[96];
        const char *line;

        snprintf(key, sizeof key, "%s%s%s", parent, *parent ? "." : "", field->key);
        if (field->kind->form == FORM_SECTION) {
            count += check_fields(field->fields, key, manual);
            continue;
        }
        line = find_item(manual, key);
        if (!line)
            fail_msg("%s is not in the manual", key);
        else
            check_bounds(field, key, line);
        count += 1 + (field->kind->form == FORM_LIST ? check_fields(field->fields, "", manual) : 0);
    }
    return count;
}

static void test_every_key_is_described(void **state)
{
    cleanup_free char *manual = read_manual();
    unsigned described = 0;

    (void)state;
    for (const char *at = manual; (at = strstr(at, "\n.It Cm ")); at++)
        described++;
    assert_int_equal(check_fields(config_fields, "", manual), described);
}

static void test_the_limits_of_the_text_are_named(void **state)
{
    cleanup_free char *manual = read_manual();
    char sentence[64];

    (void)state;
    snprintf(sentence, sizeof sentence, "at most %d levels deep", TREE_DEPTH_MAX);
    assert_non_null(strstr(manual, sentence));
}

static void test_the_example_is_good(void **state)
{
    cleanup_free char *manual = read_manual();
    char *begin = strstr(manual, ".Bd -literal"), *end = begin ? strstr(begin, "\n.Ed") : NULL;
    struct config config;
    struct reason why = { 0 };

    (void)state;
    if (!begin || !end) {
        fail_msg("the manual has no example");
        return;
    }
    begin = strchr(begin, '\n') + 1;
    assert_int_equal(config_init(&config), 0);
    assert_ok(config_parse("manual", begin, (size_t)(end - begin), &config, stderr, &why), why);
    assert_int_equal(config.model_count, 2);
    config_deinit(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_described),
        cmocka_unit_test(test_the_limits_of_the_text_are_named),
        cmocka_unit_test(test_the_example_is_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
