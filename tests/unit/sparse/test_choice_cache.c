/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/kernels/choice_cache: what was added is found again, for the same matrix, classes and kernels alone; and a
 * file that is damaged in any way costs nothing but time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/kernels/choice_cache.h"
#include "support/test.h"

static const struct csr small = { .rows = 100, .columns = 784, .count = 3920 };

static struct choice choice_of(unsigned first, unsigned last)
{
    struct choice choice = { .first = first, .last = last };

    for (unsigned c = 0; c < BATCH_CLASSES; c++)
        assert_true(weight_format_find(c % 2 ? "sell16" : "csr", &choice.format[c]));
    return choice;
}

static bool is_found(const struct choice_cache *cache, const struct kernels *kernels, const struct csr *w,
                     unsigned first, unsigned last)
{
    const struct choice wanted = choice_of(first, last);
    struct choice found = { .first = first, .last = last }, elsewhere = found;

    elsewhere.residence = RESIDENCE_MEMORY;
    assert_false(choice_cache_find(cache, kernels, w, &elsewhere)); /* what is near is asked for */
    if (!choice_cache_find(cache, kernels, w, &found))
        return false;
    assert_memory_equal(&found, &wanted, sizeof found);
    return true;
}

static const struct way_key window = { { 48, 48, 1, 14, 14, 14, 14, 3, 3, 1, 1, 1, 12659, 5 } };

static struct way_choice ways_of(enum convolution_way way)
{
    struct way_choice ways;

    for (unsigned k = 0; k < WAY_CLASSES; k++) {
        ways.first[k] = way;
        ways.other[k] = k % 2 ? WAY_TILES : WAY_VIEWS;
    }
    return ways;
}

/* A folder with one choice of formats, and one of ways, in its file. */
static const char *make_folder(void)
{
    const char *folder = scratch_make();
    const struct choice choice = choice_of(0, 4);
    const struct way_choice ways = ways_of(WAY_LINES_FULL);
    struct choice_cache *cache;
    struct reason why;

    assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
    choice_cache_add(cache, kernels_find("scalar"), &small, &choice);
    choice_cache_add_ways(cache, kernels_find("scalar"), &window, &ways);
    assert_ok(choice_cache_save(cache, &why), why);
    choice_cache_free(cache);
    return folder;
}

static void test_found_again(void **state)
{
    const struct kernels *scalar = kernels_find("scalar"), *best = kernels_at(0);
    const struct csr other = { .rows = 100, .columns = 784, .count = 3921 };
    const struct csr rounded = { .rows = 100, .columns = 784, .count = 3920, .type = VALUE_BF16 };
    const char *folder = make_folder();
    struct choice_cache *cache;
    struct reason why;
    struct stat before, after;

    (void)state;
    assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
    assert_true(is_found(cache, scalar, &small, 0, 4));
    assert_false(is_found(cache, scalar, &small, 0, 3));
    assert_false(is_found(cache, scalar, &other, 0, 4));
    assert_false(is_found(cache, scalar, &rounded, 0, 4));
    if (best != scalar)
        assert_false(is_found(cache, best, &small, 0, 4));
    assert_int_equal(stat(scratch_path(folder, "new/" CHOICE_CACHE_FILE), &before), 0);
    assert_ok(choice_cache_save(cache, &why), why);
    assert_int_equal(stat(scratch_path(folder, "new/" CHOICE_CACHE_FILE), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* nothing was added */
    choice_cache_free(cache);
    scratch_remove(folder);
}

/* Each byte changed, and the file cut at each: what is read then is refused, or a choice of some other matrix. */
static void test_damage(void **state)
{
    const char *folder = make_folder();
    char *path = strdup(scratch_path(folder, "new/" CHOICE_CACHE_FILE)); /* scratch_path() has few buffers */
    const struct kernels *scalar = kernels_find("scalar");
    struct rng rng = rng_make(5, 0);
    struct reason why;
    void *text;
    size_t size;

    (void)state;
    assert_ok(file_read(path, CHOICE_CACHE_BYTES, &text, &size, &why), why);
    for (size_t i = 0; i < 2 * size; i++) {
        char *damaged = malloc(size);
        const struct file_part part = { damaged, i < size ? size : i - size };
        struct choice found = { .last = 4 };
        struct choice_cache *cache;

        memcpy(damaged, text, size);
        if (i < size)
            damaged[i] = (char)(damaged[i] ^ (1 + rng_below(&rng, 255)));
        assert_ok(file_write(path, &part, 1, &why), why);
        assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
        if (choice_cache_find(cache, scalar, &small, &found))
            assert_true(choice_can(&found, scalar, &small)); /* another name of a format, by chance */
        choice_cache_free(cache);
        free(damaged);
    }
    free(text);
    free(path);
    scratch_remove(folder);
}

static void put(const char *path, const char *head, const char *line, unsigned times)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(head, file);
    for (unsigned i = 0; i < times; i++)
        fputs(line, file);
    assert_int_equal(fclose(file), 0);
}

/* Whole files that are refused, each for one thing; the first is sound. */
static void test_refused(void **state)
{
    static const struct {
        const char *from, *to; /* in the sound file */
        bool sound;
    } cases[] = {
        { "scalar", "scalar", true },
        { "weight formats csr", "weight formats", false },
        { "100 784", "-100 784", false },
        { "100 784", "0x64 784", false },
        { "100 784", "100  784", false },
        { "100 784", "99999999999 784", false },
        { "3920 float32 0 4", "3920 float32 4 0", false },
        { "3920 float32 0 4", "3920 float32 0 6", false },
        { " csr sell16 csr sell16 csr sell16 ", " csr sell16 csr sell16 csr ", false },
        { "float32", "fp8", false },
        { "float32", "bf16", false },
        { "private csr", "private bsr", false },
        { "private csr", "near csr", false },
        { "private csr", "shared csr", false },
        { "private csr", "csr", false },
        { "lines+", "lines++", false },
        { "lines+ views", "lines+", false },
        { "convolution 48", "convolution -48", false },
        { "convolution 48", "convolution", false },
        { "ways samples", "ways", false },
        { " apart 2", " apart 1", false },
    };
    const char *folder = make_folder();
    char *path = strdup(scratch_path(folder, "new/" CHOICE_CACHE_FILE)); /* scratch_path() has few buffers */
    struct reason why;
    void *text;
    size_t size;

    (void)state;
    assert_ok(file_read(path, CHOICE_CACHE_BYTES, &text, &size, &why), why);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char changed[1000], *at = strstr(text, cases[i].from);
        struct choice_cache *cache;

        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - (char *)text), (char *)text, cases[i].to,
                 at + strlen(cases[i].from));
        put(path, changed, "", 0);
        assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
        assert_int_equal(is_found(cache, kernels_find("scalar"), &small, 0, 4), cases[i].sound);
        choice_cache_free(cache);
    }
    free(text);
    free(path);
    scratch_remove(folder);
}

