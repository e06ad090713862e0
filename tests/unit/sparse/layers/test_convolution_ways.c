/* SPDX-License-Identifier: Apache-2.0
 *
 * Which way a convolution goes, of those that it can: the bits are the same whatever is chosen, and what was measured
 * is known the next time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "convolution_trial.h"
#include "kernels/operands.h"
#include "support/test.h"

/* A choice at random, of what each class can. */
static struct way_choice any_choice(struct rng *rng, const struct convolution *c)
{
    struct way_choice choice = convolution_estimate(c);

    for (unsigned k = 0; k < WAY_CLASSES; k++) {
        struct convolution one = *c;

        one.batch = MIN(way_class_batch(k), c->batch);
        do {
            choice.first[k] = (enum convolution_way)below(rng, CONVOLUTION_WAYS);
        } while (!convolution_can(&one, choice.first[k]));
    }
    assert_true(convolution_can_choice(c, &choice));
    return choice;
}

/* Of so many samples, as a pass runs it, by the weights made for as many or more. */
static void check_serves(const struct trial *t, const struct weights *weights)
{
    struct guarded found = guarded_new(t->all_positions), scratch;
    float *wanted = chains_of(t, false, t->bias, NULL);
    uint64_t bytes;

    assert_true(convolution_serve_scratch(&t->c, &bytes));
    scratch = guarded_new(MAX(bytes / sizeof(float), 1)); /* direct products need none */
    memset(scratch.data, 0xff, bytes);
    convolution_serve(&t->c, weights, t->picture, found.data, scratch.data);
    assert_same(wanted, found.data, t->all_positions, convolution_kernel(&t->c, weights), t->c.kernels->name);
    guarded_free(&found);
    guarded_free(&scratch);
    free(wanted);
}

/* What is made for some batch serves all smaller ones, each some way that it can go, and says its name; whatever was
 * chosen, and whatever is reckoned. */
static void test_ways(void **state)
{
    struct rng rng = rng_make(13, 13);
    unsigned seen[CONVOLUTION_WAYS] = { 0 };

    (void)state;
    for (uint32_t i = 0; i < 400; i++) {
        const size_t most = 1 + below(&rng, 40);
        struct trial t = make_trial(&rng, i, most);
        struct weights *weights = NULL;
        struct way_choice choice;

        t.c.kernels = kernels_at(0);
        t.c.weight = &t.weight;
        t.c.parts = 1;
        t.c.bias = t.bias;
        if (convolution_is_product(&t.c) || t.c.transposed) {
            free_trial(&t);
            continue;
        }
        choice = convolution_estimate(&t.c);
        assert_true(convolution_can_choice(&t.c, &choice));
        if (i % 2)
            choice = any_choice(&rng, &t.c);
        assert_int_equal(convolution_weights(&t.c, &choice, &weights), 0);
        for (t.c.batch = 1; t.c.batch <= most; t.c.batch++) {
            const enum convolution_way way = convolution_way_with(&t.c, weights);

            assert_true(convolution_can(&t.c, way) && convolution_kernel(&t.c, weights)[0]);
            seen[way]++;
        }
        t.c.batch = most;
        check_serves(&t, weights);
        weights_free(weights);
        free_trial(&t);
    }
    for (int way = 0; way < CONVOLUTION_WAYS; way++)
        assert_true(way == WAY_PRODUCT || seen[way] > 0);
}

/* What was measured is known the next time, and only that: without patience ways are reckoned, and kept nowhere. What a
 * file says that cannot be is not taken. */
static void test_choices(void **state)
{
    struct rng rng = rng_make(14, 14);
    uint32_t measured = 0;

    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        struct trial t = make_trial(&rng, i, 1 + below(&rng, 40));
        struct way_choice estimate, first, again, wrong;
        struct choice_cache *cache, *none;

        t.c.kernels = kernels_at(0);
        t.c.weight = &t.weight;
        t.c.parts = 1;
        if (convolution_is_product(&t.c) || t.c.transposed) {
            free_trial(&t);
            continue;
        }
        estimate = convolution_estimate(&t.c);
        assert_int_equal(choice_cache_open(NULL, &none), 0);
        choice_cache_set_patience(none, 0);
        assert_int_equal(convolution_choose(&t.c, none, NULL, &first), 0);
        assert_memory_equal(&first, &estimate, sizeof first);
        assert_int_equal(choice_cache_open(NULL, &cache), 0);
        assert_int_equal(convolution_choose(&t.c, cache, NULL, &first), 0);
        assert_true(convolution_can_choice(&t.c, &first));
        measured += choice_cache_patience(cache) < choice_cache_patience(none) + CHOICE_PATIENCE_NS / 8;
        choice_cache_set_patience(cache, 0);
        assert_int_equal(convolution_choose(&t.c, cache, NULL, &again), 0);
        if (memcmp(&again, &first, sizeof again) != 0) /* there was nothing to choose */
            assert_memory_equal(&again, &estimate, sizeof again);
        for (unsigned k = 0; k < WAY_CLASSES; k++)
            wrong.first[k] = wrong.other[k] = WAY_PRODUCT;
        assert_false(convolution_can_choice(&t.c, &wrong));
        choice_cache_free(cache);
        choice_cache_free(none);
        free_trial(&t);
    }
    assert_true(measured > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_ways), cmocka_unit_test(test_choices) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
