/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON where memory runs out: each allocation fails, once and from then on, and what comes of it is all there, or
 * nothing, with -ENOMEM.
 */
#include "support/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/json_memory.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static long left = -1; /* that still succeed; negative: all */
static bool failed, for_good;

void *__wrap_malloc(size_t size)
{
    if (left < 0 || left-- > 0)
        return __real_malloc(size);
    failed = true;
    if (for_good)
        left = 0;
    errno = ENOMEM;
    return NULL;
}

static void begin(long at, bool all_after)
{
    left = at;
    failed = false;
    for_good = all_after;
}

static void end(void)
{
    left = -1;
}

/* Strings for which the reader's buffer grows, with escapes, and values of all kinds. */
static const char text[] =
    "{\"name\":\"a name of more than sixteen bytes, so that it grows\",\"list\":[1,2.5,true,null,"
    "\"\\u00e4\\n\"],\"within\":{\"a\":{\"b\":[]}}}";

static void test_it_is_read_or_not(void **state)
{
    cleanup_json json_t *whole = json_from_string(text, 0, NULL);

    (void)state;
    assert_non_null(whole);
    for (int all_after = 0; all_after < 2; all_after++) {
        failed = true;
        for (long at = 0; failed; at++) {
            json_error_t error;
            json_t *json;

            begin(at, all_after);
            json = json_from_string(text, 0, &error);
            end();
            if (failed) {
                assert_int_equal(errno, ENOMEM);
                assert_null(json);
                assert_string_equal(error.text, "out of memory");
            } else {
                assert_true(json_equal(json, whole));
            }
            json_decref(json);
        }
    }
}

static json_t *build(void)
{
    json_t *object = json_pack("{s:s s:[i,f]}", "name", "model", "list", 3, 0.5);

    json_object_set_new(object, "seed", json_integer(7));
    json_object_set_new(object, "within", json_pack("{s:b}", "yes", 1));
    return object;
}

static void test_what_lacks_a_part_is_not_said(void **state)
{
    static const char all[] = "{\"name\":\"model\",\"list\":[3,0.5],\"seed\":7,\"within\":{\"yes\":true}}";

    (void)state;
    failed = true;
    for (long at = 0; failed; at++) {
        json_t *object;
        char *said;

        begin(at, false);
        object = build();
        said = json_to_text(object, JSON_COMPACT);
        end();
        if (failed)
            assert_null(said);
        else
            assert_string_equal(said, all);
        free(said);
        /* And it is forgotten once it was said. */
        json_decref(object);
        object = build();
        said = json_to_text(object, JSON_COMPACT);
        assert_string_equal(said, all);
        free(said);
        json_decref(object);
    }
    assert_null(json_to_text(NULL, 0));
    assert_int_equal(json_to_file(NULL, stdout, 0), -ENOMEM);
}

/* What is read meanwhile does not hide what another value lacks. */
static void test_reading_hides_nothing(void **state)
{
    json_t *object = json_object(), *read;

    (void)state;
    begin(0, false);
    json_object_set_new(object, "seed", json_integer(7));
    end();
    read = json_from_string(text, 0, NULL);
    assert_non_null(read);
    assert_null(json_to_text(object, 0));
    json_decref(read);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_read_or_not),
        cmocka_unit_test(test_what_lacks_a_part_is_not_said),
        cmocka_unit_test(test_reading_hides_nothing),
    };

    json_memory_watch();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
