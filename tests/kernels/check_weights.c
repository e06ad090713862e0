/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights as layers run them: whatever format the clock chooses, the bits are those of the contract, for any batch,
 * number of parts and blocks; and memory is in proportion to the connections.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "kernels/matrices.h"
#include "kernels/operands.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/formats/dense16.h"
#include "sparse/kernels/weights.h"
#include "support/test.h"

/* In so many blocks of rows, or, of weights that are whole, in three parts. */
static void check_weights(const struct weights *weights, uint32_t blocks, const struct csr *w, struct rng *rng,
                          const char *table)
{
    for (size_t i = 0; i < ARRAY_SIZE(batches); i++) {
        const size_t n = batches[i];
        float *x = calloc(w->columns * n, sizeof *x), *y = calloc(w->rows * n, sizeof *y);
        float *expected = calloc(w->rows * n, sizeof *expected), *bias = calloc(w->rows, sizeof *bias);
        const struct product p = { .bias = bias, .x = x, .y = y, .n = n };

        fill(rng, x, w->columns * n, false);
        fill(rng, bias, w->rows, false);
        expect_spmm(w, bias, x, expected, n);
        for (unsigned part = 0; part < 3 && !blocks; part++)
            weights_run(weights, &p, part, 3);
        for (uint32_t b = 0; b < blocks; b++)
            weights_run_block(weights, b, &p);
        assert_same(expected, y, w->rows * n, weights_format(weights, n), table);
        free(x);
        free(y);
        free(bias);
        free(expected);
    }
}

/* In seven blocks they are the same, in the same formats. Those that serve do without the matrix: who loads a model
 * moves it, or gives it back. */
static void check_split(struct weights *weights, const struct csr *w, bool serve, struct rng *rng, const char *table)
{
    const char *before = weights_format(weights, 1);
    struct csr moved;

    assert_int_equal(csr_copy(w, &moved), 0);
    assert_int_equal(weights_split(weights, &moved, 7), 0);
    assert_string_equal(weights_format(weights, 1), before);
    assert_int_equal(weights_borrow_csr(weights), !serve);
    if (serve) {
        memset(moved.starts, 0xff, (w->rows + 1) * sizeof *w->starts);
        memset(moved.index.narrow, 0xff, w->count * csr_index_bytes(w->columns));
        memset(moved.values, 0xff, w->count * sizeof *w->values);
        if (moved.scales)
            memset(moved.scales, 0xff, w->rows * sizeof *w->scales);
    }
    check_weights(weights, 7, w, rng, table);
    csr_deinit(&moved);
}

/* Which number of samples goes with which of the formats that have an entry for every column. */
static void test_who_may_be_dense(void **state)
{
    const struct kernels *kernels = kernels_find("scalar");
    unsigned dense16, dense8;

    (void)state;
    assert_true(weight_format_find("dense16", &dense16));
    assert_true(weight_format_find("dense8", &dense8));
    for (unsigned percent = 20; percent <= 100; percent += 20) {
        struct csr w = matrix(&(struct rng){ 0 }, 300, 400, percent);

        for (unsigned c = 0; c < BATCH_CLASSES; c++) {
            const unsigned least = c == 0 ? 125 : c < batch_class_of(8) ? 450 : 650; /* of a thousand */

            assert_int_equal(weight_format_can(kernels, dense16, &w, c),
                             c < batch_class_of(16) && w.count * 1000 >= (uint64_t)w.rows * w.columns * least);
            if (c < batch_class_of(16))
                assert_false(weight_format_can(kernels, dense8, &w, c));
        }
        csr_deinit(&w);
    }
}

/* One row that is far longer than its neighbours would make all that run beside it as long. */
static void test_filling_up_is_bounded(void **state)
{
    enum { ROWS = 8 * 128, COLUMNS = 8000 };
    const struct kernels *kernels = kernels_find("scalar");
    struct csr w;
    unsigned number;

    (void)state;
    assert_true(weight_format_find("block8", &number));
    assert_int_equal(csr_alloc(&w, ROWS, COLUMNS, COLUMNS + ROWS - 1), 0);
    w.starts[1] = COLUMNS;
    for (uint32_t k = 0; k < w.count; k++)
        w.index.narrow[k] = (uint16_t)(k < COLUMNS ? k : k - COLUMNS);
    for (uint32_t r = 1; r < ROWS; r++)
        w.starts[r + 1] = w.starts[r] + 1;
    assert_false(weight_format_can(kernels, number, &w, batch_class_of(8)));
    csr_deinit(&w);
    w = matrix(&(struct rng){ 0 }, 300, 400, 20);
    assert_true(weight_format_can(kernels, number, &w, batch_class_of(8)));
    assert_false(weight_format_can(kernels, number, &w, batch_class_of(1)));
    csr_deinit(&w);
}

