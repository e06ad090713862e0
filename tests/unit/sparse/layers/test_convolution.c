/* SPDX-License-Identifier: Apache-2.0
 *
 * The three products of a convolution and its transpose, over random shapes, strides, paddings, groups and batches, on
 * every table, and cut into parts: gather and spread against one chain of fmaf() an output, to the bit; dots against
 * double precision, and to the bit against themselves. Scratch is as small as it says it may be, and full of NaN.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "convolution_trial.h"
#include "kernels/operands.h"
#include "sparse/kernels/tiles.h"
#include "sparse/layers/convolution/convolution.h"

/* ---- runs ---- */

static void *scratch_of(const struct convolution *c, enum convolution_product product, bool add)
{
    uint64_t bytes;
    float *scratch;

    assert_true(convolution_scratch(c, product, add, &bytes));
    scratch = aligned_alloc(CACHE_LINE, bytes);
    assert_non_null(scratch);
    memset(scratch, 0xff, bytes);
    return scratch;
}

static void run_product(struct convolution c, const struct trial *t, bool spread, bool add, float *out)
{
    for (c.part = 0; c.part < c.parts; c.part++) {
        void *scratch = scratch_of(&c, spread ? CONVOLUTION_SPREAD : CONVOLUTION_GATHER, add);

        if (spread)
            convolution_spread(&c, t->positions, out, add, scratch);
        else
            convolution_gather(&c, t->picture, out, add, scratch);
        free(scratch);
    }
}

static void check_product(struct trial *t, bool spread, bool add, bool bias)
{
    const size_t count = spread ? t->pictures : t->all_positions;
    float *before = spread ? t->picture : t->positions, *found = memory_alloc(count, sizeof *found);
    float *wanted = chains_of(t, spread, bias ? t->bias : NULL, add ? before : NULL);
    const struct kernels *kernels;

    assert_non_null(found);
    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        for (unsigned parts = 1; parts <= 5; parts += 2) {
            struct convolution c = t->c;

            c.kernels = kernels;
            c.weight = &t->weight;
            c.bias = bias ? t->bias : NULL;
            c.parts = parts;
            memcpy(found, before, count * sizeof *found);
            run_product(c, t, spread, add, found);
            assert_memory_equal(found, wanted, count * sizeof *found);
        }
    }
    free(wanted);
    free(found);
}

static void test_chains(void **state)
{
    static const size_t batches[] = { 1, 2, 7, 32, 600 };
    struct rng rng = rng_make(7, 7);

    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        struct trial t = make_trial(&rng, i, batches[i % ARRAY_SIZE(batches)]);

        check_product(&t, false, i % 3 == 0, i % 4 != 0);
        check_product(&t, true, i % 3 == 1, i % 4 != 0);
        free_trial(&t);
    }
}

/* ---- tiles ---- */

/* A way to run a convolution without views; `tiles` is of those that have some. */
struct way {
    const char *name;
    bool (*scratch)(const struct convolution *c, uint64_t *bytes);
    void (*run)(const struct convolution *c, const struct tiles *tiles, const float *picture, float *found,
                void *scratch);
};

/* Operands end where nothing may be read. */
static void check_way(const struct trial *t, const struct way *way, const struct kernels *kernels,
                      const struct tiles *tiles, const float *wanted)
{
    struct guarded picture = guarded_new(t->pictures), found = guarded_new(t->all_positions), scratch;

    memcpy(picture.data, t->picture, t->pictures * sizeof *picture.data);
    for (unsigned parts = 1; parts <= 5; parts += 2) {
        struct convolution c = t->c;
        uint64_t bytes;

        c.kernels = kernels;
        c.weight = &t->weight;
        c.bias = t->bias;
        c.parts = parts;
        assert_true(way->scratch(&c, &bytes));
        scratch = guarded_new(bytes / sizeof(float));
        memset(scratch.data, 0xff, bytes);
        memset(found.data, 0xff, t->all_positions * sizeof *found.data);
        for (c.part = 0; c.part < parts; c.part++)
            way->run(&c, tiles, picture.data, found.data, scratch.data);
        assert_same(wanted, found.data, t->all_positions, way->name, kernels->name);
        guarded_free(&scratch);
    }
    guarded_free(&picture);
    guarded_free(&found);
}

