/* SPDX-License-Identifier: Apache-2.0
 *
 * The trainer on networks and data so small that one knows what must come out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/experiment/split.h"
#include "forge/train/blas/blas.h"
#include "forge/train/evaluate.h"
#include "forge/train/trainer.h"
#include "support/test.h"
#include "trainer_fixture.h"

static void test_xor_is_learned(void **state)
{
    const struct recipe recipe = { .epochs = 200, .batch = 16, .seed = 1, .rate = 0.1, .momentum = 0.9 };
    struct trainer_result result;
    struct fixture f;

    (void)state;
    make_xor(&f);
    make_model(&f, "2-16-2", 1, 3);
    train(&f, &recipe, kernels_find("auto"), 1, &result);
    assert_true(result.accuracy == 1);
    assert_true(result.loss < 0.01);
    drop(&f);
}

/* The honest other half: without a hidden layer the same trainer must fail. */
static void test_xor_is_not_learned_without_a_hidden_layer(void **state)
{
    const struct recipe recipe = { .epochs = 200, .batch = 16, .seed = 1, .rate = 0.1, .momentum = 0.9 };
    struct trainer_result result;
    struct fixture f;

    (void)state;
    make_xor(&f);
    make_model(&f, "2-2", 1, 3);
    train(&f, &recipe, kernels_find("auto"), 1, &result);
    assert_true(result.accuracy <= 0.75);
    assert_true(result.loss > 0.65);
    drop(&f);
}

static void test_one_small_step_lowers_the_loss(void **state)
{
    struct recipe recipe = { .epochs = 1, .batch = 512, .seed = 1, .rate = 0.01 };
    struct trainer_result before, after;
    struct fixture f;

    (void)state;
    make_quadrants(&f, 512);
    make_model(&f, "64-32-4", 0.3, 1);
    train(&f, &recipe, kernels_find("auto"), 1, &before); /* its loss is that of the weights before the step */
    train(&f, &recipe, kernels_find("auto"), 1, &after);
    assert_true(after.loss < before.loss);
    drop(&f);
}

static void test_only_sampled_connections_are_trained(void **state)
{
    const struct recipe recipe = { .epochs = 2, .batch = 64, .seed = 1, .rate = 0.05, .momentum = 0.9 };
    struct trainer_result result;
    struct fixture f;
    uint64_t connections, changed = 0;
    struct csr *w;
    uint16_t *columns;
    float *values;

    (void)state;
    make_quadrants(&f, 256);
    make_model(&f, "64-32-4", 0.2, 1);
    w = &f.model->layers[0].weight;
    connections = model_connections(f.model);
    columns = malloc(w->count * sizeof *columns);
    values = malloc(w->count * sizeof *values);
    memcpy(columns, w->index.narrow, w->count * sizeof *columns);
    memcpy(values, w->values, w->count * sizeof *values);
    train(&f, &recipe, kernels_find("auto"), 1, &result);
    assert_int_equal(model_connections(f.model), connections);
    assert_memory_equal(columns, w->index.narrow, w->count * sizeof *columns);
    for (uint64_t i = 0; i < w->count; i++)
        changed += values[i] != w->values[i];
    assert_true(changed > w->count / 2); /* the others belong to neurons that no sample wakes */
    free(columns);
    free(values);
    drop(&f);
}

static void bits_of(const struct optimizer *optimizer, enum balance balance)
{
    struct recipe recipe = { .optimizer = optimizer,
                             .balance = balance,
                             .epochs = 3,
                             .batch = 48,
                             .seed = 9,
                             .rate = 0.05,
                             .momentum = 0.9,
                             .decay = 1e-3,
                             .warmup = 1,
                             .clip = 0.2,
                             .average = { AVERAGE_EMA, 0.9 },
                             .label_smoothing = 0.1,
                             .input_dropout = 0.2,
                             .validation = 0.2,
                             .augment = { .amount = { [AUGMENT_SHIFT] = 1 } } };
    uint64_t expected = 0;
    const struct kernels *kernels;

    for (size_t k = 0; (kernels = kernels_at(k)); k++) {
        for (unsigned threads = 1; threads <= 3; threads++) {
            struct trainer_result result;
            struct fixture f;

            make_quadrants(&f, 500);
            make_model(&f, "64-48-32-4", 0.2, 2);
            train(&f, &recipe, kernels, threads, &result);
            if (!expected)
                expected = hash_weights(f.model);
            if (hash_weights(f.model) != expected)
                fail_msg("%s with %u threads gives other bits by %s", kernels->name, threads, optimizer->name);
            drop(&f);
        }
    }
}

