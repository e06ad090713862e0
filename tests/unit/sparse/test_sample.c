/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/sample: the set and the weights are those that sample.h defines, in the same bits everywhere; and they are as
 * random as they ought to be.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/cleanup.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "support/test.h"

static struct csr sample(uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed, uint32_t layer)
{
    struct csr matrix = CSR_NULL;
    struct reason why;

    assert_ok(sample_connections(rows, columns, count, seed, layer, &matrix, &why), why);
    assert_int_equal(matrix.rows, rows);
    assert_int_equal(matrix.columns, columns);
    assert_int_equal(matrix.count, count);
    assert_ok(csr_check(&matrix, &why), why);
    for (uint64_t k = 0; k < count; k++)
        assert_true(matrix.values[k] == 0);
    return matrix;
}

static int compare_u64(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* sample.h's definition, word for word: quadratic in nothing but patience. Returns positions, ascending. */
static uint64_t *reference_draws(uint64_t positions, uint64_t count, uint64_t seed, uint32_t layer)
{
    uint64_t *draws = malloc((count + 1) * sizeof *draws);
    struct rng rng = rng_make(seed, (uint64_t)SAMPLE_CONNECTIONS << 32 | layer);

    assert_non_null(draws);
    for (uint64_t known = 0; known < count;) {
        uint64_t position = (uint64_t)((unsigned __int128)rng_u64(&rng) * positions >> 64), i = 0;

        while (i < known && draws[i] != position)
            i++;
        if (i == known)
            draws[known++] = position;
    }
    qsort(draws, count, sizeof *draws, compare_u64);
    return draws;
}

static void assert_like_reference(uint32_t rows, uint32_t columns, uint64_t count, uint64_t seed, uint32_t layer)
{
    struct csr matrix = sample(rows, columns, count, seed, layer);
    uint64_t positions = (uint64_t)rows * columns, at = 0, next = 0;
    bool absent = count > positions - count;
    uint64_t named = absent ? positions - count : count;
    cleanup_free uint64_t *draws = reference_draws(positions, named, seed, layer);

    /* The matrix's positions ascend: walk them beside the draws. */
    for (uint32_t row = 0; row < rows; row++) {
        for (uint64_t k = matrix.starts[row]; k < matrix.starts[row + 1]; k++) {
            uint64_t position = (uint64_t)row * columns + csr_column(&matrix, k);

            for (; absent && next < named && draws[next] == at; next++)
                at++;
            if (position != (absent ? at : draws[next]))
                fail_msg("%ux%u, %llu connections, seed %llu: connection %llu is at %llu", rows, columns,
                         (unsigned long long)count, (unsigned long long)seed, (unsigned long long)k,
                         (unsigned long long)position);
            if (absent)
                at++;
            else
                next++;
        }
    }
    csr_deinit(&matrix);
}

static void test_agrees_with_the_definition(void **state)
{
    static const uint32_t sizes[][2] = { { 1, 1 },    { 1, 70 },     { 70, 1 },         { 8, 8 },        { 13, 7 },
                                         { 64, 64 },  { 40, 65536 }, { 3, 65537 },      { 3, 100000 },   { 100000, 3 },
                                         { 1, 4096 }, { 300, 784 },  { 2, 4294967295 }, { 4294967, 900 } };
    struct rng rng = rng_make(5, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t positions = (uint64_t)sizes[i][0] * sizes[i][1];
        uint64_t max = MIN(positions, 1500);

        for (uint64_t seed = 0; seed < 12; seed++)
            assert_like_reference(sizes[i][0], sizes[i][1], rng_below(&rng, max + 1), seed, (uint32_t)i);
        if (positions > 100000)
            continue;
        assert_like_reference(sizes[i][0], sizes[i][1], 0, 1, 0);
        assert_like_reference(sizes[i][0], sizes[i][1], positions, 1, 0);
        assert_like_reference(sizes[i][0], sizes[i][1], positions - 1, 1, 0);
        for (uint64_t eighths = 1; eighths < 8 && positions < 5000; eighths++) /* about where the ways part */
            for (uint64_t off = 0; off < 3; off++)
                assert_like_reference(sizes[i][0], sizes[i][1], MIN(positions, positions * eighths / 8 + off), 9, 2);
    }
}

/* Just sparse enough to be sorted, and large enough for several rounds and every depth of the sort. */
static void test_sorting_and_bits_agree_at_size(void **state)
{
    const uint32_t rows = 1500, columns = 2000;
    const uint64_t positions = (uint64_t)rows * columns, count = positions / 8 - 1;
    struct csr matrix = sample(rows, columns, count, 11, 4);
    cleanup_free unsigned char *seen = calloc(positions, 1);
    struct rng rng = rng_make(11, 4);
    uint64_t found = 0;

    (void)state;
    assert_non_null(seen);
    while (found < count) {
        uint64_t position = (uint64_t)((unsigned __int128)rng_u64(&rng) * positions >> 64);

        found += !seen[position];
        seen[position] = 1;
    }
    for (uint32_t row = 0; row < rows; row++)
        for (uint64_t k = matrix.starts[row]; k < matrix.starts[row + 1]; k++)
            assert_true(seen[(uint64_t)row * columns + csr_column(&matrix, k)]);
    csr_deinit(&matrix);
}

static void assert_same_matrix(const struct csr *a, const struct csr *b)
{
    size_t width = csr_is_narrow(a) ? sizeof(uint16_t) : sizeof(uint32_t);

    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->starts, b->starts, ((size_t)a->rows + 1) * sizeof *a->starts);
    assert_memory_equal(a->index.narrow, b->index.narrow, a->count * width);
    assert_memory_equal(a->values, b->values, a->count * sizeof *a->values);
}

