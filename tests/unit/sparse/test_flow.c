/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/flow: against ways followed by hand, on chains, merges and pictures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/graph/flow.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

static struct layer *layer_add(struct model *model, const char *kind, uint32_t inputs, uint32_t first, uint32_t second)
{
    struct layer *layer = &model->layers[model->layer_count];

    snprintf(layer->name, sizeof layer->name, "l%u", model->layer_count++);
    layer->kind = layer_kind_find(kind);
    assert_non_null(layer->kind);
    layer->input_count = inputs;
    layer->inputs[0] = first;
    layer->inputs[1] = layer->inputs[2] = second;
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    return layer;
}

/* Connections as pairs "output<input …". */
static void connect(struct layer *layer, uint32_t rows, uint32_t columns, const char *pairs)
{
    uint64_t count = 0;

    for (const char *c = pairs; *c; c++)
        count += *c == '<';
    assert_int_equal(csr_alloc(&layer->weight, rows, columns, count), 0);
    for (uint64_t k = 0; k < count; k++) {
        uint32_t row = (uint32_t)strtoul(pairs, (char **)&pairs, 10);

        layer->weight.index.narrow[k] = (uint16_t)strtoul(pairs + 1, (char **)&pairs, 10);
        layer->weight.starts[row + 1]++;
    }
    for (uint32_t r = 0; r < rows; r++)
        layer->weight.starts[r + 1] += layer->weight.starts[r];
}

static struct model *model_begin(struct shape input)
{
    struct model *model;

    assert_int_equal(model_new(16, &model), 0);
    model->layer_count = 0;
    snprintf(model->name, sizeof model->name, "m");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of(input);
    return model;
}

static void assert_flow(struct model *model, uint64_t inputs, uint64_t leading, uint64_t outputs, uint64_t reached)
{
    struct reason why;
    struct flow flow;

    assert_ok(model_check(model, &why), why);
    assert_int_equal(flow_count(model, &flow), 0);
    assert_int_equal(flow.inputs, inputs);
    assert_int_equal(flow.leading, leading);
    assert_int_equal(flow.outputs, outputs);
    assert_int_equal(flow.reached, reached);
    model_free(model);
}

/* 4-3-3 with a rectifier between: its connections; and what leads and is reached. */
static void assert_chain(const char *first, const char *second, uint64_t leading, uint64_t reached)
{
    struct model *model = model_begin((struct shape){ 1, { 4 } });

    connect(layer_add(model, "linear", 1, 0, 0), 3, 4, first);
    layer_add(model, "relu", 1, 1, 0);
    connect(layer_add(model, "linear", 1, 2, 0), 3, 3, second);
    layer_add(model, "softmax", 1, 3, 0);
    assert_flow(model, 4, leading, 3, reached);
}

static void test_chains(void **state)
{
    (void)state;
    assert_chain("0<0 0<1 1<2 2<3", "0<0 1<1 2<2", 4, 3);
    assert_chain("0<0 0<3", "0<1 1<2", 0, 0); /* each layer has connections, but no way */
    assert_chain("0<0 0<3 1<1", "2<1", 1, 1);
    assert_chain("0<0 0<3 1<1", "0<0 1<0 2<2", 2, 2);
    assert_chain("", "0<0 1<1", 0, 0);
    assert_chain("0<0 1<1", "", 0, 0);
}

/* Two branches from an input to an output each: both inputs and both outputs count. */
static void test_branches(void **state)
{
    struct model *model = model_begin((struct shape){ 1, { 4 } });

    (void)state;
    model->signature.inputs[1] = (struct model_tensor){ .name = "b", .scale = 1, .shape = { 1, { 3 } } };
    model->signature.input_count = 2;
    model->signature.outputs[0] = (struct model_tensor){ .name = "x", .scale = 1, .value = 3 };
    model->signature.outputs[1] = (struct model_tensor){ .name = "y", .scale = 1, .value = 2 };
    model->signature.output_count = 2;
    connect(layer_add(model, "linear", 1, 0, 0), 5, 4, "0<0 1<1 4<1");
    connect(layer_add(model, "linear", 1, 1, 0), 2, 3, "1<2");
    assert_flow(model, 7, 3, 7, 4);
}

/* A residual connection is a way of its own; a concatenation keeps its halves apart. */
static void test_merges(void **state)
{
    struct model *model = model_begin((struct shape){ 1, { 3 } });

    (void)state;
    connect(layer_add(model, "linear", 1, 0, 0), 3, 3, "0<0");
    layer_add(model, "add", 2, 0, 1);
    connect(layer_add(model, "linear", 1, 2, 0), 2, 3, "0<2 1<1");
    assert_flow(model, 3, 2, 2, 2);

    model = model_begin((struct shape){ 1, { 3 } });
    connect(layer_add(model, "linear", 1, 0, 0), 2, 3, "0<0");
    connect(layer_add(model, "linear", 1, 0, 0), 2, 3, "1<2");
    layer_add(model, "concat", 2, 1, 2); /* reached: 0 and 3 */
    connect(layer_add(model, "linear", 1, 3, 0), 4, 4, "0<0 1<1 2<2 3<3");
    assert_flow(model, 3, 2, 4, 2);

    model = model_begin((struct shape){ 1, { 3 } });
    connect(layer_add(model, "linear", 1, 0, 0), 2, 3, "0<0");
    connect(layer_add(model, "linear", 1, 0, 0), 2, 3, "1<2");
    layer_add(model, "concat", 2, 1, 2);
    connect(layer_add(model, "linear", 1, 3, 0), 2, 4, "0<1 1<2");
    assert_flow(model, 3, 0, 2, 0);
}

