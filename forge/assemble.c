/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "forge/assemble.h"
#include "forge/lineage.h"
#include "sparse/layer.h"
#include "sparse/sample.h"

int model_set_text(char **field, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

int model_set_labels(struct model *model, char *const *labels, size_t count)
{
    char **copies = calloc(count + 1, sizeof *copies);

    if (!copies)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        copies[i] = strdup(labels[i]);
        if (!copies[i]) {
            while (i--)
                free(copies[i]);
            free(copies);
            return -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < model->label_count; i++)
        free(model->labels[i]);
    free(model->labels);
    model->labels = copies;
    model->label_count = (uint32_t)count;
    return 0;
}

static int describe(struct model *model, const struct plan *plan, const struct assembly *assembly, struct reason *why)
{
    cleanup_free char *lineage = lineage_of_plan(plan, assembly->seed);

    if (snprintf(model->name, sizeof model->name, "%s", assembly->name) >= (int)sizeof model->name)
        return refuse(why, WISP_E_INVALID, "the name has more than %d bytes", MODEL_NAME_MAX - 1);
    memcpy(model->processing, plan->structure.processing, sizeof model->processing);
    model->input = plan->structure.input;
    if (!lineage || model_set_text(&model->lineage, lineage) ||
        (assembly->media && model_set_text(&model->media, assembly->media)) ||
        (assembly->label_count && model_set_labels(model, assembly->labels, assembly->label_count)))
        return refuse_errno(why, -ENOMEM, "model");
    return 0;
}

/* A layer without its tensors' content. */
static int copy_layer(struct layer *layer, const struct structure_layer *from, struct reason *why)
{
    layer->kind = from->kind;
    memcpy(layer->name, from->name, sizeof layer->name);
    memcpy(layer->inputs, from->inputs, sizeof layer->inputs);
    layer->input_count = from->input_count;
    memcpy(layer->parameters, from->parameters, sizeof layer->parameters);
    for (size_t i = 0; i < LAYER_VECTORS_MAX && layer->kind->vectors[i]; i++) {
        struct vector *vector = &layer->vectors[i];

        if (!from->plan.vectors[i])
            continue;
        vector->data = memory_alloc(from->plan.vectors[i], sizeof *vector->data);
        if (!vector->data)
            return refuse_errno(why, -ENOMEM, "layer %s", layer->name);
        vector->count = from->plan.vectors[i];
        vector->owned = true;
    }
    return 0;
}

/* Whether a rectifier reads what layer `at` gives. */
static bool is_rectified(const struct model *model, uint32_t at)
{
    for (uint32_t i = at + 1; i < model->layer_count; i++) {
        for (uint32_t k = 0; k < model->layers[i].input_count; k++) {
            if (model->layers[i].inputs[k] == at + 1)
                return !strcmp(model->layers[i].kind->name, "relu");
        }
    }
    return false;
}

/* What multiplies begins at 1, what is added at 0. */
static void begin_vectors(struct layer *layer)
{
    for (size_t i = 0; i < LAYER_VECTORS_MAX; i++) {
        const char *name = layer->kind->vectors[i];
        bool one = name && (!strcmp(name, "scale") || !strcmp(name, "variance"));

        for (uint64_t k = 0; layer->vectors[i].data && k < layer->vectors[i].count; k++)
            layer->vectors[i].data[k] = one ? 1 : 0;
    }
}

/* Gain 2 makes up for the half of the values that a rectifier drops. */
static int sample_layer(struct model *model, uint32_t at, const struct csr *dimensions, uint64_t seed, uint32_t stream,
                        struct reason *why)
{
    struct layer *layer = &model->layers[at];
    struct csr drawn;
    int result =
        sample_connections(dimensions->rows, dimensions->columns, dimensions->count, seed, stream, &drawn, why);

    if (result)
        return refuse_in(why, result, "layer %s", layer->name);
    sample_weights(&drawn, is_rectified(model, at) ? 2 : 1, seed, stream);
    csr_deinit(&layer->weight);
    layer->weight = drawn;
    return 0;
}

int assemble_model(const struct plan *plan, const struct assembly *assembly, struct model **out, struct reason *why)
{
    cleanup_model struct model *model = NULL;
    int result = model_new(plan->structure.layer_count, &model);

    if (result)
        return refuse_errno(why, result, "model");
    result = describe(model, plan, assembly, why);
    for (uint32_t i = 0; i < model->layer_count && !result; i++) {
        result = copy_layer(&model->layers[i], &plan->structure.layers[i], why);
        if (!result)
            begin_vectors(&model->layers[i]);
    }
    for (uint32_t i = 0; i < plan->layer_count && !result; i++) {
        const struct density_layer *d = &plan->layers[i].density;
        struct csr dimensions = { .rows = (uint32_t)d->outputs,
                                  .columns = (uint32_t)(d->inputs * d->kernel_width * d->kernel_height),
                                  .count = d->connections };

        result = sample_layer(model, plan->layers[i].place, &dimensions, assembly->seed, i, why);
    }
    if (!result)
        result = model_check(model, why);
    if (result)
        return result;
    *out = steal(&model);
    return 0;
}

int resample_model(struct model *model, uint64_t seed, struct reason *why)
{
    uint32_t stream = 0;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        int result = 0;

        begin_vectors(&model->layers[i]);
        if (model->layers[i].kind->weighted)
            result = sample_layer(model, i, &model->layers[i].weight, seed, stream++, why);
        if (result)
            return result;
    }
    return 0;
}
