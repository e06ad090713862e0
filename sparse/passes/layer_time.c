/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/passes/forward.h"
#include "sparse/passes/layer_time.h"

enum { RUNS_MIN = 5, RUNS_MAX = 201 };

/* The layer's tensors, of which nothing is the copy's own. */
static void borrow(const struct layer *from, struct layer *to)
{
    *to = *from;
    to->weight.owned = false;
    for (size_t v = 0; v < LAYER_VECTORS_MAX; v++)
        to->vectors[v].owned = false;
    for (uint32_t i = 0; i < to->input_count; i++)
        to->inputs[i] = i;
}

int layer_alone(const struct model *model, uint32_t index, struct model **out, struct reason *why)
{
    const struct layer *layer = &model->layers[index];
    struct model *made;
    int result = model_new(1, &made);

    if (result)
        return refuse_errno(why, result, "layer %s", layer->name);
    snprintf(made->name, sizeof made->name, "alone");
    snprintf(made->processing, sizeof made->processing, "layer.alone");
    borrow(layer, &made->layers[0]);
    made->signature.input_count = layer->input_count;
    for (uint32_t i = 0; i < layer->input_count; i++) {
        struct model_tensor *input = &made->signature.inputs[i];

        *input = (struct model_tensor){
            .dtype = DTYPE_FLOAT32, .scale = 1, .value = i, .shape = *model_value_shape(model, layer->inputs[i])
        };
        snprintf(input->name, sizeof input->name, "input%u", i);
    }
    result = model_check(made, why);
    if (result) {
        model_free(made);
        return refuse_in(why, result, "layer %s", layer->name);
    }
    *out = made;
    return 0;
}

static int fill_weight(struct csr *full, uint32_t rows, uint32_t columns)
{
    struct rng rng = rng_make(2, 0);
    uint64_t at = 0;
    int result = csr_reserve(full, rows, columns, (uint64_t)rows * columns);

    if (result)
        return result;
    for (uint32_t row = 0; row < rows; row++) {
        full->starts[row] = at;
        for (uint32_t column = 0; column < columns; column++, at++) {
            csr_set_column(full, at, column);
            full->values[at] = 2 * rng_float(&rng) - 1;
        }
    }
    full->starts[rows] = at;
    return 0;
}

int layer_full(const struct model *alone, struct model **out, struct reason *why)
{
    const struct csr *weight = &alone->layers[0].weight;
    int result = layer_alone(alone, 0, out, why);

    if (result)
        return result;
    result = fill_weight(&(*out)->layers[0].weight, weight->rows, weight->columns);
    if (result) {
        (*out)->layers[0].weight = CSR_NULL;
        *out = model_free(*out);
        return refuse_errno(why, result, "a dense layer of %u by %u", weight->rows, weight->columns);
    }
    return 0;
}

static void fill_input(const struct model *alone, uint32_t input, size_t count, float *values)
{
    const uint32_t words = alone->layers[0].kind->indexed ? alone->layers[0].weight.columns : 0;
    const uint64_t elements = shape_elements(&alone->signature.inputs[input].shape) * count;
    struct rng rng = rng_make(1, input);

    for (uint64_t i = 0; i < elements; i++)
        values[i] = words ? (float)rng_below(&rng, words) : 2 * rng_float(&rng) - 1;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The first run warms up, and does not count. */
static double median_of(struct forward *forward, size_t count, uint64_t patience_ns)
{
    const uint64_t end = clock_ns() + patience_ns;
    uint64_t ns[RUNS_MAX];
    size_t runs = 0;

    forward_run(forward, LAYER_SERVE, forward_input(forward, 0), count);
    while (runs < RUNS_MIN || (runs < RUNS_MAX && clock_ns() < end)) {
        const uint64_t begin = clock_ns();

        forward_run(forward, LAYER_SERVE, forward_input(forward, 0), count);
        ns[runs++] = clock_ns() - begin;
    }
    qsort(ns, runs, sizeof *ns, compare);
    runs /= 2;
    return (double)ns[runs] / NS_PER_US;
}

int layer_time(const struct layer_timer *timer, const struct model *alone, size_t count, double *us, struct reason *why)
{
    const struct forward_setup setup = {
        .model = alone, .kernels = timer->kernels, .mode = LAYER_SERVE, .batch = count, .choices = timer->choices
    };
    struct forward *forward;
    int result;

    if (timer->choices) /* a model of its own */
        choice_cache_set_patience(timer->choices, CHOICE_PATIENCE_NS);
    result = forward_new(&setup, &forward, why);

    if (result)
        return result;
    for (uint32_t i = 0; i < alone->signature.input_count; i++)
        fill_input(alone, i, count, forward_input(forward, i));
    *us = median_of(forward, count, timer->patience_ns);
    forward_free(forward);
    return 0;
}