/* Rows that have no columns in common take a step for each connection, which sixty-four lanes wait for. */
static void test_what_takes_too_much_is_not_chosen(void **state)
{
    enum { ROWS = 64, EACH = 10 };
    const struct kernels *kernels = kernels_find("scalar");
    struct weights *weights;
    struct packed *packed;
    struct csr w;
    unsigned number;

    (void)state;
    assert_int_equal(csr_alloc(&w, ROWS, ROWS * EACH * 4, ROWS * EACH), 0);
    for (uint32_t r = 0; r < ROWS; r++) {
        w.starts[r + 1] = (r + 1) * EACH;
        for (uint32_t i = 0; i < EACH; i++)
            w.index.narrow[r * EACH + i] = (uint16_t)((r * EACH + i) * 4);
    }
    assert_true(weight_format_find("window32", &number));
    assert_true(weight_format_can(kernels, number, &w, 0));
    assert_int_equal(packed_new(&w, number, &packed), 0);
    assert_true(packed->memory > w.count * 100);
    packed_free(packed);
    assert_int_equal(weights_new(kernels, &w, &(struct weights_use){ 1, 4, RESIDENCE_PRIVATE, NULL }, &weights), 0);
    assert_true(weights_memory(weights) < 65536 + w.count * FORMAT_BYTES);
    assert_string_not_equal(weights_format(weights, 1), "window32");
    weights_free(weights);
    csr_deinit(&w);
}

/* Whatever the clock says: the same bits for any batch and number of parts, and memory in proportion; of values of any
 * type, wherever they stand. */
static void test_weights_of_any_choice(void **state)
{
    const struct kernels *kernels;
    struct rng rng = rng_make(13, 0);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (unsigned percent = 2; percent <= 100; percent += 14) {
            struct csr w = matrix(&rng, 70, 300, percent);
            struct weights_use use = { .columns_min = 1, .columns_max = 129 };
            struct weights *chosen, *borrowed;

            assert_int_equal(csr_round(&w, percent / 14 % VALUE_TYPES), 0);
            use.residence = percent / 14 % RESIDENCES;
            assert_int_equal(weights_new(kernels, &w, &use, &chosen), 0);
            assert_int_equal(weights_borrow(kernels, &w, &borrowed), 0);
            check_weights(chosen, 0, &w, &rng, kernels->name);
            check_weights(borrowed, 0, &w, &rng, kernels->name);
            assert_true(weights_borrow_csr(borrowed));
            assert_string_equal(weights_format(borrowed, 1), "csr");
            if ((double)w.count < DENSE16_DENSITY_MIN * w.rows * w.columns)
                assert_string_not_equal(weights_format(chosen, 1), "dense16");
            assert_true(weights_memory(chosen) < 4096 + w.count * 64);
            check_split(chosen, &w, true, &rng, kernels->name);
            check_split(borrowed, &w, false, &rng, kernels->name);
            assert_true(weights_memory(chosen) < 16384 + w.count * 80);
            weights_free(chosen);
            weights_free(borrowed);
            csr_deinit(&w);
        }
    }
}

/* An eighth of the rows has nearly all connections, in the middle. */
static struct csr skewed(uint32_t rows, uint32_t columns)
{
    uint64_t count = 0;
    struct csr w;

    for (int fill = 0; fill < 2; fill++) {
        if (fill)
            assert_int_equal(csr_alloc(&w, rows, columns, count), 0);
        count = 0;
        for (uint32_t r = 0; r < rows; r++) {
            const uint32_t step = r / (rows / 8) == 4 ? 2 : r % 5 ? columns / 3 : columns;

            for (uint32_t c = r % 5; c < columns; c += step, count++) {
                if (fill)
                    csr_set_column(&w, count, c);
                if (fill)
                    w.values[count] = 1 + (float)(count % 7);
            }
            if (fill)
                w.starts[r + 1] = count;
        }
    }
    return w;
}

/* Parts follow each other, from the first unit to the last, and none has more than its share and what goes together. */
static void check_share(const struct packed *packed, unsigned parts)
{
    const uint64_t all = packed_work(packed, packed->units);
    uint32_t next = 0, begin, end;
    uint64_t most = 0;

    for (uint32_t u = 0; u < packed->units; u += packed->grain) {
        end = MIN(u + packed->grain, packed->units);
        most = MAX(most, packed_work(packed, end) - packed_work(packed, u));
    }
    for (unsigned part = 0; part < parts; part++, next = end) {
        packed_share(packed, part, parts, &begin, &end);
        assert_int_equal(begin, next);
        assert_true(end >= begin);
        assert_true(packed_work(packed, end) - packed_work(packed, begin) <= all / parts + most);
    }
    assert_int_equal(next, packed->units);
}

