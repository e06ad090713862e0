/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/model: the rules of graphs, names, labels and processing types, on models that were built.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "small_model.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

static void test_a_sound_model(void **state)
{
    struct model *model = small_model();
    struct reason why;

    (void)state;
    assert_ok(model_check(model, &why), why);
    assert_int_equal(model->layers[0].shape.rank, 1);
    assert_int_equal(model->layers[0].shape.dimension[0], 5);
    assert_int_equal(model->layers[1].shape.dimension[0], 5);
    assert_int_equal(shape_elements(model_output(model)), 3);
    assert_int_equal(model_connections(model), 19);
    assert_int_equal(model_potential(model), 45);
    model_free(model);
    assert_null(model_free(NULL));
}

static void no_layers(struct model *model)
{
    model->layer_count = 0;
}
static void name_of_two_words(struct model *model)
{
    snprintf(model->name, sizeof model->name, "%s", "two words");
}
static void name_with_escape(struct model *model)
{
    snprintf(model->name, sizeof model->name, "%s", "a\x1b[2J");
}
static void name_beginning_with_dash(struct model *model)
{
    snprintf(model->name, sizeof model->name, "%s", "-rf");
}
static void name_without_end(struct model *model)
{
    memset(model->name, 'a', sizeof model->name);
}
static void empty_shape(struct model *model)
{
    model->signature.inputs[0].shape.rank = 0;
}
static void rank_too_high(struct model *model)
{
    model->signature.inputs[0].shape.rank = SHAPE_RANK_MAX + 1;
}
static void zero_dimension(struct model *model)
{
    model->signature.inputs[0].shape.dimension[1] = 0;
}
static void huge_shape(struct model *model)
{
    model->signature =
        signature_of((struct shape){ .rank = 4, .dimension = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX } });
}
static void same_names(struct model *model)
{
    snprintf(model->layers[3].name, sizeof model->layers[3].name, "%s", "fc1");
}
static void empty_name(struct model *model)
{
    model->layers[3].name[0] = 0;
}
static void no_kind(struct model *model)
{
    model->layers[1].kind = NULL;
}
static void reads_itself(struct model *model)
{
    model->layers[1].inputs[0] = 2;
}
static void reads_ahead(struct model *model)
{
    model->layers[0].inputs[0] = 4;
}
static void reads_nothing(struct model *model)
{
    model->layers[1].input_count = 0;
}
static void reads_too_much(struct model *model)
{
    model->layers[1].input_count = LAYER_INPUTS_MAX + 1;
}
static void weight_missing(struct model *model)
{
    csr_deinit(&model->layers[2].weight);
}
static void weight_too_many(struct model *model)
{
    assert_int_equal(csr_alloc(&model->layers[1].weight, 5, 5, 0), 0);
}
static void vector_too_many(struct model *model)
{
    model->layers[1].vectors[0] = (struct vector){ .data = calloc(5, sizeof(float)), .count = 5, .owned = true };
}
static void bias_too_long(struct model *model)
{
    model->layers[0].vectors[0].count = 6;
}
static void too_many_columns(struct model *model)
{
    model->signature.inputs[0].shape.dimension[0] = 1;
}
static void parameter_nan(struct model *model)
{
    model->layers[0].parameters[0] = NAN;
}
static void parameter_negative(struct model *model)
{
    model->layers[0].parameters[0] = -1;
}
static void label_empty(struct model *model)
{
    model->labels[2][0] = 0;
}
static void label_too_long(struct model *model)
{
    char text[MODEL_LABEL_BYTES + 2];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text_replace(&model->labels[1], text);
}

static void label_with_newline(struct model *model)
{
    text_replace(&model->labels[0], "c\nt");
}
static void label_too_few(struct model *model)
{
    free(model->labels[--model->label_count]);
}
static void label_too_many(struct model *model)
{
    model->label_count = MODEL_LABELS_MAX + 1;
}
static void thresholds_of(struct model *model, uint32_t second)
{
    model->thresholds = memory_alloc(3, sizeof *model->thresholds);
    assert_non_null(model->thresholds);
    for (size_t i = 0; i < 3; i++)
        model->thresholds[i] = i == 1 ? second : 250;
}
static void threshold_of_one(struct model *model)
{
    thresholds_of(model, 1000);
}
static void threshold_of_nothing(struct model *model)
{
    thresholds_of(model, 0);
}
static void threshold_without_labels(struct model *model)
{
    thresholds_of(model, 500);
    while (model->label_count)
        free(model->labels[--model->label_count]);
}
static void processing_missing(struct model *model)
{
    model->processing[0] = 0;
}

