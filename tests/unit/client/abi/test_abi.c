/* SPDX-License-Identifier: Apache-2.0
 *
 * What libwisp and libwisp-media export is what their headers declare: no more, and no less; and libwisp needs libc
 * alone.
 */
#include "support/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/wisp.h>

#include "base/file.h"
#include "base/size.h"

enum { NAMES_MAX = 100 };

#define PUBLIC  "WISP_0.1"
#define PRIVATE "WISP_PRIVATE_" WISP_VERSION /* only for the other library of the same version */

struct names {
    char *name[NAMES_MAX];
    size_t count;
};

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!strcmp(names->name[i], name))
            return true;
    }
    return false;
}

static void add(struct names *names, const char *begin, size_t length)
{
    char *name = strndup(begin, length);

    assert_non_null(name);
    if (has(names, name)) {
        free(name);
        return;
    }
    assert_true(names->count < NAMES_MAX);
    names->name[names->count++] = name;
}

static void clear(struct names *names)
{
    while (names->count)
        free(names->name[--names->count]);
}

static void blank_comments(char *text)
{
    for (char *open = text; (open = strstr(open, "/*"));) {
        char *end = strstr(open, "*/");

        assert_non_null(end);
        memset(open, ' ', (size_t)(end + 2 - open));
    }
}

/* Every "wisp_…(" outside of comments, which in a header is a declaration. */
static void read_header(struct names *names, const char *path)
{
    void *data;
    size_t size;
    struct reason why;

    assert_ok(file_read(source_path(path), 1 << 20, &data, &size, &why), why);
    blank_comments(data);
    for (const char *at = data; (at = strstr(at, "wisp_"));) {
        const char *end = at;

        while (isalnum((unsigned char)*end) || *end == '_')
            end++;
        if (*end == '(')
            add(names, at, (size_t)(end - at));
        at = end;
    }
    free(data);
}

/* "0000000000001234 T wisp_arm@@WISP_0.1": those of one version. */
static void read_library(struct names *names, const char *library, const char *version)
{
    char command[4200], line[512], type, name[256];
    FILE *lines;

    snprintf(command, sizeof command, "nm -D --defined-only '%s'", binary_path(library));
    lines = popen(command, "r"); /* NOLINT(cert-env33-c): our own words */
    assert_non_null(lines);
    while (fgets(line, sizeof line, lines)) {
        char *at;

        if (sscanf(line, "%*x %c %255s", &type, name) != 2 || type == 'A')
            continue;
        at = strstr(name, "@@");
        assert_non_null(at);
        if (!strcmp(at + 2, version))
            add(names, name, (size_t)(at - name));
        else if (strcmp(at + 2, PUBLIC) != 0 && strcmp(at + 2, PRIVATE) != 0)
            fail_msg("%s is of no version that there is", name);
    }
    assert_int_equal(pclose(lines), 0);
}

static void check_same(struct names *declared, struct names *exported)
{
    for (size_t i = 0; i < declared->count; i++) {
        if (!has(exported, declared->name[i]))
            fail_msg("%s is declared and not exported", declared->name[i]);
    }
    for (size_t i = 0; i < exported->count; i++) {
        if (!has(declared, exported->name[i]))
            fail_msg("%s is exported and not declared", exported->name[i]);
    }
    clear(declared);
    clear(exported);
}

static void test_exported_is_declared_and_the_other_way_round(void **state)
{
    struct names declared = { .count = 0 }, exported = { .count = 0 };

    (void)state;
    read_header(&declared, "client/include/wisp/wisp.h");
    read_header(&declared, "base/include/wisp/status.h");
    read_library(&exported, "lib/libwisp.so", PUBLIC);
    assert_true(declared.count > 30);
    check_same(&declared, &exported);

    read_header(&declared, "client/include/wisp/private.h");
    read_library(&exported, "lib/libwisp.so", PRIVATE);
    check_same(&declared, &exported);

    read_header(&declared, "client/include/wisp/media.h");
    read_library(&exported, "lib/libwisp-media.so", PUBLIC);
    check_same(&declared, &exported);
}

/* "NEEDED  Shared library: [libc.so.6]" */
static void test_libwisp_needs_libc_alone(void **state)
{
    static const char *const libc[] = { "libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2" };
    char command[4200], line[512], name[256];
    size_t needed = 0;
    FILE *lines;

    (void)state;
    snprintf(command, sizeof command, "readelf -d '%s'", binary_path("lib/libwisp.so"));
    lines = popen(command, "r"); /* NOLINT(cert-env33-c): our own words */
    assert_non_null(lines);
    while (fgets(line, sizeof line, lines)) {
        bool known = false;

        if (!strstr(line, "(NEEDED)") || sscanf(strchr(line, '['), "[%255[^]]", name) != 1)
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(libc); i++)
            known |= !strcmp(name, libc[i]);
        if (!known)
            fail_msg("libwisp needs %s", name);
        needed++;
    }
    assert_int_equal(pclose(lines), 0);
    assert_true(needed > 0);
}

static void test_the_manual_names_every_function(void **state)
{
    struct names declared = { .count = 0 };
    void *page;
    size_t size;
    struct reason why;

    (void)state;
    read_header(&declared, "client/include/wisp/wisp.h");
    read_header(&declared, "client/include/wisp/media.h");
    assert_ok(file_read(source_path("docs/man/libwisp.3"), 1 << 20, &page, &size, &why), why);
    for (size_t i = 0; i < declared.count; i++) {
        if (!strstr(page, declared.name[i]))
            fail_msg("%s is not in libwisp(3)", declared.name[i]);
    }
    free(page);
    clear(&declared);
}

static void test_the_version(void **state)
{
    (void)state;
    assert_string_equal(wisp_version(), "0.1.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exported_is_declared_and_the_other_way_round),
        cmocka_unit_test(test_libwisp_needs_libc_alone),
        cmocka_unit_test(test_the_manual_names_every_function),
        cmocka_unit_test(test_the_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
