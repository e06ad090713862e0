/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes go the faster of two ways nearly always, whatever was said of the ways before, and change over when the other
 * becomes the faster one.
 */
#include "support/test.h"

#include "base/size.h"
#include "sparse/passes/trial.h"

enum { PASSES = 200000 };

/* What so many passes take in all, by ways that take so long each. */
static uint64_t spend(struct trial *trial, const uint64_t ns[2], const uint64_t said[2], unsigned passes)
{
    uint64_t spent = 0;

    for (unsigned i = 0; i < passes; i++) {
        const unsigned way = trial_next(trial, said[0], said[1]);

        trial_learn(trial, way, ns[way]);
        spent += ns[way];
    }
    return spent;
}

static void test_the_faster_way(void **state)
{
    static const uint64_t times[][2] = { { 100, 101 },  { 100, 110 },  { 100, 150 }, { 100, 400 },
                                         { 100, 5000 }, { 5000, 100 }, { 150, 100 }, { 1, 3 } };
    static const uint64_t said[][2] = { { 100, 100 }, { 10, 1000 }, { 1000, 10 }, { 0, 0 } };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(said); j++) {
            struct trial trial = { .passes = 0 };
            const uint64_t best = MIN(times[i][0], times[i][1]);

            (void)spend(&trial, times[i], said[j], PASSES); /* what was said is forgotten */
            assert_in_range(spend(&trial, times[i], said[j], PASSES), best * PASSES, best * PASSES * 101 / 100);
        }
    }
}

static void test_change(void **state)
{
    static const uint64_t said[2] = { 100, 150 }, before[2] = { 1000, 1500 }, after[2] = { 2000, 1500 };
    struct trial trial = { .passes = 0 };

    (void)state;
    (void)spend(&trial, before, said, PASSES);
    (void)spend(&trial, after, said, 1000);
    assert_in_range(spend(&trial, after, said, PASSES), after[1] * PASSES, after[1] * PASSES * 101 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_faster_way),
        cmocka_unit_test(test_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
