/* SPDX-License-Identifier: Apache-2.0
 *
 * A residual block, of one input or of two: every layer goes back once, be its input's gradient overwritten, added to
 * or read twice by it.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sparse/construct/sample.h"
#include "sparse/passes/backward.h"
#include "sparse/passes/forward_plan.h"
#include "support/test.h"
#include "training.h"

enum { WIDTH = 12, BATCH = 5 };

static atomic_uint calls, joins, early;
static const struct layer_kind *counted_kind;

static void count_backward(const struct layer_back *back)
{
    calls++;
    counted_kind->backward(back);
}

/* Every part must have come back by now. */
static void count_join(const struct layer_back *back)
{
    early += calls != back->run.parts;
    joins++;
}

static void set_layer(struct model *model, uint32_t index, const struct layer_kind *kind, uint32_t a, uint32_t b)
{
    struct layer *layer = &model->layers[index];
    struct reason why;

    layer->kind = kind;
    snprintf(layer->name, sizeof layer->name, "layer%u", index);
    layer->inputs[0] = a;
    layer->inputs[1] = b;
    layer->input_count = kind->inputs_min;
    if (!kind->weighted)
        return;
    assert_ok(sample_connections(WIDTH, WIDTH, 60, 5, index, &layer->weight, &why), why);
    sample_weights(&layer->weight, 2, 5, index);
}

/* x -> a; a -> b (counted); a + b -> c; c + c -> d. `b` reads what the sum reads too. With two inputs x is the second,
 * and the first is added to c instead. */
static struct model *make_block(const struct layer_kind *counted, uint32_t inputs)
{
    const struct layer_kind *linear = layer_kind_find("linear"), *add = layer_kind_find("add");
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(4, &model), 0);
    snprintf(model->name, sizeof model->name, "block");
    snprintf(model->processing, sizeof model->processing, "test.block");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { WIDTH } });
    model->signature.inputs[1] = model->signature.inputs[0];
    snprintf(model->signature.inputs[1].name, TENSOR_NAME_MAX, "other");
    model->signature.inputs[1].dtype = DTYPE_INT32;
    model->signature.input_count = inputs;
    set_layer(model, 0, linear, inputs - 1, 0);
    set_layer(model, 1, counted, inputs, 0);
    set_layer(model, 2, add, inputs, inputs + 1);
    set_layer(model, 3, add, inputs + 2, inputs == 1 ? inputs + 2 : 0);
    assert_ok(model_check(model, &why), why);
    return model;
}

/* The loss is the sum of d, so that c gets 2, or 1 where it is read once; and a gets that, and what b sends back of it.
 */
static double slope_of(const struct csr *b, uint32_t neuron, uint32_t inputs)
{
    const double got = inputs == 1 ? 2 : 1;
    double slope = got;

    for (uint64_t k = 0; k < b->count; k++)
        slope += csr_column(b, k) == neuron ? got * (double)b->values[k] : 0;
    return slope;
}

static float others[WIDTH][WIDTH]; /* gradients of connections that layer 0 has not */

static void see_others(void *argument, const struct csr *tile, const float *gradient)
{
    (void)argument;
    for (uint32_t r = 0; r < tile->rows; r++) {
        for (uint64_t k = tile->starts[r]; k < tile->starts[r + 1]; k++)
            others[r][csr_column(tile, k)] = gradient[k];
    }
}

/* One way forward and back, with a loss that is the sum of d. */
static void run_block(const struct model *model, struct pool *pool, const float *input, struct parameters *parameters,
                      float **all)
{
    struct forward *forward;
    struct backward *backward;
    struct reason why;

    assert_ok(
        forward_new(
            &(struct forward_setup){
                .model = model, .kernels = kernels_find("auto"), .mode = LAYER_TRAIN, .batch = BATCH, .pool = pool },
            &forward, &why),
        why);
    assert_int_equal(parameters_map(model, parameters), 0);
    *all = parameters_array(parameters);
    assert_ok(backward_new(forward, parameters, &backward, &why), why);
    if (model->signature.input_count == 2)
        memcpy(forward_input(forward, 1), input, WIDTH * BATCH * sizeof *input);
    forward_run(forward, LAYER_TRAIN, input, BATCH);
    for (unsigned i = 0; i < WIDTH * BATCH; i++)
        backward_gradient(backward, model_value(model, 3))[i] = 1;
    calls = joins = early = 0;
    backward_run(backward, model_value(model, 3), *all);
    memset(others, 0, sizeof others);
    assert_ok(backward_potential(backward, 0, see_others, NULL, &why), why);
    backward_free(backward);
    forward_free(forward);
}

static double sum_of(const float *input, uint32_t column, double slope)
{
    double sum = 0;

    for (size_t s = 0; s < BATCH; s++)
        sum += slope * (double)input[column * BATCH + s];
    return sum;
}

