/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "small_model.h"
#include "sparse/construct/sample.h"
#include "sparse/file/model_file.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

static struct layer *layer_make(struct model *model, uint32_t index, const char *name, const char *kind)
{
    struct layer *layer = &model->layers[index];

    snprintf(layer->name, sizeof layer->name, "%s", name);
    layer->kind = layer_kind_find(kind);
    assert_non_null(layer->kind);
    layer->input_count = 1;
    layer->inputs[0] = index;
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    return layer;
}

static void weight_make(struct layer *layer, uint32_t rows, uint32_t columns, uint64_t count, uint32_t index)
{
    struct reason why;

    assert_ok(sample_connections(rows, columns, count, 1, index, &layer->weight, &why), why);
    sample_weights(&layer->weight, 2, 1, index);
}

struct model *small_model(void)
{
    static const char *const labels[] = { "cat", "chien", "\xe7\x8a\xac" };
    struct model *model;
    struct layer *layer;

    assert_int_equal(model_new(4, &model), 0);
    snprintf(model->name, sizeof model->name, "%s", "small");
    snprintf(model->processing, sizeof model->processing, "%s", "image.classification");
    model->signature = signature_of((struct shape){ .rank = 2, .dimension = { 2, 3 } });
    layer = layer_make(model, 0, "fc1", "linear");
    weight_make(layer, 5, 6, 10, 0);
    layer->vectors[0] = (struct vector){ .data = memory_zalloc(5, sizeof(float)), .count = 5, .owned = true };
    assert_non_null(layer->vectors[0].data);
    layer->vectors[0].data[2] = -1.5f;
    layer_make(model, 1, "relu1", "relu");
    layer = layer_make(model, 2, "fc2", "linear");
    weight_make(layer, 3, 5, 9, 2);
    layer_make(model, 3, "out", "softmax");
    model->labels = calloc(3, sizeof *model->labels);
    assert_non_null(model->labels);
    for (model->label_count = 0; model->label_count < 3; model->label_count++)
        model->labels[model->label_count] = strdup(labels[model->label_count]);
    model->media = strdup("{\"kind\": \"image\", \"width\": 3, \"height\": 2, \"channels\": 1}");
    model->lineage = strdup("{\"seed\":1,\"sparsity\":0.5}");
    return model;
}

struct model *branched_model(void)
{
    struct model *model = small_model();

    model->signature = (struct signature){
        .inputs = { { .name = "picture", .dtype = DTYPE_UINT8, .scale = 0.5F, .shape = { 2, { 2, 3 } } },
                    { .name = "facts", .scale = 1, .shape = { 1, { 5 } } } },
        .outputs = { { .name = "class", .scale = 1, .value = 5 },
                     { .name = "marks", .dtype = DTYPE_INT32, .scale = 100, .value = 3 } },
        .input_count = 2,
        .output_count = 2,
    };
    for (uint32_t i = 0; i < model->layer_count; i++)
        model->layers[i].inputs[0] = model_value(model, i) - 1;
    model->layers[0].inputs[0] = 0;
    model->layers[2].inputs[0] = 1;
    return model;
}

void *model_as_file(const struct model *model, size_t *size)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");
    struct reason why;
    void *data;

    assert_ok(model_write(model, path, &why), why);
    assert_ok(file_read(path, 1 << 20, &data, size, &why), why);
    scratch_remove(folder);
    return data;
}

void text_replace(char **text, const char *with)
{
    free(*text);
    *text = strdup(with);
    assert_non_null(*text);
}

void assert_same_file(const char *a, const char *b)
{
    cleanup_free void *left = NULL, *right = NULL;
    size_t left_size, right_size;
    struct reason why;

    assert_ok(file_read(a, 1 << 30, &left, &left_size, &why), why);
    assert_ok(file_read(b, 1 << 30, &right, &right_size, &why), why);
    assert_int_equal(left_size, right_size);
    assert_memory_equal(left, right, left_size);
}
