/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/ without memory: the first allocation fails, then the second, and so on until none does. Each time
 * the answer is -ENOMEM, nothing is half done, and (under AddressSanitizer) nothing leaks.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "small_model.h"
#include "sparse/construct/density.h"
#include "sparse/construct/sample.h"
#include "sparse/file/model_file.h"
#include "support/test.h"

/* The linker sends wisp's allocations here (--wrap), jansson's come by its own hook. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static long allowed = -1; /* allocations that still succeed; negative: all */
static bool once;         /* only the next one fails, as when memory comes back */
static bool met;          /* one has failed */

static bool refused(void)
{
    if (allowed < 0)
        return false;
    if (allowed > 0) {
        allowed--;
        return false;
    }
    if (once)
        allowed = -1;
    met = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : __real_strdup(text);
}

/* Whether `path` holds the model: read with all the memory there is. */
static void assert_written(const char *path)
{
    struct model *model = NULL;
    struct reason why;

    assert_ok(model_read(path, &model, &why), why);
    assert_int_equal(model->label_count, 3);
    assert_int_equal(model_connections(model), 19);
    model_free(model);
}

static void read_with_more_and_more(const char *path)
{
    long limit = 0;

    do {
        struct model *model = NULL;
        struct reason why;
        int result;

        met = false;
        allowed = limit++;
        result = model_read(path, &model, &why);
        allowed = -1;
        if (result ? result != -ENOMEM || !met : model_connections(model) != 19)
            fail_msg("allocation %ld: %d, %s", limit, result, why.text);
        assert_true(result == 0 || model == NULL);
        model_free(model);
    } while (met);
    assert_true(limit > (once ? 5 : 100));
}

static void write_with_more_and_more(const struct model *model, const char *path)
{
    long limit = 0;

    do {
        struct reason why;
        int result;

        met = false;
        allowed = limit++;
        result = model_write(model, path, &why);
        allowed = -1;
        if (result && (result != -ENOMEM || !met))
            fail_msg("allocation %ld: %d, %s", limit, result, why.text);
        if (result) {
            assert_int_equal(access(path, F_OK), -1);
        } else {
            assert_written(path);
            if (met)
                assert_int_equal(unlink(path), 0);
        }
    } while (met);
    assert_true(limit > (once ? 5 : 100));
}

/* By sorting, in buckets, by bits, and without connections. */
static void test_sampling(void **state)
{
    static const uint64_t counts[] = { 3000, 4500, 20000, 0 };

    (void)state;
    once = false;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        for (long limit = 0; met || limit == 0; limit++) {
            struct csr matrix = CSR_NULL;
            struct reason why;
            int result;

            met = false;
            allowed = limit;
            result = sample_connections(200, 200, counts[i], 1, 0, &matrix, &why);
            allowed = -1;
            assert_int_equal(result, met ? -ENOMEM : 0);
            assert_true(met ? !matrix.starts : matrix.count == counts[i]);
            csr_deinit(&matrix);
        }
    }
}

static void test_solving(void **state)
{
    struct density_layer layer = { .inputs = 9, .outputs = 9, .kernel_width = 1, .kernel_height = 1 };
    struct reason why;
    double sigma;

    (void)state;
    allowed = 0;
    assert_int_equal(density_solve(DENSITY_ER, &layer, 1, .5, &sigma, &why), -ENOMEM);
    allowed = -1;
    assert_non_null(strstr(why.text, "Cannot allocate memory"));
}

static void test_reading_and_writing(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");
    struct model *model = small_model();

    (void)state;
    for (int round = 0; round < 2; round++) {
        once = round == 1;
        write_with_more_and_more(model, path);
        read_with_more_and_more(path);
        assert_int_equal(unlink(path), 0);
    }
    model_free(model);
    scratch_remove(folder);
}

/* The library loses bytes of a string when only that string's growth fails; so for it memory does not come back. */
static void *malloc_for_jansson(size_t size)
{
    return once ? __real_malloc(size) : __wrap_malloc(size);
}

static int hook_jansson(void **state)
{
    (void)state;
    json_object_seed(1);
    json_set_alloc_funcs(malloc_for_jansson, free);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_solving),
        cmocka_unit_test(test_reading_and_writing),
    };

    return cmocka_run_group_tests(tests, hook_jansson, NULL);
}
