/* SPDX-License-Identifier: Apache-2.0
 *
 * A 1 x 1 convolution of pictures that no cache holds goes by tiles and past the caches, one of few samples by formats:
 * the answer to a sample is the same to the bit, on one thread and on several.
 */
#include <stdio.h>
#include <string.h>

#include "sparse/construct/sample.h"
#include "unit/sparse/passes/served.h"

/* 51 MiB come and go in each of the two layers, of which 40 are written by the first. */
enum { SIDE = 160, FEW = 7, MANY = 24, BATCH = 17 };

static void add(struct model *model, uint32_t number, uint32_t channels)
{
    struct layer *layer = &model->layers[number];
    struct layer_plan plan;
    struct reason why;

    layer->kind = layer_kind_find("conv2d");
    snprintf(layer->name, sizeof layer->name, "layer%u", number);
    layer->input_count = 1;
    layer->inputs[0] = number;
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    layer->parameters[0] = channels;
    layer->parameters[1] = layer->parameters[2] = 1;
    assert_ok(layer_plan(layer, model_value_shape(model, number), &plan, &why), why);
    layer->shape = plan.shape;
    assert_ok(sample_connections((uint32_t)plan.outputs, (uint32_t)plan.inputs, plan.outputs * plan.inputs / 3, 5,
                                 number, &layer->weight, &why),
              why);
    sample_weights(&layer->weight, 1, 5, number);
}

static struct model *make_model(void)
{
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(2, &model), 0);
    snprintf(model->name, sizeof model->name, "large");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of((struct shape){ 3, { FEW, SIDE, SIDE } });
    add(model, 0, MANY);
    add(model, 1, FEW);
    assert_ok(model_check(model, &why), why);
    return model;
}

static void run(struct served *s, size_t first, size_t count)
{
    forward_serve_begin(s->forward, s->inputs + first, s->outputs + first, count);
    while (forward_serve_slice(s->forward, UINT64_MAX))
        continue;
}

static void test_a_batch_is_its_samples(void **state)
{
    struct served s = { .model = make_model() };
    struct pool *pool;

    (void)state;
    served_begin(&s, BATCH);
    for (size_t b = 0; b < BATCH; b++)
        run(&s, b, 1);
    memcpy(s.want, s.out, s.out_bytes);
    memset(s.out, 0xa5, s.out_bytes);
    run(&s, 0, BATCH);
    assert_memory_equal(s.out, s.want, s.out_bytes);
    assert_int_equal(pool_new(2, &pool), 0);
    forward_lend(s.forward, pool);
    memset(s.out, 0xa5, s.out_bytes);
    run(&s, 0, BATCH);
    assert_memory_equal(s.out, s.want, s.out_bytes);
    forward_lend(s.forward, NULL);
    served_close(&s);
    pool_free(pool);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_batch_is_its_samples) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
