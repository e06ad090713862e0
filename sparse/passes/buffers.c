/* SPDX-License-Identifier: Apache-2.0
 *
 * Which memory each value of a pass has.
 *
 * Every value but the inputs and the outputs has an activation. When serving, activations are shared: a value takes
 * over one whose last reader is past, and a layer that can works in place. When training each value keeps its own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/passes/forward_plan.h"

/* The last layer that reads each value; what the caller reads, after all of them. */
static void find_last_readers(const struct forward_setup *setup, uint32_t *last)
{
    const struct model *model = setup->model;
    const struct signature *signature = &model->signature;
    const bool *kept = setup->part ? setup->part->kept : NULL;

    memset(last, 0, model_value_count(model) * sizeof *last);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        for (uint32_t j = 0; forward_has_layer(setup, i) && j < model->layers[i].input_count; j++)
            last[model->layers[i].inputs[j]] = i;
    }
    for (uint32_t i = 0; i < signature->output_count; i++)
        last[signature->outputs[i].value] = model->layer_count;
    for (uint32_t value = 0; kept && value < model_value_count(model); value++)
        last[value] = kept[value] ? model->layer_count : last[value];
}

/* An activation whose last reader is before `layer`; or, in place, the one that this layer is the last to read. */
static uint32_t choose_buffer(struct buffers *buffers, uint32_t layer, uint32_t in_place, uint64_t elements)
{
    uint32_t chosen = in_place;

    for (uint32_t p = 0; chosen == FORWARD_NO_BUFFER && p < buffers->count; p++) {
        if (buffers->free_at[p] < layer)
            chosen = p;
    }
    if (chosen == FORWARD_NO_BUFFER) {
        chosen = buffers->count++;
        buffers->sizes[chosen] = 0;
    }
    buffers->sizes[chosen] = MAX(buffers->sizes[chosen], elements);
    return chosen;
}

/* Sparse samples stay where they are, and so does what is none of a part's. */
static uint64_t buffer_elements(const struct forward *forward, uint32_t value)
{
    if (!forward_has_value(&forward->setup, value) || (value == 0 && forward->setup.sparse_input))
        return 0;
    return shape_elements(model_value_shape(forward->setup.model, value));
}

static void assign_buffers(struct forward *forward, struct buffers *buffers, const uint32_t *last)
{
    const struct model *model = forward->setup.model;
    const bool train = forward->setup.mode == LAYER_TRAIN;
    const uint32_t inputs = model->signature.input_count;

    /* An input keeps an activation of its own: that is where several samples are gathered. */
    for (uint32_t value = 0; value < model_value_count(model); value++) {
        const struct layer *layer = value < inputs ? NULL : &model->layers[value - inputs];
        uint32_t in_place = FORWARD_NO_BUFFER, index = value < inputs ? 0 : value - inputs;

        /* Never over one of the model's inputs: of a sample by itself that is the caller's memory. */
        if (layer && forward->endings[index].host != index)
            in_place = forward->buffer_of[model_value(model, forward->endings[index].host)];
        else if (!train && layer && layer->kind->in_place && layer->inputs[0] >= inputs &&
                 last[layer->inputs[0]] == index)
            in_place = forward->buffer_of[layer->inputs[0]];
        forward->buffer_of[value] =
            choose_buffer(buffers, train ? 0 : index, in_place, buffer_elements(forward, value));
        buffers->free_at[forward->buffer_of[value]] = train || !layer ? UINT32_MAX : last[value];
    }
}

static int allocate_buffers(struct forward *forward, const struct buffers *buffers)
{
    const size_t samples = forward->setup.apart ? 1 : forward->setup.batch;

    forward->buffers = calloc(buffers->count, sizeof *forward->buffers);
    if (!forward->buffers)
        return -ENOMEM;
    forward->buffer_count = buffers->count;
    for (uint32_t p = 0; p < buffers->count; p++) {
        uint64_t elements;

        if (!size_multiply(buffers->sizes[p], samples, &elements) ||
            !(forward->buffers[p] = memory_zalloc(elements, sizeof(float))))
            return -ENOMEM;
        forward->memory += elements * sizeof(float);
    }
    return 0;
}

void buffers_deinit(struct buffers *buffers)
{
    free(buffers->sizes);
    free(buffers->free_at);
}

int buffers_choose(struct forward *forward, struct buffers *out)
{
    size_t values = model_value_count(forward->setup.model);
    uint32_t *last = calloc(values, sizeof *last);

    *out = (struct buffers){ calloc(values, sizeof *out->sizes), calloc(values, sizeof *out->free_at), 0 };
    if (last && out->sizes && out->free_at) {
        find_last_readers(&forward->setup, last);
        assign_buffers(forward, out, last);
        free(last);
        return 0;
    }
    free(last);
    buffers_deinit(out);
    return -ENOMEM;
}

int buffers_plan(struct forward *forward)
{
    struct buffers buffers;
    int result = buffers_choose(forward, &buffers);

    if (result)
        return result;
    result = allocate_buffers(forward, &buffers);
    buffers_deinit(&buffers);
    return result;
}
