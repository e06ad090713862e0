/* SPDX-License-Identifier: Apache-2.0 */
#include "support/translator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "sparse/construct/sample.h"
#include "sparse/passes/forward.h"
#include "support/test.h"

enum { LAYERS_MAX = 48, DENSITY = 60 /* percent */ };

struct build {
    const struct translator *t;
    struct model *model;
};

static void make_tensors(const struct build *b, struct layer *layer, const struct layer_plan *plan)
{
    const uint64_t index = (uint64_t)(layer - b->model->layers);
    struct rng rng = rng_make(b->t->seed, 900 + index);
    struct reason why;

    if (layer->kind->weighted) {
        const uint32_t rows = (uint32_t)plan->outputs, columns = (uint32_t)plan->inputs;

        assert_ok(sample_connections(rows, columns, ((uint64_t)rows * columns * DENSITY + 99) / 100, b->t->seed, index,
                                     &layer->weight, &why),
                  why);
        sample_weights(&layer->weight, 2, b->t->seed, index);
        for (uint64_t k = 0; k < layer->weight.count; k++) /* what is read is to make a difference */
            layer->weight.values[k] *= layer->kind->indexed ? 8 : 2;
    }
    for (unsigned v = 0; v < LAYER_VECTORS_MAX && layer->kind->vectors[v].name; v++) {
        layer->vectors[v] = (struct vector){ memory_alloc(plan->vectors[v], sizeof(float)), plan->vectors[v], true };
        assert_non_null(layer->vectors[v].data);
        for (uint64_t i = 0; i < plan->vectors[v]; i++)
            layer->vectors[v].data[i] = layer->kind->vectors[v].first + 0.2f * rng_normal(&rng);
    }
}

