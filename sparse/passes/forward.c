/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan and its run.
 */
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/layers/convolution/convolution.h"
#include "sparse/layers/step.h"
#include "sparse/passes/bags.h"
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/lengths.h"

/* ---- planning ---- */

/* Samples of a product, at all of a layer's positions. */
static uint64_t samples_of(const struct forward_setup *setup, const struct layer *layer)
{
    return shape_elements(&layer->shape) / layer->shape.dimension[0] * setup->batch;
}

/* It looks columns up, reads the model's sparse input, or is trained with enough samples. Where every connection is
 * there, rows and columns are walked alike, unless there are positions besides: then a block of rows stays in a cache.
 */
bool forward_has_index(const struct forward_setup *setup, const struct layer *layer)
{
    const struct csr *w = &layer->weight;

    if (layer->kind->indexed)
        return true;
    if (!layer->kind->by_columns || w->count > CSC_CONNECTIONS_MAX)
        return false;
    return ((setup->sparse_input || bags_are_possible(setup)) && layer->inputs[0] == 0) ||
           (setup->mode == LAYER_TRAIN && samples_of(setup, layer) >= WEIGHTS_INDEX_BATCH &&
            (w->count < (uint64_t)w->rows * w->columns || samples_of(setup, layer) > setup->batch));
}

static int measure_workspace(const struct forward_setup *setup, unsigned parts, struct workspace *out,
                             struct reason *why)
{
    const struct forward_part *part = setup->part;
    const struct workspace_setup s = { .model = setup->model,
                                       .mode = setup->mode,
                                       .batch = setup->batch,
                                       .parts = parts,
                                       .sparse_input = setup->sparse_input || bags_are_possible(setup),
                                       .input_gradient = setup->input_gradient,
                                       .values = part ? part->values : NULL,
                                       .length = part ? part->length : 0 };

    return workspace_measure(&s, out, why);
}

int forward_bytes(const struct forward_setup *setup, unsigned parts, struct forward_bytes *out, struct reason *why)
{
    const struct model *model = setup->model;
    uint32_t *buffer_of = calloc(model_value_count(model), sizeof *buffer_of);
    struct forward forward = { .setup = *setup, .buffer_of = buffer_of };
    struct workspace workspace;
    struct buffers buffers;
    int result = buffer_of ? endings_find(setup, &forward.endings) : -ENOMEM;

    if (!result)
        result = buffers_choose(&forward, &buffers);
    endings_free(forward.endings, model->layer_count);
    free(buffer_of);
    if (result)
        return refuse_errno(why, result, "the memory of a pass");
    *out = (struct forward_bytes){ .activations = 0 };
    for (uint32_t p = 0; p < buffers.count; p++)
        out->activations += buffers.sizes[p] * setup->batch * sizeof(float);
    buffers_deinit(&buffers);
    result = measure_workspace(setup, parts, &workspace, why);
    if (result)
        return result;
    out->workspace = workspace.bytes;
    workspace_deinit(&workspace);
    for (uint32_t i = 0; i < model->layer_count; i++)
        out->weights += forward_has_index(setup, &model->layers[i]) ? csc_memory(&model->layers[i].weight) : 0;
    return 0;
}

static int plan_workspace(struct forward *forward, struct reason *why)
{
    const struct forward_setup *s = &forward->setup;
    int result = measure_workspace(s, MAX(pool_parts(s->pool), s->threads), &forward->workspace, why);

    forward->memory += forward->workspace.bytes;
    return result ? result : workspace_allocate(&forward->workspace);
}

/* Room for what the greediest layer gathers, here and of all. */
static int plan_peers(struct forward *forward)
{
    const struct forward_peers *peers = forward->setup.peers;
    uint64_t most = 0;

    if (!peers || forward->setup.mode != LAYER_TRAIN)
        return 0;
    for (uint32_t i = 0; i < forward->setup.model->layer_count; i++)
        most = MAX(most, forward->workspace.gathered[i]);
    forward->own = memory_zalloc(MAX(most, 1), 1);
    forward->gathered = memory_zalloc(MAX(most, 1), peers->count);
    forward->memory += most * (1 + peers->count);
    return forward->own && forward->gathered ? 0 : -ENOMEM;
}

