/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "forge/plan/assemble.h"
#include "forge/plan/edges.h"
#include "forge/plan/lineage.h"
#include "forge/plan/pretrained.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/layer.h"

int model_set_text(char **field, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

int model_set_idf(struct model *model, const uint8_t *idf, uint32_t count)
{
    uint8_t *copy = idf ? memory_alloc(count, 1) : NULL;

    if (idf && !copy)
        return -ENOMEM;
    if (idf)
        memcpy(copy, idf, count);
    free(model->idf);
    model->idf = copy;
    model->idf_count = idf ? count : 0;
    return 0;
}

int model_set_labels(struct model *model, char *const *labels, size_t count)
{
    char **copies = calloc(count + 1, sizeof *copies);

    if (!copies)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        copies[i] = strdup(labels[i]);
        if (!copies[i]) {
            while (i--)
                free(copies[i]);
            free(copies);
            return -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < model->label_count; i++)
        free(model->labels[i]);
    free(model->labels);
    model->labels = copies;
    model->label_count = (uint32_t)count;
    return 0;
}

static int describe(struct model *model, const struct plan *plan, const struct assembly *assembly, struct reason *why)
{
    cleanup_free char *lineage = lineage_of_build(plan, assembly);

    if (snprintf(model->name, sizeof model->name, "%s", assembly->name) >= (int)sizeof model->name)
        return refuse(why, WISP_E_INVALID, "the name has more than %d bytes", MODEL_NAME_MAX - 1);
    memcpy(model->processing, plan->structure.processing, sizeof model->processing);
    model->signature = plan->structure.signature;
    if (!lineage || model_set_text(&model->lineage, lineage) ||
        (assembly->media && model_set_text(&model->media, assembly->media)) ||
        (assembly->label_count && model_set_labels(model, assembly->labels, assembly->label_count)))
        return refuse_errno(why, -ENOMEM, "model");
    return 0;
}

/* A layer without its tensors' content. */
static int copy_layer(struct layer *layer, const struct structure_layer *from, struct reason *why)
{
    layer->kind = from->kind;
    memcpy(layer->name, from->name, sizeof layer->name);
    memcpy(layer->inputs, from->inputs, sizeof layer->inputs);
    layer->input_count = from->input_count;
    memcpy(layer->parameters, from->parameters, sizeof layer->parameters);
    layer->shape = from->plan.shape;
    for (size_t i = 0; i < LAYER_VECTORS_MAX && layer->kind->vectors[i].name; i++) {
        struct vector *vector = &layer->vectors[i];

        if (!from->plan.vectors[i])
            continue;
        vector->data = memory_alloc(from->plan.vectors[i], sizeof *vector->data);
        if (!vector->data)
            return refuse_errno(why, -ENOMEM, "layer %s", layer->name);
        vector->count = from->plan.vectors[i];
        vector->owned = true;
    }
    return 0;
}

/* The gain of what reads layer `at`, as it is or normalised, or thinned in training. */
static float gain_after(const struct model *model, uint32_t at)
{
    for (uint32_t i = at + 1; i < model->layer_count; i++) {
        for (uint32_t k = 0; k < model->layers[i].input_count; k++) {
            if (model->layers[i].inputs[k] != model_value(model, at))
                continue;
            if (!model->layers[i].kind->affine && !model->layers[i].kind->train_only)
                return model->layers[i].kind->gain != 0 ? model->layers[i].kind->gain : 1;
            at = i;
        }
    }
    return 1;
}

static void begin_vectors(struct layer *layer)
{
    for (size_t i = 0; i < LAYER_VECTORS_MAX; i++) {
        for (uint64_t k = 0; layer->vectors[i].data && k < layer->vectors[i].count; k++)
            layer->vectors[i].data[k] = layer->kind->vectors[i].first;
    }
}

/* What a layer's own first weights are drawn from. */
static void begin_weights(struct model *model, uint32_t at, const struct sampling *sampling,
                          const struct sampling_source *source)
{
    struct csr *weight = &model->layers[at].weight;

    if (sampling->weights != WEIGHTS_CONSTANT) {
        sample_weights_by(source->pool, weight, gain_after(model, at), source->seed, source->stream);
        return;
    }
    for (uint64_t k = 0; k < weight->count; k++)
        weight->values[k] = sampling->constant;
}

static int draw_layer(struct model *model, uint32_t at, const struct sampling *sampling,
                      const struct sampling_source *source, uint64_t *moved, struct reason *why)
{
    struct csr drawn;
    uint64_t more;
    int result = sampling_draw(sampling, source, &drawn, &more, why);

    if (result)
        return refuse_in(why, result, "layer %s", model->layers[at].name);
    csr_deinit(&model->layers[at].weight);
    model->layers[at].weight = drawn;
    *moved += more;
    return 0;
}

static int copy_edges(struct layer *layer, const struct edge_list *list, struct reason *why)
{
    const struct csr *from = &list->matrix;
    int result = csr_alloc(&layer->weight, from->rows, from->columns, from->count);

    if (result)
        return refuse_errno(why, result, "layer %s", layer->name);
    memcpy(layer->weight.starts, from->starts, ((size_t)from->rows + 1) * sizeof *from->starts);
    memcpy(layer->weight.values, from->values, from->count * sizeof *from->values);
    if (csr_is_narrow(from))
        memcpy(layer->weight.index.narrow, from->index.narrow, from->count * sizeof *from->index.narrow);
    else
        memcpy(layer->weight.index.wide, from->index.wide, from->count * sizeof *from->index.wide);
    return 0;
}

static int assemble_layer(struct model *model, const struct plan *plan, uint32_t number,
                          const struct assembly *assembly, uint64_t *moved, struct reason *why)
{
    const struct plan_layer *planned = &plan->layers[number];
    const struct density_layer *d = &planned->density;
    const struct edge_list *given = assembly->edges ? &assembly->edges->lists[number] : NULL;
    uint64_t area = d->kernel_width * d->kernel_height;
    const struct sampling_source source = { .rows = (uint32_t)d->outputs,
                                            .columns = (uint32_t)(d->inputs * area),
                                            .area = (uint32_t)area,
                                            .connections = d->connections,
                                            .probability = d->probability,
                                            .seed = assembly->seed,
                                            .stream = number,
                                            .pool = assembly->pool };
    int result;

    if (given && given->matrix.starts)
        result = copy_edges(&model->layers[planned->place], given, why);
    else
        result = draw_layer(model, planned->place, &plan->sampling, &source, moved, why);
    if (!result && !(given && given->info.weighted))
        begin_weights(model, planned->place, &plan->sampling, &source);
    return result;
}

/* ---- all layers ---- */

enum {
    ALONE_MAX = 1 << 20
}; /* connections up to which a layer is one member's work; a larger one is the thread pool's */

struct result {
    int code;
    uint64_t moved;
    struct reason why;
};

struct crew {
    struct model *model;
    const struct plan *plan;
    const struct assembly *assembly; /* without a thread pool */
    struct result *results;          /* of each layer: written by the member that took it, read after the run */
    _Atomic uint32_t next;           /* the next layer to be taken; nothing else hangs on it */
};

static bool is_large(const struct plan *plan, uint32_t number)
{
    return plan->layers[number].density.connections > ALONE_MAX;
}

static void assemble_small(void *argument, unsigned part, unsigned parts)
{
    struct crew *crew = argument;
    uint32_t number;

    (void)part, (void)parts;
    while ((number = atomic_fetch_add_explicit(&crew->next, 1, memory_order_relaxed)) < crew->plan->layer_count) {
        struct result *result = &crew->results[number];

        if (!is_large(crew->plan, number))
            result->code =
                assemble_layer(crew->model, crew->plan, number, crew->assembly, &result->moved, &result->why);
    }
}

/* Small layers side by side, then each large one by all. */
static int assemble_layers(struct model *model, const struct plan *plan, const struct assembly *assembly,
                           uint64_t *moved, struct reason *why)
{
    cleanup_free struct result *results = memory_zalloc(plan->layer_count, sizeof *results);
    struct assembly alone = *assembly;
    struct crew crew = { model, plan, &alone, results, 0 };

    if (!results)
        return refuse_errno(why, -ENOMEM, "model");
    alone.pool = NULL;
    pool_run(assembly->pool, assemble_small, &crew);
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        struct result *result = &results[i];

        if (!result->code && is_large(plan, i))
            result->code = assemble_layer(model, plan, i, assembly, &result->moved, &result->why);
        if (result->code)
            return refuse(why, result->code, "%s", result->why.text);
        *moved += result->moved;
    }
    return 0;
}

