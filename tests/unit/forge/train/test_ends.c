/* SPDX-License-Identifier: Apache-2.0
 *
 * What ends a training: each end by itself, the first of several, and what is saved then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../process.h"
#include "support/test.h"
#include "trainer_fixture.h"

static const struct recipe base = { .epochs = 6, .batch = 16, .seed = 1, .rate = 0.05, .momentum = 0.9 };

/* Trains on 200 samples; the hash of the weights. */
static uint64_t run(struct recipe recipe, struct trainer_result *result)
{
    struct fixture f;
    uint64_t hash;

    make_quadrants(&f, 200);
    make_model(&f, "64-32-4", 0.3, 1);
    train(&f, &recipe, kernels_find("auto"), 1, result);
    hash = hash_weights(f.model);
    drop(&f);
    return hash;
}

/* Steps alone are the epochs that they are, and the schedule stretches over them. */
static void test_steps_end_it(void **state)
{
    struct trainer_result by_epochs, by_steps;
    struct recipe recipe = base;

    (void)state;
    run(base, &by_epochs);
    assert_int_equal(by_epochs.ending, ENDING_EPOCHS);
    recipe.epochs = 0;
    recipe.steps = 6 * 13;
    recipe_fit(&recipe, 200);
    assert_int_equal(recipe.epochs, 6);
    assert_true(run(recipe, &by_steps) == run(base, &by_epochs));
    assert_int_equal(by_steps.ending, ENDING_STEPS);
    recipe = base;
    recipe.steps = 6 * 13 - 5; /* in the middle of an epoch, which counts */
    recipe_fit(&recipe, 200);
    run(recipe, &by_steps);
    assert_int_equal(by_steps.ending, ENDING_STEPS);
    assert_int_equal(by_steps.epochs, 6);
    assert_int_equal(by_steps.best_epoch, 6);
    assert_int_equal(recipe_steps(&recipe, 200), 6 * 13 - 5);
    recipe.steps = 1000;
    run(recipe, &by_steps);
    assert_int_equal(by_steps.ending, ENDING_EPOCHS);
    assert_int_equal(recipe_steps(&recipe, 200), 6 * 13);
}

/* Of steps that end in the middle of an epoch the samples are as many: half an epoch less is other weights. */
static void test_every_step_counts(void **state)
{
    struct trainer_result result;
    struct recipe recipe = base;
    uint64_t last = 0;

    (void)state;
    recipe.schedule = schedule_find("constant");
    for (recipe.steps = 20; recipe.steps < 30; recipe.steps++) {
        uint64_t hash = run(recipe, &result);

        assert_true(hash != last);
        last = hash;
    }
}

static void test_accuracy_ends_it(void **state)
{
    struct trainer_result result, again;
    struct recipe recipe = base;
    uint64_t hash;

    (void)state;
    recipe.epochs = 200;
    recipe.validation = 0.25;
    recipe.until_accuracy = 0.8;
    recipe.schedule = schedule_find("constant");
    hash = run(recipe, &result);
    assert_int_equal(result.ending, ENDING_ACCURACY);
    assert_true(result.validation_accuracy >= 0.8 && result.epochs < 200);
    assert_int_equal(result.best_epoch, result.epochs);
    recipe.until_accuracy = 0;
    recipe.epochs = result.epochs;
    assert_true(run(recipe, &again) == hash);
    recipe.epochs--; /* not before it is reached */
    run(recipe, &again);
    assert_true(again.validation_accuracy < 0.8);
}

static void test_patience_ends_it(void **state)
{
    struct trainer_result result, longer;
    struct recipe recipe = base;
    uint64_t hash;

    (void)state;
    recipe.epochs = 500;
    recipe.validation = 0.25;
    recipe.patience = 4;
    recipe.schedule = schedule_find("constant");
    hash = run(recipe, &result);
    assert_int_equal(result.ending, ENDING_PATIENCE);
    assert_int_equal(result.epochs - result.best_epoch, 4);
    recipe.patience = 0;
    recipe.epochs = result.epochs;
    assert_true(run(recipe, &longer) == hash);
    recipe.epochs = 3;
    recipe.patience = 4; /* the first that comes */
    run(recipe, &longer);
    assert_int_equal(longer.ending, ENDING_EPOCHS);
}

/* ---- as a process ---- */

static struct ran ran;

static void ends(const char *folder, int status, const char *command, const char *says)
{
    forge_run(&ran, folder, command);
    if (ran.status != status || !strstr(status ? ran.err : ran.out, says))
        fail_msg("'%s' ended with %d: %s%s", command, ran.status, ran.err, ran.out);
}

#define TRAIN "train m.safetensors --data d --batch 4 --threads 1 --name t --no-history "

/* Minutes do not change what comes before they are over: resumed without them, it is the run that had none. They are of
 * the run, and count what went before it was resumed. */
static void test_minutes_end_it(void **state)
{
    const char *folder = scratch_make();

    (void)state;
    assert_int_equal(mkdir(scratch_path(folder, "d"), 0700), 0);
    write_quadrants(scratch_path(folder, "d"), 600, 50);
    ends(folder, 0, "build --layers 64-500-4 --sparsity 0.5 --seed 3 -p image.classification -o m.safetensors", "");
    ends(folder, 0, TRAIN "--steps 12000 -o full.safetensors", "\"ended\":\"steps\"");
    ends(folder, 0, TRAIN "--steps 12000 --minutes 0.001 --checkpoint ck -o part.safetensors", "\"ended\":\"minutes\"");
    ends(folder, 0, TRAIN "--steps 12000 --minutes 0.001 --resume ck -o again.safetensors", "\"ended\":\"minutes\"");
    assert_same_bytes(folder, "part.safetensors", "again.safetensors");
    ends(folder, 0, TRAIN "--steps 12000 --resume ck -o resumed.safetensors", "\"ended\":\"steps\"");
    assert_same_bytes(folder, "full.safetensors", "resumed.safetensors");
    ends(folder, 2, TRAIN "--patience 3 --validation 0 -o no.safetensors", "--validation above 0");
    ends(folder, 2, TRAIN "--patience 3 --keep last -o no.safetensors", "--keep last keeps none");
    ends(folder, 2, TRAIN "--until-accuracy 1.5 -o no.safetensors", "until-accuracy");
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_end_it),     cmocka_unit_test(test_every_step_counts),
        cmocka_unit_test(test_accuracy_ends_it), cmocka_unit_test(test_patience_ends_it),
        cmocka_unit_test(test_minutes_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