static int plan_layer(const struct model *model, const struct layer *layer, struct layer_plan *out, struct reason *why)
{
    struct shape inputs[LAYER_INPUTS_MAX];

    for (uint32_t j = 0; j < layer->input_count; j++)
        inputs[j] = *model_value_shape(model, layer->inputs[j]);
    return layer_plan(layer, inputs, out, why);
}

/* The convolution that a layer is in this pass; false: it is none. */
static bool find_convolution(const struct forward *forward, const struct layer *layer, size_t batch,
                             struct convolution *out)
{
    if (!layer->kind->convolution || forward->setup.mode != LAYER_SERVE)
        return false;
    *out = convolution_of_layer(layer, model_value_shape(forward->setup.model, layer->inputs[0]), &layer->shape);
    out->kernels = forward->setup.kernels;
    out->batch = batch;
    return true;
}

/* Weights that train move, so they stay as they are; and so do those of layers that run on them directly, and those of
 * which single columns are looked up. */
static int make_weights(const struct forward *forward, const struct layer *layer, struct weights **out,
                        struct reason *why)
{
    const struct forward_setup *s = &forward->setup;
    struct convolution convolution;
    struct way_choice ways;
    const bool convolves = find_convolution(forward, layer, s->batch, &convolution);
    struct layer_plan plan;
    uint64_t positions;
    int result = plan_layer(s->model, layer, &plan, why);

    if (result)
        return result;
    positions = layer_product_positions(&plan);
    if (s->mode != LAYER_SERVE || (plan.direct && !convolves) || layer->kind->indexed)
        result = weights_borrow(s->kernels, &layer->weight, out);
    else if (!plan.direct)
        result = weights_new(s->kernels, &layer->weight,
                             &(struct weights_use){ .columns_min = forward->along ? 1 : positions,
                                                    .columns_max = positions * s->batch,
                                                    .residence = forward->residence,
                                                    .cache = s->choices },
                             out);
    if (!result && convolves)
        result = convolution_choose(&convolution, s->choices, *out, &ways);
    if (!result && convolves)
        result = convolution_weights(&convolution, &ways, out);
    if (!result && plan.blocks > 1)
        result = weights_split(*out, &layer->weight, (uint32_t)plan.blocks);
    return result;
}

/* A layer that is only looked up is hardly read. */
static enum residence find_residence(const struct forward *forward)
{
    const struct model *model = forward->setup.model;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        if (layer->kind->weighted && !layer->kind->indexed && forward_has_layer(&forward->setup, i))
            bytes += csr_memory(&layer->weight);
    }
    return residence_of(bytes);
}

static int plan_weights(struct forward *forward, struct reason *why)
{
    const struct model *model = forward->setup.model;

    forward->residence = find_residence(forward);
    for (uint32_t i = 0; !forward->setup.weights_of && i < model->layer_count; i++) {
        int result;

        if (!model->layers[i].kind->weighted || !forward_has_layer(&forward->setup, i))
            continue;
        result = make_weights(forward, &model->layers[i], &forward->weights[i], why);
        if (!result && forward_has_index(&forward->setup, &model->layers[i]))
            result = weights_index_columns(forward->weights[i], &model->layers[i].weight);
        if (!result && forward->setup.mode == LAYER_SERVE && weights_columns(forward->weights[i]))
            result = weights_gather_values(forward->weights[i], &model->layers[i].weight);
        if (result)
            return result;
        forward->memory += weights_memory(forward->weights[i]);
    }
    if (bags_are_possible(&forward->setup))
        bags_plan(forward);
    return 0;
}

/* Of a pass that is run whole, by forward_run(). One that serves has formats for the columns that it is made for, and
 * those of fewer positions are fewer: there they must have been foreseen. */
static int plan_lengths(struct forward *forward)
{
    const struct forward_setup *s = &forward->setup;
    const struct model *model = s->model;
    uint32_t *along;

    if (s->part || s->sparse_input || (s->mode == LAYER_SERVE && !s->lengths))
        return 0;
    along = calloc(model_value_count(model), sizeof *along);
    if (along && lengths_find(model, along))
        forward->along = along;
    else
        free(along);
    return along ? 0 : -ENOMEM;
}

