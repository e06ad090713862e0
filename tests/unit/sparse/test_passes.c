/* SPDX-License-Identifier: Apache-2.0
 *
 * The forward pass and the backward pass: gradients against finite differences, the same bits whatever the batch, the
 * number of threads and the instruction set, and graphs in which a value has several readers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/kernels/functions.h"
#include "sparse/layers/layer.h"
#include "support/test.h"
#include "unit/sparse/passes/set_layer.h"
#include "unit/sparse/passes/training.h"

enum { BATCH = 37 };

/* linear, relu, linear, softmax. */
static struct model *make_chain(void)
{
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(4, &model), 0);
    snprintf(model->name, sizeof model->name, "chain");
    snprintf(model->processing, sizeof model->processing, "test.chain");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { 23 } });
    set_linear(&model->layers[0], "a", 0, 31, 23, 0.4, 0);
    set_plain(&model->layers[1], "relu", 1);
    set_linear(&model->layers[2], "b", 2, 5, 31, 0.5, 1);
    set_plain(&model->layers[3], "softmax", 3);
    assert_ok(model_check(model, &why), why);
    return model;
}

/* Value 1 has two readers: two linear layers, and the last one reads value 1 again through a relu. */
static struct model *make_branches(void)
{
    struct model *model = NULL;
    struct reason why;

    assert_int_equal(model_new(4, &model), 0);
    snprintf(model->name, sizeof model->name, "branches");
    snprintf(model->processing, sizeof model->processing, "test.branches");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { 9 } });
    set_linear(&model->layers[0], "a", 0, 12, 9, 0.6, 0);
    set_plain(&model->layers[1], "relu", 1);
    set_linear(&model->layers[2], "b", 1, 12, 12, 0.4, 1);
    set_linear(&model->layers[3], "c", 2, 4, 12, 0.7, 2);
    assert_ok(model_check(model, &why), why);
    return model;
}

static float *make_activation(size_t count, uint64_t stream)
{
    struct rng rng = rng_make(3, stream);
    float *activation = memory_alloc(count, sizeof *activation);

    assert_non_null(activation);
    for (size_t i = 0; i < count; i++)
        activation[i] = rng_normal(&rng);
    return activation;
}

/* Sum over the batch of -log p[label], with label = sample number mod outputs; in double. */
static double loss_of(struct forward *forward, const struct model *model, const float *activation, float *gradient)
{
    uint64_t outputs = shape_elements(model_output(model));
    const float *y;
    double loss = 0;

    forward_run(forward, LAYER_TRAIN, activation, BATCH);
    y = forward_value(forward, model->layer_count);
    for (size_t b = 0; b < BATCH; b++) {
        for (size_t f = 0; f < outputs; f++) {
            bool hit = f == b % outputs;

            if (hit)
                loss -= log((double)y[f * BATCH + b]);
            if (gradient)
                gradient[f * BATCH + b] = hit ? -1 / y[f * BATCH + b] : 0;
        }
    }
    return loss;
}

static bool gradient_agrees(struct forward *forward, const struct model *model, const float *activation, float *weight,
                            float gradient)
{
    const float kept = *weight;
    double difference = 0, error = INFINITY;

    /* A rectifier's kink within the step spoils a difference; a shorter step leaves it out, a longer one rounds less.
     */
    for (int exponent = -8; exponent >= -11; exponent--) {
        float step = ldexpf(1, exponent);
        double up, down;

        *weight = kept + step;
        up = loss_of(forward, model, activation, NULL);
        *weight = kept - step;
        down = loss_of(forward, model, activation, NULL);
        difference = (up - down) / (2.0 * (double)step);
        error = fmin(error, fabs(difference - (double)gradient));
    }
    *weight = kept;
    return error <= 0.01 + 0.01 * fabs(difference);
}

