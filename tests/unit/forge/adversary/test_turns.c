/* SPDX-License-Identifier: Apache-2.0
 *
 * A generator and its adversary: of what noise is made, who moves when, and that what is made of noise comes to be what
 * the data are like.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adversary_fixture.h"
#include "base/size.h"
#include "support/test.h"

/* ---- noise ---- */

/* Of some samples, in the order that is asked for. */
static void draw(struct bed *bed, struct forward *forward, const uint32_t *which, const struct recipe *recipe,
                 float out[static GIVEN * NOISE])
{
    struct reason why;

    assert_ok(batches_forward(bed->batches, &(struct batch){ which, GIVEN, recipe, recipe ? recipe->epochs : 9 },
                              forward, LAYER_EVALUATE, &why),
              why);
    memcpy(out, forward_input(forward, 1), GIVEN * NOISE * sizeof *out);
}

static void test_noise_is_of_the_seed_the_epoch_and_the_sample(void **state)
{
    struct bed bed = { .recipe = { .seed = 5 } };
    const struct recipe first = { .epochs = 0 }, second = { .epochs = 1 }, seeded = { .epochs = 0, .seed = 6 };
    float a[GIVEN * NOISE], b[GIVEN * NOISE], sum = 0;
    struct forward *forward;
    struct reason why;

    (void)state;
    lay(&bed, make_net("g", &noisy_generator, 1), make_net("d", &plain_adversary, 11), 2);
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = bed.f.model, .kernels = kernels_find("auto"), .mode = LAYER_EVALUATE, .batch = GIVEN },
                  &forward, &why),
              why);
    draw(&bed, forward, (uint32_t[]){ 3, 7 }, &first, a);
    draw(&bed, forward, (uint32_t[]){ 9, 3 }, &first, b);
    for (size_t e = 0; e < NOISE; e++) {
        assert_true(a[2 * e] == b[2 * e + 1] && a[2 * e] != a[2 * e + 1] && a[2 * e] >= -1 && a[2 * e] < 1);
        sum += fabsf(a[2 * e]);
    }
    assert_true(sum > 0.1f);
    draw(&bed, forward, (uint32_t[]){ 3, 7 }, &second, b);
    assert_true(a[0] != b[0]);
    draw(&bed, forward, (uint32_t[]){ 3, 7 }, &seeded, b);
    assert_true(a[0] != b[0]);
    draw(&bed, forward, (uint32_t[]){ 3, 7 }, NULL, a); /* to be compared with each other, whatever the epoch */
    draw(&bed, forward, (uint32_t[]){ 3, 7 }, NULL, b);
    assert_memory_equal(a, b, sizeof a);
    forward_free(forward);
    clear(&bed);
}

/* ---- in turn ---- */

/* Who has moved, seen where the trainer asks for targets, before the turn of the adversary, and after the network's
 * backward pass. */
struct watch {
    struct bed *bed;
    uint64_t generator, adversary; /* hashes of all parameters, and statistics */
    unsigned turns;
};

