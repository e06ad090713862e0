/* SPDX-License-Identifier: Apache-2.0
 *
 * What convolutions and products do for the layers behind them: which layers they end with, and that the answers are
 * those of a pass in which every layer runs by itself, to the bit: at densities and batches for which a convolution
 * goes each of its ways, on every table, on one thread and on three.
 */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/passes/endings.h"
#include "unit/sparse/passes/set_layer.h"

enum { CHANNELS = 24, LINES = 8, COLUMNS = 10, ELEMENTS = CHANNELS * LINES * COLUMNS, BATCH_MAX = 33, INPUT = 0 };

/* Value i + 1 is what line i gives. `host` and `last` are what is expected: of a layer that another ends with, its
 * host's. */
static const struct {
    const char *kind;
    uint32_t from[2], kernel, stride, padding, groups;
    uint32_t host, last;
} lines[] = {
    { "conv2d", { INPUT }, 3, 1, 1, 1, 0, 2 }, /* 1 */
    { "batch_norm", { 1 }, .host = 0 },
    { "relu", { 2 }, .host = 0 },
    { "conv2d", { 3 }, 3, 1, 1, 1, 3, 5 }, /* 4 */
    { "add", { 4, 3 }, .host = 3 },
    { "relu", { 5 }, .host = 3 },
    { "conv2d", { 6 }, 3, 1, 1, 1, 6, 7 }, /* 7: what is added comes later */
    { "batch_norm", { 7 }, .host = 6 },
    { "conv2d", { 6 }, 5, 1, 2, 1, 8, 11 }, /* 9 */
    { "batch_norm", { 9 }, .host = 8 },
    { "add", { 8, 10 }, .host = 8 },
    { "relu", { 11 }, .host = 8 },
    { "conv2d", { 12 }, 3, 1, 1, CHANNELS, 12, 13 }, /* 13: each channel alone */
    { "relu", { 13 }, .host = 12 },
    { "conv2d", { 14 }, 1, 1, 0, 1, 14, 15 }, /* 15: a product, which ends with a rectifier */
    { "relu", { 15 }, .host = 14 },
    { "conv2d", { 16 }, 3, 1, 1, 1, 16, 16 }, /* 17: read by two */
    { "relu", { 17 }, .host = 17, .last = 17 },
    { "add", { 17, 18 }, .host = 18, .last = 18 },
    { "conv2d", { 19 }, 3, 1, 1, 3, 19, 20 }, /* 20: a rectifier, and no sum behind it */
    { "relu", { 20 }, .host = 19 },
    { "add", { 21, INPUT }, .host = 21, .last = 21 },
    { "conv2d", { 22 }, 3, 2, 1, 1, 22, 23 }, /* 23 */
    { "relu", { 23 }, .host = 22 },
    { "projection", { 24 }, .host = 24, .last = 25 }, /* 25 */
    { "relu", { 25 }, .host = 24 },
    { "projection", { 26 }, .host = 26, .last = 26 }, /* 27: and with nothing else */
    { "add", { 27, 26 }, .host = 27, .last = 27 },
    { "conv2d", { 28 }, 1, 1, 0, 1, 28, 28 }, /* 29 */
    { "batch_norm", { 29 }, .host = 29, .last = 29 },
    { "relu", { 30 }, .host = 30, .last = 30 },
    { "linear", { 31 }, .host = 31, .last = 32 }, /* 32 */
    { "relu", { 32 }, .host = 31 },
    { "linear", { 33 }, .host = 33, .last = 33 }, /* 34: read by two */
    { "relu", { 34 }, .host = 34, .last = 34 },
    { "add", { 34, 35 }, .host = 35, .last = 35 },
};

static void set_vectors(struct layer *layer, const struct layer_plan *plan, struct rng *rng)
{
    for (size_t v = 0; v < LAYER_VECTORS_MAX && layer->kind->vectors[v].name; v++) {
        layer->vectors[v] = (struct vector){ memory_alloc(plan->vectors[v], sizeof(float)), plan->vectors[v], true };
        for (uint64_t i = 0; i < plan->vectors[v]; i++) /* a variance is none below 0 */
            layer->vectors[v].data[i] = 0.2f + fabsf(rng_normal(rng));
    }
}

