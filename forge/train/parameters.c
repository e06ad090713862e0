/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "forge/train/parameters.h"

void parameters_walk(const struct model *model, const struct gradient *store, parameter_function *function,
                     void *argument)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        if (store->layers[i].weight)
            function(argument, &(struct parameter_run){ layer->weight.values, store->layers[i].weight,
                                                        layer->weight.count, true });
        for (size_t k = 0; k < LAYER_VECTORS_MAX; k++) {
            if (store->layers[i].vectors[k])
                function(argument, &(struct parameter_run){ layer->vectors[k].data, store->layers[i].vectors[k],
                                                            layer->vectors[k].count, false });
        }
    }
}

static void save_run(void *argument, const struct parameter_run *run)
{
    (void)argument;
    memcpy(run->stored, run->values, run->count * sizeof(float));
}

static void load_run(void *argument, const struct parameter_run *run)
{
    (void)argument;
    memcpy(run->values, run->stored, run->count * sizeof(float));
}

static void zero_run(void *argument, const struct parameter_run *run)
{
    (void)argument;
    memset(run->stored, 0, run->count * sizeof(float));
}

void parameters_save(const struct model *model, struct gradient *store)
{
    parameters_walk(model, store, save_run, NULL);
}

void parameters_load(const struct model *model, const struct gradient *store)
{
    parameters_walk(model, store, load_run, NULL);
}

void parameters_zero(const struct model *model, struct gradient *store)
{
    parameters_walk(model, store, zero_run, NULL);
}

uint64_t parameters_bytes(const struct model *model)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        count += model->layers[i].weight.count;
        for (size_t k = 0; k < LAYER_VECTORS_MAX; k++)
            count += model->layers[i].vectors[k].count;
    }
    return count * sizeof(float);
}