/* Not one bit depends on how many threads there are: sorted, in buckets with many further draws, by bits. */
static void test_any_number_of_threads(void **state)
{
    static const struct {
        uint32_t rows, columns;
        uint64_t count;
    } cases[] = { { 40, 50, 100 },        { 1000, 784, 97000 }, { 3000, 70000, 300000 }, { 1, 40000000, 200000 },
                  { 900000, 17, 400000 }, { 7, 60000, 4096 },   { 500, 600, 200000 } };

    (void)state;
    for (unsigned threads = 2; threads <= 7; threads += threads == 3 ? 4 : 1) {
        struct pool *pool;

        assert_int_equal(pool_new(threads, &pool), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            struct csr alone = sample(cases[i].rows, cases[i].columns, cases[i].count, 3, (uint32_t)i), together;
            struct reason why;

            assert_ok(sample_connections_by(pool, cases[i].rows, cases[i].columns, cases[i].count, 3, (uint32_t)i,
                                            &together, &why),
                      why);
            assert_same_matrix(&alone, &together);
            sample_weights(&alone, 2, 3, (uint32_t)i);
            sample_weights_by(pool, &together, 2, 3, (uint32_t)i);
            assert_same_matrix(&alone, &together);
            csr_deinit(&alone);
            csr_deinit(&together);
        }
        pool_free(pool);
    }
}

/* About as many positions as buckets can number, and more. */
static void test_huge_matrices(void **state)
{
    (void)state;
    assert_like_reference(60000, UINT32_MAX, 6000, 4, 0);
    assert_like_reference(131073, UINT32_MAX, 6000, 4, 0);
    assert_like_reference(6000000, 6000000, 6000, 4, 0);
}

static void hash_text(const struct csr *matrix, char out[33])
{
    size_t width = csr_is_narrow(matrix) ? sizeof(uint16_t) : sizeof(uint32_t);
    XXH128_canonical_t canonical;
    XXH3_state_t *hash = XXH3_createState();

    assert_non_null(hash);
    XXH3_128bits_reset(hash);
    XXH3_128bits_update(hash, matrix->starts, ((size_t)matrix->rows + 1) * sizeof *matrix->starts);
    XXH3_128bits_update(hash, matrix->index.narrow, matrix->count * width);
    XXH3_128bits_update(hash, matrix->values, matrix->count * sizeof *matrix->values);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash));
    XXH3_freeState(hash);
    for (size_t i = 0; i < sizeof canonical.digest; i++)
        snprintf(out + 2 * i, 3, "%02x", canonical.digest[i]);
}