/* A layer of `count` inputs with those first parameters; returns its value. */
static uint32_t add(struct build *b, const char *kind, const uint32_t *inputs, uint32_t count,
                    const double parameters[2])
{
    const uint32_t value = model_value(b->model, b->model->layer_count);
    struct layer *layer = &b->model->layers[b->model->layer_count];
    struct shape shapes[LAYER_INPUTS_MAX];
    struct layer_plan plan;
    struct reason why;

    assert_true(b->model->layer_count < LAYERS_MAX);
    snprintf(layer->name, sizeof layer->name, "layer%u", b->model->layer_count);
    layer->kind = layer_kind_find(kind);
    assert_non_null(layer->kind);
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    for (size_t i = 0; i < 2 && parameters && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = parameters[i];
    layer->input_count = count;
    memcpy(layer->inputs, inputs, count * sizeof *inputs);
    for (uint32_t j = 0; j < count; j++)
        shapes[j] = *model_value_shape(b->model, inputs[j]);
    assert_ok(layer->kind->plan(layer->parameters, shapes, count, &plan, &why), why);
    layer->shape = plan.shape;
    make_tensors(b, layer, &plan);
    b->model->layer_count++;
    return value;
}

static uint32_t add_one(struct build *b, const char *kind, uint32_t input, double parameter)
{
    const double parameters[2] = { parameter };

    return add(b, kind, &input, 1, layer_kind_find(kind)->parameters[0].name && parameter > 0 ? parameters : NULL);
}

static uint32_t add_sum(struct build *b, uint32_t left, uint32_t right)
{
    return add(b, "add", (const uint32_t[]){ left, right }, 2, NULL);
}

static uint32_t embed(struct build *b, uint32_t input)
{
    const double neurons_and_vocabulary[2] = { b->t->width, b->t->vocabulary };

    return add(b, "embedding", &input, 1, neurons_and_vocabulary);
}

static uint32_t attend(struct build *b, uint32_t queries, uint32_t keys, uint32_t mask, bool causal)
{
    const double width = b->t->width, parameters[2] = { 2, causal };
    const uint32_t inputs[] = { add_one(b, "projection", queries, width), add_one(b, "projection", keys, width),
                                add_one(b, "projection", keys, width), mask };

    return add(b, "attention", inputs, b->t->masked ? 4 : 3, parameters);
}

static uint32_t transform(struct build *b)
{
    uint32_t source = add_one(b, "position", embed(b, 0), 0), target, memory, norm;

    memory = add_one(b, "layer_norm", add_sum(b, source, attend(b, source, source, 0, false)), 0);
    target = add_one(b, "position", embed(b, 1), 0);
    for (int block = 0; block < 2; block++) {
        norm = add_one(b, "layer_norm", target, 0);
        target = add_sum(b, target, attend(b, norm, norm, 1, true));
        norm = add_one(b, "layer_norm", target, 0);
        target = add_sum(b, target, attend(b, norm, memory, 0, false));
        norm = add_one(b, "gelu", add_one(b, "projection", target, 2.0 * b->t->width), 0);
        target = add_sum(b, target, add_one(b, "projection", norm, b->t->width));
    }
    return add_one(b, "layer_norm", target, 0);
}

/* An lstm's state is hidden neurons and cells. */
static uint32_t recur(struct build *b)
{
    const bool cells = !strcmp(b->t->kind, "lstm");
    uint32_t source = embed(b, 0), state, target, read[2];
    struct layer *layer;

    state = add_one(b, b->t->kind, source, b->t->width);
    layer = &b->model->layers[b->model->layer_count - 1];
    if (cells) { /* "output" is its third parameter: the state */
        layer->parameters[2] = 1;
        layer->shape.dimension[0] *= 2;
    }
    state = add(b, "slice", &state, 1, (const double[]){ 1, b->t->source - 1 });
    target = embed(b, 1);
    read[0] = target;
    read[1] = state;
    target = add(b, b->t->kind, read, 2, (const double[]){ b->t->width, 0 });
    return add_sum(b, target, add_one(b, "tanh", add_one(b, "projection", target, b->t->width), 0));
}

struct model *translator_model(const struct translator *t)
{
    struct build b = { .t = t };
    struct reason why;

    assert_int_equal(model_new(LAYERS_MAX, &b.model), 0);
    b.model->layer_count = 0;
    snprintf(b.model->name, sizeof b.model->name, "translator");
    snprintf(b.model->processing, sizeof b.model->processing, "text.translation");
    b.model->signature = (struct signature){
        .inputs = { { .name = "source", .dtype = DTYPE_INT32, .scale = 1, .value = 0, .shape = { 1, { t->source } } },
                    { .name = "target",
                      .dtype = DTYPE_INT32,
                      .scale = 1,
                      .value = 1,
                      .shape = { 1, { t->positions } } } },
        .input_count = 2,
    };
    add_one(&b, "projection", strcmp(t->kind, "attention") ? recur(&b) : transform(&b), t->vocabulary);
    b.model->decoding = (struct decoding){
        .length = t->length ? t->length : t->positions, .input = 1, .begin = t->begin, .end = t->end
    };
    assert_ok(model_check(b.model, &why), why);
    return b.model;
}

/* ---- the reference ---- */

/* Of equal numbers the first. */
static uint32_t best_word(const float *output, uint32_t vocabulary, uint32_t positions, uint32_t at)
{
    uint32_t best = 0;

    for (uint32_t w = 1; w < vocabulary; w++) {
        if (output[w * positions + at] > output[best * positions + at])
            best = w;
    }
    return best;
}

/* By weights as they are: no format is chosen. */
uint32_t translator_decode(const struct model *model, const int32_t *source, int32_t *words)
{
    const uint32_t positions = decoding_positions(model), vocabulary = decoding_vocabulary(model);
    const struct forward_setup setup = {
        .model = model, .kernels = kernels_find("scalar"), .mode = LAYER_EVALUATE, .batch = 1
    };
    struct forward *forward;
    struct reason why;
    uint32_t count = 0;
    float *target;

    assert_ok(forward_new(&setup, &forward, &why), why);
    for (uint64_t i = 0; i < shape_elements(&model->signature.inputs[0].shape); i++)
        forward_input(forward, 0)[i] = (float)source[i];
    target = forward_input(forward, 1);
    target[0] = (float)model->decoding.begin;
    while (count < model->decoding.length) {
        uint32_t word;

        forward_run(forward, LAYER_EVALUATE, forward_input(forward, 0), 1);
        word = best_word(forward_value(forward, model->signature.outputs[0].value), vocabulary, positions, count);
        if (word == model->decoding.end)
            break;
        words[count++] = (int32_t)word;
        if (count < positions)
            target[count] = (float)word;
    }
    forward_free(forward);
    return count;
}
