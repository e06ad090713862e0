/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/fold.h"

/* The layer that `layer` can be folded into; NULL: none. Its rows are channels, each with a bias. */
static struct layer *find_host(const struct model *model, const struct layer *layer)
{
    const uint32_t inputs = model->signature.input_count, from = layer->inputs[0];
    struct layer *host = from < inputs ? NULL : &model->layers[from - inputs];
    uint32_t reader;

    if (!layer->kind->affine || !host || !host->kind->weighted || model_readers(model, from, &reader) != 1 ||
        host->weight.rows != host->shape.dimension[0] || !host->kind->vectors[0].name ||
        strcmp(host->kind->vectors[0].name, "bias") != 0)
        return NULL;
    return host;
}

static int fold_into(struct layer *host, const struct layer *layer)
{
    struct csr *weight = &host->weight;
    struct vector *bias = &host->vectors[0];

    if (!bias->data) {
        *bias = (struct vector){ memory_zalloc(weight->rows, sizeof *bias->data), weight->rows, true };
        if (!bias->data)
            return -ENOMEM;
    }
    for (uint32_t r = 0; r < weight->rows; r++) {
        struct affine map;

        layer->kind->affine(layer, r, &map);
        for (uint64_t k = weight->starts[r]; k < weight->starts[r + 1]; k++)
            weight->values[k] *= map.factor;
        bias->data[r] = fmaf(bias->data[r] - map.offset, map.factor, map.shift);
    }
    return 0;
}

/* Whoever read the layer reads what it read; later values have a number less. */
static void renumber(uint32_t *value, uint32_t removed, uint32_t instead)
{
    *value = *value == removed ? instead : *value - (*value > removed);
}

static void remove_layer(struct model *model, uint32_t at)
{
    const uint32_t value = model_value(model, at), before = model->layers[at].inputs[0];

    for (size_t v = 0; v < LAYER_VECTORS_MAX; v++) {
        if (model->layers[at].vectors[v].owned)
            free(model->layers[at].vectors[v].data);
    }
    model->layer_count--;
    memmove(&model->layers[at], &model->layers[at + 1], (model->layer_count - at) * sizeof *model->layers);
    for (uint32_t i = at; i < model->layer_count; i++) {
        for (uint32_t k = 0; k < model->layers[i].input_count; k++)
            renumber(&model->layers[i].inputs[k], value, before);
    }
    for (uint32_t i = 0; i < model->signature.output_count; i++)
        renumber(&model->signature.outputs[i].value, value, before);
}

static bool is_output(const struct model *model, uint32_t value)
{
    for (uint32_t i = 0; i < model->signature.output_count; i++) {
        if (model->signature.outputs[i].value == value)
            return true;
    }
    return false;
}

/* Whether whoever reads the layer may as well read what it reads, once training is over. */
static bool is_over(const struct model *model, uint32_t at)
{
    const struct layer *layer = &model->layers[at];

    return layer->kind->train_only &&
           (layer->inputs[0] >= model->signature.input_count || !is_output(model, model_value(model, at)));
}

int model_fold(struct model *model, uint32_t *folded)
{
    *folded = 0;
    for (uint32_t i = 0; i < model->layer_count;) {
        struct layer *host = find_host(model, &model->layers[i]);
        int result;

        if (!host && !is_over(model, i)) {
            i++;
            continue;
        }
        result = host ? fold_into(host, &model->layers[i]) : 0;
        if (result)
            return result;
        remove_layer(model, i);
        ++*folded;
    }
    return 0;
}
