/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/kernels/choice: against every way to give each class a format, tried out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/kernels/choice.h"
#include "support/test.h"

static unsigned formats(void)
{
    unsigned count = 0;

    while (weight_format_at(count))
        count++;
    return count;
}

static bool is_fast(const struct choice_costs *costs, unsigned batch_class, unsigned format)
{
    uint64_t best = UINT64_MAX;

    for (unsigned f = 0; f < formats(); f++)
        best = MIN(best, costs->time[batch_class][f]);
    return costs->time[batch_class][format] != CHOICE_CANNOT &&
           (double)costs->time[batch_class][format] <= CHOICE_TIE * (double)best;
}

static uint64_t memory_of(const struct choice_costs *costs, const struct choice *choice)
{
    uint64_t bytes = 0;
    unsigned used = 0;

    for (unsigned c = choice->first; c <= choice->last; c++)
        used |= 1u << choice->format[c];
    for (unsigned f = 0; f < formats(); f++)
        bytes += used >> f & 1 ? costs->memory[f] : 0;
    return bytes;
}

/* The least memory of all ways in which each class from `at` on has a fast format. */
static uint64_t least_memory(const struct choice_costs *costs, struct choice *tried, unsigned at)
{
    uint64_t least = UINT64_MAX;

    if (at > tried->last)
        return memory_of(costs, tried);
    for (tried->format[at] = 0; tried->format[at] < formats(); tried->format[at]++) {
        if (is_fast(costs, at, tried->format[at]))
            least = MIN(least, least_memory(costs, tried, at + 1));
    }
    return least;
}

/* Times near each other and far apart; formats that cannot; always one that can. */
static void make_costs(struct rng *rng, struct choice_costs *costs)
{
    for (unsigned f = 0; f < WEIGHT_FORMATS_MAX; f++)
        costs->memory[f] = 1 + rng_below(rng, 6);
    for (unsigned c = 0; c < BATCH_CLASSES; c++) {
        for (unsigned f = 0; f < WEIGHT_FORMATS_MAX; f++) {
            const uint64_t near = 1000 + rng_below(rng, 100), far = 1000 + rng_below(rng, 9000);

            costs->time[c][f] = rng_below(rng, 5) == 0 ? CHOICE_CANNOT : rng_below(rng, 2) ? near : far;
        }
        costs->time[c][rng_below(rng, formats())] = rng_below(rng, 4) ? 1020 : CHOICE_UNKNOWN;
    }
}

static void test_the_smallest_set_that_is_fast(void **state)
{
    struct rng rng = rng_make(3, 1);

    (void)state;
    for (unsigned trial = 0; trial < 3000; trial++) {
        struct choice choice = { .first = (unsigned)rng_below(&rng, BATCH_CLASSES) }, tried;
        struct choice_costs costs;

        choice.last = choice.first + (unsigned)rng_below(&rng, BATCH_CLASSES - choice.first);
        make_costs(&rng, &costs);
        choice_of_costs(&costs, &choice);
        for (unsigned c = 0; c < BATCH_CLASSES; c++) {
            const unsigned inside = MIN(MAX(c, choice.first), choice.last);

            assert_true(is_fast(&costs, inside, choice.format[inside]));
            assert_int_equal(choice.format[c], choice.format[inside]);
        }
        tried = choice;
        assert_int_equal(memory_of(&costs, &choice), least_memory(&costs, &tried, choice.first));
    }
}

/* What was nearly equal once is chosen alike when it is measured again, a little off. */
static void test_noise_within_the_tie_changes_nothing(void **state)
{
    struct choice_costs costs = { .memory = { 10, 11, 40 } };
    struct choice choice = { .last = 1 };

    (void)state;
    for (unsigned trial = 0; trial < 100; trial++) {
        for (unsigned c = 0; c < 2; c++) {
            costs.time[c][0] = 100000 + trial % 10 * 100;
            costs.time[c][1] = 101000 - trial % 7 * 100;
            for (unsigned f = 2; weight_format_at(f); f++)
                costs.time[c][f] = CHOICE_CANNOT;
        }
        choice_of_costs(&costs, &choice);
        assert_int_equal(choice.format[0], 0);
        assert_int_equal(choice.format[1], 0);
    }
}

/* "5-7" has five, six and seven columns, and is timed with some of them. */
static void test_classes_are_as_they_are_called(void **state)
{
    (void)state;
    for (size_t n = 1; n < 100; n++) {
        const char *name = batch_class_name(batch_class_of(n)), *to = strchr(name, '-');
        const size_t first = strtoul(name, NULL, 10), last = !to ? first : to[1] ? strtoul(to + 1, NULL, 10) : SIZE_MAX;

        assert_in_range(n, first, last);
        assert_in_range(batch_class_columns(batch_class_of(n)), first, last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_are_as_they_are_called),
        cmocka_unit_test(test_the_smallest_set_that_is_fast),
        cmocka_unit_test(test_noise_within_the_tie_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
