/* SPDX-License-Identifier: Apache-2.0
 *
 * Folding: the answers stay the same but for rounding, what can be folded goes, and what cannot stays.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/fold.h"
#include "sparse/passes/forward.h"
#include "support/test.h"

enum { ELEMENTS = 3 * 8 * 8, OUTPUTS = 5 };

static float *random_floats(struct rng *rng, uint64_t count, float middle)
{
    float *made = memory_alloc(count, sizeof *made);

    assert_non_null(made);
    for (uint64_t i = 0; i < count; i++)
        made[i] = middle + 0.4f * rng_normal(rng);
    return made;
}

/* A layer over value `from`, with random tensors. parameters: the first three. */
static struct layer *add(struct model *model, struct rng *rng, const char *kind, uint32_t from,
                         const double *parameters)
{
    struct layer *layer = &model->layers[model->layer_count];
    const struct shape *in = model_value_shape(model, from);
    struct layer_plan plan;
    struct reason why;

    layer->kind = layer_kind_find(kind);
    snprintf(layer->name, sizeof layer->name, "%s%u", kind, ++model->layer_count);
    layer->inputs[0] = from;
    layer->input_count = 1;
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    for (size_t i = 0; i < 3 && parameters; i++)
        layer->parameters[i] = parameters[i];
    assert_ok(layer_plan(layer, in, &plan, &why), why);
    layer->shape = plan.shape;
    if (layer->kind->weighted)
        assert_ok(sample_connections((uint32_t)plan.outputs,
                                     (uint32_t)(plan.inputs * plan.kernel_height * plan.kernel_width),
                                     plan.outputs * plan.inputs * plan.kernel_height * plan.kernel_width / 2, 3, from,
                                     &layer->weight, &why),
                  why);
    sample_weights(&layer->weight, 2, 3, from);
    for (size_t v = 0; v < LAYER_VECTORS_MAX && layer->kind->vectors[v].name; v++)
        layer->vectors[v] =
            (struct vector){ random_floats(rng, plan.vectors[v], v % 3 ? 0 : 2), plan.vectors[v], true };
    /* A variance is none below 0. */
    for (size_t c = 0; layer->vectors[3].data && c < layer->vectors[3].count; c++)
        layer->vectors[3].data[c] = fabsf(layer->vectors[3].data[c]) + 0.1f;
    return layer;
}

static const double three_by_three[] = { 6, 3, 3 }, five[] = { OUTPUTS, 0, 0 }, seven[] = { 7, 0, 0 };

static struct model *make_model(struct rng *rng)
{
    struct model *model;
    struct layer *bare;
    struct reason why;

    assert_int_equal(model_new(16, &model), 0);
    model->layer_count = 0;
    snprintf(model->name, sizeof model->name, "m");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of((struct shape){ 3, { 3, 8, 8 } });
    add(model, rng, "batch_norm", 0, NULL); /* 1: stays, nothing is before it */
    add(model, rng, "conv2d", 1, three_by_three);
    add(model, rng, "batch_norm", 2, NULL); /* 3: goes */
    add(model, rng, "batch_norm", 3, NULL); /* 4: goes then */
    add(model, rng, "relu", 4, NULL);
    add(model, rng, "batch_norm", 5, NULL);              /* 6: stays, a relu is before it */
    bare = add(model, rng, "conv2d", 6, three_by_three); /* 7: without a bias */
    free(bare->vectors[0].data);
    bare->vectors[0] = (struct vector){ NULL, 0, false };
    add(model, rng, "batch_norm", 7, NULL); /* 8: goes */
    add(model, rng, "linear", 8, seven);    /* 9: read by two */
    add(model, rng, "batch_norm", 9, NULL); /* 10: stays */
    add(model, rng, "linear", 9, seven);    /* 11 */
    add(model, rng, "linear", 10, five);
    assert_ok(model_check(model, &why), why);
    return model;
}