static void test_bits_depend_on_neither_threads_nor_kernels(void **state)
{
    (void)state;
    for (size_t i = 0; optimizer_at(i); i++) {
        bits_of(optimizer_at(i), BALANCE_NONE);
        bits_of(optimizer_at(i), BALANCE_FULL);
    }
}

/* The same network trained by a plain program in double, from the published formulae: forward, softmax, gradients by
 * finite differences of the loss, AdamW with the layer's rate divided by its density. */
struct reference {
    size_t count; /* parameters: weights of both layers, then biases of both */
    double w[64], m[64], v[64];
};

static double reference_loss(const struct fixture *f, const double *w, const float *weights)
{
    const struct csr *one = &f->model->layers[0].weight, *two = &f->model->layers[2].weight;
    double sum = 0;

    for (size_t i = 0; i < f->data.count; i++) {
        double hidden[8] = { 0 }, out[2] = { 0 };

        for (uint32_t r = 0; r < one->rows; r++) {
            hidden[r] = w[one->count + two->count + r];
            for (uint64_t k = one->starts[r]; k < one->starts[r + 1]; k++)
                hidden[r] += w[k] * f->pixels[2 * i + csr_column(one, k)] / 255;
            hidden[r] = hidden[r] > 0 ? hidden[r] : 0;
        }
        for (uint32_t r = 0; r < two->rows; r++) {
            out[r] = w[one->count + two->count + one->rows + r];
            for (uint64_t k = two->starts[r]; k < two->starts[r + 1]; k++)
                out[r] += w[one->count + k] * hidden[csr_column(two, k)];
        }
        sum -= weights[f->data.classes[i]] * (out[f->data.classes[i]] - log(exp(out[0]) + exp(out[1])));
    }
    return sum / (double)f->data.count;
}

static void take_weights(const struct fixture *f, double *w)
{
    for (int i = 0; i <= 2; i += 2) {
        for (uint64_t k = 0; k < f->model->layers[i].weight.count; k++)
            *w++ = (double)f->model->layers[i].weight.values[k];
    }
    for (int i = 0; i <= 2; i += 2) {
        for (uint64_t k = 0; k < f->model->layers[i].vectors[0].count; k++)
            *w++ = (double)f->model->layers[i].vectors[0].data[k];
    }
}

static void reference_step(const struct fixture *f, struct reference *r, const struct recipe *recipe, int step,
                           const float *weights)
{
    const struct csr *one = &f->model->layers[0].weight, *two = &f->model->layers[2].weight;
    double next[64];

    for (size_t i = 0; i < r->count; i++) {
        const struct csr *layer = i < one->count ? one : i < one->count + two->count ? two : NULL;
        double density = layer ? (double)layer->count / (layer->rows * layer->columns) : 1;
        double rate = recipe->rate / density, kept = r->w[i], g;

        r->w[i] = kept + 1e-5;
        g = reference_loss(f, r->w, weights);
        r->w[i] = kept - 1e-5;
        g = (g - reference_loss(f, r->w, weights)) / 2e-5;
        r->w[i] = next[i] = kept;
        if (fabs(g) < 1e-9)
            continue;
        r->m[i] = 0.9 * r->m[i] + 0.1 * g;
        r->v[i] = 0.999 * r->v[i] + 0.001 * g * g;
        next[i] = kept - (layer ? rate * recipe->decay * kept : 0) -
                  rate * (r->m[i] / (1 - pow(0.9, step))) / (sqrt(r->v[i] / (1 - pow(0.999, step))) + 1e-8);
    }
    memcpy(r->w, next, r->count * sizeof *next);
}