/* Tiles of any width give what views do, be they faster or not; of NaN and infinities too. */
static void test_tiles(void **state)
{
    static const struct way by_tiles = { "convolution_tile", convolution_tile_scratch, convolution_tile };
    static const size_t batches[] = { 1, 2, 7, 16, 4, 8, 150 };
    struct rng rng = rng_make(10, 10);

    (void)state;
    for (uint32_t i = 0, done = 0; done < 60; i++) {
        struct trial t = make_trial(&rng, i, batches[i % ARRAY_SIZE(batches)]);
        const uint32_t taps = (uint32_t)window_taps(&t.c.window);
        const struct kernels *kernels;
        struct tiles *tiles;
        float *wanted;

        if (t.c.transposed || t.c.groups > 1) {
            free_trial(&t);
            continue;
        }
        t.c.weight = &t.weight;
        if (i % 2)
            fill(&rng, t.picture, t.pictures, true);
        wanted = chains_of(&t, false, t.bias, NULL);
        t.c.full = i % 3 == 0;
        assert_int_equal(tiles_new(&t.weight, taps, 1 + below(&rng, TILE_VECTORS_MAX), i % 3 < 2, &tiles), 0);
        for (size_t k = 0; (kernels = kernels_at(k)); k++)
            check_way(&t, &by_tiles, kernels, tiles, wanted);
        done++;
        tiles_free(tiles);
        free(wanted);
        free_trial(&t);
    }
}

/* ---- tiles of vectors ---- */

typedef bool can_function(const struct convolution *c);
typedef struct tile_window window_function(const struct convolution *c);

/* Of any batch that can be run so, be it faster or not; of NaN and infinities too. */
static void check_vectors(const struct way *way, can_function *can, window_function *window_of, const size_t *batches,
                          size_t count)
{
    struct rng rng = rng_make(12, 12);

    for (uint32_t i = 0, done = 0; done < 60; i++) {
        struct trial t = make_trial(&rng, i, batches[i % count]);
        const struct tile_window window = window_of(&t.c);
        const struct kernels *kernels;
        struct tiles *tiles;
        float *wanted;

        t.c.weight = &t.weight;
        if (!can(&t.c)) {
            free_trial(&t);
            continue;
        }
        if (i % 2)
            fill(&rng, t.picture, t.pictures, true);
        wanted = chains_of(&t, false, t.bias, NULL);
        t.c.full = i % 3 == 0;
        assert_int_equal(tiles_new_vectors(&t.weight, &window, i % 3 < 2, &tiles), 0);
        for (size_t k = 0; (kernels = kernels_at(k)); k++)
            check_way(&t, way, kernels, tiles, wanted);
        done++;
        tiles_free(tiles);
        free(wanted);
        free_trial(&t);
    }
}

static void test_samples(void **state)
{
    static const struct way by_samples = { "convolution_samples", convolution_samples_scratch, convolution_samples };
    static const size_t batches[] = { 1, 16, 7, 32, 28, 16, 150 };

    (void)state;
    check_vectors(&by_samples, convolution_can_samples, convolution_window, batches, ARRAY_SIZE(batches));
}

static void test_lines(void **state)
{
    static const struct way by_lines = { "convolution_lines", convolution_lines_scratch, convolution_lines };
    static const size_t batches[] = { 1, 2, 1, 7, 11, 8, 40, 4, 3, 1, 5, 6 };

    (void)state;
    check_vectors(&by_lines, convolution_can_lines, convolution_lines_window, batches, ARRAY_SIZE(batches));
}

/* ---- on the picture as it stands ---- */

static void run_direct(const struct convolution *c, const struct tiles *tiles, const float *picture, float *found,
                       void *scratch)
{
    (void)tiles;
    convolution_direct(c, picture, found, scratch);
}