static void test_gradients_against_finite_differences(void **state)
{
    struct model *model = make_chain();
    const struct kernels *kernels = kernels_find("scalar");
    float *activation = make_activation(23 * BATCH, 1);
    struct training t;
    unsigned checked = 0, agreed = 0;

    (void)state;
    training_make(&t, &(struct forward_setup){ .model = model, .kernels = kernels, .batch = BATCH });
    loss_of(t.forward, model, activation, backward_gradient(t.backward, 4));
    backward_run(t.backward, 4, t.gradient);
    for (int l = 0; l < 3; l += 2) {
        struct layer *layer = &model->layers[l];

        for (uint64_t k = 0; k < layer->weight.count; k++, checked++)
            agreed += gradient_agrees(t.forward, model, activation, &layer->weight.values[k],
                                      parameters_weight(&t.parameters, t.gradient, (uint32_t)l)[k]);
        for (uint64_t k = 0; k < layer->vectors[0].count; k++, checked++)
            agreed += gradient_agrees(t.forward, model, activation, &layer->vectors[0].data[k],
                                      parameters_vector(&t.parameters, t.gradient, (uint32_t)l, 0)[k]);
    }
    /* Where a sample sits on a kink itself the two sides differ: one weight in a hundred at this size. */
    print_message("%u of %u gradients agree with their finite differences\n", agreed, checked);
    assert_true(agreed >= checked - checked / 40);
    training_free(&t);
    model_free(model);
    free(activation);
}

/* The loss is the sum of the output, so that every reader's share shows. */
static void test_a_value_with_two_readers_gets_both_shares(void **state)
{
    struct model *model = make_branches();
    float *activation = make_activation(9 * BATCH, 2), *ones = memory_alloc(12 * BATCH, sizeof *ones);
    struct training t;

    (void)state;
    for (size_t i = 0; i < 12 * BATCH; i++)
        ones[i] = 1;
    /* c reads the relu; b is not part of the loss and learns nothing. */
    training_make(&t, &(struct forward_setup){ .model = model, .kernels = kernels_find("auto"), .batch = BATCH });
    forward_run(t.forward, LAYER_TRAIN, activation, BATCH);
    memcpy(backward_gradient(t.backward, 4), ones, shape_elements(model_value_shape(model, 4)) * BATCH * sizeof *ones);
    backward_run(t.backward, 4, t.gradient);
    for (uint64_t k = 0; k < model->layers[2].weight.count; k++)
        assert_true(parameters_weight(&t.parameters, t.gradient, 2)[k] == 0);
    for (uint64_t k = 0; k < model->layers[0].vectors[0].count; k++) {
        const float *value = forward_value(t.forward, 1);
        const struct csr *c = &model->layers[3].weight;
        double expected = 0;

        for (size_t b = 0; b < BATCH; b++) {
            for (uint64_t j = 0; j < c->count; j++)
                expected += csr_column(c, j) == k && value[k * BATCH + b] > 0 ? (double)c->values[j] : 0;
        }
        assert_true(fabs(expected - (double)parameters_vector(&t.parameters, t.gradient, 0, 0)[k]) <
                    1e-3 * (1 + fabs(expected)));
    }
    training_free(&t);
    model_free(model);
    free(activation);
    free(ones);
}

/* The same bits for every batch and table, from a model that keeps only what they need; returned are the answers. To be
 * freed. */
static float *answer_all_the_same(const float *samples)
{
    struct model *model = make_chain();
    const struct kernels *kernels;
    struct reason why;
    float *expected = memory_alloc(5 * BATCH, sizeof *expected), *answers = memory_alloc(5 * BATCH, sizeof *answers);
    struct forward *forward;

    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = model, .kernels = kernels_find("scalar"), .mode = LAYER_SERVE, .batch = 1 },
                  &forward, &why),
              why);
    for (size_t b = 0; b < BATCH; b++) {
        const void *in = samples + 23 * b;
        void *out = expected + 5 * b;

        forward_serve(forward, &in, &out, 1);
    }
    forward_free(forward);
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        struct model *served = make_chain();

        assert_ok(
            forward_new(
                &(struct forward_setup){ .model = served, .kernels = kernels, .mode = LAYER_SERVE, .batch = BATCH },
                &forward, &why),
            why);
        assert_int_equal(forward_strip(forward, served), 0);
        for (size_t count = 1; count <= BATCH; count++) {
            const void *inputs[BATCH];
            void *outputs[BATCH];

            for (size_t b = 0; b < count; b++) {
                /* In another order each time. */
                size_t sample = (b * 7 + count) % BATCH;

                inputs[b] = samples + 23 * sample;
                outputs[b] = answers + 5 * sample;
            }
            memset(answers, 0xff, 5 * BATCH * sizeof *answers);
            forward_serve(forward, inputs, outputs, count);
            for (size_t b = 0; b < count; b++)
                assert_memory_equal(outputs[b], expected + ((float *)outputs[b] - answers), 5 * sizeof(float));
        }
        assert_true(forward_memory(forward) > 0);
        assert_true(forward_kernel(forward, 0, 1)[0]);
        assert_string_equal(forward_kernel(forward, 1, 1), "");
        forward_free(forward);
        model_free(served);
    }
    model_free(model);
    free(answers);
    return expected;
}