static uint64_t hash(const struct trainer *t)
{
    const unsigned char *bytes = (const unsigned char *)t->setup.model->parameters;
    uint64_t sum = 1469598103934665603u;

    for (uint64_t i = 0; i < t->parameters.length * sizeof(float); i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
}

static int ask(void *argument, const struct batch *batch, float *values, struct reason *why)
{
    struct watch *watch = argument;
    const struct trainer *t = watch->bed->trainer;

    (void)why;
    if (watch->turns) {
        assert_true(hash(t->setup.beside) == watch->adversary); /* the network's step was its alone */
        assert_true(hash(t) != watch->generator);
    }
    watch->generator = hash(t);
    watch->adversary = hash(t->setup.beside);
    for (size_t i = 0; i < GIVES * batch->count; i++)
        values[i] = (float)(i % 5) - 2;
    return 0;
}

/* What a batch_norm has learned of two batches, one after the other. */
static void check_statistics(const struct trainer *t, const float *before)
{
    const struct trainer *d = t->setup.beside;
    const float *output = forward_value(t->forward, model_value(t->setup.model, t->setup.model->layer_count - 1));
    const size_t n = t->setup.train_count;

    for (size_t f = 0; f < GIVES; f++) {
        double expected = (double)before[f], sums[2] = { 0 };

        for (size_t i = 0; i < n; i++) {
            sums[0] += (double)t->batch.values[f * n + i];
            sums[1] += (double)output[f * n + i];
        }
        for (size_t k = 0; k < 2; k++)
            expected += 0.1 * (sums[k] / (double)n - expected);
        assert_true(fabs(expected - (double)d->setup.model->layers[0].vectors[2].data[f]) < 1e-6);
    }
}

static float before[GIVES]; /* the means that the adversary's batch_norm had */

static int look(void *argument, struct trainer *t, size_t count, struct reason *why)
{
    struct watch *watch = argument;
    const struct trainer *d = t->setup.beside;

    (void)why;
    assert_int_equal(count, SAMPLES);
    assert_true(hash(t) == watch->generator); /* while the adversary learned */
    assert_true(hash(d) != watch->adversary);
    check_statistics(t, before);
    memcpy(before, d->setup.model->layers[0].vectors[2].data, sizeof before);
    watch->adversary = hash(d);
    watch->turns++;
    return 0;
}

static void test_each_moves_in_its_turn_alone(void **state)
{
    static const struct net normal_adversary = { { GIVES }, 1, 1, { "input" }, true, false };
    struct bed bed = {
        .recipe = { .epochs = 5, .batch = SAMPLES, .seed = 2, .rate = 0.05, .momentum = 0.9, .adversarial = 1 }
    };
    struct watch watch = { .bed = &bed };
    const struct answers answers = { ask, &watch };
    struct trainer_result result;
    struct reason why;

    (void)state;
    memset(before, 0, sizeof before);
    lay(&bed, make_net("g", &plain_generator, 1), make_net("d", &normal_adversary, 11), 1);
    bed.setup.answers = &answers;
    bed.setup.add = look;
    bed.setup.adder = &watch;
    begin(&bed);
    assert_ok(trainer_run(bed.trainer, &result, &why), why);
    assert_int_equal(watch.turns, 5);
    clear(&bed);
}

static void test_bits_depend_on_no_threads(void **state)
{
    uint64_t expected[2] = { 0 };

    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct bed bed = { .recipe = { .epochs = 3,
                                       .batch = 20,
                                       .seed = 3,
                                       .rate = 0.01,
                                       .momentum = 0.5,
                                       .optimizer = optimizer_find("adamw"),
                                       .clip = 0.5,
                                       .adversarial = 0.3 } };
        struct trainer_result result;
        struct reason why;

        lay(&bed, make_net("g", &noisy_generator, 1), make_net("d", &seeing_adversary, 11), threads);
        begin(&bed);
        assert_ok(trainer_run(bed.trainer, &result, &why), why);
        if (threads == 1) {
            expected[0] = hash(bed.trainer);
            expected[1] = hash(bed.trainer->setup.beside);
        }
        assert_true(hash(bed.trainer) == expected[0] && hash(bed.trainer->setup.beside) == expected[1]);
        clear(&bed);
    }
}

/* ---- stopped, and taken up again ---- */

enum { STOPPED_AT = 8 }; /* two of the three steps of the third epoch, after which there is a checkpoint */

static int stop(void *argument, struct trainer *t, size_t count, struct reason *why)
{
    (void)argument;
    (void)count;
    return t->step == STOPPED_AT ? refuse(why, -EINTR, "stopped") : 0;
}

/* What was told of the epoch goes on as well: of the two batches before, and of this one. */
static int go_on(void *argument, struct trainer *t, size_t count, struct reason *why)
{
    (void)argument;
    (void)why;
    if (t->step == STOPPED_AT)
        assert_int_equal(t->setup.beside->tally.samples, 3 * 2 * count);
    return 0;
}

/* The best epoch's weights are remembered, and come back, of both. */
static void check_memory(struct trainer *t)
{
    const struct trainer *beside = t->setup.beside;
    const size_t bytes = beside->parameters.length * sizeof(float);
    float *values = beside->setup.model->parameters;

    assert_memory_equal(values, beside->best, bytes);
    values[0] += 1;
    trainer_remember(t);
    assert_memory_equal(values, beside->best, bytes);
    values[0] += 1;
    trainer_recall(t);
    assert_memory_equal(values, beside->best, bytes);
}