static void check_block(uint32_t inputs)
{
    struct layer_kind counted = *layer_kind_find("linear");
    float input[WIDTH * BATCH], *all, *weight;
    struct parameters parameters;
    struct model *model;
    const struct csr *a;

    counted_kind = layer_kind_find("linear");
    counted.backward = count_backward;
    model = make_block(&counted, inputs);
    a = &model->layers[0].weight;
    for (unsigned i = 0; i < WIDTH * BATCH; i++)
        input[i] = (float)(i % 7) - 3;
    run_block(model, NULL, input, &parameters, &all);
    weight = parameters_weight(&parameters, all, 0);
    for (uint32_t r = 0; r < WIDTH; r++) {
        const double slope = slope_of(&model->layers[1].weight, r, inputs);

        for (uint64_t k = a->starts[r]; k < a->starts[r + 1]; k++)
            others[r][csr_column(a, k)] = weight[k];
        for (uint32_t c = 0; c < WIDTH; c++) {
            const double sum = sum_of(input, c, slope);

            assert_true(fabs(sum - (double)others[r][c]) < 1e-4 * (1 + fabs(sum)));
        }
    }
    assert_int_equal(calls, 1);
    free(all);
    parameters_deinit(&parameters);
    model_free(model);
}

static void test_a_residual_block_runs_each_layer_once(void **state)
{
    (void)state;
    check_block(1);
    check_block(2);
}

static void test_the_rest_waits_for_all_parts(void **state)
{
    struct layer_kind counted = *layer_kind_find("linear");
    float input[WIDTH * BATCH] = { 0 }, *all;
    struct parameters parameters;
    struct model *model;
    struct pool *pool;

    (void)state;
    counted_kind = layer_kind_find("linear");
    counted.backward = count_backward;
    counted.backward_join = count_join;
    model = make_block(&counted, 1);
    assert_int_equal(pool_new(3, &pool), 0);
    run_block(model, pool, input, &parameters, &all);
    assert_int_equal(calls, 3);
    assert_int_equal(joins, 3);
    assert_int_equal(early, 0);
    pool_free(pool);
    free(all);
    parameters_deinit(&parameters);
    model_free(model);
}

/* x -> a; x + x -> b; a + b -> c; c + x -> d. With two inputs the last sum reads the other one. */
static struct model *make_readers(uint32_t inputs)
{
    const struct layer_kind *linear = layer_kind_find("linear"), *add = layer_kind_find("add");
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(4, &model), 0);
    snprintf(model->name, sizeof model->name, "readers");
    snprintf(model->processing, sizeof model->processing, "test.readers");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { WIDTH } });
    model->signature.inputs[1] = model->signature.inputs[0];
    snprintf(model->signature.inputs[1].name, TENSOR_NAME_MAX, "other");
    model->signature.input_count = inputs;
    set_layer(model, 0, linear, 0, 0);
    set_layer(model, 1, add, 0, 0);
    set_layer(model, 2, add, inputs, inputs + 1);
    set_layer(model, 3, add, inputs + 2, inputs - 1);
    assert_ok(model_check(model, &why), why);
    return model;
}

/* The loss is the sum of value `from`, of which x gets `ways` besides what the linear layer sends it, `linear` times.
 */
static void check_inputs(struct training *training, uint32_t from, double linear, double ways, double other)
{
    const struct model *model = training->forward->setup.model;
    const struct csr *w = &model->layers[0].weight;
    double expected[WIDTH];

    for (uint32_t c = 0; c < WIDTH; c++)
        expected[c] = ways;
    for (uint64_t k = 0; k < w->count; k++)
        expected[csr_column(w, k)] += linear * (double)w->values[k];
    for (unsigned i = 0; i < WIDTH * BATCH; i++)
        backward_gradient(training->backward, from)[i] = 1;
    backward_run(training->backward, from, training->gradient);
    for (unsigned i = 0; i < WIDTH * BATCH; i++) {
        assert_true(fabs((double)backward_gradient(training->backward, 0)[i] - expected[i / BATCH]) < 1e-5);
        if (model->signature.input_count == 2)
            assert_true((double)backward_gradient(training->backward, 1)[i] == other);
    }
}

static void test_inputs_have_gradients_where_they_are_wanted(void **state)
{
    float input[WIDTH * BATCH];
    struct training training;

    (void)state;
    for (unsigned i = 0; i < WIDTH * BATCH; i++)
        input[i] = (float)(i % 7) - 3;
    for (uint32_t inputs = 1; inputs <= 2; inputs++) {
        struct model *model = make_readers(inputs);
        struct forward_setup setup = { .model = model, .kernels = kernels_find("auto"), .batch = BATCH };

        setup.input_gradient = true;
        training_make(&training, &setup);
        forward_run(training.forward, LAYER_TRAIN, input, BATCH);
        for (unsigned i = 0; i < WIDTH * BATCH; i++)
            backward_gradient(training.backward, inputs)[i] = 1;
        backward_begin_at(training.backward, inputs);
        check_inputs(&training, inputs + 3, 2, inputs == 1 ? 3 : 2, 1);
        check_inputs(&training, inputs + 3, 1, inputs == 1 ? 3 : 2, 1); /* that was of one run */
        check_inputs(&training, inputs + 2, 1, 2, 0); /* what is read no more has none left of before */
        training_free(&training);
        setup.input_gradient = false;
        training_make(&training, &setup);
        assert_null(backward_gradient(training.backward, 0));
        training_free(&training);
        model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_residual_block_runs_each_layer_once),
        cmocka_unit_test(test_the_rest_waits_for_all_parts),
        cmocka_unit_test(test_inputs_have_gradients_where_they_are_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
