/* SPDX-License-Identifier: Apache-2.0
 *
 * Histograms: buckets without a gap, and quantiles held against the sorted values.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/rng.h"
#include "base/size.h"

/* Every bucket ends where the next begins, and is at most a sixteenth of its values wide. */
static void buckets_have_no_gaps(void **state)
{
    uint64_t begin = 0;

    (void)state;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        const uint64_t end = histogram_end(i);

        assert_true(end > begin);
        assert_int_equal(histogram_index(begin), i);
        assert_int_equal(histogram_index(end - 1), i);
        assert_true((end - begin - 1) * 16 <= begin);
        begin = end;
    }
    assert_int_equal(begin, 1ull << HISTOGRAM_OCTAVES);
}

static void what_is_too_long_is_in_the_last(void **state)
{
    (void)state;
    assert_int_equal(histogram_index(1ull << HISTOGRAM_OCTAVES), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_index(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* Nearest rank. */
static uint64_t exact(const uint64_t *sorted, size_t count, double share)
{
    size_t rank = (size_t)(share * (double)count);

    if ((double)rank < share * (double)count || !rank)
        rank++;
    return sorted[rank - 1];
}

/* Of values of all magnitudes: never too small, and at most a sixteenth too large. */
static void quantiles_are_right(void **state)
{
    static const double shares[] = { 0, 0.01, 0.5, 0.9, 0.99, 0.999, 1 };
    struct histogram *histogram = calloc(1, sizeof *histogram), copy;
    uint64_t *values = calloc(10000, sizeof *values);

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng rng = rng_make(seed, 0);
        const size_t count = 1 + rng_below(&rng, 9999);
        uint64_t sum = 0;

        memset(histogram, 0, sizeof *histogram);
        for (size_t i = 0; i < count; i++) {
            values[i] = rng_below(&rng, 1ull << (1 + rng_below(&rng, HISTOGRAM_OCTAVES - 1)));
            histogram_add(histogram, values[i]);
            sum += values[i];
        }
        qsort(values, count, sizeof *values, ascending);
        histogram_read(histogram, &copy);
        assert_int_equal(histogram_count(&copy), count);
        assert_int_equal(copy.sum, sum);
        for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
            const uint64_t want = exact(values, count, shares[i]), got = histogram_quantile(&copy, shares[i]);

            assert_true(got >= want && got - want <= want / 16);
        }
    }
    free(values);
    free(histogram);
}

static void none_have_no_quantile(void **state)
{
    static const struct histogram none;

    (void)state;
    assert_int_equal(histogram_count(&none), 0);
    assert_int_equal(histogram_quantile(&none, 0.5), 0);
}

/* What was added between two copies. */
static void a_difference_is_what_came_between(void **state)
{
    static struct histogram histogram, before, after;

    (void)state;
    histogram_add(&histogram, 5);
    histogram_add(&histogram, 1000000);
    histogram_read(&histogram, &before);
    for (int i = 0; i < 10; i++)
        histogram_add(&histogram, 700);
    histogram_read(&histogram, &after);
    histogram_subtract(&after, &before);
    assert_int_equal(histogram_count(&after), 10);
    assert_int_equal(after.sum, 7000);
    assert_int_equal(histogram_quantile(&after, 1), histogram_end(histogram_index(700)) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_have_no_gaps),
        cmocka_unit_test(what_is_too_long_is_in_the_last),
        cmocka_unit_test(quantiles_are_right),
        cmocka_unit_test(none_have_no_quantile),
        cmocka_unit_test(a_difference_is_what_came_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