/* Room for what is learnt of batches that are served. */
static int plan_trials(struct forward *forward)
{
    const size_t bytes = 2 * sizeof *forward->trials;

    if (forward->setup.mode != LAYER_SERVE || forward->setup.batch < 2)
        return 0;
    forward->trials = memory_zalloc(bytes, 1);
    forward->memory += bytes;
    return forward->trials ? 0 : -ENOMEM;
}

static int plan(struct forward *forward, struct reason *why)
{
    const uint32_t values = model_value_count(forward->setup.model);
    int result;

    forward->weights = forward->setup.weights_of ? forward->setup.weights_of->weights
                                                 : calloc(forward->setup.model->layer_count, sizeof *forward->weights);
    forward->buffer_of = calloc(values, sizeof *forward->buffer_of);
    forward->values = calloc(values, sizeof *forward->values);
    if (!forward->weights || !forward->buffer_of || !forward->values)
        return -ENOMEM;
    for (uint32_t value = 0; value < values; value++) {
        const struct shape *shape = model_value_shape(forward->setup.model, value);

        forward->values[value] = (struct tensor){ .shape = *shape, .elements = shape_elements(shape) };
    }
    result = endings_find(&forward->setup, &forward->endings);
    if (!result)
        result = endings_prepare(forward->setup.model, forward->endings);
    if (!result)
        result = buffers_plan(forward);
    if (!result)
        result = plan_lengths(forward);
    if (!result)
        result = plan_workspace(forward, why);
    if (!result)
        result = plan_peers(forward);
    if (!result)
        result = plan_trials(forward);
    return result ? result : plan_weights(forward, why);
}

int forward_new(const struct forward_setup *setup, struct forward **out, struct reason *why)
{
    const struct model *model = setup->model;
    const bool train = setup->mode == LAYER_TRAIN;
    struct forward *forward;
    int result;

    if (train && !signature_trains(&model->signature))
        return refuse(why, WISP_E_FORMAT,
                      "this version of wisp trains models with one float32 output, and inputs without a scale");
    if (setup->part && setup->mode != LAYER_SERVE)
        return refuse(why, WISP_E_FORMAT, "parts of a model are run to serve alone");
    if (setup->sparse_input && (setup->mode == LAYER_SERVE || setup->input_gradient || !forward_takes_sparse(model)))
        return refuse(why, WISP_E_FORMAT, "this model takes no sparse input");
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        if (!layer_kind_serves(layer->kind) || (train && !layer_kind_trains(layer->kind)))
            return refuse(why, WISP_E_FORMAT, "layer %s: this version of wisp cannot %s layers of kind \"%s\"",
                          layer->name, train ? "train" : "run", layer->kind->name);
    }
    forward = calloc(1, sizeof *forward);
    if (!forward)
        return refuse_errno(why, -ENOMEM, "cannot plan model %s", model->name);
    *forward = (struct forward){ .setup = *setup, .pool = setup->pool, .memory = sizeof *forward };
    forward->setup.apart = setup->apart && !bags_are_possible(setup); /* which go together all the same */
    forward->times.apart = forward->setup.apart;
    result = plan(forward, why);
    if (result) {
        forward_free(forward);
        return (result < 0 ? refuse_errno : refuse_in)(why, result, "cannot plan model %s for batches of %zu",
                                                       model->name, setup->batch);
    }
    *out = forward;
    return 0;
}

static void free_weights(struct forward *forward)
{
    if (forward->setup.weights_of)
        return;
    for (uint32_t i = 0; forward->weights && i < forward->setup.model->layer_count; i++) {
        if (forward->weights[i])
            forward->memory -= weights_memory(forward->weights[i]);
        forward->weights[i] = weights_free(forward->weights[i]);
    }
}

void forward_lend(struct forward *forward, struct pool *pool)
{
    const unsigned most = MAX(forward->setup.threads, pool_parts(forward->setup.pool));

    insist(pool_parts(pool) <= most, "%u of %u", pool_parts(pool), most); /* each has its scratch */
    forward->pool = pool;
}

int forward_reconnect(struct forward *forward, struct reason *why)
{
    int result;

    free_weights(forward);
    result = plan_weights(forward, why);
    return result < 0 ? refuse_errno(why, result, "the connections of %s", forward->setup.model->name) : result;
}