/* These bits must never change: models are rebuilt from their seeds. The hashes come from a separate implementation, in
 * numpy. */
static void test_golden_bits(void **state)
{
    static const struct {
        uint32_t rows, columns;
        uint64_t count, seed;
        uint32_t layer;
        const char *hash;
    } goldens[] = {
        { 1000, 784, 40000, 7, 0, "32499a5a41b5b4effaa35f0f8c1f59df" },
        { 1000, 784, 600000, 7, 1, "9d02a8b6ac1dedcf2cb7f813c0bdfca8" },
        { 10, 1000, 10000, 7, 2, "d495e0fc8321bf8233abde8e62fc8a3b" },
        { 512, 70000, 100000, UINT64_MAX, 3, "a839ee7164b0b85f51d0a0fdec22ab73" },
        { 5, 70000, 60000, 1, 4, "4f0c5504fa0b9211823cfe04da5fd07a" },
    };
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
        char hash[33];
        struct csr matrix =
            sample(goldens[i].rows, goldens[i].columns, goldens[i].count, goldens[i].seed, goldens[i].layer);

        sample_weights(&matrix, 2, goldens[i].seed, goldens[i].layer);
        hash_text(&matrix, hash);
        if (strcmp(hash, goldens[i].hash) != 0) {
            print_error("row %zu: %s\n", i, hash);
            wrong++;
        }
        csr_deinit(&matrix);
    }
    assert_int_equal(wrong, 0);
}

static void test_seed_and_layer_matter(void **state)
{
    struct csr a = sample(50, 50, 200, 1, 0), b = sample(50, 50, 200, 2, 0), c = sample(50, 50, 200, 1, 1);

    (void)state;
    assert_memory_not_equal(a.index.narrow, b.index.narrow, 200 * sizeof(uint16_t));
    assert_memory_not_equal(a.index.narrow, c.index.narrow, 200 * sizeof(uint16_t));
    sample_weights(&a, 1, 1, 0);
    csr_deinit(&b);
    b = sample(50, 50, 200, 1, 0);
    sample_weights(&b, 1, 2, 0);
    assert_memory_not_equal(a.values, b.values, 200 * sizeof(float));
    csr_deinit(&a);
    csr_deinit(&b);
    csr_deinit(&c);
}

/* Pearson's statistic of equally likely counts drawn without replacement has `variance` times the usual spread. As a
 * normal deviate (Wilson and Hilferty 1931); 4 is once in 30000. */
static double chi_deviate(const unsigned *counts, size_t cells, double expected, double variance)
{
    double chi = 0, freedom = (double)cells - 1;

    for (size_t i = 0; i < cells; i++)
        chi += (counts[i] - expected) * (counts[i] - expected) / expected;
    chi /= variance;
    return (cbrt(chi / freedom) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom));
}

static void assert_uniform(uint32_t rows, uint32_t columns, uint64_t count, int seeds)
{
    cleanup_free unsigned *by_row = calloc(rows, sizeof *by_row), *by_column = calloc(columns, sizeof *by_column);
    cleanup_free unsigned *by_cell = calloc((size_t)rows * columns, sizeof *by_cell);
    double total = (double)count * seeds, positions = (double)rows * columns, density = (double)count / positions;

    assert_true(by_row && by_column && by_cell);
    for (int seed = 0; seed < seeds; seed++) {
        struct csr matrix = sample(rows, columns, count, (uint64_t)seed, 0);

        for (uint32_t row = 0; row < rows; row++) {
            for (uint64_t k = matrix.starts[row]; k < matrix.starts[row + 1]; k++) {
                by_row[row]++;
                by_column[csr_column(&matrix, k)]++;
                by_cell[(size_t)row * columns + csr_column(&matrix, k)]++;
            }
        }
        csr_deinit(&matrix);
    }
    /* Without replacement: every sample's variance shrinks by the absent share, with the usual N / (N - 1). */
    density = (1 - density) * positions / (positions - 1);
    assert_true(fabs(chi_deviate(by_row, rows, total / rows, density)) < 4);
    assert_true(fabs(chi_deviate(by_column, columns, total / columns, density)) < 4);
    assert_true(fabs(chi_deviate(by_cell, (size_t)rows * columns, total / positions, density)) < 4);
}

