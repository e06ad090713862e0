/* SPDX-License-Identifier: Apache-2.0
 *
 * config/: with the k-th allocation failing, for every k, a good configuration is refused with -ENOMEM and changes
 * nothing, until k is past the last one; a sanitizer build sees that nothing leaks. The linker puts these functions in
 * front of the C library's (--wrap); what libyaml allocates itself is not reached.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "support/test.h"

static unsigned long until_failure; /* 0: never */

static int fails(void)
{
    return until_failure && !--until_failure;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return fails() ? NULL : __real_strndup(text, size);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    int result;

    if (fails())
        return -1;
    va_start(arguments, format);
    result = vasprintf(out, format, arguments);
    va_end(arguments);
    return result;
}

/* What asprintf() becomes under _FORTIFY_SOURCE. */
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
{
    va_list arguments;
    int result;

    (void)flag;
    if (fails())
        return -1;
    va_start(arguments, format);
    result = vasprintf(out, format, arguments);
    va_end(arguments);
    return result;
}

static void test_every_allocation_can_fail(void **state)
{
    static const char text[] = "socket: /a\n"
                               "kernels: scalar\n"
                               "limits: {rows: 5}\n"
                               "models:\n"
                               "- {path: a, name: x}\n"
                               "- {path: /b, batch: {max: 3}}\n";
    unsigned long k = 1;
    int result = -ENOMEM;

    (void)state;
    for (; result; k++) {
        struct config config;
        struct reason why = { 0 };

        assert_int_equal(config_init(&config), 0);
        until_failure = k;
        result = config_parse("/etc/w.yaml", text, sizeof text - 1, &config, NULL, &why);
        until_failure = 0;
        if (result) {
            assert_int_equal(result, -ENOMEM);
            assert_non_null(strstr(why.text, "memory"));
            assert_string_equal(config.kernels, "auto");
            assert_int_equal(config.model_count, 0);
        } else {
            assert_int_equal(config.model_count, 2);
        }
        config_deinit(&config);
    }
    assert_true(k > 40);
}

static void test_the_defaults_can_fail(void **state)
{
    struct config config;

    (void)state;
    for (unsigned long k = 1; k <= 2; k++) {
        until_failure = k;
        assert_int_equal(config_init(&config), -ENOMEM);
        until_failure = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_can_fail),
        cmocka_unit_test(test_the_defaults_can_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
