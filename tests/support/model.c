/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "sparse/construct/sample.h"
#include "sparse/file/model_file.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/golden_run.h"
#include "support/model.h"

/* ---- building ---- */

static const struct layer_kind *kind_of(const char *name)
{
    const struct layer_kind *kind = layer_kind_find(name);

    assert_non_null(kind);
    return kind;
}

static struct layer *add_layer(struct model *model, uint32_t *count, const char *kind, const char *name)
{
    struct layer *layer = &model->layers[*count];

    layer->kind = kind_of(kind);
    snprintf(layer->name, sizeof layer->name, "%s", name);
    layer->inputs[0] = *count; /* value 0 is the model's input, so this is the layer before */
    layer->input_count = 1;
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    (*count)++;
    return layer;
}

static void add_linear(struct model *model, uint32_t *count, const struct model_recipe *recipe, uint32_t at)
{
    uint32_t columns = recipe->sizes[at], rows = recipe->sizes[at + 1];
    uint64_t connections = (uint64_t)((double)rows * columns * recipe->density + 0.5);
    char name[LAYER_NAME_MAX];
    struct layer *layer;
    struct reason why;
    float *bias;

    snprintf(name, sizeof name, "fc%u", at + 1);
    layer = add_layer(model, count, "linear", name);
    assert_ok(sample_connections(rows, columns, connections ? connections : 1, recipe->seed, at, &layer->weight, &why),
              why);
    sample_weights(&layer->weight, 2, recipe->seed, at);
    bias = memory_alloc(rows, sizeof *bias);
    assert_non_null(bias);
    floats_make(bias, rows, recipe->seed, 100 + at);
    layer->vectors[0] = (struct vector){ .data = bias, .count = rows, .owned = true };
}

static void add_labels(struct model *model, uint32_t count, const char *first)
{
    model->labels = calloc(count, sizeof *model->labels);
    assert_non_null(model->labels);
    for (uint32_t i = 0; i < count; i++)
        assert_true(
            (i || !first ? asprintf(&model->labels[i], "label %u", i) : asprintf(&model->labels[i], "%s", first)) > 0);
    model->label_count = count;
}

static void add_thresholds(struct model *model, uint32_t first)
{
    model->thresholds = calloc(model->label_count, sizeof *model->thresholds);
    assert_non_null(model->thresholds);
    for (uint32_t i = 0; i < model->label_count; i++)
        model->thresholds[i] = first + i;
}

static void add_golden(struct model *model, enum model_golden golden)
{
    struct reason why;

    assert_ok(golden_make(model, &why), why);
    if (golden == GOLDEN_WRONG)
        model->layers[0].weight.values[0] += 1;
}

void model_make(const char *path, const struct model_recipe *recipe)
{
    uint32_t steps = 0, count = 0;
    struct model *model = NULL;
    struct reason why;

    while (steps + 1 < RECIPE_SIZES_MAX && recipe->sizes[steps + 1])
        steps++;
    assert_int_equal(model_new(2 * steps, &model), 0);
    snprintf(model->name, sizeof model->name, "%s", recipe->name);
    snprintf(model->processing, sizeof model->processing, "%s", recipe->processing);
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { recipe->sizes[0] } });
    for (uint32_t i = 0; i < steps; i++) {
        char name[LAYER_NAME_MAX];

        add_linear(model, &count, recipe, i);
        snprintf(name, sizeof name, "act%u", i + 1);
        add_layer(model, &count, i + 1 < steps ? "relu" : "softmax", name);
    }
    if (!recipe->unlabelled)
        add_labels(model, recipe->sizes[steps], recipe->label);
    if (recipe->threshold)
        add_thresholds(model, recipe->threshold);
    if (recipe->media) {
        model->media = strdup(recipe->media);
        assert_non_null(model->media);
    }
    if (recipe->idf) {
        model->idf = malloc(recipe->idf);
        assert_non_null(model->idf);
        for (uint32_t i = 0; i < recipe->idf; i++)
            model->idf[i] = (uint8_t)(i * 37);
        model->idf_count = recipe->idf;
    }
    assert_ok(model_check(model, &why), why);
    if (recipe->golden)
        add_golden(model, recipe->golden);
    assert_ok(model_write(model, path, &why), why);
    model_free(model);
}

/* ---- answering ---- */

struct reference {
    struct model *model;
    struct forward *forward;
};

struct reference *reference_new(const char *path)
{
    struct reference *reference = calloc(1, sizeof *reference);
    struct reason why;

    assert_non_null(reference);
    assert_ok(model_read(path, &reference->model, &why), why);
    assert_ok(
        forward_new(&(struct forward_setup){ .model = reference->model, .kernels = kernels_find("scalar"), .batch = 1 },
                    &reference->forward, &why),
        why);
    return reference;
}

struct reference *reference_free(struct reference *reference)
{
    if (!reference)
        return NULL;
    forward_free(reference->forward);
    model_free(reference->model);
    free(reference);
    return NULL;
}

size_t reference_inputs(const struct reference *reference)
{
    return shape_elements(&reference->model->signature.inputs[0].shape);
}

size_t reference_outputs(const struct reference *reference)
{
    return shape_elements(model_output(reference->model));
}

void reference_run(struct reference *reference, const float *input, size_t rows, float *output)
{
    for (size_t i = 0; i < rows; i++) {
        const void *in = input + i * reference_inputs(reference);
        void *out = output + i * reference_outputs(reference);

        forward_serve(reference->forward, &in, &out, 1);
    }
}

void floats_make(float *out, size_t count, uint64_t seed, uint64_t stream)
{
    struct rng rng = rng_make(seed, stream);

    for (size_t i = 0; i < count; i++)
        out[i] = 2 * rng_float(&rng) - 1;
}