/* Of the matrix as it is, by its connections, wherever it has moved to: half of the rows would be nearly all of them.
 */
static void check_connections(const struct packed *packed, struct csr *w)
{
    const size_t bytes = ((size_t)w->rows + 1) * sizeof *w->starts;
    uint64_t *moved = memcpy(malloc(bytes), w->starts, bytes);
    uint32_t begin, end;

    memset(w->starts, 0xff, bytes);
    free(w->starts);
    w->starts = moved;
    packed_share(packed, 0, 2, &begin, &end);
    assert_true(w->starts[end] >= w->count * 4 / 10);
    assert_true(w->starts[end] <= w->count * 6 / 10);
    assert_true(w->starts[w->rows / 2] <= w->count / 10);
}

static void test_parts_have_equal_work(void **state)
{
    struct csr w = skewed(1600, 700);
    bool seen = false;

    (void)state;
    for (unsigned f = 0; weight_format_at(f); f++) {
        struct packed *packed;

        if (!weight_format_at(f)->can(&w, 0) && !weight_format_at(f)->can(&w, 3))
            continue;
        assert_int_equal(packed_new(&w, f, &packed), 0);
        for (unsigned parts = 1; parts < 40; parts += 3)
            check_share(packed, parts);
        if (weight_format_at(f)->borrows)
            check_connections(packed, &w);
        seen |= packed->work && !weight_format_at(f)->borrows;
        packed_free(packed);
    }
    assert_true(seen);
    csr_deinit(&w);
}

/* Whatever the bounds are: each format in so many parts. */
static void test_bits_of_unequal_rows(void **state)
{
    enum { COLUMNS = 17 };
    const struct kernels *kernels;
    struct csr w = skewed(400, 300);
    struct rng rng = rng_make(19, 0);
    float *x = calloc(w.columns * COLUMNS, sizeof *x), *y = calloc(w.rows * COLUMNS, sizeof *y);
    float *expected = calloc(w.rows * COLUMNS, sizeof *expected);

    (void)state;
    fill(&rng, x, w.columns * COLUMNS, false);
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (unsigned f = 0; weight_format_at(f); f++) {
            struct product p = { .x = x, .y = y, .n = weight_format_at(f)->can(&w, 0) ? 1 : COLUMNS };
            struct packed *packed;

            if (!weight_format_can(kernels, f, &w, batch_class_of(p.n)))
                continue;
            assert_int_equal(packed_new(&w, f, &packed), 0);
            expect_spmm(&w, NULL, x, expected, p.n);
            for (unsigned parts = 1; parts < 9; parts++) {
                memset(y, 0xff, w.rows * p.n * sizeof *y);
                for (unsigned part = 0; part < parts; part++) {
                    uint32_t begin, end;

                    packed_share(packed, part, parts, &begin, &end);
                    kernels->run[f](packed, &p, begin, end);
                }
                assert_same(expected, y, w.rows * p.n, packed->format->name, kernels->name);
            }
            packed_free(packed);
        }
    }
    free(x);
    free(y);
    free(expected);
    csr_deinit(&w);
}

/* Without the clock: each density has the format that is the fastest there by far, the bits are the same, and what
 * takes too much memory is not chosen. */
static void test_estimated_choice(void **state)
{
    static const struct {
        unsigned percent;
        size_t n;
        const char *format;
        enum value_type type;
    } cases[] = { { 50, 1, "window32", VALUE_FLOAT32 },  { 100, 64, "dense8", VALUE_FLOAT32 },
                  { 90, 4, "dense16", VALUE_FLOAT32 },   { 20, 16, "block8", VALUE_FLOAT32 },
                  { 50, 64, "block8", VALUE_BF16 },      { 50, 1, "window32_bf16", VALUE_BF16 },
                  { 50, 1, "window32_int8", VALUE_INT8 } };
    struct choice_cache *cache;
    struct rng rng = rng_make(14, 0);

    (void)state;
    assert_int_equal(choice_cache_open(NULL, &cache), 0);
    choice_cache_set_patience(cache, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct csr w = matrix(&rng, 256, 300, cases[i].percent);
        struct choice known = { .last = batch_class_of(64) };
        struct weights *weights;

        assert_int_equal(csr_round(&w, cases[i].type), 0);
        assert_int_equal(
            weights_new(kernels_at(0), &w, &(struct weights_use){ 1, 64, RESIDENCE_PRIVATE, cache }, &weights), 0);
        assert_string_equal(weights_format(weights, cases[i].n), cases[i].format);
        assert_false(choice_cache_find(cache, kernels_at(0), &w, &known)); /* to be measured another time */
        assert_true(weights_memory(weights) < 4096 + w.count * FORMAT_BYTES);
        check_weights(weights, 0, &w, &rng, kernels_at(0)->name);
        weights_free(weights);
        csr_deinit(&w);
    }
    choice_cache_free(cache);
}

