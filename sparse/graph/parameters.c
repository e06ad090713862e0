/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/graph/parameters.h"
#include "sparse/layers/layer.h"

static void add_run(struct parameters *p, struct parameter_run run)
{
    if (!run.count)
        return;
    run.begin = p->length;
    p->runs[p->run_count++] = run;
    size_align(p->length + run.count, CACHE_LINE / sizeof(float), &p->length);
}

int parameters_map(const struct model *model, struct parameters *out)
{
    struct parameters p = { .layer_count = model->layer_count };

    p.runs = memory_alloc(model->layer_count, (1 + LAYER_VECTORS_MAX) * sizeof *p.runs);
    p.first = memory_alloc((size_t)model->layer_count + 1, sizeof *p.first);
    if (!p.runs || !p.first) {
        parameters_deinit(&p);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        p.first[i] = p.run_count;
        add_run(&p, (struct parameter_run){
                        .layer = i, .count = layer->weight.count, .connections = true, .trained = true });
        for (unsigned v = 0; v < LAYER_VECTORS_MAX; v++)
            add_run(&p, (struct parameter_run){ .layer = i,
                                                .count = layer->vectors[v].count,
                                                .vector = v,
                                                .trained = !layer->kind->vectors[v].statistic });
    }
    p.first[model->layer_count] = p.run_count;
    *out = p;
    return 0;
}

void parameters_deinit(struct parameters *parameters)
{
    free(parameters->runs);
    free(parameters->first);
    *parameters = PARAMETERS_NULL;
}

float *parameters_array(const struct parameters *parameters)
{
    return memory_zalloc(parameters->length, sizeof(float));
}

static float *find(const struct parameters *p, float *array, uint32_t layer, bool connections, unsigned vector)
{
    for (uint32_t i = p->first[layer]; i < p->first[layer + 1]; i++) {
        if (p->runs[i].connections == connections && p->runs[i].vector == vector)
            return array + p->runs[i].begin;
    }
    return NULL;
}

float *parameters_weight(const struct parameters *parameters, float *array, uint32_t layer)
{
    return find(parameters, array, layer, true, 0);
}

float *parameters_vector(const struct parameters *parameters, float *array, uint32_t layer, unsigned vector)
{
    return find(parameters, array, layer, false, vector);
}

/* ---- a model's values ---- */

/* Arrays of its own for what a weight borrows; its values stay where they are. */
static int own_index(struct csr *weight)
{
    struct csr own = *weight;

    if (weight->owned)
        csr_widen(weight);
    if (weight->owned || !weight->starts)
        return 0;
    csr_widen(&own); /* what is borrowed is not freed */
    own.starts = memory_alloc((size_t)weight->rows + 1, sizeof *own.starts);
    own.index.narrow = memory_alloc(weight->count, csr_index_bytes(weight->columns));
    if (!own.starts || !own.index.narrow) {
        free(own.starts);
        free(own.index.narrow);
        return -ENOMEM;
    }
    memcpy(own.starts, weight->starts, ((size_t)weight->rows + 1) * sizeof *own.starts);
    memcpy(own.index.narrow, weight->index.narrow, weight->count * csr_index_bytes(weight->columns));
    own.owned = own.values_borrowed = true;
    *weight = own;
    return 0;
}

static void place_run(struct model *model, const struct parameter_run *run, float *values)
{
    struct layer *layer = &model->layers[run->layer];
    struct vector *vector = &layer->vectors[run->vector];
    float **at = run->connections ? &layer->weight.values : &vector->data;
    bool owned = run->connections ? layer->weight.owned && !layer->weight.values_borrowed : vector->owned;

    memcpy(values, *at, run->count * sizeof *values);
    if (owned)
        free(*at);
    *at = values;
    if (run->connections)
        layer->weight.values_borrowed = true;
    else
        vector->owned = false;
}

int model_gather_parameters(struct model *model, const struct parameters *parameters)
{
    float *values = parameters_array(parameters);

    for (uint32_t i = 0; values && i < model->layer_count; i++) {
        if (own_index(&model->layers[i].weight)) {
            free(values);
            values = NULL;
        }
    }
    if (!values)
        return -ENOMEM;
    for (uint32_t i = 0; i < parameters->run_count; i++)
        place_run(model, &parameters->runs[i], values + parameters->runs[i].begin);
    free(model->parameters);
    model->parameters = values;
    free(model->file);
    model->file = NULL;
    model->file_size = model->file_memory = 0;
    return 0;
}
