/* SPDX-License-Identifier: Apache-2.0
 *
 * Halves of a model: one after the other, with rounding between them, they give what the whole gives, to the bit; and
 * what has none.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "sparse/construct/sample.h"
#include "sparse/graph/halves.h"
#include "sparse/passes/golden_run.h"
#include "support/test.h"

enum { PIXELS = 3 * 8 * 8, LATENTS = 5 * 4 * 4, LAYERS_MAX = 16 };

/* A layer over one value, or two. */
static uint32_t add(struct model *model, const char *kind, uint32_t from, uint32_t other, double parameter)
{
    struct layer *layer = &model->layers[model->layer_count];
    struct shape shapes[2] = { *model_value_shape(model, from) };
    struct layer_plan plan;
    struct reason why;

    layer->kind = layer_kind_find(kind);
    snprintf(layer->name, sizeof layer->name, "%s%u", kind, ++model->layer_count);
    layer->inputs[layer->input_count++] = from;
    if (other != UINT32_MAX) {
        shapes[1] = *model_value_shape(model, other);
        layer->inputs[layer->input_count++] = other;
    }
    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && layer->kind->parameters[i].name; i++)
        layer->parameters[i] = layer->kind->parameters[i].default_value;
    if (parameter > 0)
        layer->parameters[0] = parameter;
    if (layer->kind->weighted)
        layer->parameters[1] = layer->parameters[2] = 1; /* the kernel */
    assert_ok(layer_plan(layer, shapes, &plan, &why), why);
    layer->shape = plan.shape;
    if (layer->kind->weighted) {
        const uint32_t columns = (uint32_t)(plan.inputs * plan.kernel_height * plan.kernel_width);

        assert_ok(sample_connections((uint32_t)plan.outputs, columns, plan.outputs * columns / 2, 3, from,
                                     &layer->weight, &why),
                  why);
        sample_weights(&layer->weight, 40, 3, from);
    }
    return model_value(model, model->layer_count - 1);
}

static struct model *model_begin(void)
{
    struct model *model;

    assert_int_equal(model_new(LAYERS_MAX, &model), 0);
    model->layer_count = 0;
    snprintf(model->name, sizeof model->name, "m");
    snprintf(model->processing, sizeof model->processing, "raw");
    model->signature = signature_of((struct shape){ 3, { 3, 8, 8 } });
    return model;
}

/* Two ways to the latents, and two back; `past`: the last layer also reads what was before the rounding. */
static struct model *make_model(bool rounds, bool past)
{
    struct model *model = model_begin();
    const uint32_t packed = add(model, "pixel_unshuffle", 0, UINT32_MAX, 2);
    const uint32_t straight = add(model, "conv2d", packed, UINT32_MAX, 5);
    const uint32_t bent = add(model, "relu", add(model, "conv2d", packed, UINT32_MAX, 7), UINT32_MAX, 0);
    const uint32_t sum = add(model, "add", add(model, "conv2d", bent, UINT32_MAX, 5), straight, 0);
    const uint32_t latents = rounds ? add(model, "quantize", sum, UINT32_MAX, 0) : sum;
    const uint32_t back = add(model, "conv2d", latents, UINT32_MAX, 12);
    const uint32_t more = add(model, "conv2d", latents, UINT32_MAX, 12);
    struct reason why;

    add(model, "pixel_shuffle", add(model, "add", back, past ? packed : more, 0), UINT32_MAX, 2);
    assert_ok(model_check(model, &why), why);
    return model;
}

static void serve(const struct model *model, const float *input, float *output)
{
    const void *inputs[] = { input };
    void *outputs[] = { output };
    struct forward *forward;
    struct reason why;

    assert_ok(forward_new(&(struct forward_setup){ .model = model, .kernels = kernels_find("auto"), .batch = 1 },
                          &forward, &why),
              why);
    forward_serve(forward, inputs, outputs, 1);
    forward_free(forward);
}

static struct model *half_of(enum half half)
{
    struct model *model = make_model(true, false);
    struct reason why;

    assert_true(model_has_halves(model));
    assert_ok(model_keep_half(model, half, &why), why);
    assert_false(model_has_halves(model));
    return model;
}

static void test_one_after_the_other(void **state)
{
    struct model *whole = make_model(true, false), *encoder = half_of(HALF_ENCODER), *decoder = half_of(HALF_DECODER);
    struct rng rng = rng_make(5, 0);
    float input[PIXELS], right[PIXELS], got[PIXELS], latents[LATENTS];
    bool some = false;

    (void)state;
    for (size_t i = 0; i < PIXELS; i++)
        input[i] = rng_normal(&rng);
    assert_int_equal(encoder->layer_count + decoder->layer_count + 1, whole->layer_count);
    assert_string_equal(encoder->signature.outputs[0].name, HALVES_TENSOR);
    assert_string_equal(decoder->signature.inputs[0].name, HALVES_TENSOR);
    assert_int_equal(shape_elements(&encoder->signature.outputs[0].shape), LATENTS);
    serve(whole, input, right);
    serve(encoder, input, latents);
    for (size_t i = 0; i < LATENTS; i++) {
        some |= latents[i] != rintf(latents[i]) && rintf(latents[i]) != 0;
        latents[i] = rintf(latents[i]);
    }
    assert_true(some);
    serve(decoder, latents, got);
    assert_memory_equal(right, got, sizeof right);
    model_free(whole);
    model_free(encoder);
    model_free(decoder);
}

/* Each half is asked its part of the golden input of the whole. */
static void test_halves_answer_what_is_golden(void **state)
{
    (void)state;
    for (int half = HALF_ENCODER; half <= HALF_DECODER; half++) {
        struct model *model = make_model(true, false);
        struct golden_runner runner = { NULL, NULL };
        struct reason why;

        assert_ok(golden_make(model, &why), why);
        assert_ok(model_keep_half(model, (enum half)half, &why), why);
        assert_ok(forward_new(&(struct forward_setup){ .model = model, .kernels = kernels_find("auto"), .batch = 1 },
                              &runner.forward, &why),
                  why);
        assert_true(golden_is_there(&model->golden));
        assert_ok(golden_try(model, &runner, &why), why);
        ((float *)model->golden.inputs[0])[0] += 1;
        assert_int_equal(golden_try(model, &runner, &why), WISP_E_FORMAT);
        forward_free(runner.forward);
        model_free(model);
    }
}

static void test_what_has_none(void **state)
{
    struct model *plain = make_model(false, false), *past = make_model(true, true), *bare = model_begin();

    (void)state;
    assert_false(model_has_halves(plain));
    assert_false(model_has_halves(past));
    add(bare, "pixel_shuffle", add(bare, "quantize", 0, UINT32_MAX, 0), UINT32_MAX, 1);
    assert_false(model_has_halves(bare));
    add(bare, "quantize", 2, UINT32_MAX, 0);
    assert_false(model_has_halves(bare));
    model_free(plain);
    model_free(past);
    model_free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_halves_answer_what_is_golden),
        cmocka_unit_test(test_what_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
