/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes over a model whose connections change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/regrow.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/layer.h"
#include "support/test.h"
#include "unit/sparse/passes/training.h"

struct kind_case {
    const char *kind;
    double parameters[LAYER_PARAMETERS_MAX];
    struct shape input;
    double density;
    size_t batch;
    uint32_t words; /* the input's numbers are whole, and less; 0: they are normal */
};

static const struct kind_case cases[] = {
    { "linear", { 14 }, { 1, { 30 } }, 0.1, 5, 0 },
    { "linear", { 14 }, { 1, { 30 } }, 0.6, 70, 0 }, /* with an index by columns */
    { "projection", { 9 }, { 2, { 12, 7 } }, 0.3, 6, 0 },
    { "conv2d", { 6, 3, 3, 1, 1 }, { 3, { 5, 8, 7 } }, 0.2, 4, 0 },
    { "conv2d", { 6, 1, 1, 1 }, { 3, { 5, 8, 7 } }, 0.4, 16, 0 },
    { "conv1d", { 6, 3 }, { 2, { 5, 11 } }, 0.3, 5, 0 },
    { "deconv2d", { 4, 2, 2, 2 }, { 3, { 6, 4, 5 } }, 0.3, 5, 0 },
    { "embedding", { [1] = 40, [0] = 8 }, { 1, { 6 } }, 0.3, 9, 40 },
    { "lstm", { 7 }, { 2, { 5, 6 } }, 0.3, 5, 0 },
    { "gru", { 7 }, { 2, { 5, 6 } }, 0.3, 5, 0 },
};

/* A layer alone; as densely connected as the case says, or all. */
static struct model *make_model(const struct kind_case *c, double density)
{
    struct layer_plan plan;
    struct model *model;
    struct layer *layer;
    struct reason why;
    uint64_t columns;

    assert_int_equal(model_new(1, &model), 0);
    strcpy(model->name, "one");
    strcpy(model->processing, "raw");
    model->signature = signature_of(c->input);
    layer = &model->layers[0];
    layer->kind = layer_kind_find(c->kind);
    strcpy(layer->name, "it");
    layer->input_count = 1;
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = c->parameters[i] != 0 ? c->parameters[i] : layer->kind->parameters[i].default_value;
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX; i++) {
        if (layer->kind->default_of[i] && c->parameters[i] == 0)
            layer->parameters[i] = layer->parameters[layer->kind->default_of[i] - 1];
    }
    assert_ok(layer->kind->plan(layer->parameters, &c->input, 1, &plan, &why), why);
    columns = plan.inputs * plan.kernel_height * plan.kernel_width;
    assert_ok(sample_connections((uint32_t)plan.outputs, (uint32_t)columns,
                                 (uint64_t)(density * (double)(plan.outputs * columns)), 5, 1, &layer->weight, &why),
              why);
    sample_weights(&layer->weight, 1, 5, 1);
    if (plan.vectors[0]) {
        layer->vectors[0] = (struct vector){ memory_zalloc(plan.vectors[0], sizeof(float)), plan.vectors[0], true };
        for (uint64_t i = 0; i < plan.vectors[0]; i++)
            layer->vectors[0].data[i] = 0.01f * (float)i;
    }
    assert_ok(model_check(model, &why), why);
    return model;
}

static float *draw(size_t count, uint64_t stream, uint32_t words)
{
    struct rng rng = rng_make(3, stream);
    float *drawn = memory_alloc(count, sizeof *drawn);

    assert_non_null(drawn);
    for (size_t i = 0; i < count; i++)
        drawn[i] = words ? (float)rng_below(&rng, words) : rng_normal(&rng);
    return drawn;
}

/* Forward and back, of a loss whose gradient is drawn. */
static void train(struct training *training, const struct model *model, const struct kind_case *c, const float *input)
{
    const size_t count = shape_elements(model_output(model)) * c->batch;
    float *sent = draw(count, 2, 0);

    forward_run(training->forward, LAYER_TRAIN, input, c->batch);
    memcpy(backward_gradient(training->backward, 1), sent, count * sizeof *sent);
    backward_run(training->backward, 1, training->gradient);
    free(sent);
}

/* A third of its connections are others. */
static void exchange(struct csr *w)
{
    const uint64_t count = MIN(w->count / 3, regrow_room(w));
    uint64_t *weakest = calloc(count, sizeof *weakest), *places = calloc(count, sizeof *places);
    uint64_t *from = calloc(w->count, sizeof *from);

    assert_int_equal(regrow_weakest(w, count, weakest), 0);
    assert_int_equal(regrow_random(w, count, 7, 7, places), 0);
    assert_int_equal(regrow_change(w, &(struct regrow_change){ weakest, places, count }, from), 0);
    free(weakest);
    free(places);
    free(from);
}

/* What was prepared of the old connections is gone: the plan computes what a new one does, in as much memory. */
static void check_reconnected(const struct kind_case *c)
{
    struct model *model = make_model(c, c->density);
    const struct forward_setup setup = { .model = model, .kernels = kernels_find("auto"), .batch = c->batch };
    float *input = draw(shape_elements(&c->input) * c->batch, 1, c->words);
    const size_t count = shape_elements(model_output(model)) * c->batch;
    struct training old, new;
    struct reason why;

    training_make(&old, &setup);
    train(&old, model, c, input);
    exchange(&model->layers[0].weight);
    assert_ok(forward_reconnect(old.forward, &why), why);
    training_make(&new, &setup);
    train(&old, model, c, input);
    train(&new, model, c, input);
    assert_memory_equal(forward_value(old.forward, 1), forward_value(new.forward, 1), count * sizeof(float));
    assert_memory_equal(old.gradient, new.gradient, new.parameters.length * sizeof *new.gradient);
    assert_int_equal(forward_memory(old.forward), forward_memory(new.forward));
    training_free(&old);
    training_free(&new);
    free(input);
    model_free(model);
}

static void test_a_reconnected_pass_is_a_new_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_reconnected(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reconnected_pass_is_a_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
