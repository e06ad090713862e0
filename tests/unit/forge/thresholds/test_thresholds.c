/* SPDX-License-Identifier: Apache-2.0
 *
 * Thresholds: none comes to a better F1 than the one that is chosen, tried one by one; a label without samples has that
 * of all.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "forge/thresholds/choose.h"
#include "support/test.h"

enum { LABELS = 5, SAMPLES = 400 };

static float probabilities[LABELS][SAMPLES];
static bool truths[LABELS][SAMPLES];
static struct threshold_counts counts[LABELS];

/* Labels from frequent to rare, whose probabilities say something of the truth. */
static void make(uint64_t seed)
{
    memset(counts, 0, sizeof counts);
    for (size_t l = 0; l < LABELS; l++) {
        struct rng rng = rng_make(seed, l);

        for (size_t i = 0; i < SAMPLES; i++) {
            const float at = (float)rng_double(&rng), share = 0.5f / (float)(1u << 2 * l);

            truths[l][i] = at < share;
            probabilities[l][i] = (float)rng_double(&rng) * (truths[l][i] ? 1.0f : 0.7f) * (l % 2 ? 0.5f : 1.0f);
            threshold_count(&counts[l], probabilities[l][i], truths[l][i]);
        }
    }
}

static void add(double sums[3], size_t label, uint32_t threshold, double weight)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        const bool said = probabilities[label][i] * 1000.0f >= (float)threshold;

        sums[0] += weight * said;
        sums[1] += weight * (said && truths[label][i]);
        sums[2] += weight * truths[label][i];
    }
}

static double score(size_t label, uint32_t threshold)
{
    double all[3] = { 0 }, sums[3] = { 0 };

    for (size_t l = 0; l < LABELS; l++)
        add(all, l, threshold, 1);
    add(sums, label, threshold, 1);
    for (size_t i = 0; i < 3; i++)
        sums[i] += all[i] * THRESHOLD_PRIOR / all[2];
    return 2 * sums[1] / (sums[0] + sums[2]);
}

static void test_no_other_is_better(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        uint32_t chosen[LABELS];

        make(seed);
        assert_int_equal(thresholds_choose(counts, LABELS, chosen), 0);
        for (size_t l = 0; l < LABELS; l++) {
            const double own = score(l, chosen[l]);

            assert_in_range(chosen[l], 1, 999);
            for (uint32_t t = 1; t < 1000; t += 7)
                assert_true(score(l, t) <= own + 1e-12);
        }
    }
}

static void test_a_label_without_samples(void **state)
{
    static struct threshold_counts two[2];
    uint32_t chosen[2];

    (void)state;
    memset(two, 0, sizeof two);
    for (unsigned i = 0; i < 100; i++)
        threshold_count(&two[0], i < 60 ? 0.2f : 0.8f, i >= 60);
    assert_int_equal(thresholds_choose(two, 2, chosen), 0);
    assert_int_equal(chosen[0], 500); /* as far from the ones as from the others */
    assert_int_equal(chosen[1], 500);
    memset(two, 0, sizeof two);
    threshold_count(&two[0], 1, false);
    assert_int_equal(thresholds_choose(two, 2, chosen), WISP_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_other_is_better),
        cmocka_unit_test(test_a_label_without_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
