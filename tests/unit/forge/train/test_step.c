/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of all parameters: how long the gradient is, what groups of samples add up to, and what the average of the
 * weights comes to.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forge/train/groups/groups.h"
#include "forge/train/topology/regrowth.h"
#include "sparse/layers/layer.h"
#include "support/test.h"
#include "trainer_fixture.h"

static void make(struct fixture *f)
{
    make_quadrants(f, 96);
    make_model(f, "64-200-48-4", 0.5, 5); /* more connections than a block of the norm has */
}

/* One step of plain gradient descent at rate 1: what the weights moved by is the gradient. Returns its length. */
static double step(double clip, float **moved, size_t *count)
{
    const struct recipe recipe = {
        .epochs = 1, .batch = 96, .seed = 1, .rate = 1, .clip = clip, .schedule = schedule_find("constant")
    };
    struct trainer_result result;
    struct parameters parameters;
    struct fixture f;
    double sum = 0;
    float *before;

    make(&f);
    assert_int_equal(parameters_map(f.model, &parameters), 0);
    assert_int_equal(model_gather_parameters(f.model, &parameters), 0);
    *count = parameters.length;
    before = parameters_array(&parameters);
    *moved = parameters_array(&parameters);
    memcpy(before, f.model->parameters, *count * sizeof *before);
    train(&f, &recipe, kernels_find("auto"), 2, &result);
    for (size_t i = 0; i < *count; i++) {
        (*moved)[i] = before[i] - f.model->parameters[i];
        sum += (double)(*moved)[i] * (double)(*moved)[i];
    }
    free(before);
    parameters_deinit(&parameters);
    drop(&f);
    return sqrt(sum);
}

static void test_a_long_gradient_is_scaled_down(void **state)
{
    float *whole, *clipped, *spared;
    size_t count;
    double norm = step(0, &whole, &count), half;

    (void)state;
    assert_true(norm > 0.1 && count > 4096);
    half = step(norm / 2, &clipped, &count);
    assert_true(fabs(half / norm - 0.5) < 1e-4);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)clipped[i] - 0.5 * (double)whole[i]) < 1e-6);
    step(norm * 1.01, &spared, &count);
    assert_memory_equal(spared, whole, count * sizeof *whole);
    free(whole);
    free(clipped);
    free(spared);
}

/* ---- groups of samples ---- */

/* The weights after one step on all `batch` samples, through a layer that drops: in groups, or as one. */
static float *weights_of_step(size_t batch, unsigned threads, bool whole, size_t *count)
{
    struct recipe recipe = {
        .epochs = 1, .batch = batch, .seed = 1, .rate = 1, .input_dropout = 0.2, .schedule = schedule_find("constant")
    };
    struct trainer_result result;
    struct parameters parameters;
    struct fixture f;
    struct reason why;
    float *weights;

    if (whole) /* exchanges that are never due, by gradients of one pass */
        assert_ok(regrowth_parse("rigl,every=1000", &recipe.regrowth, &why), why);
    make_quadrants(&f, batch);
    make_model(&f, "64-40-4", 0.5, 5);
    f.model->layers[1].kind = layer_kind_find("dropout");
    f.model->layers[1].parameters[0] = 0.4;
    train(&f, &recipe, kernels_find("auto"), threads, &result);
    assert_int_equal(parameters_map(f.model, &parameters), 0);
    *count = parameters.length;
    weights = parameters_array(&parameters);
    memcpy(weights, f.model->parameters, *count * sizeof *weights);
    parameters_deinit(&parameters);
    drop(&f);
    return weights;
}

/* The same bits for any number of threads, which are those of one group as far as rounding lets them. */
static void check_groups(size_t batch, bool parted)
{
    size_t count;
    float *whole = weights_of_step(batch, 2, true, &count), *one = weights_of_step(batch, 1, false, &count);

    assert_int_equal(parted, memcmp(whole, one, count * sizeof *one) != 0);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)whole[i] - (double)one[i]) < 1e-6);
    for (unsigned threads = 2; threads <= 4; threads++) {
        float *many = weights_of_step(batch, threads, false, &count);

        assert_memory_equal(many, one, count * sizeof *one);
        free(many);
    }
    free(whole);
    free(one);
}

/* Turns of two, three and four groups; what is left of them; and groups that are not full. */
static void test_groups_add_up(void **state)
{
    (void)state;
    check_groups(GROUP_SAMPLES, false);
    check_groups(GROUP_SAMPLES + 21, true);
    check_groups(5 * GROUP_SAMPLES - 7, true);
}

/* ---- averages ---- */