/* Whether it came to its end; then the hashes of both. */
static bool train_to(const char *checkpoint, struct checkpoint *resume, bool stops, uint64_t hashes[static 2])
{
    struct bed bed = { .recipe = { .epochs = 6,
                                   .batch = 16,
                                   .seed = 3,
                                   .rate = 0.01,
                                   .momentum = 0.5,
                                   .optimizer = optimizer_find("adamw"),
                                   .adversarial = 0.3 } };
    const struct trainer *beside;
    struct trainer_result result;
    struct reason why;
    int ended;

    lay(&bed, make_net("g", &noisy_generator, 1), make_net("d", &seeing_adversary, 11), 1);
    bed.setup.run = json_object();
    bed.setup.checkpoint = checkpoint;
    bed.setup.checkpoint_steps = 4;
    bed.setup.resume = resume;
    bed.setup.validation = bed.order;
    bed.setup.validation_count = 16;
    bed.setup.add = stops ? stop : go_on;
    begin(&bed);
    beside = bed.setup.beside;
    ended = trainer_run(bed.trainer, &result, &why);
    assert_int_equal(ended, stops ? -EINTR : 0);
    hashes[0] = hash(bed.trainer);
    hashes[1] = hash(beside);
    if (!ended)
        check_memory(bed.trainer);
    json_decref(bed.setup.run);
    clear(&bed);
    return !ended;
}

static void test_both_go_on_where_they_were(void **state)
{
    const char *folder = scratch_make();
    uint64_t expected[2], got[2];
    struct checkpoint c;
    struct reason why;

    (void)state;
    assert_true(train_to(NULL, NULL, false, expected));
    assert_false(train_to(scratch_path(folder, "ck"), NULL, true, got));
    assert_ok(checkpoint_read(scratch_path(folder, "ck"), &c, &why), why);
    assert_int_equal(c.epoch, 2);
    assert_int_equal(c.tally.samples, 32);
    assert_int_equal(c.beside.samples, 64); /* real and generated */
    assert_true(train_to(NULL, &c, false, got));
    assert_true(got[0] == expected[0]);
    assert_true(got[1] == expected[1]);
    scratch_remove(folder);
}

/* ---- a ring from noise ---- */

static double apart(const float *a, size_t i, const float *b, size_t j)
{
    return hypot((double)a[i] - (double)b[j], (double)a[SAMPLES + i] - (double)b[SAMPLES + j]);
}

/* How far points are from the data's, as distributions (Szekely and Rizzo 2013): 0 on the average where both are one.
 */
static double energy_distance(const struct bed *bed)
{
    const struct trainer *t = bed->trainer;
    const struct batch batch = { .which = bed->order, .count = SAMPLES };
    const float *points;
    float data[GIVEN * SAMPLES];
    double sum = 0;
    struct reason why;

    assert_ok(batches_forward(bed->batches, &batch, t->forward, LAYER_EVALUATE, &why), why);
    assert_ok(batches_fill(bed->batches, &batch, data, &why), why);
    points = forward_value(t->forward, model_value(bed->f.model, bed->f.model->layer_count - 1));
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t j = 0; j < SAMPLES; j++)
            sum += 2 * apart(points, i, data, j) / SAMPLES -
                   (apart(points, i, points, j) + apart(data, i, data, j)) / (SAMPLES - 1);
    }
    return sum / SAMPLES;
}

static void test_noise_becomes_what_the_data_are_like(void **state)
{
    struct bed bed = { .recipe = { .epochs = 1000,
                                   .batch = SAMPLES,
                                   .seed = 3,
                                   .rate = 0.01,
                                   .momentum = 0.5,
                                   .optimizer = optimizer_find("adamw"),
                                   .loss = loss_find("none"),
                                   .adversarial = 1 } };
    double begun, ended;
    struct trainer_result result;
    struct reason why;

    (void)state;
    lay(&bed, make_net("g", &lone_generator, 1), make_net("d", &lone_adversary, 11), 1);
    begin(&bed);
    begun = energy_distance(&bed);
    assert_ok(trainer_run(bed.trainer, &result, &why), why);
    ended = energy_distance(&bed);
    if (!(ended < begun / 8))
        fail_msg("the distance was %g, and is %g", begun, ended);
    clear(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_is_of_the_seed_the_epoch_and_the_sample),
        cmocka_unit_test(test_each_moves_in_its_turn_alone),
        cmocka_unit_test(test_bits_depend_on_no_threads),
        cmocka_unit_test(test_both_go_on_where_they_were),
        cmocka_unit_test(test_noise_becomes_what_the_data_are_like),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
