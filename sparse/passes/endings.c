/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/passes/endings.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "sparse/layers/convolution/convolution.h"

/* Values that somebody else asks for are computed, and of a sequence of fewer positions a way may run that ends
 * nothing. */
static bool may_end(const struct forward_setup *setup)
{
    return setup->mode == LAYER_SERVE && !setup->part && !setup->lengths;
}

/* Whether a layer can take such a step itself. */
static bool can_take(const struct model *model, uint32_t number, enum layer_finish step)
{
    const struct layer *layer = &model->layers[number];
    struct convolution convolution;

    if (!layer->kind->convolution)
        return layer->kind->rectifies && step == FINISH_RECTIFY;
    convolution = convolution_of_layer(layer, model_value_shape(model, layer->inputs[0]), &layer->shape);
    return convolution_finishes(&convolution, step);
}

/* What the layer `next`, which alone reads what the host has so far, does with it; whether the host can do it. */
static bool end_with(const struct model *model, struct ending *ending, uint32_t value, uint32_t next)
{
    const struct layer *layer = &model->layers[next];
    const uint32_t other = layer->inputs[layer->inputs[0] == value];

    switch (layer->kind->finish) {
    case FINISH_NORM:
        ending->norm = next;
        return true;
    case FINISH_ADD:
        ending->added = other;
        return layer->input_count == 2 && other < model_value(model, ending->host);
    case FINISH_RECTIFY:
        ending->rectify = true;
        return true;
    default:
        return false;
    }
}

/* One layer more, of those that come later in the order of a finish. */
static bool extend(const struct model *model, struct ending *endings, struct ending *ending)
{
    const uint32_t value = model_value(model, ending->last);
    const enum layer_finish done =
        ending->last == ending->host ? FINISH_NONE : model->layers[ending->last].kind->finish;
    struct ending longer = *ending;
    uint32_t next;

    if (model_readers(model, value, &next) != 1 || next >= model->layer_count ||
        model->layers[next].kind->finish <= done || !can_take(model, ending->host, model->layers[next].kind->finish) ||
        !end_with(model, &longer, value, next))
        return false;
    *ending = longer;
    ending->last = next;
    endings[next].host = ending->host;
    return true;
}

int endings_find(const struct forward_setup *setup, struct ending **out)
{
    const struct model *model = setup->model;
    struct ending *endings = calloc(model->layer_count, sizeof *endings);

    if (!endings)
        return -ENOMEM;
    for (uint32_t i = 0; i < model->layer_count; i++)
        endings[i] = (struct ending){ .host = i, .last = i, .norm = model->layer_count, .added = ENDING_NO_VALUE };
    for (uint32_t i = 0; may_end(setup) && i < model->layer_count; i++) {
        while (extend(model, endings, &endings[i]))
            ;
    }
    *out = endings;
    return 0;
}

int endings_prepare(const struct model *model, struct ending *endings)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = endings[i].norm < model->layer_count ? &model->layers[endings[i].norm] : NULL;

        if (!layer)
            continue;
        endings[i].norms = memory_alloc(layer->shape.dimension[0], sizeof *endings[i].norms);
        if (!endings[i].norms)
            return -ENOMEM;
        for (uint32_t row = 0; row < layer->shape.dimension[0]; row++)
            layer->kind->affine(layer, row, &endings[i].norms[row]);
    }
    return 0;
}

struct ending *endings_free(struct ending *endings, uint32_t layers)
{
    for (uint32_t i = 0; endings && i < layers; i++)
        free(endings[i].norms);
    free(endings);
    return NULL;
}
