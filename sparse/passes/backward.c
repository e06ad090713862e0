/* SPDX-License-Identifier: Apache-2.0
 *
 * The backward pass, layer by layer from the last. A value that several layers read gets the sum of what they send,
 * added in the order of the layers from last to first, so that the result does not depend on threads.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/passes/backward.h"
#include "sparse/passes/forward_plan.h"

struct backward {
    struct forward *forward;
    float **gradients; /* by value; value 0 has none */
    bool *written;     /* by value: in this run */
    /* For a layer that reads one value several times: what it sends through all inputs but the first. */
    float *spares[LAYER_INPUTS_MAX];
};

int gradient_new(const struct model *model, struct gradient *out)
{
    struct gradient gradient = { .layer_count = model->layer_count };

    gradient.layers = calloc(model->layer_count, sizeof *gradient.layers);
    if (!gradient.layers)
        return -ENOMEM;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        if (layer->kind->weighted && !(gradient.layers[i].weight = memory_zalloc(layer->weight.count, sizeof(float))))
            goto fail;
        for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
            if (layer->vectors[v].data && !layer->kind->vectors[v].statistic &&
                !(gradient.layers[i].vectors[v] = memory_zalloc(layer->vectors[v].count, sizeof(float))))
                goto fail;
        }
    }
    *out = gradient;
    return 0;
fail:
    gradient_deinit(&gradient);
    return -ENOMEM;
}

void gradient_deinit(struct gradient *gradient)
{
    for (uint32_t i = 0; gradient->layers && i < gradient->layer_count; i++) {
        free(gradient->layers[i].weight);
        for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
            free(gradient->layers[i].vectors[v]);
    }
    free(gradient->layers);
    *gradient = (struct gradient){ 0 };
}

/* Whether the layer has read the value of input j through one before. */
static bool is_repeated(const struct layer *layer, uint32_t j)
{
    for (uint32_t k = 0; k < j; k++) {
        if (layer->inputs[k] == layer->inputs[j])
            return layer->inputs[j] != 0;
    }
    return false;
}

static int allocate_spares(struct backward *backward)
{
    const struct model *model = backward->forward->setup.model;
    uint64_t largest[LAYER_INPUTS_MAX] = { 0 };

    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        for (uint32_t j = 1; j < layer->input_count; j++) {
            uint64_t elements = shape_elements(model_value_shape(model, layer->inputs[j]));

            largest[j] = is_repeated(layer, j) ? MAX(largest[j], elements) : largest[j];
        }
    }
    for (uint32_t j = 0; j < LAYER_INPUTS_MAX; j++) {
        if (largest[j] &&
            !(backward->spares[j] = memory_zalloc(largest[j], backward->forward->setup.batch * sizeof(float))))
            return -ENOMEM;
    }
    return 0;
}

static int allocate(struct backward *backward)
{
    const struct model *model = backward->forward->setup.model;
    uint64_t elements;

    backward->gradients = calloc(model->layer_count + 1, sizeof *backward->gradients);
    backward->written = calloc(model->layer_count + 1, sizeof *backward->written);
    if (!backward->gradients || !backward->written)
        return -ENOMEM;
    for (uint32_t value = 1; value <= model->layer_count; value++) {
        if (!size_multiply(shape_elements(&model->layers[value - 1].shape), backward->forward->setup.batch,
                           &elements) ||
            !(backward->gradients[value] = memory_zalloc(elements, sizeof(float))))
            return -ENOMEM;
    }
    return allocate_spares(backward);
}

int backward_new(struct forward *forward, struct backward **out, struct reason *why)
{
    struct backward *backward = calloc(1, sizeof *backward);

    if (backward)
        backward->forward = forward;
    if (!backward || allocate(backward)) {
        backward_free(backward);
        return refuse_errno(why, -ENOMEM, "cannot plan the training of %s for batches of %zu",
                            forward->setup.model->name, forward->setup.batch);
    }
    *out = backward;
    return 0;
}

