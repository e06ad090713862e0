/* SPDX-License-Identifier: Apache-2.0
 *
 * base/: the error contract, checked sizes, files, random numbers, suggestions.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/path.h"
#include "base/rng.h"
#include "base/size.h"
#include "base/suggest.h"
#include "support/test.h"

static void test_reason_gains_context(void **state)
{
    struct reason why;

    (void)state;
    assert_int_equal(refuse(&why, WISP_E_FORMAT, "row %d", 7), WISP_E_FORMAT);
    assert_int_equal(refuse_in(&why, WISP_E_FORMAT, "layer %s", "a"), WISP_E_FORMAT);
    assert_string_equal(why.text, "layer a: row 7");
    assert_int_equal(refuse_errno(&why, -ENOENT, "cannot open x"), -ENOENT);
    assert_string_equal(why.text, "cannot open x: No such file or directory");
    assert_int_equal(refuse_thread(&why, -ENOMEM, "%d threads", 2), -ENOMEM);
    assert_string_equal(why.text, "2 threads: Cannot allocate memory");
    assert_int_equal(refuse_thread(&why, -EAGAIN, "%d threads", 2), -EAGAIN);
    assert_non_null(strstr(why.text, "2 threads: Resource temporarily unavailable: no more threads"));
    assert_non_null(strstr(why.text, "raise TasksMax= "));
    assert_null(strstr(why.text, "LimitDATA="));
    assert_int_equal(refuse_thread(NULL, -EAGAIN, "nobody asked"), -EAGAIN);
    assert_int_equal(refuse(NULL, -EIO, "nobody asked"), -EIO);
}

/* A thread's stack is memory, which may have a limit. */
static void test_a_thread_may_lack_memory(void **state)
{
    struct rlimit before, limited;
    struct reason why;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    limited = before;
    limited.rlim_cur = (rlim_t)1 << 46;
    assert_int_equal(setrlimit(RLIMIT_DATA, &limited), 0);
    refuse_thread(&why, -EAGAIN, "the thread");
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    assert_non_null(strstr(why.text, "raise LimitAS= and LimitDATA="));
}

static void test_every_status_has_a_text(void **state)
{
    (void)state;
    for (int status = 0; status < WISP_E_MAX; status++) {
        assert_non_null(wisp_status_text(status));
        assert_non_null(wisp_status_name(status));
    }
    assert_string_equal(wisp_status_text(9999), "unknown condition");
    assert_string_equal(wisp_status_name(-ENOMEM), "ENOMEM");
}

static void test_sizes_do_not_wrap(void **state)
{
    uint64_t out;

    (void)state;
    assert_false(size_multiply(1ull << 40, 1ull << 40, &out));
    assert_false(size_add(UINT64_MAX, 1, &out));
    assert_false(size_align(UINT64_MAX - 3, 64, &out));
    assert_true(size_align(65, 64, &out));
    assert_int_equal(out, 128);
    assert_false(size_within(UINT64_MAX, 1, 100));
    assert_false(size_within(1, UINT64_MAX, 100));
    assert_true(size_within(60, 40, 100));
    assert_false(size_within(61, 40, 100));
    assert_null(memory_alloc(SIZE_MAX / 2, 4));
}

/* Known answers of Random123 for philox4x32-10: all-zero and all-one counter and key. */
static void test_philox_known_answers(void **state)
{
    uint32_t out[4];

    (void)state;
    rng_block(0, 0, 0, out);
    assert_int_equal(out[0], 0x6627e8d5);
    assert_int_equal(out[1], 0xe169c58d);
    assert_int_equal(out[2], 0xbc57ac4c);
    assert_int_equal(out[3], 0x9b00dbd8);
    rng_block(UINT64_MAX, UINT64_MAX, UINT64_MAX, out);
    assert_int_equal(out[0], 0x408f276d);
    assert_int_equal(out[1], 0x41c83b0e);
    assert_int_equal(out[2], 0xa20bc7c6);
    assert_int_equal(out[3], 0x6d5451fd);
}

