/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that are exchanged while a network is trained: what moves with them, where they come, and that the run
 * stays one that can be repeated.
 */
#include <string.h>

#include "base/size.h"
#include "forge/train/topology/regrowth.h"
#include "support/test.h"

static void test_when_it_is_due(void **state)
{
    struct regrowth r;
    struct reason why;

    (void)state;
    assert_ok(regrowth_parse("set", &r, &why), why);
    for (uint64_t step = 0; step <= 40; step++)
        assert_int_equal(regrowth_is_due(&r, step, 40, 10), step == 10 || step == 20 || step == 30);
    assert_ok(regrowth_parse("rigl,every=4,until=0.5,fraction=0.1", &r, &why), why);
    assert_true(r.fraction == 0.1);
    for (uint64_t step = 0; step <= 40; step++)
        assert_int_equal(regrowth_is_due(&r, step, 40, 10), step && step % 4 == 0 && step < 20);
    assert_true(regrowth_done(&r, 10, 40) == 0.5);
    assert_false(regrowth_is_due(&(struct regrowth){ .method = NULL }, 10, 40, 10));
}

static void test_what_is_no_method_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",         "grow",         "rigl,",        "set,every=0",    "set,every=1.5",
        "rigl,0.3", "rigl,until=0", "rigl,until=2", "set,fraction=0", "set fraction=1"
    };
    struct regrowth r;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(regrowth_parse(wrong[i], &r, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "give set or rigl"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_it_is_due),
        cmocka_unit_test(test_what_is_no_method_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
