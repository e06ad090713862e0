/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/memory.h"
#include "sparse/graph/structure.h"

int structure_of_model(const struct model *model, struct structure *out, struct reason *why)
{
    struct structure made = { .layer_count = model->layer_count, .signature = model->signature };
    int result;

    made.layers = memory_zalloc(model->layer_count, sizeof *made.layers);
    if (!made.layers)
        return refuse_errno(why, -ENOMEM, "the structure of %s", model->name);
    memcpy(made.processing, model->processing, sizeof made.processing);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *from = &model->layers[i];
        struct structure_layer *layer = &made.layers[i];

        layer->kind = from->kind;
        memcpy(layer->name, from->name, sizeof layer->name);
        memcpy(layer->inputs, from->inputs, sizeof layer->inputs);
        layer->input_count = from->input_count;
        memcpy(layer->parameters, from->parameters, sizeof layer->parameters);
        if (from->kind->weighted && layer->parameters[0] == 0)
            layer->parameters[0] = from->weight.rows;
    }
    result = structure_plan(&made, why);
    if (result) {
        structure_deinit(&made);
        return result;
    }
    *out = made;
    return 0;
}