/* Shapes that can be run so give what views do, be it faster or not; of NaN and infinities too. */
static void test_direct(void **state)
{
    static const struct way direct = { "convolution_direct", convolution_direct_scratch, run_direct };
    static const size_t batches[] = { 1, 2, 8, 16, 1, 7, 4, 8, 150, 3, 5, 6 };
    struct rng rng = rng_make(11, 11);
    uint32_t strided = 0, together = 0;

    (void)state;
    for (uint32_t i = 0, done = 0; done < 80; i++) {
        struct trial t = make_trial(&rng, i, batches[i % ARRAY_SIZE(batches)]);
        const struct kernels *kernels;
        float *wanted;

        if (!convolution_can_direct(&t.c)) {
            free_trial(&t);
            continue;
        }
        if (i % 2)
            fill(&rng, t.picture, t.pictures, true);
        wanted = chains_of(&t, false, t.bias, NULL);
        for (size_t k = 0; (kernels = kernels_at(k)); k++)
            check_way(&t, &direct, kernels, NULL, wanted);
        strided += t.c.window.stride == 2 && t.c.batch == 1;
        together += t.c.window.stride == 2 && t.c.batch > 1 && t.c.batch <= 8;
        done++;
        free(wanted);
        free_trial(&t);
    }
    assert_true(strided > 5 && together > 5);
}

/* ---- gradients ---- */

/* In double, and the sums of their terms' magnitudes. */
struct reference {
    double *sum, *size;
};

static void dot_step(const struct trial *t, uint64_t k, size_t element, size_t position, void *argument)
{
    const struct reference *r = argument;
    const double term = (double)t->picture[element] * (double)t->positions[position];

    r->sum[k] += term;
    r->size[k] += fabs(term);
}

static void check_dots(const struct trial *t, const float *found)
{
    struct reference r = { calloc(t->weight.count + 1, sizeof(double)), calloc(t->weight.count + 1, sizeof(double)) };

    assert_true(r.sum && r.size);
    each_use(t, dot_step, &r);
    for (uint64_t k = 0; k < t->weight.count; k++) {
        if (!(fabs((double)found[k] - r.sum[k]) <= 1e-5 * r.size[k] + 1e-12))
            fail_msg("gradient %llu is %.9g, and should be %.9g", (unsigned long long)k, (double)found[k], r.sum[k]);
    }
    free(r.sum);
    free(r.size);
}

static void run_dots(const struct trial *t, const struct kernels *kernels, unsigned parts, float *found)
{
    struct convolution c = t->c;

    c.kernels = kernels;
    c.weight = &t->weight;
    c.parts = parts;
    memset(found, 0xff, t->weight.count * sizeof *found);
    for (c.part = 0; c.part < parts; c.part++) {
        void *scratch = scratch_of(&c, CONVOLUTION_DOTS, false);

        convolution_dots(&c, t->picture, t->positions, found, scratch);
        free(scratch);
    }
}

static void test_dots(void **state)
{
    static const size_t batches[] = { 1, 3, 16, 33, 520 };
    struct rng rng = rng_make(8, 8);

    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        struct trial t = make_trial(&rng, i, batches[i % ARRAY_SIZE(batches)]);
        float *first = memory_alloc(t.weight.count, sizeof *first),
              *found = memory_alloc(t.weight.count, sizeof *found);
        const struct kernels *kernels;

        assert_true(first && found);
        run_dots(&t, kernels_find("scalar"), 1, first);
        check_dots(&t, first);
        for (size_t k = 0; (kernels = kernels_at(k)); k++) {
            for (unsigned parts = 1; parts <= 3; parts++) {
                run_dots(&t, kernels, parts, found);
                assert_memory_equal(found, first, t.weight.count * sizeof *found);
            }
        }
        free(first);
        free(found);
        free_trial(&t);
    }
}

/* What a smaller batch takes is within what the larger one was promised. */
static void test_scratch_is_enough_for_smaller_batches(void **state)
{
    struct rng rng = rng_make(9, 9);

    (void)state;
    for (uint32_t i = 0; i < 30; i++) {
        struct trial t = make_trial(&rng, i, 1);

        t.c.weight = &t.weight;
        for (unsigned product = CONVOLUTION_GATHER; product <= CONVOLUTION_DOTS; product++) {
            uint64_t least = 0;

            for (t.c.batch = 1; t.c.batch < 3000; t.c.batch += 1 + t.c.batch / 9) {
                uint64_t bytes;

                assert_true(convolution_scratch(&t.c, (enum convolution_product)product, i & 1, &bytes));
                assert_true(bytes >= least);
                least = bytes;
            }
        }
        free_trial(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_direct),
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_scratch_is_enough_for_smaller_batches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