static void test_below_is_uniform(void **state)
{
    enum { BOUND = 7, DRAWS = 70000 };
    unsigned counts[BOUND] = { 0 };
    struct rng rng = rng_make(7, 1);
    double chi = 0;

    (void)state;
    for (int i = 0; i < DRAWS; i++)
        counts[rng_below(&rng, BOUND)]++;
    for (int i = 0; i < BOUND; i++) {
        double difference = counts[i] - (double)DRAWS / BOUND;

        chi += difference * difference / ((double)DRAWS / BOUND);
    }
    assert_true(chi < 22.5); /* 6 degrees of freedom, p = 0.001 */
}

static void test_file_round_trip_and_limits(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "a");
    const struct file_part parts[] = { { "hello ", 6 }, { "world", 5 } };
    cleanup_free void *data = NULL;
    struct reason why;
    struct stat status;
    size_t size;

    (void)state;
    assert_ok(file_write(path, parts, 2, &why), why);
    assert_ok(file_read(path, 11, &data, &size, &why), why);
    assert_int_equal(size, 11);
    assert_memory_equal(data, "hello world", 12);
    free(steal(&data));
    assert_int_equal(file_read(path, 10, &data, &size, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "larger than"));
    assert_int_equal(file_read(folder, 10, &data, &size, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "is a directory"));
    assert_int_equal(file_read(scratch_path(folder, "b"), 10, &data, &size, &why), -ENOENT);
    assert_int_equal(mkfifo(scratch_path(folder, "fifo"), 0600), 0);
    assert_int_equal(file_read(scratch_path(folder, "fifo"), 10, &data, &size, &why), WISP_E_FORMAT);
    assert_int_equal(file_write("/dev/full/x", parts, 2, &why), -ENOTDIR);
    assert_int_equal(file_write(folder, parts, 2, &why), -EISDIR);
    assert_int_equal(file_write(scratch_path(folder, "fifo"), parts, 2, &why), -EINVAL);
    assert_non_null(strstr(why.text, "fifo is not a regular file"));
    assert_int_equal(stat(scratch_path(folder, "fifo"), &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    scratch_remove(folder);
}

/* Not twice, as it would if it had to grow to see the end. */
static void test_file_is_read_into_its_own_size(void **state)
{
    static const char zeros[200000];
    const char *folder = scratch_make(), *path = scratch_path(folder, "a");
    cleanup_free void *data = NULL;
    struct reason why;
    size_t size;

    (void)state;
    assert_ok(file_write(path, &(struct file_part){ zeros, sizeof zeros }, 1, &why), why);
    assert_ok(file_read(path, 1 << 30, &data, &size, &why), why);
    assert_int_equal(size, sizeof zeros);
    assert_true(malloc_usable_size(data) < size + size / 2);
    scratch_remove(folder);
}

/* Names of files that are there, of others, and of those that are not yet, through a link to their folder, too. */
static void test_one_file_by_two_names(void **state)
{
    const char *folder = scratch_make();
    char there[PATH_MAX / 4], other[PATH_MAX / 4];
    struct reason why;

    (void)state;
    snprintf(there, sizeof there, "%s", scratch_path(folder, "there"));
    snprintf(other, sizeof other, "%s", scratch_path(folder, "link"));
    assert_ok(file_write(there, &(struct file_part){ "x", 1 }, 1, &why), why);
    assert_int_equal(symlink(".", other), 0);
    assert_true(file_is_same(there, scratch_path(folder, "link/there")));
    assert_true(file_will_be_same(there, scratch_path(folder, "link/there")));
    assert_false(file_will_be_same(there, scratch_path(folder, "link/new")));
    assert_int_equal(unlink(there), 0);
    assert_false(file_is_same(there, scratch_path(folder, "link/there")));
    assert_true(file_will_be_same(there, scratch_path(folder, "link/there")));
    assert_false(file_will_be_same(there, scratch_path(folder, "link/new")));
    assert_false(file_will_be_same(there, scratch_path(folder, "nowhere/there")));
    assert_true(file_will_be_same("not-there", "./not-there"));
    scratch_remove(folder);
}

static void test_stream_is_read_to_its_end_or_limit(void **state)
{
    cleanup_free void *data = NULL;
    struct reason why;
    size_t size;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "12345678", 8), 8);
    close(ends[1]);
    assert_ok(file_read_fd(ends[0], "pipe", 8, &data, &size, &why), why);
    assert_int_equal(size, 8);
    close(ends[0]);
    free(steal(&data));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "123456789", 9), 9);
    close(ends[1]);
    assert_int_equal(file_read_fd(ends[0], "pipe", 8, &data, &size, &why), WISP_E_FORMAT);
    close(ends[0]);
}

