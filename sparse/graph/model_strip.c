/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sparse/graph/model.h"

/* What the file's buffer holds, in memory of its own. */
static int own_weight(struct csr *weight)
{
    struct csr copy;
    int result;

    if (weight->owned || !weight->starts)
        return 0;
    result = csr_copy(weight, &copy);
    if (!result)
        *weight = copy;
    return result;
}

static int own_vectors(struct layer *layer)
{
    for (size_t v = 0; v < LAYER_VECTORS_MAX; v++) {
        struct vector *vector = &layer->vectors[v];
        float *copy;

        if (vector->owned || !vector->data)
            continue;
        copy = memory_alloc(vector->count, sizeof *copy);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, vector->data, vector->count * sizeof *copy);
        vector->data = copy;
        vector->owned = true;
    }
    return 0;
}

/* Its size and type stay, for who describes the model. */
static void forget_weight(struct csr *weight)
{
    const struct csr size = {
        .rows = weight->rows, .columns = weight->columns, .count = weight->count, .type = weight->type
    };

    csr_deinit(weight);
    *weight = size;
}

int model_strip(struct model *model, bool (*needed)(const void *argument, uint32_t layer), const void *argument)
{
    bool all = true;

    for (uint32_t i = 0; i < model->layer_count; i++)
        all &= !model->layers[i].weight.starts || needed(argument, i);
    if (all)
        return 0;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        int result = needed(argument, i) ? own_weight(&model->layers[i].weight) : 0;

        if (!result)
            result = own_vectors(&model->layers[i]);
        if (result)
            return result;
    }
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (!needed(argument, i))
            forget_weight(&model->layers[i].weight);
    }
    free(model->file);
    model->file = NULL;
    return 0;
}
