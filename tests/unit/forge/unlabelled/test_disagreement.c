/* SPDX-License-Identifier: Apache-2.0
 *
 * The loss of disagreement: what it adds to a step, and that a model comes to agree with itself.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../train/trainer_fixture.h"
#include "base/size.h"
#include "forge/unlabelled/disagreement.h"
#include "forge/unlabelled/opinions.h"
#include "support/test.h"

enum { SAMPLES = 240, LABELLED = 24, WEIGHTS = 64 * 24 + 24 * 4 };

static uint32_t all[SAMPLES];

/* Trains on the first samples' labels, and with the recipe's weight on the others' disagreement. */
static void run(struct fixture *f, const struct recipe *recipe, unsigned threads)
{
    struct progress progress = { .quiet = true };
    struct trainer_setup setup = { .model = f->model,
                                   .kernels = kernels_find("auto"),
                                   .recipe = recipe,
                                   .train = all,
                                   .train_count = LABELLED,
                                   .progress = &progress,
                                   .add = disagreement_add };
    struct disagreement *disagreement;
    struct trainer_result result;
    struct trainer *trainer;
    struct reason why;

    for (uint32_t i = 0; i < SAMPLES; i++)
        all[i] = i;
    assert_int_equal(pool_new(threads, &setup.pool), 0);
    assert_ok(batches_new(&f->data, f->media, setup.pool, true, &setup.batches, &why), why);
    assert_int_equal(disagreement_new(&setup, all + LABELLED, SAMPLES - LABELLED, &disagreement), 0);
    setup.adder = disagreement;
    assert_ok(trainer_new(&setup, &trainer, &why), why);
    assert_ok(trainer_run(trainer, &result, &why), why);
    trainer_free(trainer);
    disagreement_free(disagreement);
    batches_free(setup.batches);
    pool_free(setup.pool);
}

static void weights_after(const struct recipe *recipe, float weights[static WEIGHTS])
{
    struct fixture f;
    size_t at = 0;

    make_quadrants(&f, SAMPLES);
    make_model(&f, "64-24-4", 1, 3);
    run(&f, recipe, 1);
    for (uint32_t i = 0; i < f.model->layer_count; i++) {
        if (!f.model->layers[i].kind->weighted)
            continue;
        memcpy(weights + at, f.model->layers[i].weight.values, f.model->layers[i].weight.count * sizeof *weights);
        at += f.model->layers[i].weight.count;
    }
    assert_int_equal(at, WEIGHTS);
    drop(&f);
}

/* One step of gradient descent: what it adds is in proportion to its weight, and the first of many steps has little of
 * it, as the ramp says. */
static void test_a_step_has_so_much_of_it(void **state)
{
    static float without[WEIGHTS], with[WEIGHTS], twice[WEIGHTS], late[WEIGHTS];
    struct recipe recipe = {
        .epochs = 1, .batch = LABELLED, .seed = 1, .rate = 0.1, .schedule = schedule_find("constant")
    };
    double moved = 0, first = 0, all_of_it = 0;

    (void)state;
    weights_after(&recipe, without);
    recipe.disagreement = 50;
    weights_after(&recipe, with);
    recipe.disagreement = 100;
    weights_after(&recipe, twice);
    for (size_t i = 0; i < WEIGHTS; i++) {
        const double once = (double)with[i] - (double)without[i], more = (double)twice[i] - (double)without[i];

        assert_true(fabs(more - 2 * once) < 1e-5 + 1e-3 * fabs(once));
        moved += fabs(once);
    }
    assert_true(moved > 1e-2);
    /* 50 exp(-5) of it moved the weights. The second and last step has all of 50 times 2 / 3 of the way up. */
    recipe.epochs = 2;
    recipe.disagreement = 50;
    weights_after(&recipe, late);
    recipe.disagreement = 0;
    weights_after(&recipe, without);
    for (size_t i = 0; i < WEIGHTS; i++) {
        first += fabs((double)with[i] - (double)twice[i]);
        all_of_it += fabs((double)late[i] - (double)without[i]);
    }
    assert_true(all_of_it > 20 * first);
}