/* The graph, its vectors as they begin, and what the file says beside them. */
static int begin_model(const struct plan *plan, const struct assembly *assembly, struct model **out, struct reason *why)
{
    cleanup_model struct model *model = NULL;
    int result = model_new(plan->structure.layer_count, &model);

    if (result)
        return refuse_errno(why, result, "model");
    result = describe(model, plan, assembly, why);
    for (uint32_t i = 0; i < model->layer_count && !result; i++) {
        result = copy_layer(&model->layers[i], &plan->structure.layers[i], why);
        if (!result)
            begin_vectors(&model->layers[i]);
    }
    if (result)
        return result;
    *out = steal(&model);
    return 0;
}

/* Weights that were given with their connections stay. */
static int inherit(struct model *model, const struct assembly *assembly, struct reason *why)
{
    int result = 0;

    for (uint32_t i = 0, number = 0; i < model->layer_count && !result; i++) {
        struct layer *layer = &model->layers[i];
        bool weighted = layer->kind->weighted;
        bool given = weighted && assembly->edges && assembly->edges->lists[number].info.weighted;

        result = pretrained_inherit(assembly->base, layer, !given, why);
        number += weighted;
    }
    return result;
}

int assemble_model(const struct plan *plan, const struct assembly *assembly, struct model **out, uint64_t *moved,
                   struct reason *why)
{
    cleanup_model struct model *model = NULL;
    struct plan realised = *plan;
    uint64_t ignored = 0;
    int result = begin_model(plan, assembly, &model, why);