static void test_suggest_finds_the_near_miss(void **state)
{
    static const char *const words[] = { "models", "run", "show", "ping" };

    (void)state;
    assert_string_equal(suggest("modles", words, 4), "models");
    assert_string_equal(suggest("shwo", words, 4), "show");
    assert_null(suggest("completely-else", words, 4));
}

/* Many at once are the same as one by one, also where a position's low half overflows. */
static void test_rng_blocks(void **state)
{
    static const uint64_t positions[] = { 0, 3, UINT32_MAX - 5ull, UINT32_MAX - 20ull, 1ull << 40 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(positions); i++) {
        for (uint64_t count = 0; count <= 35; count++) {
            uint32_t many[4 * 36] = { 0 }, one[4];

            rng_blocks(0x123456789abcdefull, UINT64_MAX - 7, positions[i], count, many);
            for (uint64_t k = 0; k < count; k++) {
                rng_block(0x123456789abcdefull, UINT64_MAX - 7, positions[i] + k, one);
                assert_memory_equal(many + 4 * k, one, sizeof one);
            }
            assert_int_equal(many[4 * count], 0);
        }
    }
}

/* A number is decimal: what strtod() takes besides is a slip more often than it is meant. */
static void test_numbers_as_options(void **state)
{
    static const char *const good[] = { "0.5", ".5", "5", "1e-3", "-2.5", "1E5" };
    static const char *const bad[] = { "",   "0x10", "0x1p4", "inf", "nan", "-inf", " 1",
                                       "1 ", "+1",   "1,5",   "1_0", "1e",  "1e999" };
    double real;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(parse_real(good[i], &real));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(parse_real(bad[i], &real));
    assert_true(parse_amount("shift=2.5", "shift", &real) && real == 2.5);
    assert_false(parse_amount("shift=2", "shi", &real) || parse_amount("shi=2", "shift", &real) ||
                 parse_amount("shift", "shift", &real) || parse_amount("shift=", "shift", &real));
}

static void test_paths_have_names_and_endings(void **state)
{
    static const struct {
        const char *path, *name, *ending;
        size_t stem;
    } rows[] = {
        { "a.png", "a.png", ".png", 1 },
        { "f.d/a", "a", NULL, 1 },
        { "f.d/a.b.PNG", "a.b.PNG", ".PNG", 3 },
        { ".profile", ".profile", NULL, 8 },
        { "/f/.a.wav", ".a.wav", ".wav", 2 },
        { "a.", "a.", ".", 1 },
        { "f/", "", NULL, 0 },
        { "", "", NULL, 0 },
        { "-", "-", NULL, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *ending = path_ending(rows[i].path);

        assert_string_equal(path_name(rows[i].path), rows[i].name);
        assert_int_equal(path_stem(rows[i].name), rows[i].stem);
        assert_string_equal(ending ? ending : "none", rows[i].ending ? rows[i].ending : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_have_names_and_endings),
        cmocka_unit_test(test_one_file_by_two_names),
        cmocka_unit_test(test_rng_blocks),
        cmocka_unit_test(test_reason_gains_context),
        cmocka_unit_test(test_a_thread_may_lack_memory),
        cmocka_unit_test(test_every_status_has_a_text),
        cmocka_unit_test(test_sizes_do_not_wrap),
        cmocka_unit_test(test_philox_known_answers),
        cmocka_unit_test(test_below_is_uniform),
        cmocka_unit_test(test_file_round_trip_and_limits),
        cmocka_unit_test(test_file_is_read_into_its_own_size),
        cmocka_unit_test(test_stream_is_read_to_its_end_or_limit),
        cmocka_unit_test(test_suggest_finds_the_near_miss),
        cmocka_unit_test(test_numbers_as_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