/* Channels of pictures, their kernels, and the vector that they become. */
static void test_pictures(void **state)
{
    struct model *model = model_begin((struct shape){ 3, { 2, 4, 4 } });
    struct layer *layer = layer_add(model, "conv2d", 1, 0, 0);

    (void)state;
    layer->parameters[1] = layer->parameters[2] = 2;
    connect(layer, 3, 2 * 4, "0<5 2<7"); /* from channel 1 */
    layer_add(model, "batch_norm", 1, 1, 0);
    layer_add(model, "max_pool", 1, 2, 0); /* to 3 x 1 x 1 */
    connect(layer_add(model, "linear", 1, 3, 0), 2, 3, "0<2 1<1");
    assert_flow(model, 2, 1, 2, 1);

    /* Two groups: the second's column 0 is of input channel 2. */
    model = model_begin((struct shape){ 3, { 4, 2, 2 } });
    layer = layer_add(model, "conv2d", 1, 0, 0);
    layer->parameters[1] = layer->parameters[2] = layer->parameters[5] = 2;
    connect(layer, 4, 2 * 4, "0<3 3<0");
    layer = layer_add(model, "conv2d", 1, 1, 0);
    layer->parameters[1] = layer->parameters[2] = 1;
    connect(layer, 2, 4, "0<1 1<3");
    assert_flow(model, 4, 1, 2, 1);

    /* A picture that a linear layer reads counts by pixel. */
    model = model_begin((struct shape){ 3, { 1, 2, 2 } });
    connect(layer_add(model, "linear", 1, 0, 0), 2, 4, "0<0 0<3");
    assert_flow(model, 4, 2, 2, 1);

    /* A vector becomes a picture of one channel. */
    model = model_begin((struct shape){ 1, { 2 } });
    connect(layer_add(model, "linear", 1, 0, 0), 4, 2, "3<1");
    layer = layer_add(model, "reshape", 1, 1, 0);
    layer->parameters[0] = 1;
    layer->parameters[1] = layer->parameters[2] = 2;
    connect(layer_add(model, "linear", 1, 2, 0), 2, 4, "0<0");
    assert_flow(model, 2, 1, 2, 1);
}

/* Words and attention mix: everything that is connected passes. */
static void test_mixing_kinds(void **state)
{
    struct model *model = model_begin((struct shape){ 1, { 5 } });
    struct layer *layer = layer_add(model, "embedding", 1, 0, 0);

    (void)state;
    layer->parameters[1] = 7;
    connect(layer, 2, 7, "0<6");
    layer_add(model, "attention", 3, 1, 1);
    layer_add(model, "global_pool", 1, 2, 0);
    connect(layer_add(model, "linear", 1, 3, 0), 2, 2, "1<1");
    assert_flow(model, 5, 5, 2, 1);
}

/* Ways as a table of truth, layer by layer, on chains at random. */
static void test_against_ways_followed_one_by_one(void **state)
{
    enum { SIZE = 12, LAYERS = 3 };

    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct model *model = model_begin((struct shape){ 1, { SIZE } });
        bool way[SIZE][SIZE] = { { false } }; /* to the layer's neuron, from the input */
        uint64_t leading = 0, reached = 0;

        for (unsigned i = 0; i < SIZE; i++)
            way[i][i] = true;
        for (uint32_t l = 0; l < LAYERS; l++) {
            struct layer *layer = layer_add(model, "linear", 1, l, 0);
            bool next[SIZE][SIZE] = { { false } };
            struct reason why;

            assert_ok(sample_connections(SIZE, SIZE, 2 + seed % 24, seed, l, &layer->weight, &why), why);
            for (uint32_t r = 0; r < SIZE; r++)
                for (uint64_t k = layer->weight.starts[r]; k < layer->weight.starts[r + 1]; k++)
                    for (unsigned i = 0; i < SIZE; i++)
                        next[r][i] |= way[csr_column(&layer->weight, k)][i];
            memcpy(way, next, sizeof way);
        }
        for (unsigned i = 0; i < SIZE; i++) {
            bool leads = false, is_reached = false;

            for (unsigned k = 0; k < SIZE; k++) {
                leads |= way[k][i];
                is_reached |= way[i][k];
            }
            leading += leads;
            reached += is_reached;
        }
        assert_flow(model, SIZE, leading, SIZE, reached);
    }
}

/* Its rows are gates, more than its neurons: whatever comes in reaches all of them. */
static void test_a_recurrent_layer(void **state)
{
    struct model *model = model_begin((struct shape){ 2, { 3, 5 } });

    (void)state;
    connect(layer_add(model, "lstm", 1, 0, 0), 8, 5, "0<0 7<4");
    model->layers[0].parameters[0] = 2;
    connect(layer_add(model, "linear", 1, 1, 0), 2, 10, "1<3");
    assert_flow(model, 3, 3, 2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_merges),
        cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_mixing_kinds),
        cmocka_unit_test(test_a_recurrent_layer),
        cmocka_unit_test(test_against_ways_followed_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
