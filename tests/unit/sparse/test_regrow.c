/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that take the place of others: the ranking against a sort, random places by their distribution, and the
 * exchange against a plain set of places.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/ranking.h"
#include "sparse/construct/regrow.h"
#include "sparse/construct/sample.h"
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

static struct csr make(uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed)
{
    struct csr matrix;
    struct reason why;

    assert_ok(sample_connections(rows, columns, count, seed, 0, &matrix, &why), why);
    sample_weights(&matrix, 1, seed, 0);
    return matrix;
}

/* By place: the number of its connection, from 1; 0: there is none. */
static void list_places(const struct csr *matrix, uint64_t *numbers)
{
    memset(numbers, 0, (size_t)matrix->rows * matrix->columns * sizeof *numbers);
    for (uint32_t r = 0; r < matrix->rows; r++) {
        for (uint64_t k = matrix->starts[r]; k < matrix->starts[r + 1]; k++)
            numbers[(size_t)r * matrix->columns + csr_column(matrix, k)] = k + 1;
    }
}

static void test_the_weakest_have_the_smallest_weights(void **state)
{
    struct csr matrix = make(13, 17, 90, 3);
    uint64_t numbers[30];
    float strongest = 0;

    (void)state;
    matrix.values[40] = matrix.values[70] = -0x1p-30f; /* a tie: the first is the one that goes */
    assert_int_equal(regrow_weakest(&matrix, 1, numbers), 0);
    assert_int_equal(numbers[0], 40);
    assert_int_equal(regrow_weakest(&matrix, 30, numbers), 0);
    for (int i = 0; i < 30; i++)
        strongest = fmaxf(strongest, fabsf(matrix.values[numbers[i]]));
    for (uint64_t k = 0, i = 0; k < matrix.count; k++) {
        if (i < 30 && numbers[i] == k)
            i++;
        else
            assert_true(fabsf(matrix.values[k]) >= strongest);
    }
    csr_deinit(&matrix);
}

/* Each free place as often as any other, be few or nearly all of them wanted; and never one that is taken. */
static void test_random_places_are_uniform(void **state)
{
    enum { ROWS = 6, COLUMNS = 9, CELLS = ROWS * COLUMNS, TRIES = 4000 };
    static const uint64_t wanted[] = { 3, 20, 31 };
    struct csr matrix = make(ROWS, COLUMNS, 20, 5);
    uint64_t taken[CELLS], places[CELLS];

    (void)state;
    list_places(&matrix, taken);
    for (size_t w = 0; w < ARRAY_SIZE(wanted); w++) {
        const double p = (double)wanted[w] / 34, expected = TRIES * p;
        unsigned hits[CELLS] = { 0 };
        double chi = 0;

        for (uint64_t seed = 0; seed < TRIES; seed++) {
            assert_int_equal(regrow_random(&matrix, wanted[w], seed, 8, places), 0);
            for (uint64_t i = 0; i < wanted[w]; i++) {
                assert_true(places[i] < CELLS && !taken[places[i]] && (!i || places[i - 1] < places[i]));
                hits[places[i]]++;
            }
        }
        for (size_t i = 0; i < CELLS; i++)
            chi += taken[i] ? 0 : (hits[i] - expected) * (hits[i] - expected) / (expected * (1 - p));
        assert_true(chi < 64); /* 33 degrees of freedom, p = 0.001 */
    }
    assert_int_equal(regrow_random(&matrix, 34, 1, 8, places), 0); /* all of them */
    csr_deinit(&matrix);
}

static void test_random_bits_are_fixed(void **state)
{
    static const uint64_t fixed[] = { 35, 630, 877, 1351 };
    struct csr matrix = make(40, 50, 200, 5);
    uint64_t places[ARRAY_SIZE(fixed)];

    (void)state;
    assert_int_equal(regrow_random(&matrix, ARRAY_SIZE(fixed), 9, 4, places), 0);
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
        assert_int_equal(places[i], fixed[i]);
    csr_deinit(&matrix);
}

static void check_change(uint32_t rows, uint32_t columns, uint64_t count, uint64_t change, uint64_t seed)
{
    struct csr matrix = make(rows, columns, count, seed);
    const size_t cells = (size_t)rows * columns;
    uint64_t *before = calloc(cells, sizeof *before), *after = calloc(cells, sizeof *after);
    uint64_t *weakest = calloc(change + 1, sizeof *weakest), *places = calloc(change + 1, sizeof *places);
    uint64_t *from = calloc(count, sizeof *from), met = 0;
    float *room = calloc(count, sizeof *room), *old = calloc(count, sizeof *old);
    struct reason why;

    list_places(&matrix, before);
    memcpy(old, matrix.values, count * sizeof *old);
    assert_int_equal(regrow_weakest(&matrix, change, weakest), 0);
    assert_int_equal(regrow_random(&matrix, change, seed, 1, places), 0);
    assert_int_equal(regrow_change(&matrix, &(struct regrow_change){ weakest, places, change }, from), 0);
    regrow_move(from, count, matrix.values, room);
    assert_int_equal(matrix.count, count);
    assert_ok(csr_check(&matrix, &why), why);
    list_places(&matrix, after);
    for (uint64_t i = 0; i < change; i++) {
        assert_true(after[places[i]] && !before[places[i]]);
        assert_true(matrix.values[after[places[i]] - 1] == 0 && from[after[places[i]] - 1] == REGROW_NEW);
    }
    for (size_t cell = 0; cell < cells; cell++) {
        if (!before[cell] || !after[cell])
            continue;
        assert_true(matrix.values[after[cell] - 1] == old[before[cell] - 1]);
        met++;
    }
    assert_int_equal(met, count - change);
    for (uint64_t i = 0; i < change; i++) { /* those that went */
        for (uint64_t k = 0; k < count; k++)
            assert_int_not_equal(from[k], weakest[i]);
    }
    free(before);
    free(after);
    free(weakest);
    free(places);
    free(from);
    free(room);
    free(old);
    csr_deinit(&matrix);
}

static void test_a_change_is_what_it_says(void **state)
{
    struct rng rng = rng_make(2, 2);

    (void)state;
    check_change(1, 70000, 9, 4, 1); /* columns of 32 bits */
    check_change(5, 5, 25, 0, 1);
    check_change(5, 5, 13, 12, 1);
    for (uint64_t seed = 0; seed < 60; seed++) {
        const uint32_t rows = 1 + (uint32_t)rng_below(&rng, 12), columns = 1 + (uint32_t)rng_below(&rng, 12);
        const uint64_t cells = (uint64_t)rows * columns, count = 1 + rng_below(&rng, cells);

        check_change(rows, columns, count, rng_below(&rng, MIN(count, cells - count) + 1), seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranking_is_a_sort),         cmocka_unit_test(test_the_weakest_have_the_smallest_weights),
        cmocka_unit_test(test_random_places_are_uniform), cmocka_unit_test(test_random_bits_are_fixed),
        cmocka_unit_test(test_a_change_is_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