static void test_adamw_is_what_the_formulae_say(void **state)
{
    const struct recipe recipe = { .optimizer = optimizer_find("adamw"),
                                   .by_density = RATE_BY_DENSITY_FULL,
                                   .epochs = 12,
                                   .batch = 64,
                                   .seed = 1,
                                   .rate = 0.003,
                                   .momentum = 0.9,
                                   .decay = 0.1,
                                   .balance = BALANCE_FULL,
                                   .schedule = schedule_find("constant") };
    struct reference r = { .count = 0 };
    struct trainer_result result;
    struct fixture f;
    double trained[64];
    float weights[2];
    size_t counts[2] = { 0, 0 };

    (void)state;
    make_xor(&f);
    for (size_t i = 0; i < 64; i++) { /* one class rarer than the other, and values that are no corners */
        f.pixels[2 * i] = (uint8_t)(f.pixels[2 * i] / 2 + i);
        f.pixels[2 * i + 1] = (uint8_t)(f.pixels[2 * i + 1] / 2 + 2 * i % 97);
        f.data.classes[i] &= i % 3 != 0;
        counts[f.data.classes[i]]++;
    }
    balance_weights(BALANCE_FULL, counts, 2, weights);
    make_model(&f, "2-8-2", 0.6, 3);
    for (uint64_t k = 0; k < 8; k++) /* away from the rectifier's kink, where a difference is no gradient */
        f.model->layers[0].vectors[0].data[k] = 0.05f + 0.03f * (float)k;
    r.count = model_connections(f.model) + 10;
    take_weights(&f, r.w);
    for (int step = 1; step <= 12; step++)
        reference_step(&f, &r, &recipe, step, weights);
    train(&f, &recipe, kernels_find("auto"), 1, &result);
    take_weights(&f, trained);
    for (size_t i = 0; i < r.count; i++) {
        if (fabs(trained[i] - r.w[i]) > 2e-5)
            fail_msg("parameter %zu: %.7f, expected %.7f", i, trained[i], r.w[i]);
    }
    drop(&f);
}

/* What this very run gave when it was written down; a change of any bit of arithmetic moves it. */
static void test_golden_loss_curve(void **state)
{
    static const double golden[] = { 1.395735124946, 1.247136087120, 1.082270642569, 0.872397336923, 0.656328645249 };

    (void)state;
    for (uint64_t epochs = 1; epochs <= ARRAY_SIZE(golden); epochs++) {
        struct recipe recipe = { .epochs = epochs,
                                 .batch = 32,
                                 .seed = 7,
                                 .rate = 0.03,
                                 .momentum = 0.9,
                                 .decay = 5e-4,
                                 .schedule = schedule_find("constant") };
        struct trainer_result result;
        struct fixture f;

        make_quadrants(&f, 600);
        make_model(&f, "64-64-32-4", 0.1, 7);
        train(&f, &recipe, kernels_find("scalar"), 1, &result);
        if (fabs(result.loss - golden[epochs - 1]) > 1e-11)
            fail_msg("epoch %llu: loss %.12f, expected %.12f", (unsigned long long)epochs, result.loss,
                     golden[epochs - 1]);
        drop(&f);
    }
}

static void test_best_epoch_is_kept(void **state)
{
    /* So fast that later epochs are worse than earlier ones, sooner or later. */
    const struct recipe recipe = { .epochs = 12,
                                   .batch = 16,
                                   .seed = 1,
                                   .rate = 0.3,
                                   .momentum = 0.9,
                                   .schedule = schedule_find("constant"),
                                   .validation = 0.25 };
    struct trainer_result result, again;
    struct recipe shorter = recipe;
    struct fixture f;
    uint64_t best;

    (void)state;
    make_quadrants(&f, 200);
    make_model(&f, "64-32-4", 0.3, 1);
    train(&f, &recipe, kernels_find("auto"), 1, &result);
    best = hash_weights(f.model);
    assert_true(result.validated && result.best_epoch >= 1 && result.best_epoch <= 12);
    drop(&f);
    /* Training for that many epochs only gives the same weights: the schedule is constant. */
    shorter.epochs = result.best_epoch;
    make_quadrants(&f, 200);
    make_model(&f, "64-32-4", 0.3, 1);
    train(&f, &shorter, kernels_find("auto"), 1, &again);
    assert_int_equal(again.best_epoch, result.best_epoch);
    assert_int_equal(hash_weights(f.model), best);
    drop(&f);
}