/* What comes from memory costs by the byte: of a hundredth of the connections, what fills windows up is three quarters.
 */
static void test_choice_by_residence(void **state)
{
    struct weights_use use = { .columns_min = 1, .columns_max = 1 };
    size_t memory[RESIDENCES];
    struct csr w;

    (void)state;
    assert_int_equal(csr_alloc(&w, 1000, 1000, 10000), 0);
    for (uint32_t i = 0; i < w.count; i++) {
        w.index.narrow[i] = (uint16_t)(i % 10 * 100 + i / 10 * 37 % 100);
        w.starts[i / 10 + 1] = i + 1;
    }
    assert_int_equal(choice_cache_open(NULL, &use.cache), 0);
    choice_cache_set_patience(use.cache, 0);
    for (use.residence = 0; use.residence < RESIDENCES; use.residence++) {
        struct weights *weights;

        assert_int_equal(weights_new(kernels_at(0), &w, &use, &weights), 0);
        memory[use.residence] = weights_memory(weights);
        weights_free(weights);
    }
    assert_int_equal(memory[RESIDENCE_SHARED], memory[RESIDENCE_PRIVATE]);
    assert_true(memory[RESIDENCE_MEMORY] < memory[RESIDENCE_PRIVATE]);
    choice_cache_free(use.cache);
    csr_deinit(&w);
}

static unsigned runs;

/* A kernel that takes a millisecond at least. */
static void run_slowly(const struct packed *packed, const struct product *product, uint32_t begin, uint32_t end)
{
    const uint64_t from = clock_ns();

    (void)packed, (void)product, (void)begin, (void)end;
    runs++;
    while (clock_ns() - from < NS_PER_MS)
        ;
}

/* However many shapes a model has: no more runs than its patience has milliseconds, but for the round that it ran out
 * in. */
static void test_patience_of_a_model(void **state)
{
    enum { PATIENCE_MS = 40, SHAPES = 60, ROUND = 2 * WEIGHT_FORMATS_MAX };
    struct weights_use use = { .columns_min = 1, .columns_max = 1 };
    struct kernels slow = *kernels_at(0);
    struct rng rng = rng_make(17, 0);

    (void)state;
    for (unsigned f = 0; weight_format_at(f); f++)
        slow.run[f] = run_slowly;
    runs = 0;
    assert_int_equal(choice_cache_open(NULL, &use.cache), 0);
    choice_cache_set_patience(use.cache, (uint64_t)PATIENCE_MS * NS_PER_MS);
    for (uint32_t i = 0; i < SHAPES; i++) {
        struct csr w = matrix(&rng, 400 + i, 520, 60);
        struct weights *weights;

        assert_int_equal(weights_new(&slow, &w, &use, &weights), 0);
        weights_free(weights);
        csr_deinit(&w);
    }
    assert_true(runs > 0);
    assert_true(runs <= PATIENCE_MS + ROUND);
    choice_cache_free(use.cache);
}

/* A block of rows has their scales, of which each row has its own. */
static void test_blocks_of_int8(void **state)
{
    const struct kernels *kernels;
    struct choice_cache *cache;
    struct rng rng = rng_make(15, 0);

    (void)state;
    assert_int_equal(choice_cache_open(NULL, &cache), 0);
    choice_cache_set_patience(cache, 0); /* by no clock, for that may find the format with floats the faster one */
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        struct csr w = matrix(&rng, 70, 300, 50);
        struct weights *weights;

        assert_int_equal(csr_round(&w, VALUE_INT8), 0);
        assert_int_equal(weights_new(kernels, &w, &(struct weights_use){ 1, 129, RESIDENCE_PRIVATE, cache }, &weights),
                         0);
        assert_string_equal(weights_format(weights, 1), "window32_int8");
        check_split(weights, &w, true, &rng, kernels->name);
        weights_free(weights);
        csr_deinit(&w);
    }
    choice_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_be_dense),
        cmocka_unit_test(test_filling_up_is_bounded),
        cmocka_unit_test(test_what_takes_too_much_is_not_chosen),
        cmocka_unit_test(test_estimated_choice),
        cmocka_unit_test(test_choice_by_residence),
        cmocka_unit_test(test_patience_of_a_model),
        cmocka_unit_test(test_blocks_of_int8),
        cmocka_unit_test(test_weights_of_any_choice),
        cmocka_unit_test(test_parts_have_equal_work),
        cmocka_unit_test(test_bits_of_unequal_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
