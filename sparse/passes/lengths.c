/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/passes/lengths.h"
#include "sparse/layers/layer.h"

/* Along which all of a layer's inputs go. */
static uint32_t common(const struct layer *layer, const uint32_t *inputs)
{
    for (uint32_t j = 1; j < layer->input_count; j++) {
        if (inputs[j] != inputs[0])
            return LAYER_ALONG_NONE;
    }
    return inputs[0];
}

/* A layer that steps with all of its inputs looks at no later position. */
static bool steps(const struct model *model, const struct layer *layer)
{
    static const bool whole[LAYER_INPUTS_MAX];
    struct shape inputs[LAYER_INPUTS_MAX];
    uint64_t kept;

    for (uint32_t j = 0; j < layer->input_count; j++)
        inputs[j] = *model_value_shape(model, layer->inputs[j]);
    return !layer_step_plan(&(struct layer_step_setup){ layer, inputs, whole }, &kept, NULL);
}

static uint32_t along_of(const struct model *model, const struct layer *layer, const uint32_t *along)
{
    uint32_t inputs[LAYER_INPUTS_MAX] = { LAYER_ALONG_NONE };

    for (uint32_t j = 0; j < layer->input_count; j++)
        inputs[j] = along[layer->inputs[j]];
    if (layer->kind->along)
        return layer->kind->along(layer, inputs);
    return steps(model, layer) ? common(layer, inputs) : LAYER_ALONG_NONE;
}

bool lengths_find(const struct model *model, uint32_t *along)
{
    const struct signature *signature = &model->signature;

    for (uint32_t i = 0; i < signature->input_count; i++) {
        along[i] = i;
        if (signature->inputs[i].shape.rank != 1)
            return false;
    }
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct shape *shape = &model->layers[i].shape;
        uint32_t *own = &along[model_value(model, i)];

        *own = along_of(model, &model->layers[i], along);
        if (*own == LAYER_ALONG_NONE || shape->dimension[shape->rank - 1] != signature->inputs[*own].shape.dimension[0])
            return false;
    }
    return true;
}
