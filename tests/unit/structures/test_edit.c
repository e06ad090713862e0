/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes to structures: what is inserted, removed and resized; that what does not fit leaves everything as it was.
 */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "sparse/structure_edit.h"
#include "support/test.h"

static void make(const char *layers, struct structure *out)
{
    struct reason why;

    assert_ok(structure_parse_layers(layers, out, &why), why);
    snprintf(out->processing, sizeof out->processing, "image.classification");
    assert_ok(structure_plan(out, &why), why);
}

static void assert_same_as(const struct structure *structure, const char *layers)
{
    struct structure expected;
    char a[33], b[33];

    make(layers, &expected);
    structure_hash(structure, a);
    structure_hash(&expected, b);
    assert_string_equal(a, b);
    structure_deinit(&expected);
}

static void test_insert_remove_and_set(void **state)
{
    struct structure s;
    struct reason why;

    (void)state;
    make("784-300-100-10", &s);
    assert_ok(structure_insert(&s, 2, 200, &why), why);
    assert_same_as(&s, "784-300-200-100-10");
    assert_ok(structure_insert(&s, 1, 500, &why), why);
    assert_same_as(&s, "784-500-300-200-100-10");
    assert_ok(structure_insert(&s, 5, 50, &why), why);
    assert_same_as(&s, "784-500-300-200-100-50-10");
    assert_ok(structure_set_neurons(&s, 1, 400, &why), why);
    assert_same_as(&s, "784-400-300-200-100-50-10");
    assert_ok(structure_remove(&s, 5, &why), why);
    assert_same_as(&s, "784-400-300-200-100-10");
    assert_ok(structure_remove(&s, 1, &why), why);
    assert_same_as(&s, "784-300-200-100-10");
    structure_deinit(&s);
}

static void test_what_does_not_fit_changes_nothing(void **state)
{
    struct structure s;
    struct reason why;

    (void)state;
    make("784-300-10", &s);
    assert_int_equal(structure_insert(&s, 3, 5, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "there is no layer 3"));
    assert_int_equal(structure_insert(&s, 0, 5, &why), WISP_E_INVALID);
    assert_int_equal(structure_set_neurons(&s, 1, 0, &why), WISP_E_FORMAT);
    assert_int_equal(structure_set_neurons(&s, 1, 4000000000u, &why), WISP_E_FORMAT);
    assert_same_as(&s, "784-300-10");
    assert_ok(structure_remove(&s, 1, &why), why);
    assert_int_equal(structure_remove(&s, 1, &why), WISP_E_INVALID);
    assert_same_as(&s, "784-10");
    structure_deinit(&s);
}

/* Whatever is done, the result is planned, names stay unique, and a change and its opposite are nothing. */
static void test_random_changes(void **state)
{
    struct rng rng = rng_make(5, 5);
    struct structure s;
    struct reason why;

    (void)state;
    make("64-32-16-8", &s);
    for (int turn = 0; turn < 2000; turn++) {
        uint32_t weighted = structure_weighted(&s), place = (uint32_t)rng_below(&rng, weighted) + 1;
        char before[33], after[33];

        structure_hash(&s, before);
        assert_ok(structure_insert(&s, place, (uint32_t)rng_below(&rng, 100) + 1, &why), why);
        assert_int_equal(structure_weighted(&s), weighted + 1);
        if (weighted > 40 || rng_below(&rng, 2)) {
            assert_ok(structure_remove(&s, place, &why), why);
            structure_hash(&s, after);
            assert_string_equal(before, after);
        }
        assert_ok(structure_plan(&s, &why), why);
        if (weighted > 40)
            assert_ok(structure_remove(&s, (uint32_t)rng_below(&rng, weighted - 1) + 1, &why), why);
    }
    structure_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_remove_and_set),
        cmocka_unit_test(test_what_does_not_fit_changes_nothing),
        cmocka_unit_test(test_random_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
