/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of kernels use of cmocka, for a target that has no package of it: the header is cmocka's, and a
 * failure ends the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static void end(const char *what, const char *file, int line) __attribute__((noreturn));
static void end(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    exit(1);
}

void _assert_true(const LargestIntegralType result, const char *const expression, const char *const file,
                  const int line)
{
    if (!result)
        end(expression, file, line);
}

void _assert_int_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file, const int line)
{
    if (a != b)
        end("two that were to be equal are not", file, line);
}

void _assert_int_not_equal(const LargestIntegralType a, const LargestIntegralType b, const char *const file,
                           const int line)
{
    if (a == b)
        end("two that were not to be equal are", file, line);
}

void _assert_string_equal(const char *const a, const char *const b, const char *const file, const int line)
{
    if (strcmp(a, b) != 0)
        end("two strings that were to be equal are not", file, line);
}

void _assert_string_not_equal(const char *const a, const char *const b, const char *const file, const int line)
{
    if (!strcmp(a, b))
        end("two strings that were not to be equal are", file, line);
}

void print_error(const char *const format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
}

void _fail(const char *const file, const int line)
{
    end("failed", file, line);
}

int _cmocka_run_group_tests(const char *group_name, const struct CMUnitTest *const tests, const size_t num_tests,
                            CMFixtureFunction group_setup, CMFixtureFunction group_teardown)
{
    if (group_setup || group_teardown)
        end("there are no fixtures here", __FILE__, __LINE__);
    for (size_t i = 0; i < num_tests; i++) {
        void *state = NULL;

        if (tests[i].setup_func || tests[i].teardown_func)
            end("there are no fixtures here", __FILE__, __LINE__);
        printf("%s: %s\n", group_name, tests[i].name);
        (void)fflush(stdout);
        tests[i].test_func(&state);
    }
    printf("%s: %zu tests passed\n", group_name, num_tests);
    return 0;
}