void forward_free_replicas(struct forward *forward)
{
    for (unsigned i = 0; i < forward->replica_count; i++) {
        struct forward *replica = forward->replicas[i];

        forward->memory -= replica->memory;
        replica->times = (struct step_times){ .one = NULL }; /* they are not its own */
        forward_free(replica);
    }
    free(forward->replicas);
    forward->replicas = NULL;
    forward->replica_count = 0;
}

struct forward *forward_free(struct forward *forward)
{
    if (!forward)
        return NULL;
    forward_free_replicas(forward);
    free_weights(forward);
    for (uint32_t p = 0; p < forward->buffer_count; p++)
        free(forward->buffers[p]);
    free(forward->buffers);
    if (!forward->setup.weights_of)
        free(forward->weights);
    endings_free(forward->endings, forward->setup.model->layer_count);
    free(forward->buffer_of);
    free(forward->values);
    free(forward->trials);
    free(forward->along);
    free(forward->times.one);
    free(forward->times.many);
    workspace_deinit(&forward->workspace);
    free(forward->own);
    free(forward->gathered);
    free(forward);
    return NULL;
}

static bool needs_csr(const void *argument, uint32_t layer)
{
    const struct forward *forward = argument;

    return forward->weights[layer] && weights_borrow_csr(forward->weights[layer]);
}

int forward_strip(const struct forward *forward, struct model *model)
{
    return model_strip(model, needs_csr, forward);
}

/* ---- running ---- */

static void run_part(void *argument, unsigned part, unsigned parts)
{
    const struct layer_call *call = argument;
    struct layer_run run = call->run;

    run.part = part;
    run.parts = parts;
    workspace_lend_part(call->workspace, &run);
    call->function(&run);
}

void forward_meet(const struct forward *forward, uint32_t layer, pool_function *write, void *call,
                  struct layer_run *run)
{
    const struct forward_peers *peers = forward->setup.peers;
    const uint64_t bytes = forward->workspace.gathered[layer];

    run->own = memset(forward->own, 0, bytes);
    if (run->out->batch)
        pool_run(forward->pool, write, call);
    peers->gather(peers->argument, forward->own, bytes, forward->gathered);
    run->gathered = forward->gathered;
    run->peers = peers->count;
}

/* Of what it writes. */
static const struct finish *find_finish(const struct forward *forward, uint32_t number, struct finish *out)
{
    const struct ending *ending = &forward->endings[number];

    if (ending->last == number)
        return NULL;
    *out = (struct finish){ .norms = ending->norms,
                            .y = forward->values[model_value(forward->setup.model, ending->last)].data,
                            .rectify = ending->rectify };
    if (ending->added != ENDING_NO_VALUE)
        out->add = forward->values[ending->added].data;
    return out;
}

void forward_call(const struct forward *forward, uint32_t number, enum layer_mode mode, struct layer_call *call)
{
    const struct model *model = forward->setup.model;
    const struct layer *layer = &model->layers[number];

    *call = (struct layer_call){ .workspace = &forward->workspace,
                                 .function = forward->steps ? layer_kind_step(layer->kind) : layer->kind->forward,
                                 .run = { .layer = layer,
                                          .kernels = forward->setup.kernels,
                                          .weights = forward->weights[number],
                                          .in = call->in,
                                          .out = &forward->values[model_value(model, forward->endings[number].last)],
                                          .mode = mode,
                                          .random = forward_random_of(forward, number),
                                          .parts = 1 } };
    for (uint32_t j = 0; j < layer->input_count; j++)
        call->in[j] = &forward->values[layer->inputs[j]];
    call->run.finish = find_finish(forward, number, &call->finish);
    if (forward->steps)
        call->run.step = &forward->steps[number];
    workspace_lend(&forward->workspace, number, &call->run);
}

/* What peers have to know of this layer. */
static void meet(struct forward *forward, uint32_t layer, struct layer_call *call)
{
    layer_step_function *function = call->function;

    call->function = call->run.layer->kind->forward_gather;
    forward_meet(forward, layer, run_part, call, &call->run);
    call->function = function;
}

