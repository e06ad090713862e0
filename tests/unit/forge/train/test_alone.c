/* SPDX-License-Identifier: Apache-2.0
 *
 * A build without MPI: one process is one rank, and several that were started together say what they would do.
 */
#include <stdlib.h>
#include <string.h>

#include "forge/ranks/ranks.h"
#include "support/test.h"

static void test_one_process_is_one_rank(void **state)
{
    struct ranks *ranks;
    struct reason why;
    float values[] = { 1, 2 }, same[2];

    (void)state;
    unsetenv("OMPI_COMM_WORLD_SIZE");
    unsetenv("PMI_SIZE");
    assert_ok(ranks_begin(&ranks, &why), why);
    assert_null(ranks);
    assert_true(ranks_count(ranks) == 1 && ranks_rank(ranks) == 0);
    ranks_sum(ranks, values, 2);
    ranks_copy(ranks, 0, values, sizeof values);
    ranks_gather(ranks, values, sizeof values, same);
    assert_true(same[0] == 1 && same[1] == 2);
    assert_true(ranks_agree(ranks, true) && !ranks_agree(ranks, false));
    ranks_end(ranks, 1); /* ends nobody */
}

static void test_several_are_refused(void **state)
{
    static const char *const variables[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE" };
    struct ranks *ranks;
    struct reason why;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        setenv(variables[i], "1", 1);
        assert_ok(ranks_begin(&ranks, &why), why);
        setenv(variables[i], "3", 1);
        assert_int_equal(ranks_begin(&ranks, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "3 processes"));
        assert_non_null(strstr(why.text, "-DWISP_MPI=ON"));
        unsetenv(variables[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_process_is_one_rank),
        cmocka_unit_test(test_several_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
