/* SPDX-License-Identifier: Apache-2.0
 *
 * The structures that answer a picture with a picture, U-Nets, upscalers and autoencoders, as they stand in
 * config/structures/picture-to-picture.yaml: sampled, trained on pictures made for it until the loss has fallen by a
 * fifth, and then served, with the bits that evaluation gives. Those whose activations would take hundreds of megabytes
 * are only asked whether all of their layers can be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forge/catalog/documents/document.h"
#include "forge/plan/assemble.h"
#include "sparse/graph/structure_edit.h"
#include "sparse/passes/backward.h"
#include "support/test.h"

enum { BATCH = 2, STEPS = 60, FLOATS_MAX = 1 << 22 };

struct run {
    struct model *model;
    struct forward *forward;
    struct backward *backward;
    struct parameters parameters;
    float *gradient, *first, *second; /* the optimizer's moments */
    const float *input;
};

static const struct shape *shape_of(const struct model *model, uint32_t value)
{
    return model_value_shape(model, value);
}

/* Blocks of four shades, which differ by channel, feature-major. */
static float *make_pictures(const struct shape *shape)
{
    float *made = malloc(shape_elements(shape) * BATCH * sizeof *made);
    struct rng rng = rng_make(31, 0);
    float shades[BATCH][4];

    assert_non_null(made);
    for (size_t i = 0; i < BATCH * 4; i++)
        shades[i / 4][i % 4] = rng_float(&rng);
    for (size_t i = 0; i < shape_elements(shape) * BATCH; i++) {
        const size_t pixel = i / BATCH, x = pixel % shape->dimension[2],
                     y = pixel / shape->dimension[2] % shape->dimension[1];
        const size_t channel = pixel / shape->dimension[2] / shape->dimension[1];

        made[i] = shades[i % BATCH][(x * 2 / shape->dimension[2] + y * 2 / shape->dimension[1] * 2 + channel) % 4];
    }
    return made;
}

/* The mean squared difference from the same picture at the output's size; the gradient of the sum over the batch. */
static double loss_of(const struct run *run, const float *targets)
{
    const uint32_t last = run->model->layer_count;
    const uint64_t elements = shape_elements(shape_of(run->model, last));
    const float *out = forward_value(run->forward, last);
    float *gradient = backward_gradient(run->backward, last);
    double loss = 0;

    for (uint64_t i = 0; i < elements * BATCH; i++) {
        const float off = out[i] - targets[i];

        gradient[i] = 2 * off / (float)elements;
        loss += (double)off * (double)off / ((double)elements * BATCH);
    }
    return loss;
}

static void step(const struct run *run, unsigned number)
{
    double power1 = 1, power2 = 1;
    struct adam_step how = { .rate = 0.005f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .scale = 1.0f / BATCH };

    for (unsigned i = 0; i < number; i++) {
        power1 *= 0.9;
        power2 *= 0.999;
    }
    how.correction1 = (float)(1 / (1 - power1));
    how.correction2 = (float)(1 / (1 - power2));
    for (uint32_t i = 0; i < run->parameters.run_count; i++) {
        const uint64_t begin = run->parameters.runs[i].begin;

        kernels_find("auto")->adam(run->model->parameters + begin, run->first + begin, run->second + begin,
                                   run->gradient + begin, run->parameters.runs[i].count, &how);
    }
}

static void check_falls(const struct run *run, const char *name)
{
    float *targets = make_pictures(shape_of(run->model, run->model->layer_count));
    double first = 0, loss = 0;

    for (unsigned i = 1; i <= STEPS; i++) {
        forward_run(run->forward, LAYER_TRAIN, run->input, BATCH);
        loss = loss_of(run, targets);
        first = i == 1 ? loss : first;
        if (loss < 0.8 * first)
            break;
        backward_run(run->backward, run->model->layer_count, run->gradient);
        step(run, i);
    }
    free(targets);
    if (!(loss < 0.8 * first))
        fail_msg("%s: the loss was %g, and is %g after %d steps", name, first, loss, STEPS);
}

