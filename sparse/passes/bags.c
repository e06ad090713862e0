/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/passes/bags.h"
#include "base/size.h"
#include "sparse/kernels/formats/batch_class.h"

/* Of fewer features a product takes no longer than a look at what they are; with more connections the index would be
 * more than 64 MiB for what may never come. */
enum { FEATURES_MIN = 8192, CONNECTIONS_MAX = 1 << 23 };

/* Of the index by columns: a row and a value. */
enum { CONNECTION_BYTES = sizeof(uint32_t) + sizeof(float) };

/* Walked, a sample is to take no more of the whole product's time. */
#define WORTH 0.75

/* Nanoseconds, measured on a Zen 4 (docs/results/kernels.md): to look at a feature, to come to one that is not 0, to
 * walk along a connection, and, of several samples, to bring a feature of each together with the others'. */
static const double look_ns = 0.02, come_ns = 5, walk_ns = 0.6, gather_ns = 0.4;

bool forward_takes_sparse(const struct model *model)
{
    if (!model_is_simple(model) || model->signature.outputs[0].value == 0)
        return false;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        for (uint32_t j = 0; j < layer->input_count; j++) {
            if (layer->inputs[j] == 0 && (!layer->kind->sparse_input || layer->weight.count > CSC_CONNECTIONS_MAX))
                return false;
        }
    }
    return true;
}

static bool reads_input(const struct layer *layer)
{
    return layer->kind->weighted && layer->inputs[0] == 0;
}

/* Of the layers that read the model's input. */
static uint64_t input_connections(const struct model *model)
{
    uint64_t connections = 0;

    for (uint32_t i = 0; i < model->layer_count; i++)
        connections += reads_input(&model->layers[i]) ? model->layers[i].weight.count : 0;
    return connections;
}

bool bags_are_possible(const struct forward_setup *setup)
{
    return setup->mode == LAYER_SERVE && !setup->part && !setup->lengths &&
           shape_elements(&setup->model->signature.inputs[0].shape) >= FEATURES_MIN &&
           forward_takes_sparse(setup->model) && input_connections(setup->model) <= CONNECTIONS_MAX;
}

uint64_t forward_index_memory(const struct model *model)
{
    const struct forward_setup setup = { .model = model, .mode = LAYER_SERVE };
    const uint64_t columns = shape_elements(&model->signature.inputs[0].shape) + 1;

    return bags_are_possible(&setup) ? CONNECTION_BYTES * input_connections(model) + columns * sizeof(uint64_t) : 0;
}

/* What a sample of such a batch takes by the whole product. */
static double whole_ns(const struct forward *forward, unsigned batch_class, double features)
{
    double ns = batch_class ? gather_ns * features : 0;

    for (uint32_t i = 0; i < forward->setup.model->layer_count; i++) {
        const struct layer *layer = &forward->setup.model->layers[i];

        if (reads_input(layer))
            ns += weights_estimate(forward->weights[i], &layer->weight, batch_class);
    }
    return ns;
}

void bags_plan(struct forward *forward)
{
    const struct model *model = forward->setup.model;
    const double features = (double)shape_elements(&model->signature.inputs[0].shape);
    double each = 0;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (reads_input(&model->layers[i]))
            each += come_ns + walk_ns * (double)model->layers[i].weight.count / features;
    }
    for (unsigned c = 0; c < BATCH_CLASSES; c++)
        forward->bag_most[c] = (size_t)MAX((WORTH * whole_ns(forward, c, features) - look_ns * features) / each, 0.0);
}

bool bags_suit(const struct forward *forward, const void *const *inputs, size_t count)
{
    const size_t features = shape_elements(&forward->setup.model->signature.inputs[0].shape);
    const size_t most = forward->bag_most[batch_class_of(count)] * count;
    size_t found = 0;

    for (size_t b = 0; b < count && found < most; b++)
        found += forward->setup.kernels->count_not_zero(inputs[b], features);
    return found < most;
}