/* Every value has its place in forward->values by now. */
static void run_layers(struct forward *forward, enum layer_mode mode, struct pool *pool)
{
    for (uint32_t i = 0; i < forward->setup.model->layer_count; i++) {
        struct layer_call call;

        if (!forward_calls_layer(forward, i))
            continue;
        forward_call(forward, i, mode, &call);
        if (mode == LAYER_TRAIN && forward->setup.peers && call.run.layer->kind->forward_gather)
            meet(forward, i, &call);
        else if (!call.run.out->batch)
            continue;
        pool_run(pool, run_part, &call);
    }
}

void forward_place(struct forward *forward, size_t count)
{
    for (uint32_t value = 0; value < model_value_count(forward->setup.model); value++) {
        forward->values[value].data = forward->buffers[forward->buffer_of[value]];
        forward->values[value].batch = count;
        forward->values[value].samples = NULL;
    }
}

void forward_run(struct forward *forward, enum layer_mode mode, const float *input, size_t count)
{
    forward_place(forward, count);
    forward->values[0].data = (float *)(uintptr_t)input;
    run_layers(forward, mode, forward->pool);
}

void forward_run_sparse(struct forward *forward, enum layer_mode mode, const struct sparse_vector *input, size_t count)
{
    forward_place(forward, count);
    forward->values[0].data = NULL;
    forward->values[0].vectors = input;
    run_layers(forward, mode, forward->pool);
}

void forward_step(struct forward *forward, const struct layer_step *steps, size_t count)
{
    forward_place(forward, count);
    forward->steps = steps;
    run_layers(forward, LAYER_SERVE, forward->pool);
    forward->steps = NULL;
}

bool forward_is_sparse(const struct forward *forward)
{
    return forward->setup.sparse_input;
}

bool forward_has_lengths(const struct forward *forward)
{
    return forward->along != NULL;
}

void forward_set_lengths(struct forward *forward, const uint32_t *lengths)
{
    for (uint32_t value = 0; forward->along && value < model_value_count(forward->setup.model); value++) {
        struct tensor *tensor = &forward->values[value];

        tensor->shape = *model_value_shape(forward->setup.model, value);
        if (lengths)
            tensor->shape.dimension[tensor->shape.rank - 1] = lengths[forward->along[value]];
        tensor->elements = shape_elements(&tensor->shape);
    }
}

void forward_random(struct forward *forward, const struct layer_random *random)
{
    forward->random = *random;
}

struct layer_random forward_random_of(const struct forward *forward, uint32_t layer)
{
    struct layer_random random = forward->random;

    random.stream += layer;
    return random;
}

float *forward_input(struct forward *forward, uint32_t input)
{
    return forward->buffers[forward->buffer_of[input]];
}

const float *forward_value(const struct forward *forward, size_t value)
{
    return forward->values[value].data;
}

size_t forward_memory(const struct forward *forward)
{
    return forward->memory;
}

const struct weights *forward_weights(const struct forward *forward, size_t layer)
{
    return forward->weights[layer];
}

bool forward_runs(const struct forward *forward, size_t layer)
{
    return forward_has_layer(&forward->setup, (uint32_t)layer);
}

const char *forward_kernel(const struct forward *forward, size_t layer, size_t batch)
{
    const struct model *model = forward->setup.model;
    struct convolution convolution;
    struct layer_plan plan;

    if (!forward->weights[layer] || plan_layer(model, &model->layers[layer], &plan, NULL))
        return "";
    if (find_convolution(forward, &model->layers[layer], batch, &convolution))
        return convolution_kernel(&convolution, forward->weights[layer]);
    return weights_format(forward->weights[layer], layer_product_positions(&plan) * batch);
}

const char *forward_class_kernel(const struct forward *forward, size_t layer, unsigned batch_class)
{
    const size_t batch = forward->setup.batch;

    if (!forward->weights[layer])
        return NULL;
    if (!forward->setup.model->layers[layer].kind->convolution)
        return weights_class_format(forward->weights[layer], batch_class);
    return batch_class > batch_class_of(batch)
               ? NULL
               : forward_kernel(forward, layer, MIN(batch_class_columns(batch_class), batch));
}

bool forward_ends_with(const struct forward *forward, size_t layer, size_t other)
{
    return other != layer && forward->endings[other].host == layer;
}