/* Ways of convolutions stand in the same file as formats, each found by its own key. */
static void test_ways(void **state)
{
    const struct kernels *scalar = kernels_find("scalar");
    const char *folder = make_folder();
    struct way_key other = window;
    struct way_choice found;
    struct choice_cache *cache;
    struct reason why;

    (void)state;
    other.numbers[WAY_KEY_NUMBERS - 1]--;
    for (unsigned way = 0; way < CONVOLUTION_WAYS; way++) {
        const struct way_choice ways = ways_of((enum convolution_way)way);
        struct way_key key = window;

        key.numbers[0] = way;
        assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
        assert_false(choice_cache_find_ways(cache, scalar, &key, &found));
        choice_cache_add_ways(cache, scalar, &key, &ways);
        assert_ok(choice_cache_save(cache, &why), why);
        choice_cache_free(cache);
        assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
        assert_true(choice_cache_find_ways(cache, scalar, &key, &found));
        assert_memory_equal(&found, &ways, sizeof found);
        assert_false(choice_cache_find_ways(cache, scalar, &other, &found));
        assert_true(is_found(cache, scalar, &small, 0, 4));
        choice_cache_free(cache);
    }
    scratch_remove(folder);
}

/* So do models whose batches go sample by sample, by identity, half and batch. */
static void test_apart(void **state)
{
    const struct kernels *scalar = kernels_find("scalar");
    const struct apart_key key = { "xxh3-128:00112233445566778899aabbccddeeff", 1, 32 };
    const struct apart_key others[] = {
        { "xxh3-128:00112233445566778899aabbccddeefe", 1, 32 },
        { key.identity, 0, 32 },
        { key.identity, 1, 16 },
        { "", 1, 32 },
    };
    const char *folder = make_folder();
    struct choice_cache *cache;
    struct reason why;

    (void)state;
    assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
    assert_false(choice_cache_find_apart(cache, scalar, &key));
    choice_cache_add_apart(cache, scalar, &key);
    choice_cache_add_apart(cache, scalar, &others[3]); /* whose model is nobody's: it is not remembered */
    assert_ok(choice_cache_save(cache, &why), why);
    choice_cache_free(cache);
    assert_int_equal(choice_cache_open(scratch_path(folder, "new"), &cache), 0);
    assert_true(choice_cache_find_apart(cache, scalar, &key));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_false(choice_cache_find_apart(cache, scalar, &others[i]));
    assert_true(is_found(cache, scalar, &small, 0, 4));
    choice_cache_free(cache);
    scratch_remove(folder);
}