static void test_divergence_is_said_with_advice(void **state)
{
    const struct recipe recipe = { .epochs = 50, .batch = 16, .seed = 1, .rate = 1e20, .momentum = 0.9 };
    struct progress progress = { .quiet = true };
    struct trainer_result result;
    struct batches *batches;
    struct trainer *trainer;
    struct split split;
    struct reason why;
    struct fixture f;

    (void)state;
    make_quadrants(&f, 200);
    make_model(&f, "64-32-16-4", 0.5, 1);
    assert_int_equal(split_make(200, 0, 1, &split), 0);
    assert_ok(batches_new(&f.data, f.media, NULL, true, &batches, &why), why);
    assert_ok(trainer_new(&(struct trainer_setup){ .model = f.model,
                                                   .kernels = kernels_find("auto"),
                                                   .recipe = &recipe,
                                                   .batches = batches,
                                                   .train = split.samples,
                                                   .train_count = split.train_count,
                                                   .progress = &progress },
                          &trainer, &why),
              why);
    assert_int_equal(trainer_run(trainer, &result, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "try a lower --rate"));
    trainer_free(trainer);
    batches_free(batches);
    split_deinit(&split);
    drop(&f);
}

/* It would count as the first class, and raise the accuracy. */
static void test_an_answer_that_is_no_number_is_not_counted(void **state)
{
    struct evaluation evaluation;
    struct batches *batches;
    struct forward *forward;
    struct loss_batch loss;
    struct reason why;
    struct fixture f;
    uint32_t which[4] = { 3, 2, 1, 0 };

    (void)state;
    make_quadrants(&f, 4);
    make_model(&f, "64-16-4", 1, 1);
    for (uint64_t i = 0; i < f.model->layers[0].weight.count; i++)
        f.model->layers[0].weight.values[i] = 0x1p127f;
    assert_ok(batches_new(&f.data, f.media, NULL, true, &batches, &why), why);
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = f.model, .kernels = kernels_find("auto"), .mode = LAYER_EVALUATE, .batch = 4 },
                  &forward, &why),
              why);
    assert_int_equal(loss_batch_init(&loss, loss_at(0), model_output(f.model), 4), 0);
    assert_int_equal(
        evaluate(&(struct evaluator){ .forward = forward, .model = f.model, .batches = batches, .loss = &loss }, which,
                 4, &evaluation, &why),
        WISP_E_INVALID);
    assert_non_null(strstr(why.text, "sample 3"));
    assert_null(evaluation.confusion);
    loss_batch_deinit(&loss);
    forward_free(forward);
    batches_free(batches);
    drop(&f);
}

/* OpenBLAS on fully connected layers: other last bits, the same network. */
static void test_blas_trains_the_same_network(void **state)
{
    const struct recipe recipe = { .epochs = 5, .batch = 32, .seed = 1, .rate = 0.05, .momentum = 0.9 };
    struct trainer_result exact, fast;
    struct fixture f;

    (void)state;
    make_quadrants(&f, 300);
    make_model(&f, "64-32-4", 1, 1);
    train(&f, &recipe, kernels_find("auto"), 1, &exact);
    drop(&f);
    make_quadrants(&f, 300);
    make_model(&f, "64-32-4", 1, 1);
    train(&f, &recipe, blas_kernels(kernels_find("auto")), 2, &fast);
    drop(&f);
    assert_true(fabs(exact.loss - fast.loss) < 1e-4);
    assert_true(fabs(exact.accuracy - fast.accuracy) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xor_is_learned),
        cmocka_unit_test(test_xor_is_not_learned_without_a_hidden_layer),
        cmocka_unit_test(test_one_small_step_lowers_the_loss),
        cmocka_unit_test(test_only_sampled_connections_are_trained),
        cmocka_unit_test(test_bits_depend_on_neither_threads_nor_kernels),
        cmocka_unit_test(test_adamw_is_what_the_formulae_say),
        cmocka_unit_test(test_golden_loss_curve),
        cmocka_unit_test(test_best_epoch_is_kept),
        cmocka_unit_test(test_divergence_is_said_with_advice),
        cmocka_unit_test(test_an_answer_that_is_no_number_is_not_counted),
        cmocka_unit_test(test_blas_trains_the_same_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