/* What is served, one sample at a time, is what evaluation gave for all of them. */
static void check_served(const struct run *run, const char *name)
{
    const uint64_t ins = shape_elements(shape_of(run->model, 0));
    const uint64_t outs = shape_elements(shape_of(run->model, run->model->layer_count));
    float *in = malloc(ins * sizeof *in), *out = malloc(outs * sizeof *out);
    struct forward *served;
    struct reason why;

    assert_true(in && out);
    assert_ok(forward_new(&(struct forward_setup){ .model = run->model, .kernels = kernels_find("auto"), .batch = 1 },
                          &served, &why),
              why);
    forward_run(run->forward, LAYER_EVALUATE, run->input, BATCH);
    for (size_t sample = 0; sample < BATCH; sample++) {
        const float *evaluated = forward_value(run->forward, run->model->layer_count);

        for (uint64_t i = 0; i < ins; i++)
            in[i] = run->input[i * BATCH + sample];
        forward_serve(served, (const void *[]){ in }, (void *[]){ out }, 1);
        for (uint64_t i = 0; i < outs; i++) {
            if (memcmp(&out[i], &evaluated[i * BATCH + sample], sizeof *out) != 0)
                fail_msg("%s: element %llu of sample %zu is served as %a, and was %a", name, (unsigned long long)i,
                         sample, (double)out[i], (double)evaluated[i * BATCH + sample]);
        }
    }
    forward_free(served);
    free(in);
    free(out);
}

static void train(struct model *model, const char *name)
{
    float *input = make_pictures(shape_of(model, 0));
    struct run run = { .model = model, .input = input };
    struct reason why;

    assert_int_equal(parameters_map(model, &run.parameters), 0);
    assert_int_equal(model_gather_parameters(model, &run.parameters), 0);
    assert_ok(forward_new(
                  &(struct forward_setup){
                      .model = model, .kernels = kernels_find("auto"), .mode = LAYER_TRAIN, .batch = BATCH },
                  &run.forward, &why),
              why);
    assert_ok(backward_new(run.forward, &run.parameters, &run.backward, &why), why);
    run.gradient = parameters_array(&run.parameters);
    run.first = parameters_array(&run.parameters);
    run.second = parameters_array(&run.parameters);
    assert_true(run.gradient && run.first && run.second);
    check_falls(&run, name);
    check_served(&run, name);
    backward_free(run.backward);
    forward_free(run.forward);
    parameters_deinit(&run.parameters);
    free(run.gradient);
    free(run.first);
    free(run.second);
    free(input);
}

static uint64_t floats_of(const struct model *model)
{
    uint64_t sum = 0;

    for (uint32_t value = 0; value < model_value_count(model); value++)
        sum += shape_elements(shape_of(model, value));
    return sum;
}

static int visit(void *argument, const struct structure *structure)
{
    unsigned *trained = argument;
    struct structure copy;
    struct model *model;
    struct plan plan;
    struct reason why;

    assert_int_equal(structure_copy(structure, &copy), 0);
    for (uint32_t i = 0; i < copy.layer_count; i++)
        assert_true(layer_kind_serves(copy.layers[i].kind) && layer_kind_trains(copy.layers[i].kind));
    assert_ok(plan_solve(&copy, DENSITY_ERK, 0.2, &plan, &why), why);
    assert_ok(assemble_model(&plan, &(struct assembly){ .name = structure->name, .seed = 1 }, &model, NULL, &why), why);
    if (floats_of(model) <= FLOATS_MAX) {
        train(model, structure->name);
        ++*trained;
    }
    model_free(model);
    plan_deinit(&plan);
    return 0;
}

static void test_loss_falls_and_answers_are_served(void **state)
{
    unsigned trained = 0;
    struct reason why;

    (void)state;
    assert_ok(document_read(source_path("config/structures/picture-to-picture.yaml"), visit, &trained, stderr, &why),
              why);
    assert_true(trained >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_loss_falls_and_answers_are_served) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