static double distance(const float *a, const float *b)
{
    double sum = 0;

    for (size_t i = 0; i < WEIGHTS; i++)
        sum += fabs((double)a[i] - (double)b[i]);
    return sum;
}

/* Of what is not sure nothing is learned, to the bit; what is sure counts from the first step on. */
static void test_labels_are_what_is_sure(void **state)
{
    static float without[WEIGHTS], unsure[WEIGHTS], sure[WEIGHTS], soft[WEIGHTS];
    struct recipe recipe = {
        .epochs = 1, .batch = LABELLED, .seed = 1, .rate = 0.1, .schedule = schedule_find("constant")
    };

    (void)state;
    weights_after(&recipe, without);
    recipe.disagreement = 1;
    weights_after(&recipe, soft);
    recipe.confidence = 0.999999;
    weights_after(&recipe, unsure);
    assert_memory_equal(unsure, without, sizeof unsure);
    recipe.confidence = 1e-6;
    weights_after(&recipe, sure);
    assert_true(distance(sure, without) > 20 * distance(soft, without));
}

/* What is said is said of the samples as --augment has them, however they are varied to be learned. */
static void test_strong_noise_is_of_what_learns(void **state)
{
    static float same[WEIGHTS], named[WEIGHTS], stronger[WEIGHTS], weaker[WEIGHTS];
    struct recipe recipe = { .epochs = 1,
                             .batch = LABELLED,
                             .seed = 1,
                             .rate = 0.1,
                             .schedule = schedule_find("constant"),
                             .disagreement = 1,
                             .confidence = 1e-6,
                             .augment.amount = { [AUGMENT_SHIFT] = 1 } };

    (void)state;
    weights_after(&recipe, same);
    recipe.strong = recipe.augment;
    weights_after(&recipe, named);
    assert_memory_equal(same, named, sizeof same);
    recipe.strong.amount[AUGMENT_CUTOUT] = 0.5;
    weights_after(&recipe, stronger);
    assert_true(distance(same, stronger) > 1e-4);
    /* Nothing is sure of what is said: how that is varied to be learned changes nothing. */
    recipe.confidence = 0.999999;
    weights_after(&recipe, stronger);
    recipe.strong.amount[AUGMENT_CUTOUT] = 0.1;
    weights_after(&recipe, weaker);
    assert_memory_equal(stronger, weaker, sizeof weaker);
}

/* What a network of these weights says of all samples under noise number `epoch`, [class][sample]. */
static void say(const float weights[static WEIGHTS], uint64_t epoch, float said[static 4 * SAMPLES])
{
    const struct recipe noise = { .seed = 5, .input_dropout = OPINION_DROPOUT };
    struct forward *forward;
    struct batches *batches;
    struct fixture f;
    struct reason why;
    size_t at = 0;

    make_quadrants(&f, SAMPLES);
    make_model(&f, "64-24-4", 1, 3);
    for (uint32_t i = 0; i < f.model->layer_count; i++) {
        if (!f.model->layers[i].kind->weighted)
            continue;
        memcpy(f.model->layers[i].weight.values, weights + at, f.model->layers[i].weight.count * sizeof *weights);
        at += f.model->layers[i].weight.count;
    }
    assert_ok(batches_new(&f.data, f.media, NULL, true, &batches, &why), why);
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = f.model, .kernels = kernels_find("auto"), .mode = LAYER_EVALUATE, .batch = SAMPLES },
                  &forward, &why),
              why);
    assert_ok(batches_forward(batches, &(struct batch){ all, SAMPLES, &noise, epoch }, forward, LAYER_EVALUATE, &why),
              why);
    memcpy(said, forward_value(forward, model_value(f.model, f.model->layer_count - 1)), 4 * SAMPLES * sizeof *said);
    forward_free(forward);
    batches_free(batches);
    drop(&f);
}

static double cross_entropy(const float *q, const float *p)
{
    double sum = 0;

    for (size_t i = 0; i < 4 * SAMPLES; i++)
        sum -= (double)q[i] * log((double)p[i]);
    return sum / SAMPLES;
}

