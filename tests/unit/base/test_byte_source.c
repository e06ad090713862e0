/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a file, asked for anywhere, are those of memory; and a file that shrinks meanwhile leaves an error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte_source.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "support/test.h"

enum { LENGTH = 700001, ORIGIN = 77 };

static void files_and_memory_have_the_same(void **state)
{
    uint8_t *bytes = memory_alloc(ORIGIN + LENGTH, 1), *copy = memory_alloc(LENGTH, 1);
    FILE *stream = tmpfile();
    const int fd = fileno(stream);
    struct byte_source file, memory;
    struct rng rng = rng_make(1, 0);

    (void)state;
    for (size_t i = 0; i < ORIGIN + LENGTH; i++)
        bytes[i] = (uint8_t)rng_u32(&rng);
    assert_int_equal(write(fd, bytes, ORIGIN + LENGTH), ORIGIN + LENGTH);
    lseek(fd, ORIGIN, SEEK_SET);
    assert_int_equal(byte_source_of_file(&file, fd), 0);
    byte_source_of_memory(&memory, bytes + ORIGIN, LENGTH);
    for (int n = 0; n < 2000; n++) {
        const uint64_t before = rng_below(&rng, 3) ? file.before : rng_below(&rng, LENGTH);
        uint64_t at;
        size_t count;

        byte_source_pass(&file, before);
        byte_source_pass(&memory, before);
        assert_int_equal(file.length, LENGTH - before);
        assert_int_equal(file.length, memory.length);
        at = rng_below(&rng, file.length + 1);
        count = rng_below(&rng, BYTE_SOURCE_MAX + 1);
        count = MIN(count, file.length - at);
        assert_memory_equal(byte_source_at(&file, at, count), bytes + ORIGIN + before + at, count);
        assert_memory_equal(byte_source_at(&memory, at, count), bytes + ORIGIN + before + at, count);
    }
    assert_int_equal(byte_source_copy(&file, 0, copy, LENGTH), file.length);
    assert_memory_equal(copy, bytes + ORIGIN + file.before, file.length);
    assert_int_equal(byte_source_copy(&file, file.length, copy, 1), 0);
    assert_int_equal(file.error, 0);
    byte_source_deinit(&file);
    fclose(stream);
    free(bytes);
    free(copy);
}

static void a_file_that_shrinks_is_told(void **state)
{
    static const char zeroes[100];
    FILE *stream = tmpfile();
    const int fd = fileno(stream);
    struct byte_source file;

    (void)state;
    assert_int_equal(ftruncate(fd, LENGTH), 0);
    assert_int_equal(byte_source_of_file(&file, fd), 0);
    assert_int_equal(ftruncate(fd, LENGTH - 50), 0);
    byte_source_at(&file, 0, 100);
    assert_int_equal(file.error, 0);
    assert_memory_equal(byte_source_at(&file, LENGTH - 100, 100), zeroes, 100);
    assert_int_equal(file.error, -EIO);
    byte_source_deinit(&file);
    fclose(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_memory_have_the_same),
        cmocka_unit_test(a_file_that_shrinks_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
