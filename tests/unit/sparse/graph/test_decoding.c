/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model says of how it decodes: written and read, and refused where the graph has it not.
 */
#include <string.h>

#include "sparse/file/model_file.h"
#include "support/test.h"
#include "support/translator.h"

static const struct translator small = {
    .kind = "attention", .source = 5, .positions = 7, .length = 6, .vocabulary = 11, .width = 4, .end = 3, .begin = 2
};

static void test_round_trip(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "a");
    struct model *built = translator_model(&small), *model;
    struct reason why;

    (void)state;
    assert_int_equal(decoding_beam(&built->decoding, 0), 1);
    built->decoding.beam = 3;
    assert_int_equal(decoding_beam(&built->decoding, 0), 3);
    assert_int_equal(decoding_beam(&built->decoding, 2), 2);
    assert_ok(model_write(built, path, &why), why);
    assert_ok(model_read(path, &model, &why), why);
    assert_memory_equal(&model->decoding, &built->decoding, sizeof model->decoding);
    assert_int_equal(decoding_positions(model), 7);
    assert_int_equal(decoding_vocabulary(model), 11);
    model_free(model);
    model_free(built);
    scratch_remove(folder);
}

static void test_signature(void **state)
{
    struct model *model = translator_model(&small);
    const struct signature seen = decoding_signature(model);

    (void)state;
    assert_int_equal(seen.input_count, 1);
    assert_string_equal(seen.inputs[0].name, "source");
    assert_int_equal(seen.output_count, DECODING_OUTPUTS);
    assert_string_equal(seen.outputs[DECODING_WORDS].name, "words");
    assert_int_equal(shape_elements(&seen.outputs[DECODING_WORDS].shape), 6);
    assert_string_equal(seen.outputs[DECODING_PROGRESS].name, "progress");
    assert_int_equal(shape_elements(&seen.outputs[DECODING_PROGRESS].shape), 2);
    model_free(model);
}

static void refused(struct model *model, const char *said)
{
    struct reason why;

    assert_int_equal(model_check(model, &why), WISP_E_FORMAT);
    if (!strstr(why.text, said))
        fail_msg("\"%s\" does not say \"%s\"", why.text, said);
}

static void test_words_refused(void **state)
{
    struct model *model = translator_model(&small);
    const struct decoding sound = model->decoding;

    (void)state;
    model->decoding.length = 8;
    refused(model, "up to 8 words, and input \"target\" 7 positions");
    model->decoding = sound;
    model->decoding.end = 11;
    refused(model, "word 11 ends a sequence, and there are 11 words");
    model->decoding = sound;
    model->decoding.begin = 11;
    refused(model, "word 11 begins a sequence, and there are 11 words");
    model->decoding = sound;
    model->decoding.input = 2;
    refused(model, "is not one of 2");
    model->decoding = sound;
    model->decoding.beam = DECODING_BEAM_MAX + 1;
    refused(model, "a beam of 17 is wider than 16");
    model->decoding = sound;
    model->signature.inputs[1].scale = 2;
    refused(model, "not one word a position");
    model_free(model);
}

/* The first layer of a kind whose first input is that value, or any; fails without one. */
static struct layer *find(struct model *model, const char *kind, uint32_t past)
{
    for (uint32_t i = past; i < model->layer_count; i++) {
        if (!strcmp(model->layers[i].kind->name, kind))
            return &model->layers[i];
    }
    fail_msg("no %s", kind);
    return NULL;
}

/* What the graph does not have; each time one thing is changed. */
static void test_graphs_refused(void **state)
{
    struct model *model = translator_model(&small);
    struct layer *attention;

    (void)state;
    model->decoding.input = 0; /* the encoder's attention is not causal */
    refused(model, "5 positions");
    model->decoding.length = 5;
    refused(model, "the output has not a number for each word at 5 positions");
    model_free(model);

    model = translator_model(&small);
    attention = find(model, "attention", 0);
    attention = find(model, "attention", (uint32_t)(attention - model->layers) + 1);
    attention->parameters[1] = 0;
    refused(model, "cannot go along a sequence: it attends to what comes later");
    model_free(model);

    model = translator_model(&small);
    model->signature.outputs[0] = (struct model_tensor){ .name = "output", .scale = 1, .value = 3 };
    refused(model, "the output does not follow from the input that is fed back");
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_words_refused),
        cmocka_unit_test(test_graphs_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