static void test_connections_are_uniform(void **state)
{
    (void)state;
    assert_uniform(20, 30, 30, 2000); /* sorted */
    assert_uniform(20, 30, 200, 500); /* by bits */
    assert_uniform(20, 30, 480, 500); /* the complement */
    assert_uniform(2, 70000, 9000, 60);
}

/* Mean 0, variance gain / fan-in, within the bounds, flat over ten bins, never zero. */
static void test_weights_are_uniform_in_their_bounds(void **state)
{
    struct csr matrix = sample(200, 1000, 100000, 3, 0);
    unsigned bins[10] = { 0 };
    double sum = 0, squares = 0;

    (void)state;
    sample_weights(&matrix, 2, 3, 0);
    for (uint32_t row = 0; row < matrix.rows; row++) {
        double fan_in = (double)(matrix.starts[row + 1] - matrix.starts[row]), bound = sqrt(3 * 2 / fan_in);

        for (uint64_t k = matrix.starts[row]; k < matrix.starts[row + 1]; k++) {
            double scaled = matrix.values[k] / bound;

            assert_true(matrix.values[k] != 0 && fabs(scaled) <= 1 + 1e-6);
            bins[MIN((int)((scaled + 1) * 5), 9)]++;
            sum += matrix.values[k] * sqrt(fan_in);
            squares += (double)matrix.values[k] * matrix.values[k] * fan_in;
        }
    }
    assert_true(fabs(sum / 100000) < 4 * sqrt(2 / 100000.));
    assert_true(fabs(squares / 100000 - 2) < 4 * 2 * sqrt(.8 / 100000));
    assert_true(fabs(chi_deviate(bins, 10, 10000, 1)) < 4);
    csr_deinit(&matrix);
}

/* A weight's random number is its place's: the same whatever the rows before hold. */
static void test_weight_depends_on_place_and_fan_in_only(void **state)
{
    struct csr one, other;

    (void)state;
    assert_int_equal(csr_alloc(&one, 3, 9, 9), 0);
    assert_int_equal(csr_alloc(&other, 3, 9, 9), 0);
    memcpy(one.starts, (uint64_t[]){ 0, 3, 3, 9 }, 4 * sizeof(uint64_t));
    memcpy(other.starts, (uint64_t[]){ 0, 1, 3, 9 }, 4 * sizeof(uint64_t));
    sample_weights(&one, 1, 8, 1);
    sample_weights(&other, 1, 8, 1);
    assert_memory_equal(one.values + 3, other.values + 3, 6 * sizeof(float));
    assert_true(fabsf(other.values[0] / one.values[0] - sqrtf(3)) < 1e-6f);
    csr_deinit(&one);
    csr_deinit(&other);
}

static void test_refusals(void **state)
{
    struct csr matrix = CSR_NULL;
    struct reason why;

    (void)state;
    assert_int_equal(sample_connections(3, 4, 13, 0, 0, &matrix, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "13 connections do not fit"));
    assert_int_equal(sample_connections(0, 4, 1, 0, 0, &matrix, &why), WISP_E_INVALID);
    assert_null(matrix.starts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_the_definition),
        cmocka_unit_test(test_sorting_and_bits_agree_at_size),
        cmocka_unit_test(test_any_number_of_threads),
        cmocka_unit_test(test_huge_matrices),
        cmocka_unit_test(test_golden_bits),
        cmocka_unit_test(test_seed_and_layer_matter),
        cmocka_unit_test(test_connections_are_uniform),
        cmocka_unit_test(test_weights_are_uniform_in_their_bounds),
        cmocka_unit_test(test_weight_depends_on_place_and_fan_in_only),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
