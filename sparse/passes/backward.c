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
    const struct parameters *parameters;
    float **gradients; /* by value; NULL for the model's inputs, unless they are wanted */
    bool *written;     /* by value: in this run */
    size_t begun;      /* a value that has a gradient before the run; no value's number: none has */
    /* For a layer that reads one value several times: what it sends through all inputs but the first. */
    float *spares[LAYER_INPUTS_MAX];
};

/* Whether the layer has read the value of input j through one before; what has no gradient needs no sum. */
static bool is_repeated(const struct backward *backward, const struct layer *layer, uint32_t j)
{
    for (uint32_t k = 0; k < j; k++) {
        if (layer->inputs[k] == layer->inputs[j])
            return backward->gradients[layer->inputs[j]] != NULL;
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

            largest[j] = is_repeated(backward, layer, j) ? MAX(largest[j], elements) : largest[j];
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
    const struct forward_setup *setup = &backward->forward->setup;
    const struct model *model = setup->model;
    const uint32_t values = model_value_count(model);
    uint64_t elements;

    backward->gradients = calloc(values, sizeof *backward->gradients);
    backward->written = calloc(values, sizeof *backward->written);
    if (!backward->gradients || !backward->written)
        return -ENOMEM;
    for (uint32_t value = setup->input_gradient ? 0 : model->signature.input_count; value < values; value++) {
        if (!size_multiply(shape_elements(model_value_shape(model, value)), setup->batch, &elements) ||
            !(backward->gradients[value] = memory_zalloc(elements, sizeof(float))))
            return -ENOMEM;
    }
    return allocate_spares(backward);
}

int backward_new(struct forward *forward, const struct parameters *parameters, struct backward **out,
                 struct reason *why)
{
    struct backward *backward = calloc(1, sizeof *backward);

    if (backward)
        *backward = (struct backward){ .forward = forward, .parameters = parameters, .begun = SIZE_MAX };
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
    for (uint32_t value = 0; backward->gradients && value < model_value_count(backward->forward->setup.model); value++)
        free(backward->gradients[value]);
    free(backward->gradients);
    free(backward->written);
    for (uint32_t j = 0; j < LAYER_INPUTS_MAX; j++)
        free(backward->spares[j]);
    free(backward);
    return NULL;
}

static void clear_layer(const struct parameters *parameters, uint32_t index, float *gradient)
{
    for (uint32_t i = parameters->first[index]; i < parameters->first[index + 1]; i++) {
        const struct parameter_run *run = &parameters->runs[i];

        if (run->trained)
            memset(gradient + run->begin, 0, run->count * sizeof *gradient);
    }
}

/* Where the layer's share of an array stands. */
static void place_gradients(const struct parameters *parameters, uint32_t index, float *gradient, float **weight,
                            float *vectors[static LAYER_VECTORS_MAX])
{
    for (uint32_t i = parameters->first[index]; i < parameters->first[index + 1]; i++) {
        const struct parameter_run *run = &parameters->runs[i];

        if (run->connections)
            *weight = gradient + run->begin;
        else if (run->trained)
            vectors[run->vector] = gradient + run->begin;
    }
}

struct call {
    const struct workspace *workspace;
    void (*run)(const struct layer_back *back);
    struct layer_back back;
};

static void run_part(void *argument, unsigned part, unsigned parts)
{
    const struct call *call = argument;
    struct layer_back back = call->back;

    back.run.part = part;
    back.run.parts = parts;
    workspace_lend_part(call->workspace, &back.run);
    call->run(&back);
}

/* What came through a repeated input, added in the order of inputs. */
static void add_spares(struct backward *backward, const struct layer *layer)
{
    const struct forward *forward = backward->forward;

    for (uint32_t j = 0; j < layer->input_count; j++) {
        uint32_t value = layer->inputs[j];

        if (is_repeated(backward, layer, j))
            forward->setup.kernels->add(backward->gradients[value], backward->spares[j],
                                        tensor_count(&forward->values[value]));
    }
}

/* As the layer was run forward; `in` is filled. */
static struct layer_run run_of(const struct forward *forward, uint32_t index,
                               const struct tensor *in[static LAYER_INPUTS_MAX])
{
    const struct layer *layer = &forward->setup.model->layers[index];
    struct layer_run run = { .layer = layer,
                             .kernels = forward->setup.kernels,
                             .weights = forward->weights[index],
                             .in = in,
                             .out = &forward->values[model_value(forward->setup.model, index)],
                             .mode = LAYER_TRAIN,
                             .random = forward_random_of(forward, index) };

    for (uint32_t j = 0; j < layer->input_count; j++)
        in[j] = &forward->values[layer->inputs[j]];
    workspace_lend(&forward->workspace, index, &run);
    return run;
}

/* Without samples the gradients are what they were cleared to. */
static void run_call(struct backward *backward, const struct layer *layer, struct call *call)
{
    struct pool *pool = backward->forward->pool;

    if (!call->back.run.out->batch)
        return;
    call->run = layer->kind->backward;
    pool_run(pool, run_part, call);
    call->run = layer->kind->backward_join;
    if (call->run)
        pool_run(pool, run_part, call);
    add_spares(backward, layer);
}

static void run_layer(struct backward *backward, uint32_t index, float *gradient)
{
    const struct forward *forward = backward->forward;
    const struct model *model = forward->setup.model;
    const struct layer *layer = &model->layers[index];
    const uint32_t value = model_value(model, index);
    const struct tensor *in[LAYER_INPUTS_MAX];
    bool accumulate[LAYER_INPUTS_MAX] = { false };
    float *in_gradient[LAYER_INPUTS_MAX] = { NULL }, *vectors[LAYER_VECTORS_MAX] = { NULL };
    struct call call = { .workspace = &forward->workspace,
                         .back = { .run = run_of(forward, index, in),
                                   .out_gradient = backward->gradients[value],
                                   .in_gradient = in_gradient,
                                   .accumulate = accumulate,
                                   .vector_gradient = vectors } };

    for (uint32_t j = 0; j < layer->input_count; j++) {
        const uint32_t read = layer->inputs[j];

        in_gradient[j] = backward->gradients[read];
        if (is_repeated(backward, layer, j)) {
            in_gradient[j] = backward->spares[j];
            continue;
        }
        accumulate[j] = backward->written[read];
        backward->written[read] = in_gradient[j] != NULL;
    }
    if (!call.back.run.out->batch || (forward->setup.sparse_input && layer->inputs[0] == 0))
        clear_layer(backward->parameters, index, gradient);
    place_gradients(backward->parameters, index, gradient, &call.back.weight_gradient, vectors);
    call.run = layer->kind->backward_gather;
    if (forward->setup.peers && call.run)
        forward_meet(forward, index, run_part, &call, &call.back.run);
    run_call(backward, layer, &call);
}

float *backward_gradient(struct backward *backward, size_t value)
{
    return backward->gradients[value];
}

void backward_begin_at(struct backward *backward, size_t value)
{
    backward->begun = value;
}

/* What no layer sends anything to. */
static void clear_inputs(struct backward *backward)
{
    const struct forward *forward = backward->forward;

    for (uint32_t value = 0; value < forward->setup.model->signature.input_count; value++) {
        if (backward->gradients[value] && !backward->written[value])
            memset(backward->gradients[value], 0, tensor_count(&forward->values[value]) * sizeof(float));
    }
}

void backward_run(struct backward *backward, size_t from, float *gradient)
{
    const struct model *model = backward->forward->setup.model;

    memset(backward->written, 0, model_value_count(model) * sizeof *backward->written);
    backward->written[from] = from >= model->signature.input_count;
    if (backward->begun != SIZE_MAX)
        backward->written[backward->begun] = backward->gradients[backward->begun] != NULL;
    backward->begun = SIZE_MAX;
    for (uint32_t i = model->layer_count; i-- > 0;) {
        /* A layer that the loss does not depend on learns nothing. */
        if (backward->written[model_value(model, i)])
            run_layer(backward, i, gradient);
        else
            clear_layer(backward->parameters, i, gradient);
    }
    clear_inputs(backward);
}

/* ---- connections that the model has not ---- */

/* Goes over the places of a matrix that have no connection. */
struct tile {
    const struct csr *of;
    struct csr matrix; /* those of this turn */
    uint64_t room;
    uint32_t row, column; /* of the next place */
    uint64_t next;        /* number of the first connection of `of` at or after it */
    float *gradient;
};

static int tile_init(struct tile *tile, const struct csr *of)
{
    const uint64_t room = MIN(of->count, (uint64_t)BACKWARD_TILE);
    int result = csr_alloc(&tile->matrix, of->rows, of->columns, room);

    tile->of = of;
    tile->room = room;
    tile->gradient = result ? NULL : memory_alloc(room, sizeof *tile->gradient);
    return tile->gradient ? 0 : -ENOMEM;
}

static void tile_deinit(struct tile *tile)
{
    csr_deinit(&tile->matrix);
    free(tile->gradient);
}

/* The places of the row at hand, while there is room. */
static void fill_row(struct tile *tile)
{
    const struct csr *of = tile->of;

    for (; tile->column < of->columns && tile->matrix.count < tile->room; tile->column++) {
        if (tile->next < of->starts[tile->row + 1] && csr_column(of, tile->next) == tile->column)
            tile->next++;
        else
            csr_set_column(&tile->matrix, tile->matrix.count++, tile->column);
    }
}

/* The next turn's. False: there are no more. */
static bool tile_fill(struct tile *tile)
{
    struct csr *m = &tile->matrix;

    m->count = 0;
    for (uint32_t r = 0; r < m->rows; r++) {
        m->starts[r] = m->count;
        if (r != tile->row)
            continue;
        fill_row(tile);
        if (tile->column == m->columns) {
            tile->column = 0;
            tile->row++;
        }
    }
    m->starts[m->rows] = m->count;
    return m->count > 0;
}

/* `layer` is a copy of the model's with the tile's connections in the place of its own. */
static int run_tile(struct backward *backward, uint32_t index, const struct layer *layer, float *gradient)
{
    static const bool accumulate[LAYER_INPUTS_MAX];
    const struct forward *forward = backward->forward;
    const struct tensor *in[LAYER_INPUTS_MAX];
    float *nobody[LAYER_INPUTS_MAX + LAYER_VECTORS_MAX] = { NULL };
    struct call call = { .workspace = &forward->workspace,
                         .run = layer->kind->backward_join ? layer->kind->backward_join : layer->kind->backward,
                         .back = { .run = run_of(forward, index, in),
                                   .out_gradient = backward->gradients[model_value(forward->setup.model, index)],
                                   .in_gradient = nobody,
                                   .accumulate = accumulate,
                                   .weight_gradient = gradient,
                                   .vector_gradient = nobody + LAYER_INPUTS_MAX } };
    struct weights *weights;
    int result = weights_borrow(forward->setup.kernels, &layer->weight, &weights);

    if (result)
        return result;
    if (forward_has_index(&forward->setup, layer))
        result = weights_index_columns(weights, &layer->weight);
    call.back.run.layer = layer;
    call.back.run.weights = weights;
    memset(gradient, 0, layer->weight.count * sizeof *gradient); /* where the input is sparse, not all are reached */
    if (!result && call.back.run.out->batch)
        pool_run(forward->pool, run_part, &call);
    if (!result && forward->setup.peers)
        forward->setup.peers->sum(forward->setup.peers->argument, gradient, layer->weight.count);
    weights_free(weights);
    return result;
}

int backward_potential(struct backward *backward, uint32_t index, backward_see *see, void *argument, struct reason *why)
{
    const struct model *model = backward->forward->setup.model;
    struct layer layer = model->layers[index];
    struct tile tile = { .of = &model->layers[index].weight };
    int result = tile_init(&tile, tile.of);

    while (!result && backward->written[model_value(model, index)] && tile_fill(&tile)) {
        layer.weight = tile.matrix;
        result = run_tile(backward, index, &layer, tile.gradient);
        if (!result)
            see(argument, &tile.matrix, tile.gradient);
    }
    tile_deinit(&tile);
    return result ? refuse_errno(why, result, "layer %s: gradients of other connections", layer.name) : 0;
}