static void test_answers_do_not_depend_on_the_batch(void **state)
{
    float *samples = make_activation(23 * BATCH, 3);

    (void)state;
    free(answer_all_the_same(samples));
    free(samples);
}

/* What cannot be computed says so in every output, and its neighbours in the batch do not notice. */
static void test_overflow_and_nan_come_out_as_nan(void **state)
{
    float *samples = make_activation(23 * BATCH, 3), *clean = answer_all_the_same(samples), *answers;

    (void)state;
    for (size_t b = 0; b < BATCH; b += 3) {
        if (b % 2)
            samples[23 * b + b % 23] = NAN;
        for (size_t i = 0; i < 23 && !(b % 2); i++)
            samples[23 * b + i] = 0x1p127f; /* finite still */
    }
    answers = answer_all_the_same(samples);
    for (size_t b = 0; b < BATCH; b++) {
        for (size_t i = 0; i < 5; i++) {
            if (b % 3)
                assert_memory_equal(&answers[5 * b + i], &clean[5 * b + i], sizeof *answers);
            else
                assert_true(isnan(answers[5 * b + i]));
        }
    }
    free(samples);
    free(clean);
    free(answers);
}

/* The bytes of all gradients, for one number of threads and one table. */
static float *gradients_with(const struct kernels *kernels, unsigned parts, size_t *count)
{
    struct model *model = make_chain();
    float *activation = make_activation(23 * BATCH, 4), *from = make_activation(5 * BATCH, 5), *bytes;
    struct pool *pool = NULL;
    struct training t;

    assert_int_equal(pool_new(parts, &pool), 0);
    assert_int_equal(pool_parts(pool), parts);
    training_make(&t, &(struct forward_setup){ .model = model, .kernels = kernels, .batch = BATCH, .pool = pool });
    for (int turn = 0; turn < 20; turn++) {
        forward_run(t.forward, LAYER_TRAIN, activation, BATCH);
        memcpy(backward_gradient(t.backward, 4), from, 5 * BATCH * sizeof *from);
        backward_run(t.backward, 4, t.gradient);
    }
    *count = model->layers[0].weight.count + model->layers[2].weight.count;
    bytes = memory_alloc(*count, sizeof *bytes);
    memcpy(bytes, parameters_weight(&t.parameters, t.gradient, 0), model->layers[0].weight.count * sizeof *bytes);
    memcpy(bytes + model->layers[0].weight.count, parameters_weight(&t.parameters, t.gradient, 2),
           model->layers[2].weight.count * sizeof *bytes);
    training_free(&t);
    pool_free(pool);
    model_free(model);
    free(activation);
    free(from);
    return bytes;
}

static void test_gradients_do_not_depend_on_threads_or_kernels(void **state)
{
    const struct kernels *kernels;
    size_t count, other_count;
    float *expected = gradients_with(kernels_find("scalar"), 1, &count);

    (void)state;
    for (size_t t = 0; (kernels = kernels_at(t)); t++) {
        for (unsigned parts = 1; parts <= 5; parts++) {
            float *other = gradients_with(kernels, parts, &other_count);

            assert_int_equal(count, other_count);
            assert_memory_equal(expected, other, count * sizeof *expected);
            free(other);
        }
    }
    free(expected);
}