static void serve(const struct model *model, const float *input, float *output)
{
    const void *inputs[] = { input };
    void *outputs[] = { output };
    struct forward *forward;
    struct reason why;

    assert_ok(forward_new(&(struct forward_setup){ .model = model, .kernels = kernels_find("auto"), .batch = 1 },
                          &forward, &why),
              why);
    forward_serve(forward, inputs, outputs, 1);
    forward_free(forward);
}

static void test_folding(void **state)
{
    static const char *const stay[] = { "batch_norm1", "conv2d2",      "relu5",    "batch_norm6", "conv2d7",
                                        "linear9",     "batch_norm10", "linear11", "linear12" };
    struct rng rng = rng_make(5, 0);
    struct model *model = make_model(&rng);
    float *input = random_floats(&rng, ELEMENTS, 0), before[OUTPUTS], after[OUTPUTS], largest = 0;
    struct reason why;
    uint32_t folded;

    (void)state;
    serve(model, input, before);
    assert_int_equal(model_fold(model, &folded), 0);
    assert_int_equal(folded, 3);
    assert_int_equal(model->layer_count, ARRAY_SIZE(stay));
    for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
        assert_string_equal(model->layers[i].name, stay[i]);
    assert_int_equal(model->layers[7].inputs[0], 6);
    assert_int_equal(model->layers[8].inputs[0], 7);
    assert_ok(model_check(model, &why), why);
    serve(model, input, after);
    for (size_t i = 0; i < OUTPUTS; i++)
        largest = fmaxf(largest, fabsf(before[i]));
    for (size_t i = 0; i < OUTPUTS; i++)
        assert_true(fabsf(after[i] - before[i]) <= 1e-5f * largest);
    assert_int_equal(model_fold(model, &folded), 0);
    assert_int_equal(folded, 0);
    free(input);
    model_free(model);
}

/* A model of `kinds`, one after the other. */
static struct model *make_chain(struct rng *rng, const char *const *kinds, uint32_t count)
{
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(count, &model), 0);
    model->layer_count = 0;
    snprintf(model->name, sizeof model->name, "m");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of((struct shape){ 3, { 3, 8, 8 } });
    for (uint32_t i = 0; i < count; i++)
        add(model, rng, kinds[i], i, layer_kind_find(kinds[i])->weighted ? five : NULL);
    assert_ok(model_check(model, &why), why);
    return model;
}

/* To the bit; and what stands behind one is folded into what stands before it. */
static void test_what_only_trains_goes(void **state)
{
    static const char *const chain[] = { "dropout", "linear", "dropout", "batch_norm", "relu", "dropout" };
    static const char *const stay[] = { "linear2", "relu5" };
    struct rng rng = rng_make(6, 0);
    struct model *model = make_chain(&rng, chain, ARRAY_SIZE(chain));
    float *input = random_floats(&rng, ELEMENTS, 0), before[OUTPUTS], after[OUTPUTS];
    struct reason why;
    uint32_t folded;

    (void)state;
    assert_int_equal(model_fold(model, &folded), 0);
    assert_int_equal(folded, 4);
    assert_int_equal(model->layer_count, ARRAY_SIZE(stay));
    for (size_t i = 0; i < ARRAY_SIZE(stay); i++)
        assert_string_equal(model->layers[i].name, stay[i]);
    assert_ok(model_check(model, &why), why);
    model_free(model);

    model = make_chain(&rng, (const char *const[]){ "dropout", "linear", "dropout" }, 3);
    serve(model, input, before);
    assert_int_equal(model_fold(model, &folded), 0);
    assert_int_equal(folded, 2);
    serve(model, input, after);
    assert_memory_equal(before, after, sizeof before);
    free(input);
    model_free(model);
}

/* An input is no output of a model. */
static void test_what_is_all_there_is_stays(void **state)
{
    struct rng rng = rng_make(7, 0);
    struct model *model = make_chain(&rng, (const char *const[]){ "dropout", "dropout" }, 2);
    struct reason why;
    uint32_t folded;

    (void)state;
    assert_int_equal(model_fold(model, &folded), 0);
    assert_int_equal(folded, 1);
    assert_ok(model_check(model, &why), why);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_what_only_trains_goes),
        cmocka_unit_test(test_what_is_all_there_is_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
