/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences at as many positions as they need: what a pass gives there is what it gives at all of them, to the bit, and
 * so are the gradients, but for the order of their sums; and models whose positions meet have all of them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "sparse/passes/lengths.h"
#include "support/test.h"
#include "support/translator.h"
#include "unit/sparse/passes/training.h"

enum { SOURCE = 40, TARGET = 24, BATCH = 5, WORDS = 30, LONG_SOURCE = 19, LONG_TARGET = 7 };

static const struct translator masked = { .kind = "attention",
                                          .source = SOURCE,
                                          .positions = TARGET,
                                          .vocabulary = WORDS,
                                          .width = 16,
                                          .begin = 2,
                                          .masked = true,
                                          .seed = 5 };

/* Sequences of which the longest have so many words; the others are shorter. */
static void fill(struct forward *forward, uint32_t input, uint32_t positions, uint32_t longest)
{
    struct rng rng = rng_make(8, input);
    float *words = forward_input(forward, input);

    memset(words, 0, positions * BATCH * sizeof *words);
    for (uint32_t b = 0; b < BATCH; b++) {
        for (uint32_t i = 0; i + b < longest; i++)
            words[i * BATCH + b] = (float)(1 + rng_below(&rng, WORDS - 1));
    }
}

/* Forward, and back from a gradient that is 0 behind the first positions. */
static void run(struct training *t, const struct model *model, uint32_t positions)
{
    const uint32_t output = model->signature.outputs[0].value;
    float *gradient = backward_gradient(t->backward, output);

    fill(t->forward, 0, SOURCE, LONG_SOURCE);
    fill(t->forward, 1, TARGET, LONG_TARGET);
    forward_run(t->forward, LAYER_TRAIN, forward_input(t->forward, 0), BATCH);
    for (uint32_t w = 0; w < WORDS; w++) {
        for (uint32_t i = 0; i < positions * BATCH; i++)
            gradient[w * positions * BATCH + i] = i < LONG_TARGET * BATCH ? (float)((w * 7 + i * 3) % 11) - 5 : 0;
    }
    backward_run(t->backward, output, t->gradient);
}

static void compare_outputs(const struct training *all, const struct training *few, const struct model *model)
{
    const float *a = forward_value(all->forward, model->signature.outputs[0].value);
    const float *b = forward_value(few->forward, model->signature.outputs[0].value);

    for (uint32_t w = 0; w < WORDS; w++)
        assert_memory_equal(a + w * TARGET * BATCH, b + w * LONG_TARGET * BATCH, LONG_TARGET * BATCH * sizeof *a);
}

static void compare_gradients(const struct training *all, const struct training *few)
{
    double largest = 0;

    for (uint64_t i = 0; i < all->parameters.length; i++)
        largest = fmax(largest, fabs((double)all->gradient[i]));
    assert_true(largest > 1);
    for (uint64_t i = 0; i < all->parameters.length; i++) {
        if (!(fabs((double)all->gradient[i] - (double)few->gradient[i]) < 1e-5 * largest))
            fail_msg("the gradient of parameter %llu is %g, and must be %g", (unsigned long long)i,
                     (double)few->gradient[i], (double)all->gradient[i]);
    }
}

static void test_few_positions_give_what_all_do(void **state)
{
    const uint32_t lengths[] = { LONG_SOURCE, LONG_TARGET };
    struct model *model = translator_model(&masked);
    const struct forward_setup setup = { .model = model, .kernels = kernels_find("auto"), .batch = BATCH };
    struct training all, few;

    (void)state;
    training_make(&all, &setup);
    training_make(&few, &setup);
    assert_true(forward_has_lengths(few.forward));
    run(&all, model, TARGET);
    for (uint32_t i = 0; i < few.parameters.run_count; i++) { /* what is not overwritten is no number */
        for (uint64_t k = 0; k < few.parameters.runs[i].count; k++)
            few.gradient[few.parameters.runs[i].begin + k] = NAN;
    }
    forward_set_lengths(few.forward, lengths);
    run(&few, model, LONG_TARGET);
    compare_outputs(&all, &few, model);
    compare_gradients(&all, &few);
    forward_set_lengths(few.forward, NULL);
    run(&few, model, TARGET);
    assert_memory_equal(few.gradient, all.gradient, all.parameters.length * sizeof *all.gradient);
    training_free(&all);
    training_free(&few);
    model_free(model);
}

static bool has_lengths(struct translator t)
{
    struct model *model = translator_model(&t);
    uint32_t along[256];
    const bool has = lengths_find(model, along);

    model_free(model);
    return has;
}

static void test_positions_that_meet_are_all_there(void **state)
{
    struct translator open = masked, recurrent = masked;

    (void)state;
    open.masked = false;
    recurrent.kind = "gru"; /* of which one reads the last of all positions */
    assert_true(has_lengths(masked));
    assert_false(has_lengths(open));
    assert_false(has_lengths(recurrent));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_positions_give_what_all_do),
        cmocka_unit_test(test_positions_that_meet_are_all_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