/* Along what it adds to a step, what is said under noise comes nearer to what was said under other noise. */
static void test_it_leads_to_agreement(void **state)
{
    static float without[WEIGHTS], with[WEIGHTS], moved[WEIGHTS];
    static float target[4 * SAMPLES], before[4 * SAMPLES], after[4 * SAMPLES];
    struct recipe recipe = { .epochs = 1, .batch = SAMPLES, .seed = 1, .schedule = schedule_find("constant") };

    (void)state;
    weights_after(&recipe, moved); /* of rate 0: as they were */
    recipe.rate = 0.1;
    weights_after(&recipe, without);
    recipe.disagreement = 50;
    weights_after(&recipe, with);
    say(moved, 1, target);
    say(moved, 2, before);
    for (size_t i = 0; i < WEIGHTS; i++)
        moved[i] += 10 * (with[i] - without[i]);
    say(moved, 2, after);
    assert_true(cross_entropy(target, after) < cross_entropy(target, before) - 1e-4);
}

/* Passes that say what most of them say. */
static size_t agreement_of(struct fixture *f)
{
    static struct opinion opinions[SAMPLES];
    const struct recipe recipe = { .batch = 16, .seed = 77 };
    struct batches *batches;
    struct reason why;
    size_t votes = 0;

    assert_ok(batches_new(&f->data, f->media, NULL, true, &batches, &why), why);
    assert_ok(opinions_ask(&(struct opinions_setup){ .model = f->model,
                                                     .kernels = kernels_find("auto"),
                                                     .recipe = &recipe,
                                                     .batches = batches,
                                                     .passes = 9 },
                           all, SAMPLES, opinions, &why),
              why);
    for (size_t i = 0; i < SAMPLES; i++)
        votes += opinions[i].votes;
    batches_free(batches);
    return votes;
}

/* By itself under other noise, and by its average; by any number of threads alike. */
static void test_a_model_comes_to_agree(void **state)
{
    struct recipe recipe = { .epochs = 100, .batch = 24, .seed = 1, .rate = 0.02, .momentum = 0.9 };
    static const struct {
        double weight;
        bool average, mean_teacher;
        double confidence;
        uint64_t batches;
    } ways[] = { { 1e-6, false, false, 0, 0 }, { 20, false, false, 0, 0 },  { 60, true, true, 0, 0 },
                 { 60, true, false, 0, 0 },    { 1, false, false, 0.6, 0 }, { 1, false, false, 0.6, 3 } };
    size_t agreed[ARRAY_SIZE(ways)];
    uint64_t hashes[ARRAY_SIZE(ways)];

    (void)state;
    for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
        recipe.disagreement = ways[way].weight;
        recipe.mean_teacher = ways[way].mean_teacher;
        recipe.confidence = ways[way].confidence;
        recipe.unlabelled_batches = ways[way].batches;
        recipe.average = (struct average){ ways[way].average ? AVERAGE_EMA : AVERAGE_NONE, 0.9 };
        for (unsigned threads = 1; threads <= 2; threads++) {
            struct fixture f;

            make_quadrants(&f, SAMPLES);
            make_model(&f, "64-24-4", 1, 3);
            run(&f, &recipe, threads);
            assert_true(threads == 1 || hashes[way] == hash_weights(f.model));
            hashes[way] = hash_weights(f.model);
            agreed[way] = agreement_of(&f);
            drop(&f);
        }
    }
    assert_true(agreed[1] > agreed[0] + SAMPLES / 10);
    assert_true(agreed[2] > agreed[0] + SAMPLES / 10);
    assert_true(agreed[4] > agreed[0] + SAMPLES / 10);
    assert_true(agreed[5] > agreed[0] + SAMPLES / 10);
    assert_true(hashes[2] != hashes[3]);
    assert_true(hashes[4] != hashes[5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_has_so_much_of_it),       cmocka_unit_test(test_labels_are_what_is_sure),
        cmocka_unit_test(test_strong_noise_is_of_what_learns), cmocka_unit_test(test_it_leads_to_agreement),
        cmocka_unit_test(test_a_model_comes_to_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