/* Of a product the first says it all. */
static void set_weighted(struct layer *layer, uint32_t line)
{
    const double parameters[] = { CHANNELS,           lines[line].kernel,  lines[line].kernel,
                                  lines[line].stride, lines[line].padding, lines[line].groups };

    memcpy(layer->parameters, parameters, sizeof parameters);
}

/* The first row has nothing: its sums are whole before the first block of columns. */
static void empty_first_row(struct csr *w)
{
    const uint64_t gone = w->starts[1];

    w->count -= gone;
    for (uint64_t k = 0; k < w->count; k++) {
        csr_set_column(w, k, csr_column(w, k + gone));
        w->values[k] = w->values[k + gone];
    }
    for (uint32_t r = 1; r <= w->rows; r++)
        w->starts[r] -= gone;
}

static void set_line(struct model *model, uint32_t line, double density, struct rng *rng)
{
    struct layer *layer = &model->layers[line];
    struct shape inputs[2];
    struct layer_plan plan;
    struct reason why;

    set_plain(layer, lines[line].kind, lines[line].from[0]);
    snprintf(layer->name, sizeof layer->name, "%u", line);
    layer->input_count = layer->kind->inputs_min;
    layer->inputs[1] = lines[line].from[1];
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    if (layer->kind->weighted)
        set_weighted(layer, line);
    for (uint32_t j = 0; j < layer->input_count; j++)
        inputs[j] = *model_value_shape(model, layer->inputs[j]);
    assert_ok(layer_plan(layer, inputs, &plan, &why), why);
    layer->shape = plan.shape;
    if (layer->kind->weighted) {
        const uint32_t columns = (uint32_t)(plan.inputs * plan.kernel_height * plan.kernel_width);

        assert_ok(sample_connections(CHANNELS, columns, (uint64_t)(density * CHANNELS * columns), 5, line,
                                     &layer->weight, &why),
                  why);
        sample_weights(&layer->weight, 2, 5, line);
        empty_first_row(&layer->weight);
    }
    set_vectors(layer, &plan, rng);
}

static struct model *make_model(double density)
{
    struct rng rng = rng_make(7, 0);
    struct model *model;
    struct reason why;

    assert_int_equal(model_new(ARRAY_SIZE(lines), &model), 0);
    snprintf(model->name, sizeof model->name, "m");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of((struct shape){ 3, { CHANNELS, LINES, COLUMNS } });
    for (uint32_t i = 0; i < ARRAY_SIZE(lines); i++)
        set_line(model, i, density, &rng);
    assert_ok(model_check(model, &why), why);
    return model;
}

static void check_endings(const struct forward_setup *setup, bool ends)
{
    struct ending *endings;

    assert_int_equal(endings_find(setup, &endings), 0);
    for (uint32_t i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_int_equal(endings[i].host, ends ? lines[i].host : i);
        if (lines[i].host == i)
            assert_int_equal(endings[i].last, ends ? lines[i].last : i);
    }
    endings_free(endings, ARRAY_SIZE(lines));
}

static void test_which(void **state)
{
    struct model *model = make_model(0.5);
    const bool values[ARRAY_SIZE(lines) + 1] = { true };
    const struct forward_part part = { .values = values };

    (void)state;
    check_endings(&(struct forward_setup){ .model = model, .mode = LAYER_SERVE }, true);
    check_endings(&(struct forward_setup){ .model = model, .mode = LAYER_EVALUATE }, false);
    check_endings(&(struct forward_setup){ .model = model, .mode = LAYER_TRAIN }, false);
    check_endings(&(struct forward_setup){ .model = model, .mode = LAYER_SERVE, .lengths = true }, false);
    check_endings(&(struct forward_setup){ .model = model, .mode = LAYER_SERVE, .part = &part }, false);
    model_free(model);
}