static void test_refusals(void **state)
{
    static const struct {
        void (*spoil)(struct model *model);
        const char *reason;
    } faults[] = {
        { no_layers, "a model has 1 to 4096 layers, not 0" },
        { name_of_two_words, "the model's name is not of letters, digits, '.', '_' and '-'" },
        { name_with_escape, "(byte 1)" },
        { name_beginning_with_dash, "beginning with a letter or digit (byte 0)" },
        { name_without_end, "the model's name is longer than 127 bytes" },
        { empty_shape, "the input: a shape has 1 to 4 dimensions, not 0" },
        { rank_too_high, "the input: a shape has 1 to 4 dimensions, not 5" },
        { zero_dimension, "the input: dimension 2 of the shape is 0" },
        { huge_shape, "the input: the shape has more than 268435456 elements" },
        { same_names, "two layers have the name \"fc1\"" },
        { empty_name, "layer 4: its name is empty" },
        { no_kind, "layer \"relu1\": has no kind" },
        { reads_itself, "layer \"relu1\": reads value 2, which is not before its own, 2" },
        { reads_ahead, "layer \"fc1\": reads value 4, which is not before its own, 1" },
        { reads_nothing, "layer \"relu1\": a relu layer has 1 to 1 inputs, not 0" },
        { reads_too_much, "layer \"relu1\": a relu layer has 1 to 1 inputs, not 5" },
        { weight_missing, "layer \"fc2\": a linear layer needs a weight" },
        { weight_too_many, "layer \"relu1\": a relu layer has no weight" },
        { vector_too_many, "layer \"relu1\": a relu layer has no such vector" },
        { bias_too_long, "layer \"fc1\": " },
        { too_many_columns, "layer \"fc1\": " },
        { parameter_nan, "layer \"fc1\": neurons is nan, and must be 1 to " },
        { parameter_negative, "layer \"fc1\": neurons is -1, and must be" },
        { label_empty, "label 3: is empty" },
        { label_too_long, "label 2: has 257 bytes, more than the 256 allowed" },
        { label_with_newline, "label 1: has a control character at byte 1" },
        { label_too_few, "there are 2 labels, but the output has 3 elements" },
        { label_too_many, "65537 labels are more than the 65536 allowed" },
        { threshold_of_one, "the threshold of label 2 is 1000 thousandths, and must be 1 to 999" },
        { threshold_of_nothing, "the threshold of label 2 is 0 thousandths, and must be 1 to 999" },
        { threshold_without_labels, "there are thresholds, but no labels" },
        { processing_missing, "the processing type is not" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct model *model = small_model();
        uint32_t layer_count = model->layer_count, label_count = model->label_count;
        struct reason why;

        faults[i].spoil(model);
        assert_int_equal(model_check(model, &why), WISP_E_FORMAT);
        if (!strstr(why.text, faults[i].reason))
            fail_msg("fault %zu: \"%s\" does not say \"%s\"", i, why.text, faults[i].reason);
        model->layer_count = layer_count;
        model->label_count = MIN(model->label_count, label_count);
        model_free(model);
    }
}

static void test_a_sound_branched_model(void **state)
{
    struct model *model = branched_model();
    struct reason why;

    (void)state;
    assert_ok(model_check(model, &why), why);
    assert_int_equal(model->signature.outputs[0].shape.dimension[0], 3);
    assert_int_equal(model->signature.outputs[1].shape.dimension[0], 5);
    assert_int_equal(shape_elements(model_output(model)), 3);
    assert_int_equal(model_value_count(model), 6);
    model_free(model);
}

static void no_inputs(struct model *model)
{
    model->signature.input_count = 0;
}
static void too_many_inputs(struct model *model)
{
    model->signature.input_count = SIGNATURE_TENSORS_MAX + 1;
}
static void too_many_outputs(struct model *model)
{
    model->signature.output_count = SIGNATURE_TENSORS_MAX + 1;
}
static void inputs_of_one_name(struct model *model)
{
    snprintf(model->signature.inputs[1].name, TENSOR_NAME_MAX, "%s", "picture");
}
static void outputs_of_one_name(struct model *model)
{
    snprintf(model->signature.outputs[1].name, TENSOR_NAME_MAX, "%s", "class");
}
static void input_without_name(struct model *model)
{
    model->signature.inputs[1].name[0] = 0;
}
static void input_name_without_end(struct model *model)
{
    memset(model->signature.inputs[0].name, 'a', TENSOR_NAME_MAX);
}
static void unknown_dtype(struct model *model)
{
    model->signature.inputs[0].dtype = DTYPE_COUNT;
}
static void scale_of_floats(struct model *model)
{
    model->signature.inputs[1].scale = 2;
}
static void scale_zero(struct model *model)
{
    model->signature.outputs[1].scale = 0;
}
static void scale_nan(struct model *model)
{
    model->signature.inputs[0].scale = NAN;
}
static void second_shape_empty(struct model *model)
{
    model->signature.inputs[1].shape.rank = 0;
}
static void output_is_input(struct model *model)
{
    model->signature.outputs[1].value = 1;
}
static void output_is_nothing(struct model *model)
{
    model->signature.outputs[1].value = 6;
}
static void outputs_are_one(struct model *model)
{
    model->signature.outputs[1].value = 5;
}
static void input_unread(struct model *model)
{
    model->layers[2].inputs[0] = 3;
}
static void branch_too_wide(struct model *model)
{
    model->signature.inputs[1].shape.dimension[0] = 6;
}

static void test_signatures_refused(void **state)
{
    static const struct {
        void (*spoil)(struct model *model);
        const char *reason;
    } faults[] = {
        { no_inputs, "there are 1 to 8 inputs, not 0" },
        { too_many_inputs, "there are 1 to 8 inputs, not 9" },
        { too_many_outputs, "there are 1 to 8 outputs, not 9" },
        { inputs_of_one_name, "two inputs have the name \"picture\"" },
        { outputs_of_one_name, "two outputs have the name \"class\"" },
        { input_without_name, "input 2: its name is empty" },
        { input_name_without_end, "input 1: its name is longer than 31 bytes" },
        { unknown_dtype, "input \"picture\": is of no type that there is" },
        { scale_of_floats, "input \"facts\": is float32, which has no scale" },
        { scale_zero, "output \"marks\": has the scale 0" },
        { scale_nan, "input \"picture\": has the scale nan" },
        { second_shape_empty, "input \"facts\": a shape has 1 to 4 dimensions, not 0" },
        { output_is_input, "output \"marks\" is value 1, which is no layer's" },
        { output_is_nothing, "output \"marks\" is value 6, which is no layer's" },
        { outputs_are_one, "outputs \"class\" and \"marks\" are one value, 5" },
        { input_unread, "input \"facts\" is read by no layer" },
        { branch_too_wide, "layer \"fc2\": its weight is 3 x 5, and must be 3 x 6" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct model *model = branched_model();
        struct reason why;

        faults[i].spoil(model);
        assert_int_equal(model_check(model, &why), WISP_E_FORMAT);
        if (!strstr(why.text, faults[i].reason))
            fail_msg("fault %zu: \"%s\" does not say \"%s\"", i, why.text, faults[i].reason);
        model_free(model);
    }
}

static void test_processing_types(void **state)
{
    static const char *const sound[] = { "image", "image.classification", "a", "a.b", "x-ray.two_2", "0.1" };
    static const char *const wrong[] = {
        "", ".", "image.", ".image", "a.b.c", "a..b", "Image", "a b", "a/b", "\xc3\xa9"
    };
    char longest[MODEL_NAME_MAX + 1];
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sound); i++)
        assert_ok(processing_check(sound[i], &why), why);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        if (processing_check(wrong[i], &why) != WISP_E_FORMAT)
            fail_msg("\"%s\" is accepted", wrong[i]);
    }
    memset(longest, 'a', sizeof longest);
    longest[MODEL_NAME_MAX - 1] = 0;
    assert_ok(processing_check(longest, &why), why);
    longest[MODEL_NAME_MAX - 1] = 'a';
    longest[MODEL_NAME_MAX] = 0;
    assert_int_equal(processing_check(longest, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "longer than 127"));
}

/* A graph of the greatest depth: each layer's name is compared with all others, in good time. */
static void test_the_deepest_model(void **state)
{
    struct model *model;
    struct reason why;

    (void)state;
    assert_int_equal(model_new(MODEL_LAYERS_MAX, &model), 0);
    snprintf(model->name, sizeof model->name, "%s", "deep");
    snprintf(model->processing, sizeof model->processing, "%s", "image");
    model->signature = signature_of((struct shape){ .rank = 1, .dimension = { 1u << 28 } });
    for (uint32_t i = 0; i < model->layer_count; i++) {
        struct layer *layer = &model->layers[i];

        snprintf(layer->name, sizeof layer->name, "l%u", i);
        layer->kind = layer_kind_find("relu");
        layer->input_count = 1;
        layer->inputs[0] = i;
    }
    assert_ok(model_check(model, &why), why);
    assert_int_equal(shape_elements(model_output(model)), MODEL_ELEMENTS_MAX);
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_model),          cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_sound_branched_model), cmocka_unit_test(test_signatures_refused),
        cmocka_unit_test(test_processing_types),       cmocka_unit_test(test_the_deepest_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