/* A file may name a format that cannot run there: dense16 for batches of sixteen. */
static void test_what_cannot_run_is_not_taken(void **state)
{
    const struct kernels *scalar = kernels_find("scalar");
    const struct csr full = { .rows = 100, .columns = 784, .count = 78400 };
    const char *folder = scratch_make();
    struct choice_cache *cache;

    (void)state;
    assert_int_equal(choice_cache_open(folder, &cache), 0);
    for (unsigned last = batch_class_of(8); last <= batch_class_of(16); last++) {
        struct choice choice = { .last = last };

        for (unsigned c = 0; c < BATCH_CLASSES; c++)
            assert_true(weight_format_find("dense16", &choice.format[c]));
        choice_cache_add(cache, scalar, &full, &choice);
        assert_int_equal(choice_cache_find(cache, scalar, &full, &choice), last < batch_class_of(16));
    }
    choice_cache_free(cache);
    scratch_remove(folder);
}

/* However much is added, the file is read again, and the newest is in it. */
static void test_bounded(void **state)
{
    const struct kernels *scalar = kernels_find("scalar");
    const char *folder = scratch_make();
    const struct choice choice = choice_of(0, 4);
    struct choice_cache *cache;
    struct reason why;
    struct stat status;

    (void)state;
    assert_int_equal(choice_cache_open(folder, &cache), 0);
    for (uint32_t i = 0; i < CHOICE_CACHE_LINES + 10; i++)
        choice_cache_add(cache, scalar, &(struct csr){ .rows = UINT32_MAX - i, .columns = UINT32_MAX, .count = i },
                         &choice);
    assert_ok(choice_cache_save(cache, &why), why);
    choice_cache_free(cache);
    assert_int_equal(stat(scratch_path(folder, CHOICE_CACHE_FILE), &status), 0);
    assert_true(status.st_size < CHOICE_CACHE_BYTES);
    assert_int_equal(choice_cache_open(folder, &cache), 0);
    for (uint32_t i = 0; i < CHOICE_CACHE_LINES + 10; i += CHOICE_CACHE_LINES + 9)
        assert_int_equal(
            is_found(cache, scalar, &(struct csr){ .rows = UINT32_MAX - i, .columns = UINT32_MAX, .count = i }, 0, 4),
            i > 0);
    choice_cache_free(cache);
    scratch_remove(folder);
}

static void test_where_it_is(void **state)
{
    char folder[CHOICE_FOLDER_MAX];

    (void)state;
    unsetenv("CACHE_DIRECTORY");
    unsetenv("XDG_CACHE_HOME");
    assert_false(choice_cache_folder(folder));
    setenv("XDG_CACHE_HOME", "relative", 1);
    assert_false(choice_cache_folder(folder));
    setenv("XDG_CACHE_HOME", "/home/x/.cache", 1);
    assert_true(choice_cache_folder(folder));
    assert_string_equal(folder, "/home/x/.cache/wisp");
    setenv("CACHE_DIRECTORY", "/var/cache/wisp", 1);
    assert_true(choice_cache_folder(folder));
    assert_string_equal(folder, "/var/cache/wisp");
}

static void test_what_cannot_be_written_is_said(void **state)
{
    const char *folder = scratch_make();
    const struct choice choice = choice_of(0, 4);
    struct choice_cache *cache;
    struct reason why;

    (void)state;
    assert_int_equal(choice_cache_open(scratch_path(folder, "no/such"), &cache), 0);
    choice_cache_add(cache, kernels_find("scalar"), &small, &choice);
    assert_int_equal(choice_cache_save(cache, &why), -ENOENT);
    assert_non_null(strstr(why.text, "no/such"));
    choice_cache_free(cache);
    scratch_remove(folder);
}

/* Matrices have a share each of what is left, and too little is nothing. */
static void test_patience_runs_out(void **state)
{
    struct choice_cache *cache;
    uint64_t given = 0, share;

    (void)state;
    assert_int_equal(choice_cache_open(NULL, &cache), 0);
    for (unsigned matrices = 0; (share = choice_cache_patience(cache)); matrices++) {
        assert_true(matrices < 1000);
        given += share;
        choice_cache_spend(cache, share);
    }
    assert_true(given > CHOICE_PATIENCE_NS / 2 && given <= CHOICE_PATIENCE_NS);
    choice_cache_set_patience(cache, CHOICE_PATIENCE_NS);
    assert_true(choice_cache_patience(cache) > 0);
    choice_cache_spend(cache, UINT64_MAX);
    assert_int_equal(choice_cache_patience(cache), 0);
    choice_cache_free(cache);
}

static void test_without_a_folder_it_is_kept_in_memory(void **state)
{
    const struct choice choice = choice_of(0, 4);
    struct choice_cache *cache;
    struct reason why;

    (void)state;
    assert_int_equal(choice_cache_open(NULL, &cache), 0);
    choice_cache_add(cache, kernels_find("scalar"), &small, &choice);
    assert_true(is_found(cache, kernels_find("scalar"), &small, 0, 4));
    assert_ok(choice_cache_save(cache, &why), why);
    choice_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience_runs_out),
        cmocka_unit_test(test_without_a_folder_it_is_kept_in_memory),
        cmocka_unit_test(test_found_again),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_what_cannot_run_is_not_taken),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_where_it_is),
        cmocka_unit_test(test_what_cannot_be_written_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
