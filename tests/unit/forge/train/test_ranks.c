/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks that train together come to the same bits as each other, and to what one rank comes to with the same batches;
 * and their sums are sums, whatever their lengths. Run by mpirun; alone it is one rank.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "forge/ranks/ranks.h"
#include "support/test.h"
#include "trainer_fixture.h"
#include "unit/sparse/passes/set_layer.h"

static struct ranks *ranks;

/* Each rank's are its own, and known to all. */
static void fill(float *values, size_t count, unsigned rank)
{
    struct rng rng = rng_make(9, rank);

    for (size_t i = 0; i < count; i++)
        values[i] = rng_normal(&rng);
}

static void check_sum(size_t count)
{
    float *sum = malloc((count + 1) * sizeof *sum), *expected = malloc((count + 1) * sizeof *sum);
    float *more = malloc((count + 1) * sizeof *sum);

    fill(sum, count, ranks_rank(ranks));
    fill(expected, count, 0);
    sum[count] = 1234; /* what comes after stays */
    for (unsigned r = 1; r < ranks_count(ranks); r++) {
        fill(more, count, r);
        for (size_t i = 0; i < count; i++)
            expected[i] += more[i];
    }
    ranks_sum(ranks, sum, count);
    assert_memory_equal(sum, expected, count * sizeof *sum);
    assert_true(sum[count] == 1234);
    free(sum);
    free(expected);
    free(more);
}

static void test_sums_of_any_length(void **state)
{
    static const size_t counts[] = { 0, 1, 2, 3, 7, 1000, (1 << 20) - 1, (1 << 20) + 2 };
    static double numbers[2500];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        check_sum(counts[i]);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        numbers[i] = (double)i + ranks_rank(ranks);
    ranks_sum_doubles(ranks, numbers, ARRAY_SIZE(numbers));
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        const double count = ranks_count(ranks);

        assert_true(numbers[i] == count * (double)i + count * (count - 1) / 2);
    }
    assert_false(ranks_agree(ranks, false));
    for (unsigned r = 0; r < ranks_count(ranks); r++) {
        unsigned what = ranks_rank(ranks);

        assert_true(ranks_agree(ranks, ranks_rank(ranks) == r));
        ranks_copy(ranks, r, &what, sizeof what);
        assert_int_equal(what, r);
    }
}

/* 64-24-4, normalised, with dropout. Without a bias before the normalisation, which takes it out again: its gradient is
 * what rounding leaves of 0, and adamw makes steps of that as of any other. */
static void make_normal(struct fixture *f)
{
    struct layer *norm;
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(6, &model), 0);
    strcpy(model->name, "t");
    strcpy(model->processing, "image.classification");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { 64 } });
    set_linear(&model->layers[0], "first", 0, 24, 64, 0.3, 1);
    free(model->layers[0].vectors[0].data);
    model->layers[0].vectors[0] = (struct vector){ .data = NULL };
    norm = &model->layers[1];
    set_plain(norm, "batch_norm", 1);
    norm->parameters[0] = 1e-5;
    norm->parameters[1] = 0.1;
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        norm->vectors[v] = (struct vector){ memory_zalloc(24, sizeof(float)), 24, true };
        for (unsigned i = 0; i < 24; i++)
            norm->vectors[v].data[i] = v % 3 ? 0 : 1; /* shift and mean; scale and variance */
    }
    set_plain(&model->layers[2], "relu", 2);
    set_plain(&model->layers[3], "dropout", 3);
    model->layers[3].parameters[0] = 0.3;
    set_linear(&model->layers[4], "second", 4, 4, 24, 0.6, 2);
    set_plain(&model->layers[5], "softmax", 5);
    assert_ok(model_check(model, &why), why);
    f->model = model;
}

/* All that is trained, or learned of the data. */
static float *weights_after(const struct recipe *recipe, bool normal, size_t samples, const struct ranks *together,
                            struct trainer_result *result, size_t *count)
{
    struct parameters parameters;
    struct fixture f;
    float *values;

