/* SPDX-License-Identifier: Apache-2.0
 *
 * Base values as files that other programs wrote and damaged: the whole is checked, not only each part, and a hostile
 * header costs little.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "forge/plan/pretrained.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

/* A file of this header and data, parsed. */
static int parse(const char *header, size_t length, const void *data, size_t size, struct pretrained **out,
                 struct reason *why)
{
    uint64_t words = length;
    char *file = malloc(sizeof words + length + size);

    assert_non_null(file);
    memcpy(file, &words, sizeof words);
    memcpy(file + sizeof words, header, length);
    memcpy(file + sizeof words + length, data, size);
    return pretrained_parse("folder/b", file, sizeof words + length + size, out, why);
}

/* fc1 of two outputs and three inputs, fully connected, inherits from a file; its values. */
static int inherit(const char *header, const void *data, size_t size, float values[6], struct reason *why)
{
    struct layer layer = { .kind = layer_kind_find("linear"), .name = "fc1" };
    struct pretrained *base = NULL;
    int result = parse(header, strlen(header), data, size, &base, why);

    if (result)
        return result;
    assert_int_equal(csr_alloc(&layer.weight, 2, 3, 6), 0);
    for (uint32_t k = 0; k < 6; k++) {
        layer.weight.index.narrow[k] = (uint16_t)(k % 3);
        layer.weight.starts[1 + k / 3]++;
    }
    layer.weight.starts[2] += layer.weight.starts[1];
    assert_true(pretrained_has(base, "fc1"));
    result = pretrained_inherit(base, &layer, true, why);
    memcpy(values, layer.weight.values, 6 * sizeof *values);
    csr_deinit(&layer.weight);
    pretrained_close(base);
    return result;
}

#define SPARSE                                                                                                         \
    "{\"fc1.weight.crow_indices\":{\"dtype\":\"I32\",\"shape\":[3],\"data_offsets\":[0,12]},"                          \
    "\"fc1.weight.col_indices\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[12,20]},"                           \
    "\"fc1.weight.values\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[20,28]}}"

static void test_the_totals_of_a_sparse_base(void **state)
{
    static const struct {
        int32_t starts[3], columns[2];
        const char *refused;
    } cases[] = {
        { { 0, 1, 2 }, { 2, 0 }, NULL },
        { { 0, 0, 2 }, { 0, 2 }, NULL },
        { { 0, 0, 0 }, { 0, 2 }, "the row starts of \"fc1\" go from 0 to 0, but have to go from 0 to its 2 values" },
        { { 0, 1, 1 }, { 0, 2 }, "go from 0 to 1" },
        { { 1, 1, 2 }, { 0, 2 }, "go from 1 to 2" },
        { { -1, 1, 2 }, { 0, 2 }, "go from 18446744073709551615" },
        { { 0, 3, 2 }, { 0, 2 }, "out of order at row 0" },
        { { 0, 1, 3 }, { 0, 2 }, "go from 0 to 3" },
        { { 0, 1, 2 }, { 3, 0 }, "column out of order or range" },
        { { 0, 1, 2 }, { -1, 0 }, "column out of order or range" },
        { { 0, 2, 2 }, { 1, 1 }, "column out of order or range" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const float given[2] = { 5, 7 };
        struct reason why = { "" };
        unsigned char data[28];
        float values[6];
        int result;

        memcpy(data, cases[i].starts, 12);
        memcpy(data + 12, cases[i].columns, 8);
        memcpy(data + 20, given, 8);
        result = inherit(SPARSE, data, sizeof data, values, &why);
        if (result != (cases[i].refused ? WISP_E_FORMAT : 0) ||
            (cases[i].refused && !strstr(why.text, cases[i].refused)))
            fail_msg("case %zu: %d, \"%s\"", i, result, why.text);
        if (!result)
            assert_true(values[i ? 3 : 2] == 5 && values[i ? 5 : 3] == 7);
    }
}

static void test_the_whole_of_a_base_is_checked(void **state)
{
    static const struct {
        const char *header, *refused;
    } cases[] = {
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
          "\"other\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
          "b: tensor \"fc1.weight\": begins at byte" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[4,28]}}", "there is a hole" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}", "the tensors end at byte" },
        { "{\"fc1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
          "\"fc1.weight.values\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[24,28]}}",
          "both a dense and a sparse weight" },
        { "{\"fc1.weight.crow_indices\":{\"dtype\":\"I32\",\"shape\":[7],\"data_offsets\":[0,28]}}",
          "7 row starts, 0 columns and 0 values" },
    };
    static const unsigned char data[28];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reason why = { "" };
        float values[6];

        assert_int_equal(inherit(cases[i].header, data, sizeof data, values, &why), WISP_E_FORMAT);
        if (!strstr(why.text, cases[i].refused))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, why.text, cases[i].refused);
    }
}

static void test_a_pointer_is_called_one(void **state)
{
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    struct reason why;
    struct pretrained *base;

    (void)state;
    assert_int_equal(pretrained_parse("a/b", strdup(pointer), sizeof pointer - 1, &base, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "a/b: a Git LFS pointer"));
}

/* Kilobytes that a child of its own takes to refuse a header of 16 MB, above what it had before. */
static long cost_of(const char *begin, const char *repeat)
{
    enum { BYTES = 16000000 };
    char *header = malloc(BYTES);
    size_t used = strlen(begin);
    int status;
    pid_t child;

    assert_non_null(header);
    memset(header, ' ', BYTES);
    memcpy(header, begin, used);
    for (; used + strlen(repeat) <= BYTES; used += strlen(repeat))
        memcpy(header + used, repeat, strlen(repeat));
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct rusage before, after;
        struct pretrained *base;

        getrusage(RUSAGE_SELF, &before);
        if (parse(header, BYTES, "", 0, &base, NULL) != WISP_E_FORMAT)
            _exit(255);
        getrusage(RUSAGE_SELF, &after);
        _exit((int)MIN((after.ru_maxrss - before.ru_maxrss) >> 12, 254)); /* in units of 4 MiB */
    }
    free(header);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 255);
    return (long)WEXITSTATUS(status) << 12;
}

static void test_a_hostile_header_costs_little(void **state)
{
    static const char *const bombs[][2] = {
        { "{\"x\":[", "{}," },      { "{\"x\":[", "[]," },
        { "{\"x\":[", "0," },       { "{", "\"a\":{}," },
        { "{\"x\":", "[" },         { "{\"x\":[", "\"\"," },
        { "{", "\"\":\"\"," },      { "{\"__metadata__\":{", "\"\":\"\"," },
        { "{\"x\":\"", "\\u00e9" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bombs); i++) {
        long kilobytes = cost_of(bombs[i][0], bombs[i][1]);

        if (kilobytes > 200 << 10)
            fail_msg("16 MB of \"%s\" take %ld kB", bombs[i][1], kilobytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_totals_of_a_sparse_base),
        cmocka_unit_test(test_the_whole_of_a_base_is_checked),
        cmocka_unit_test(test_a_pointer_is_called_one),
        cmocka_unit_test(test_a_hostile_header_costs_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