struct backward *backward_free(struct backward *backward)
{
    if (!backward)
        return NULL;
    for (uint32_t value = 0; backward->gradients && value <= backward->forward->setup.model->layer_count; value++)
        free(backward->gradients[value]);
    free(backward->gradients);
    free(backward->written);
    for (uint32_t j = 0; j < LAYER_INPUTS_MAX; j++)
        free(backward->spares[j]);
    free(backward);
    return NULL;
}

static void clear_layer(const struct layer *layer, struct gradient *gradient, uint32_t index)
{
    if (gradient->layers[index].weight)
        memset(gradient->layers[index].weight, 0, layer->weight.count * sizeof(float));
    for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++) {
        if (gradient->layers[index].vectors[v])
            memset(gradient->layers[index].vectors[v], 0, layer->vectors[v].count * sizeof(float));
    }
}

struct call {
    const struct workspace *workspace;
    struct layer_back back;
};

static void run_part(void *argument, unsigned part, unsigned parts)
{
    const struct call *call = argument;
    struct layer_back back = call->back;

    back.run.part = part;
    back.run.parts = parts;
    workspace_lend_part(call->workspace, &back.run);
    back.run.layer->kind->backward(&back);
}

/* What came through a repeated input, added in the order of inputs. */
static void add_spares(struct backward *backward, const struct layer *layer)
{
    const struct forward *forward = backward->forward;

    for (uint32_t j = 0; j < layer->input_count; j++) {
        uint32_t value = layer->inputs[j];

        if (is_repeated(layer, j))
            forward->setup.kernels->add(backward->gradients[value], backward->spares[j],
                                        tensor_count(&forward->values[value]));
    }
}

static void run_layer(struct backward *backward, uint32_t index, struct gradient *gradient)
{
    const struct forward *forward = backward->forward;
    const struct layer *layer = &forward->setup.model->layers[index];
    const struct tensor *in[LAYER_INPUTS_MAX];
    bool accumulate[LAYER_INPUTS_MAX] = { false };
    float *in_gradient[LAYER_INPUTS_MAX] = { NULL };
    struct call call = { .workspace = &forward->workspace,
                         .back = { .run = { .layer = layer,
                                            .kernels = forward->setup.kernels,
                                            .in = in,
                                            .out = &forward->values[index + 1],
                                            .mode = LAYER_TRAIN },
                                   .out_gradient = backward->gradients[index + 1],
                                   .in_gradient = in_gradient,
                                   .accumulate = accumulate,
                                   .weight_gradient = gradient->layers[index].weight,
                                   .vector_gradient = gradient->layers[index].vectors } };

    for (uint32_t j = 0; j < layer->input_count; j++) {
        uint32_t value = layer->inputs[j];

        in[j] = &forward->values[value];
        in_gradient[j] = backward->gradients[value];
        if (is_repeated(layer, j)) {
            in_gradient[j] = backward->spares[j];
            continue;
        }
        accumulate[j] = backward->written[value];
        backward->written[value] = value != 0;
    }
    workspace_lend(&forward->workspace, index, &call.back.run);
    pool_run(forward->setup.pool, run_part, &call);
    add_spares(backward, layer);
}

void backward_run(struct backward *backward, size_t from, const float *from_gradient, struct gradient *gradient)
{
    const struct model *model = backward->forward->setup.model;

    memset(backward->written, 0, (model->layer_count + 1) * sizeof *backward->written);
    if (from) {
        memcpy(backward->gradients[from], from_gradient,
               tensor_count(&backward->forward->values[from]) * sizeof *from_gradient);
        backward->written[from] = true;
    }
    for (uint32_t i = model->layer_count; i-- > 0;) {
        /* A layer that the loss does not depend on learns nothing. */
        if (backward->written[i + 1])
            run_layer(backward, i, gradient);
        else
            clear_layer(&model->layers[i], gradient, i);
    }
}
