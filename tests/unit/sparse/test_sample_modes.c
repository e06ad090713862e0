/* SPDX-License-Identifier: Apache-2.0
 *
 * Bernoulli sampling, whole kernels, and repair: counts, uniformity, reproducibility, and what repair may not change.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "support/test.h"

static void assert_well_formed(const struct csr *matrix)
{
    struct reason why;

    assert_ok(csr_check(matrix, &why), why);
}

static void test_bernoulli_counts_are_binomial(void **state)
{
    static const double probabilities[] = { 0.0003, 0.01, 0.2, 0.5, 0.9, 1 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(probabilities); i++) {
        double p = probabilities[i], n = 300.0 * 200.0, deviation = sqrt(n * p * (1 - p)), sum = 0;

        for (uint64_t seed = 0; seed < 40; seed++) {
            struct csr made;
            struct reason why;

            assert_ok(sample_bernoulli(300, 200, p, seed, 3, &made, &why), why);
            assert_well_formed(&made);
            assert_true(fabs((double)made.count - n * p) <= 5 * deviation + 0.5);
            sum += (double)made.count;
            csr_deinit(&made);
        }
        assert_true(fabs(sum / 40 - n * p) <= 4 * deviation / sqrt(40) + 0.5);
    }
}

/* Every cell is hit as often as any other. */
static void test_bernoulli_is_uniform_over_cells(void **state)
{
    enum { ROWS = 8, COLUMNS = 9, SEEDS = 4000 };
    unsigned hits[ROWS * COLUMNS] = { 0 };
    double chi = 0, expected = SEEDS * 0.3;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct csr made;
        struct reason why;

        assert_ok(sample_bernoulli(ROWS, COLUMNS, 0.3, seed, 0, &made, &why), why);
        for (uint32_t r = 0; r < ROWS; r++) {
            for (uint64_t k = made.starts[r]; k < made.starts[r + 1]; k++)
                hits[r * COLUMNS + csr_column(&made, k)]++;
        }
        csr_deinit(&made);
    }
    for (size_t i = 0; i < ARRAY_SIZE(hits); i++)
        chi += (hits[i] - expected) * (hits[i] - expected) / (expected * 0.7);
    assert_true(chi < 115.0); /* 72 degrees of freedom, p = 0.001 */
}

static void test_bernoulli_bits_are_fixed(void **state)
{
    static const struct {
        uint32_t row, column;
    } first[] = { { 0, 28 }, { 2, 73 }, { 2, 96 } };
    struct csr made, again;
    struct reason why;

    (void)state;
    assert_ok(sample_bernoulli(100, 100, 0.01, 7, 0, &made, &why), why);
    assert_ok(sample_bernoulli(100, 100, 0.01, 7, 0, &again, &why), why);
    assert_int_equal(made.count, again.count);
    assert_memory_equal(made.index.narrow, again.index.narrow, made.count * sizeof *made.index.narrow);
    for (size_t i = 0, r = 0; i < ARRAY_SIZE(first); i++) {
        while (made.starts[r + 1] <= i)
            r++;
        assert_int_equal(r, first[i].row);
        assert_int_equal(csr_column(&made, i), first[i].column);
    }
    csr_deinit(&made);
    csr_deinit(&again);
    assert_int_equal(sample_bernoulli(10, 10, 0, 1, 1, &made, &why), WISP_E_INVALID);
    assert_int_equal(sample_bernoulli(10, 10, NAN, 1, 1, &made, &why), WISP_E_INVALID);
}

static void test_kernels_are_whole(void **state)
{
    struct csr made;
    struct reason why;

    (void)state;
    assert_ok(sample_kernels(16, 8 * 9, 9, 300, 1, 2, &made, &why), why);
    assert_int_equal(made.count, 33 * 9);
    assert_well_formed(&made);
    for (uint64_t k = 0; k < made.count; k++)
        assert_int_equal(csr_column(&made, k) % 9, k % 9);
    csr_deinit(&made);
    assert_int_equal(sample_kernels(16, 70, 9, 300, 1, 2, &made, &why), WISP_E_INVALID);
    assert_ok(sample_kernels(4, 9, 9, 0, 1, 2, &made, &why), why);
    assert_int_equal(made.count, 9);
    csr_deinit(&made);
}

static void assert_nobody_is_alone(const struct csr *matrix, uint32_t area)
{
    unsigned char *seen = calloc(matrix->columns / area, 1);

    assert_non_null(seen);
    for (uint32_t r = 0; r < matrix->rows; r++)
        assert_true(matrix->starts[r + 1] > matrix->starts[r]);
    for (uint64_t k = 0; k < matrix->count; k++)
        seen[csr_column(matrix, k) / area] = 1;
    for (uint32_t i = 0; i < matrix->columns / area; i++)
        assert_true(seen[i]);
    free(seen);
}

static void test_repair_reaches_everyone_and_keeps_the_count(void **state)
{
    static const struct {
        uint32_t rows, columns, area;
        uint64_t count;
    } cases[] = { { 100, 100, 1, 150 },  { 100, 100, 1, 130 }, { 50, 400, 1, 420 }, { 400, 50, 1, 401 },
                  { 64, 32 * 9, 9, 90 }, { 1, 30, 1, 30 },     { 30, 1, 1, 30 },    { 1000, 784, 1, 7840 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct csr made, before;
            struct reason why;
            uint64_t moved, kept = 0;

            assert_ok(sample_connections(cases[i].rows, cases[i].columns, cases[i].count, seed, 0, &made, &why), why);
            assert_ok(sample_connections(cases[i].rows, cases[i].columns, cases[i].count, seed, 0, &before, &why), why);
            assert_ok(sample_repair(&made, cases[i].area, seed, 0, &moved, &why), why);
            assert_int_equal(made.count, cases[i].count);
            assert_well_formed(&made);
            assert_nobody_is_alone(&made, cases[i].area);
            /* All but the moved ones are where they were. */
            for (uint32_t r = 0; r < made.rows; r++) {
                uint64_t a = made.starts[r], b = before.starts[r];

                while (a < made.starts[r + 1] && b < before.starts[r + 1]) {
                    uint32_t x = csr_column(&made, a), y = csr_column(&before, b);

                    kept += x == y;
                    a += x <= y;
                    b += y <= x;
                }
            }
            assert_int_equal(kept, cases[i].count - moved);
            csr_deinit(&made);
            csr_deinit(&before);
        }
    }
}

static void test_repair_says_when_it_cannot(void **state)
{
    struct csr made;
    struct reason why;
    uint64_t moved;

    (void)state;
    assert_ok(sample_connections(100, 100, 60, 1, 0, &made, &why), why);
    assert_int_equal(sample_repair(&made, 1, 1, 0, &moved, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "60 connections cannot reach all"));
    csr_deinit(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bernoulli_counts_are_binomial),
        cmocka_unit_test(test_bernoulli_is_uniform_over_cells),
        cmocka_unit_test(test_bernoulli_bits_are_fixed),
        cmocka_unit_test(test_kernels_are_whole),
        cmocka_unit_test(test_repair_reaches_everyone_and_keeps_the_count),
        cmocka_unit_test(test_repair_says_when_it_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