/* The parameters after a training; freed by the caller. */
static float *weights_after(const struct recipe *recipe, struct trainer_result *result, size_t *count)
{
    struct parameters parameters;
    struct fixture f;
    float *weights;

    make_quadrants(&f, 96);
    make_model(&f, "64-32-4", 0.5, 5);
    assert_int_equal(parameters_map(f.model, &parameters), 0);
    train(&f, recipe, kernels_find("auto"), 2, result);
    *count = parameters.length;
    weights = parameters_array(&parameters);
    memcpy(weights, f.model->parameters, *count * sizeof *weights);
    parameters_deinit(&parameters);
    drop(&f);
    return weights;
}

static const struct recipe plain = { .epochs = 4, .batch = 16, .seed = 1, .rate = 0.02, .momentum = 0.9 };

/* Each step's weights from a run that ends there, and the formula in double. */
static void check_ema(double validation, uint64_t epochs)
{
    struct trainer_result result, ignored;
    struct recipe recipe = plain;
    size_t count, last;
    float *averaged;
    double *expected;

    recipe.schedule = schedule_find("constant");
    recipe.validation = validation;
    recipe.epochs = epochs;
    recipe.average = (struct average){ AVERAGE_EMA, 0.7 };
    averaged = weights_after(&recipe, &result, &count);
    expected = calloc(count, sizeof *expected);
    recipe.average.kind = AVERAGE_NONE;
    last = epochs * (validation > 0 ? 5 : 6);
    for (recipe.steps = 1; recipe.steps <= last; recipe.steps++) {
        double n = (double)recipe.steps - 1, decay = fmin(0.7, n / (n + 9));
        float *weights = weights_after(&recipe, &ignored, &count);

        for (size_t i = 0; i < count; i++)
            expected[i] = decay * expected[i] + (1 - decay) * (double)weights[i];
        free(weights);
    }
    for (size_t i = 0; i < count; i++) {
        if (fabs(expected[i] - (double)averaged[i]) > 1e-6)
            fail_msg("parameter %zu is %g, expected %g", i, (double)averaged[i], expected[i]);
    }
    free(expected);
    free(averaged);
}

static void test_moving_average(void **state)
{
    (void)state;
    check_ema(0, 4);
    check_ema(0.2, 1);
}

/* Validation sees the average; the training goes on from the weights as they are. */
static void test_training_knows_nothing_of_the_average(void **state)
{
    struct trainer_result with, without;
    struct recipe recipe = plain;
    size_t count;

    (void)state;
    recipe.validation = 0.2;
    free(weights_after(&recipe, &without, &count));
    recipe.average = (struct average){ AVERAGE_EMA, 0.9 };
    free(weights_after(&recipe, &with, &count));
    assert_true(with.loss == without.loss && with.validation_loss != without.validation_loss);
}

static void test_mean_of_the_last_epochs(void **state)
{
    struct trainer_result result;
    struct recipe recipe = plain;
    float *mean, *after[2];
    size_t count;

    (void)state;
    recipe.schedule = schedule_find("constant");
    recipe.average = (struct average){ AVERAGE_LAST, 2 };
    mean = weights_after(&recipe, &result, &count);
    recipe.average.kind = AVERAGE_NONE;
    for (int i = 0; i < 2; i++) {
        recipe.epochs = 3 + (uint64_t)i;
        after[i] = weights_after(&recipe, &result, &count);
    }
    for (size_t i = 0; i < count; i++)
        assert_true(fabs(((double)after[0][i] + (double)after[1][i]) / 2 - (double)mean[i]) < 1e-6);
    recipe.average = (struct average){ AVERAGE_LAST, 1 };
    free(mean);
    mean = weights_after(&recipe, &result, &count);
    assert_memory_equal(mean, after[1], count * sizeof *mean);
    free(mean);
    free(after[0]);
    free(after[1]);
}

static void test_averages_have_names(void **state)
{
    static const char *const bad[] = {
        "", "ema", "ema=1", "ema=0", "ema=x", "last=0", "last=1.5", "mean=2", "last=-1"
    };
    struct average average = { AVERAGE_NONE, 0 };
    struct reason why;

    (void)state;
    assert_ok(average_parse("ema=0.99", &average, &why), why);
    assert_true(average.kind == AVERAGE_EMA && average.amount == 0.99);
    assert_ok(average_parse("last=3", &average, &why), why);
    assert_true(average.kind == AVERAGE_LAST && average.amount == 3);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(average_parse(bad[i], &average, &why), WISP_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_gradient_is_scaled_down),
        cmocka_unit_test(test_groups_add_up),
        cmocka_unit_test(test_moving_average),
        cmocka_unit_test(test_training_knows_nothing_of_the_average),
        cmocka_unit_test(test_mean_of_the_last_epochs),
        cmocka_unit_test(test_averages_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
