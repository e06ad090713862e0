/* SPDX-License-Identifier: Apache-2.0
 *
 * Every two numbers of a model file's header at once, each at the values where something ends, with a checksum that is
 * right: the file is refused, or it is a model, and either takes no more than a megabyte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"
#include "support/test.h"
#include "unit/sparse/small_model.h"

enum { NUMBERS_MAX = 96, FILE_MAX = 8192, ROOM = 1 << 20, MORE = 64 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { EVERY = 11 }; /* of the pairs of values; and the sanitizer takes memory of its own */
#else
enum { EVERY = 1 };
#endif

static struct {
    char *data; /* the good file */
    size_t size, header;
    struct {
        size_t at, length;
    } numbers[NUMBERS_MAX];
    size_t count;
} good;

/* What stands where a number does in JSON, be that within a string. */
static void find_numbers(void)
{
    for (size_t i = SAFETENSORS_LENGTH + 1; i < SAFETENSORS_LENGTH + good.header; i++) {
        const size_t length = strspn(good.data + i, "0123456789");

        if (length && strchr("[,: ", good.data[i - 1]) && strchr(",]}", good.data[i + length])) {
            assert_true(good.count < NUMBERS_MAX);
            good.numbers[good.count].at = i;
            good.numbers[good.count++].length = length;
        }
        i += length;
    }
}

static int read_good(void **state)
{
    struct model *model = small_model();
    uint64_t header;

    (void)state;
    good.data = model_as_file(model, &good.size);
    assert_true(good.size <= FILE_MAX);
    memcpy(&header, good.data, sizeof header);
    good.header = header;
    find_numbers();
    model_free(model);
    return 0;
}

static int free_good(void **state)
{
    (void)state;
    free(good.data);
    return 0;
}

/* ---- a file with other numbers ---- */

struct text {
    char bytes[FILE_MAX + MORE];
    size_t size;
};

static void text_add(struct text *text, const char *from, size_t length)
{
    assert_true(text->size + length <= sizeof text->bytes);
    memcpy(text->bytes + text->size, from, length);
    text->size += length;
}

/* The header with the first number, and the second behind it, replaced; filled up as it has to be. */
static void write_with(struct text *text, size_t a, const char *first, size_t b, const char *second)
{
    const size_t begin_a = good.numbers[a].at, end_a = begin_a + good.numbers[a].length;
    const size_t begin_b = good.numbers[b].at, end_b = begin_b + good.numbers[b].length;
    const size_t end = SAFETENSORS_LENGTH + good.header;
    uint64_t length;

    text->size = 0;
    text_add(text, good.data, begin_a);
    text_add(text, first, strlen(first));
    text_add(text, good.data + end_a, begin_b - end_a);
    text_add(text, second, strlen(second));
    text_add(text, good.data + end_b, end - end_b);
    while (text->bytes[text->size - 1] == ' ')
        text->size--;
    while (text->size % SAFETENSORS_ALIGNMENT)
        text_add(text, " ", 1);
    length = text->size - SAFETENSORS_LENGTH;
    memcpy(text->bytes, &length, sizeof length);
    text_add(text, good.data + end, good.size - end);
    checksum_seal(text->bytes, text->size);
}

static bool is_model(const struct text *text)
{
    char *copy = memory_alloc(text->size + 1, 1);
    struct model *model = NULL;
    struct reason why = { "" };
    int result;

    assert_non_null(copy);
    memcpy(copy, text->bytes, text->size);
    copy[text->size] = 0;
    result = model_parse(copy, text->size, &model, &why);
    if (result && result != WISP_E_FORMAT)
        fail_msg("%d, %s", result, why.text);
    if (result)
        assert_null(model);
    model_free(model);
    return result == 0;
}

/* ---- */

static void limit_memory(struct rlimit *before)
{
    unsigned long pages;
    struct rlimit limit;
    FILE *file = fopen("/proc/self/statm", "re");

    assert_int_equal(getrlimit(RLIMIT_DATA, before), 0);
    assert_non_null(file);
    /* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
    assert_int_equal(fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages), 1);
    fclose(file);
    limit = *before;
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + ROOM;
    if (EVERY == 1)
        assert_int_equal(setrlimit(RLIMIT_DATA, &limit), 0);
}

static void test_all_pairs_of_numbers(void **state)
{
    static const char *const values[] = {
        "0", "1", "64", "65", "2147483648", "4294967297", "9223372036854775808", "18446744073709551615", "-1"
    };
    static struct text text;
    struct rlimit before;
    size_t models = 0, tried = 0, turn = 0;

    (void)state;
    assert_in_range(good.count, 30, NUMBERS_MAX);
    limit_memory(&before);
    for (size_t a = 0; a < good.count; a++) {
        for (size_t b = a + 1; b < good.count; b++) {
            for (size_t i = 0; i < ARRAY_SIZE(values) * ARRAY_SIZE(values); i++) {
                if (turn++ % EVERY)
                    continue;
                write_with(&text, a, values[i % ARRAY_SIZE(values)], b, values[i / ARRAY_SIZE(values)]);
                models += is_model(&text);
                tried++;
            }
        }
    }
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    print_message("%zu files, of which %zu are models\n", tried, models);
    assert_in_range(models, 1, tried / 20); /* the lineage and the labels may say anything */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_pairs_of_numbers) };

    return cmocka_run_group_tests(tests, read_good, free_good);
}
