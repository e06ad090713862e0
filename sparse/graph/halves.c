/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/graph/halves.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sparse/graph/model.h"

/* The one layer that rounds; as many as there are layers: there is none, or there are several. */
static uint32_t find_rounding(const struct model *model)
{
    uint32_t found = model->layer_count;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (!model->layers[i].kind->quantizes)
            continue;
        if (found < model->layer_count)
            return model->layer_count;
        found = i;
    }
    return found;
}

/* By layer: whether the one that rounds follows from it. */
static void mark_before(const struct model *model, uint32_t rounding, bool *before)
{
    const uint32_t inputs = model->signature.input_count;

    before[rounding] = true;
    for (uint32_t i = rounding + 1; i-- > 0;) {
        for (uint32_t k = 0; before[i] && k < model->layers[i].input_count; k++) {
            if (model->layers[i].inputs[k] >= inputs)
                before[model->layers[i].inputs[k] - inputs] = true;
        }
    }
}

/* Whether the layers that are not before it read nothing from before it but what it gives. */
static bool is_cut(const struct model *model, uint32_t rounding, const bool *before)
{
    const uint32_t inputs = model->signature.input_count;
    bool behind = false;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (before[i])
            continue;
        behind = true;
        for (uint32_t k = 0; k < model->layers[i].input_count; k++) {
            const uint32_t value = model->layers[i].inputs[k];

            if (value < inputs || (before[value - inputs] && value != inputs + rounding))
                return false;
        }
    }
    return behind && model->layers[rounding].inputs[0] >= inputs;
}

bool model_has_halves(const struct model *model)
{
    const uint32_t rounding = find_rounding(model);
    cleanup_free bool *before = NULL;

    if (rounding == model->layer_count || !model_is_simple(model) || model->decoding.length || model->label_count)
        return false;
    before = calloc(model->layer_count, sizeof *before);
    if (!before)
        return false;
    mark_before(model, rounding, before);
    return is_cut(model, rounding, before);
}

static void layer_drop(struct layer *layer)
{
    csr_deinit(&layer->weight);
    for (size_t v = 0; v < LAYER_VECTORS_MAX; v++) {
        if (layer->vectors[v].owned)
            free(layer->vectors[v].data);
    }
}

/* The layers that are marked `kept`; `values` has the numbers that values go by from now on. */
static void keep_layers(struct model *model, const bool *kept, uint32_t *values)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        struct layer *layer = &model->layers[i];

        if (!kept[i]) {
            layer_drop(layer);
            continue;
        }
        for (uint32_t k = 0; k < layer->input_count; k++)
            layer->inputs[k] = values[layer->inputs[k]];
        values[model_value(model, i)] = model_value(model, count);
        model->layers[count++] = *layer;
    }
    model->layer_count = count;
}

static void name_tensor(struct model_tensor *tensor)
{
    snprintf(tensor->name, sizeof tensor->name, HALVES_TENSOR);
}

int model_keep_half(struct model *model, enum half half, struct reason *why)
{
    const uint32_t rounding = find_rounding(model), from = model->layers[rounding].inputs[0];
    struct signature *signature = &model->signature;
    cleanup_free bool *kept = calloc(model->layer_count, sizeof *kept);
    cleanup_free uint32_t *values = calloc(model_value_count(model), sizeof *values);

    if (!kept || !values)
        return refuse_errno(why, -ENOMEM, "half of %s", model->name);
    mark_before(model, rounding, kept);
    for (uint32_t i = 0; i < model->layer_count && half == HALF_DECODER; i++)
        kept[i] = !kept[i];
    kept[rounding] = false;
    if (half == HALF_ENCODER)
        golden_keep_encoder(&model->golden);
    else
        golden_keep_decoder(&model->golden, shape_elements(&model->layers[rounding].shape));
    if (half == HALF_DECODER) {
        signature->inputs[0] = (struct model_tensor){ .scale = 1, .shape = model->layers[rounding].shape };
        name_tensor(&signature->inputs[0]);
    }
    keep_layers(model, kept, values);
    signature->outputs[0].value = values[half == HALF_ENCODER ? from : signature->outputs[0].value];
    if (half == HALF_ENCODER)
        name_tensor(&signature->outputs[0]);
    return model_check(model, why);
}
