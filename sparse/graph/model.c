/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/size.h"
#include "sparse/graph/model.h"

int model_new(uint32_t layer_count, struct model **out)
{
    struct model *model = calloc(1, sizeof *model);

    if (!model)
        return -ENOMEM;
    model->layers = calloc(MAX(layer_count, 1), sizeof *model->layers);
    if (!model->layers) {
        free(model);
        return -ENOMEM;
    }
    model->layer_count = layer_count;
    *out = model;
    return 0;
}

struct model *model_free(struct model *model)
{
    if (!model)
        return NULL;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        struct layer *layer = &model->layers[i];

        csr_deinit(&layer->weight);
        for (size_t v = 0; v < LAYER_VECTORS_MAX; v++) {
            if (layer->vectors[v].owned)
                free(layer->vectors[v].data);
        }
    }
    for (uint32_t i = 0; model->labels && i < model->label_count; i++)
        free(model->labels[i]);
    free(model->labels);
    free(model->thresholds);
    free(model->layers);
    free(model->media);
    free(model->idf);
    golden_deinit(&model->golden);
    free(model->lineage);
    free(model->file);
    free(model->parameters);
    free(model);
    return NULL;
}

uint32_t model_value_count(const struct model *model)
{
    return model->signature.input_count + model->layer_count;
}

uint32_t model_value(const struct model *model, uint32_t index)
{
    return model->signature.input_count + index;
}

uint32_t model_readers(const struct model *model, uint32_t value, uint32_t *last)
{
    uint32_t readers = 0;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        for (uint32_t k = 0; k < model->layers[i].input_count; k++) {
            if (model->layers[i].inputs[k] != value)
                continue;
            readers++;
            *last = i;
        }
    }
    for (uint32_t i = 0; i < model->signature.output_count; i++) {
        if (model->signature.outputs[i].value != value)
            continue;
        readers++;
        *last = model->layer_count;
    }
    return readers;
}

const struct shape *model_value_shape(const struct model *model, uint32_t value)
{
    uint32_t inputs = model->signature.input_count;

    return value < inputs ? &model->signature.inputs[value].shape : &model->layers[value - inputs].shape;
}

uint32_t model_words(const struct model *model, uint32_t input)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (model->layers[i].kind->indexed && model->layers[i].inputs[0] == input)
            return model->layers[i].weight.columns;
    }
    return 0;
}

bool model_is_simple(const struct model *model)
{
    const struct signature *signature = &model->signature;

    return tensors_are_simple(signature->inputs, signature->input_count) &&
           (!signature->output_count || tensors_are_simple(signature->outputs, signature->output_count));
}

const struct shape *model_output(const struct model *model)
{
    if (model->signature.output_count)
        return model_value_shape(model, model->signature.outputs[0].value);
    return &model->layers[model->layer_count - 1].shape;
}

uint64_t model_connections(const struct model *model)
{
    uint64_t connections = 0;

    for (uint32_t i = 0; i < model->layer_count; i++)
        connections += model->layers[i].weight.count;
    return connections;
}

uint64_t model_potential(const struct model *model)
{
    uint64_t potential = 0;

    for (uint32_t i = 0; i < model->layer_count; i++)
        potential += (uint64_t)model->layers[i].weight.rows * model->layers[i].weight.columns;
    return potential;
}

/* Of its own: what is borrowed is in the file. */
static uint64_t layer_memory(const struct layer *layer)
{
    uint64_t bytes = layer->weight.owned ? csr_memory(&layer->weight) : 0;

    for (size_t v = 0; v < LAYER_VECTORS_MAX; v++)
        bytes += layer->vectors[v].owned ? layer->vectors[v].count * sizeof *layer->vectors[v].data : 0;
    return bytes;
}

uint64_t model_memory(const struct model *model)
{
    uint64_t bytes = model->file ? model->file_memory : 0;

    for (uint32_t i = 0; i < model->layer_count; i++)
        bytes += layer_memory(&model->layers[i]);
    return bytes;
}