/* An output that is the caller's is not written twice. */
static void test_outputs_stay(void **state)
{
    struct model *model = make_model(0.5);
    struct ending *endings;
    struct reason why;

    (void)state;
    model->signature.output_count = 2;
    model->signature.outputs[1].value = 1;
    snprintf(model->signature.outputs[1].name, sizeof model->signature.outputs[1].name, "between");
    model->signature.outputs[1].dtype = DTYPE_FLOAT32;
    model->signature.outputs[1].scale = 1;
    assert_ok(model_check(model, &why), why);
    assert_int_equal(endings_find(&(struct forward_setup){ .model = model, .mode = LAYER_SERVE }, &endings), 0);
    assert_int_equal(endings[0].last, 0);
    assert_int_equal(endings[1].host, 1);
    endings_free(endings, ARRAY_SIZE(lines));
    model_free(model);
}

/* ---- the bits ---- */

/* What comes out of the last layer. */
static void run(const struct model *model, const struct kernels *kernels, struct pool *pool, enum layer_mode mode,
                const float *input, size_t batch, float *out)
{
    const uint32_t value = model_value(model, model->layer_count - 1);
    struct forward *forward;
    struct reason why;

    assert_ok(
        forward_new(
            &(struct forward_setup){ .model = model, .kernels = kernels, .mode = mode, .batch = batch, .pool = pool },
            &forward, &why),
        why);
    forward_run(forward, mode, input, batch);
    memcpy(out, forward_value(forward, value), shape_elements(model_value_shape(model, value)) * batch * sizeof *out);
    forward_free(forward);
}

/* Which NaN it is may differ, and nothing else. */
static void check_same(const float *a, const float *b, size_t count, const char *kernels, size_t batch)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
            fail_msg("%s, batch %zu: element %zu is %a, and by single layers %a", kernels, batch, i, (double)a[i],
                     (double)b[i]);
    }
}

static void check_batch(const struct model *model, struct pool *pool, size_t batch)
{
    const struct kernels *kernels;
    const size_t count = shape_elements(model_output(model)) * batch;
    float *input = memory_alloc(ELEMENTS, BATCH_MAX * sizeof *input);
    float *wanted = memory_alloc(count, sizeof *wanted), *out = memory_alloc(count, sizeof *out);
    struct rng rng = rng_make(8, batch);

    for (size_t i = 0; i < ELEMENTS * batch; i++)
        input[i] = rng_below(&rng, 4000) ? rng_normal(&rng) : rng_below(&rng, 2) ? INFINITY : NAN;
    run(model, kernels_find("scalar"), NULL, LAYER_EVALUATE, input, batch, wanted);
    for (size_t k = 0; (kernels = kernels_at(k)); k++) {
        run(model, kernels, NULL, LAYER_SERVE, input, batch, out);
        check_same(out, wanted, count, kernels->name, batch);
        run(model, kernels, pool, LAYER_SERVE, input, batch, out);
        check_same(out, wanted, count, kernels->name, batch);
    }
    free(input);
    free(wanted);
    free(out);
}

static void test_bits(void **state)
{
    static const double densities[] = { 1, 0.8, 0.3, 0.05 };
#ifdef __SANITIZE_THREAD__ /* bits are compared without it; threads part few samples and many alike */
    static const size_t batches[] = { 3, BATCH_MAX };
#else
    static const size_t batches[] = { 1, 3, 8, 13, BATCH_MAX };
#endif
    struct pool *pool;

    (void)state;
    assert_int_equal(pool_new(3, &pool), 0);
    for (size_t d = 0; d < ARRAY_SIZE(densities); d++) {
        struct model *model = make_model(densities[d]);

        for (size_t b = 0; b < ARRAY_SIZE(batches); b++)
            check_batch(model, pool, batches[b]);
        model_free(model);
    }
    pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_which), cmocka_unit_test(test_outputs_stay),
                                        cmocka_unit_test(test_bits) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