static double ulps(float got, double exact)
{
    float nearest = (float)exact;
    double unit = fabs((double)nextafterf(nearest, INFINITY) - (double)nearest);

    return fabs((double)got - exact) / (unit > 0x1p-149 ? unit : 0x1p-149);
}

static void test_functions_stay_within_two_ulps(void **state)
{
    double worst_exp = 0, worst_log = 0;

    (void)state;
    for (int step = 0; step < 520864; step++) { /* from -104 to 88.72 */
        float x = (float)(-104 + step * 0.00037);

        worst_exp = fmax(worst_exp, ulps(function_exp(x), exp((double)x)));
    }
    for (uint32_t bits = 1; bits < 0x7f800000u; bits += 7919) {
        float x;

        memcpy(&x, &bits, sizeof x);
        worst_log = fmax(worst_log, ulps(function_log(x), log((double)x)));
    }
    print_message("exp: %.3f ulp at worst, log: %.3f\n", worst_exp, worst_log);
    assert_true(worst_exp <= 2 && worst_log <= 2);
    assert_true(function_exp(-INFINITY) == 0 && isinf(function_exp(INFINITY)) && isnan(function_exp(NAN)));
    assert_true(function_exp(0) == 1 && isinf(function_exp(89)) && function_exp(-105) == 0);
    assert_true(function_log(1) == 0 && isinf(function_log(0)) && isnan(function_log(-1)) && isnan(function_log(NAN)));
    assert_true(isinf(function_log(INFINITY)));
}

static void test_softmax_sums_to_one_and_survives_large_inputs(void **state)
{
    float in[3 * 2] = { 1000, -1000, 1001, -1001, 1002, -1002 }, out[3 * 2];

    (void)state;
    kernels_find("scalar")->softmax(in, out, 3, 2, 0, 2);
    for (int b = 0; b < 2; b++)
        assert_true(fabsf(out[b] + out[2 + b] + out[4 + b] - 1) < 1e-6f);
    assert_true(out[4] > out[2] && out[2] > out[0] && out[1] > out[3] && out[3] > out[5]);
}

static void count_turn(void *argument, unsigned part, unsigned parts)
{
    unsigned *counts = argument;

    counts[part * 64]++;
    assert_true(part < parts);
}

static void test_a_pool_runs_every_part_every_turn(void **state)
{
    static unsigned counts[4 * 64];
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_new(4, &pool), 0);
    for (int turn = 0; turn < 2000; turn++)
        pool_run(pool, count_turn, counts);
    for (int part = 0; part < 4; part++)
        assert_int_equal(counts[part * 64], 2000);
    pool_free(pool);
    assert_int_equal(pool_parts(NULL), 1);
}

static void test_a_kind_that_cannot_run_is_refused(void **state)
{
    struct model *model;
    struct forward *forward;
    struct reason why;

    (void)state;
    assert_int_equal(model_new(1, &model), 0);
    snprintf(model->processing, sizeof model->processing, "test.attention");
    snprintf(model->name, sizeof model->name, "g");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { 4 } });
    set_plain(&model->layers[0], "attention", 0);
    assert_int_equal(forward_new(
                         &(struct forward_setup){
                             .model = model, .kernels = kernels_find("scalar"), .mode = LAYER_SERVE, .batch = 1 },
                         &forward, &why),
                     WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "attention"));
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_against_finite_differences),
        cmocka_unit_test(test_a_value_with_two_readers_gets_both_shares),
        cmocka_unit_test(test_answers_do_not_depend_on_the_batch),
        cmocka_unit_test(test_overflow_and_nan_come_out_as_nan),
        cmocka_unit_test(test_gradients_do_not_depend_on_threads_or_kernels),
        cmocka_unit_test(test_functions_stay_within_two_ulps),
        cmocka_unit_test(test_softmax_sums_to_one_and_survives_large_inputs),
        cmocka_unit_test(test_a_pool_runs_every_part_every_turn),
        cmocka_unit_test(test_a_kind_that_cannot_run_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