    make_quadrants(&f, samples);
    if (normal)
        make_normal(&f);
    else
        make_model(&f, "64-24-4", 0.4, 3);
    f.ranks = together;
    train(&f, recipe, kernels_find("auto"), 1, result);
    assert_int_equal(parameters_map(f.model, &parameters), 0);
    *count = parameters.length;
    values = memory_alloc(parameters.length, sizeof *values);
    memcpy(values, f.model->parameters, parameters.length * sizeof *values);
    parameters_deinit(&parameters);
    drop(&f);
    return values;
}

static void compare(const struct recipe *recipe, bool normal, size_t samples)
{
    struct trainer_result one, all;
    size_t count;
    float *alone = weights_after(recipe, normal, samples, NULL, &one, &count);
    float *together = weights_after(recipe, normal, samples, ranks, &all, &count);
    float *first = memory_alloc(count, sizeof *first);
    double furthest = 0;

    memcpy(first, together, count * sizeof *first);
    ranks_copy(ranks, 0, first, count * sizeof *first);
    assert_memory_equal(first, together, count * sizeof *first);
    for (size_t i = 0; i < count; i++)
        furthest = fmax(furthest, fabs((double)alone[i] - (double)together[i]));
    if (!(furthest <= 1e-5))
        fail_msg("%s, %zu samples: a weight is %g from what it is alone", recipe->optimizer->name, samples, furthest);
    assert_true(fabs(one.loss - all.loss) < 1e-5 && fabs(one.accuracy - all.accuracy) < 1e-9);
    assert_true(one.epochs == all.epochs && one.best_epoch == all.best_epoch && one.ending == all.ending);
    assert_true(fabs(one.validation_loss - all.validation_loss) < 1e-5);
    assert_true(one.validation_balance.predicted == all.validation_balance.predicted &&
                fabs(one.validation_balance.macro_f1 - all.validation_balance.macro_f1) < 1e-9);
    free(alone);
    free(together);
    free(first);
}

/* Of 33 samples in batches of 16 the last has one: two of three ranks have none of it. */
static void test_many_come_to_what_one_comes_to(void **state)
{
    struct recipe recipe = { .optimizer = optimizer_find("sgd"),
                             .epochs = 2,
                             .batch = 16,
                             .seed = 5,
                             .rate = 0.1,
                             .momentum = 0.9,
                             .decay = 1e-3,
                             .balance = BALANCE_ROOT,
                             .clip = 0.5,
                             .schedule = schedule_find("cosine") };

    (void)state;
    compare(&recipe, true, 33);
    recipe.validation = 0.2;
    recipe.average = (struct average){ AVERAGE_EMA, 0.9 };
    recipe.label_smoothing = 0.1;
    compare(&recipe, true, 90);
    recipe.optimizer = optimizer_find("adamw");
    recipe.rate = 0.003;
    recipe.input_dropout = 0.2;
    compare(&recipe, true, 49);
    recipe.average.kind = AVERAGE_NONE;
    recipe.batch = 2; /* fewer than ranks */
    recipe.epochs = 1;
    compare(&recipe, false, 30);
}

static void test_many_exchange_the_same_connections(void **state)
{
    struct recipe recipe = { .optimizer = optimizer_find("sgd"),
                             .epochs = 2,
                             .batch = 16,
                             .seed = 5,
                             .rate = 0.1,
                             .momentum = 0.9,
                             .schedule = schedule_find("cosine") };
    struct reason why;

    (void)state;
    assert_ok(regrowth_parse("rigl,every=3", &recipe.regrowth, &why), why);
    compare(&recipe, true, 80);
    assert_ok(regrowth_parse("set,every=3", &recipe.regrowth, &why), why);
    compare(&recipe, false, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_of_any_length),
        cmocka_unit_test(test_many_come_to_what_one_comes_to),
        cmocka_unit_test(test_many_exchange_the_same_connections),
    };
    struct reason why;
    int failed;

    if (ranks_begin(&ranks, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ranks_end(ranks, failed);
    return failed;
}