    if (result)
        return result;
    moved = moved ? moved : &ignored;
    *moved = 0;
    result = assemble_layers(model, plan, assembly, moved, why);
    if (!result && plan->sampling.weights == WEIGHTS_INHERITED)
        result = inherit(model, assembly, why);
    if (!result)
        result = model_check(model, why);
    if (!result && plan->sampling.way == SAMPLING_BERNOULLI) {
        realised.connections = model_connections(model);
        result = describe(model, &realised, assembly, why);
    }
    if (result)
        return result;
    *out = steal(&model);
    return 0;
}

void assemble_outline_counts(const struct plan *plan, struct model *outline)
{
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        const struct density_layer *d = &plan->layers[i].density;

        outline->layers[plan->layers[i].place].weight =
            (struct csr){ .rows = (uint32_t)d->outputs,
                          .columns = (uint32_t)(d->inputs * d->kernel_width * d->kernel_height),
                          .count = d->connections };
    }
}

int assemble_outline_again(const struct plan *plan, const struct assembly *assembly, struct model *outline,
                           struct reason *why)
{
    assemble_outline_counts(plan, outline);
    return describe(outline, plan, assembly, why);
}

int assemble_outline(const struct plan *plan, const struct assembly *assembly, struct model **out, struct reason *why)
{
    return begin_model(plan, assembly, out, why);
}

/* ---- once more, from another seed ---- */

static int kernel_area(const struct model *model, const struct layer *layer, uint32_t *out, struct reason *why)
{
    struct shape shapes[LAYER_INPUTS_MAX];
    struct layer_plan planned;
    int result;

    for (uint32_t i = 0; i < layer->input_count; i++)
        shapes[i] = *model_value_shape(model, layer->inputs[i]);
    result = layer_plan(layer, shapes, &planned, why);
    *out = result ? 1 : (uint32_t)(planned.kernel_height * planned.kernel_width);
    return result;
}

static int resample_layer(struct model *model, uint32_t at, const struct sampling *sampling, const json_t *given,
                          const struct sampling_source *from, struct reason *why)
{
    struct layer *layer = &model->layers[at];
    struct sampling_source source = *from;
    uint64_t moved = 0;
    int result = 0;

    if (!given) {
        result = kernel_area(model, layer, &source.area, why);
        if (!result)
            result = draw_layer(model, at, sampling, &source, &moved, why);
    }
    if (!result && !json_is_true(json_object_get(given, "weights")))
        begin_weights(model, at, sampling, &source);
    return result;
}

/* How many there are is known by now, and is of all the layer's places, or as it was. */
static uint64_t connections_of(const struct csr *weight, bool all)
{
    return all ? (uint64_t)weight->rows * weight->columns : weight->count;
}

static int resample(struct model *model, const json_t *lineage, bool all, uint64_t seed, struct reason *why)
{
    const json_t *edges = all ? NULL : json_object_get(lineage, "edges");
    struct sampling sampling = sampling_of_description(lineage);
    uint32_t stream = 0;
    int result = 0;

    sampling.way = SAMPLING_EXACT;
    if (sampling.weights == WEIGHTS_INHERITED)
        return refuse(why, WISP_E_INVALID,
                      "the model's weights were inherited from a base file: build each candidate from it, with a "
                      "seed of its own");
    for (uint32_t i = 0; i < model->layer_count && !result; i++) {
        const struct csr *weight = &model->layers[i].weight;

        begin_vectors(&model->layers[i]);
        if (!model->layers[i].kind->weighted)
            continue;
        result = resample_layer(model, i, &sampling, json_object_get(edges, model->layers[i].name),
                                &(struct sampling_source){ .rows = weight->rows,
                                                           .columns = weight->columns,
                                                           .connections = connections_of(weight, all),
                                                           .seed = seed,
                                                           .stream = stream++ },
                                why);
    }
    return result;
}

int resample_model(struct model *model, uint64_t seed, struct reason *why)
{
    json_t *lineage = lineage_of_model(model);
    int result = resample(model, lineage, false, seed, why);

    json_decref(lineage);
    return result;
}

/* What the lineage told of the connections there were. */
static int tell_dense(struct model *model, json_t *lineage)
{
    static const char *const gone[] = { "sigma", "given", "edges", "budget" };

    for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
        json_object_del(lineage, gone[i]);
    json_object_set_new(lineage, "sparsity", json_real(0));
    json_object_set_new(lineage, "connections", json_integer((json_int_t)model_connections(model)));
    return lineage_store(model, lineage);
}

int connect_model(struct model *model, uint64_t seed, struct reason *why)
{
    json_t *lineage = lineage_of_model(model);
    int result = resample(model, lineage, true, seed, why);

    if (result)
        json_decref(lineage);
    else if (tell_dense(model, lineage))
        result = refuse(why, -ENOMEM, "out of memory");
    return result;
}
