/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that take the place of others: the ranking against a sort.
 */
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/ranking.h"
#include "support/test.h"

/* By score from above, then by place: with so few different scores, ties decide. */
static void test_ranking_is_a_sort(void **state)
{
    enum { COUNT = 200 };
    struct rng rng = rng_make(1, 1);

    (void)state;
    for (uint64_t capacity = 0; capacity <= COUNT + 3; capacity += 7) {
        struct ranking ranking;
        float scores[COUNT];
        uint64_t at = 0;

        assert_int_equal(ranking_init(&ranking, capacity), 0);
        for (uint64_t i = 0; i < COUNT; i++)
            scores[i] = (float)rng_below(&rng, 12) - 6;
        for (uint64_t i = 0; i < COUNT; i++) /* 77 has no divisor in common with 200: each once, in another order */
            ranking_offer(&ranking, scores[i * 77 % COUNT], i * 77 % COUNT);
        ranking_finish(&ranking);
        assert_int_equal(ranking.count, MIN(capacity, (uint64_t)COUNT));
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t before = 0;

            for (uint64_t j = 0; j < COUNT; j++)
                before += scores[j] > scores[i] || (scores[j] == scores[i] && j < i);
            if (before < capacity)
                assert_int_equal(ranking.places[at++], i);
        }
        assert_int_equal(at, ranking.count);
        ranking_deinit(&ranking);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranking_is_a_sort),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
