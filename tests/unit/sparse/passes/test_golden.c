/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's golden input: every table of kernels answers it as the scalar one has, also of what decodes and of halves;
 * it comes back from a file; and a model whose weights have been changed is found out.
 */
#include <stdlib.h>
#include <string.h>

#include "../small_model.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/passes/golden_run.h"
#include "support/test.h"
#include "support/translator.h"

static const struct translator words = {
    .kind = "attention", .source = 6, .positions = 5, .vocabulary = 11, .width = 8, .end = 1, .seed = 3
};

static struct model *checked_model(void)
{
    struct model *model = small_model();
    struct reason why;

    assert_ok(model_check(model, &why), why);
    return model;
}

/* By every table that this processor has; the last answer. */
static int try_all(const struct model *model, struct reason *why)
{
    const struct kernels *kernels;
    int result = 0;

    for (size_t i = 0; !result && (kernels = kernels_at(i)); i++) {
        struct golden_runner runner = { NULL, NULL };

        if (!kernels_find(kernels->name))
            continue;
        if (model->decoding.length)
            assert_ok(decoder_new(&(struct decoder_setup){ .model = model, .kernels = kernels, .batch = 3 },
                                  &runner.decoder, why),
                      *why);
        else
            assert_ok(forward_new(&(struct forward_setup){ .model = model, .kernels = kernels, .batch = 3 },
                                  &runner.forward, why),
                      *why);
        result = golden_try(model, &runner, why);
        forward_free(runner.forward);
        decoder_free(runner.decoder);
    }
    return result;
}

static void check_model(struct model *model)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");
    struct model *read = NULL;
    struct reason why;
    uint32_t weighted = model->layer_count;

    assert_ok(try_all(model, &why), why); /* it has none */
    assert_ok(golden_make(model, &why), why);
    assert_true(golden_is_there(&model->golden));
    assert_ok(model_write(model, path, &why), why);
    assert_ok(model_read(path, &read, &why), why);
    assert_true(golden_is_there(&read->golden));
    assert_ok(try_all(read, &why), why);
    while (!model->layers[--weighted].weight.count)
        continue;
    for (uint64_t i = 0; i < model->layers[weighted].weight.count; i++)
        read->layers[weighted].weight.values[i] *= 1.0001f;
    assert_int_equal(try_all(read, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "golden input with other bits"));
    model_free(read);
    model_free(model);
    scratch_remove(folder);
}

static void plain_models(void **state)
{
    (void)state;
    check_model(checked_model());
}

static void models_that_decode(void **state)
{
    static const char *const kinds[] = { "attention", "lstm", "gru" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct translator one = words;

        one.kind = kinds[i];
        check_model(translator_model(&one));
    }
}

/* The tensor of that name gets another one of the same length, and the checksum is right. */
static void rename_tensor(const char *path, const char *name, const char *other)
{
    cleanup_free void *data = NULL;
    struct reason why;
    size_t size;
    char *found;

    assert_ok(file_read(path, 1 << 24, &data, &size, &why), why);
    found = memmem(data, size, name, strlen(name));
    assert_non_null(found);
    memcpy(found, other, strlen(other));
    assert_int_equal(checksum_seal(data, size), 0);
    assert_ok(file_write(path, &(struct file_part){ data, size }, 1, &why), why);
}

static void assert_refused(const char *path, const char *said)
{
    struct model *read = NULL;
    struct reason why;

    assert_int_equal(model_read(path, &read, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, said));
}

static void half_of_it_is_refused(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");
    struct model *model = checked_model();
    struct reason why;

    (void)state;
    assert_ok(golden_make(model, &why), why);
    assert_ok(model_write(model, path, &why), why);
    rename_tensor(path, "wisp.golden.output.output", "wisp.golden.output.0utput");
    assert_refused(path, "of a golden input \"wisp.golden.output.output\" is missing");
    rename_tensor(path, "wisp.golden.input.input", "wisp.golden.input.1nput");
    assert_refused(path, "belongs to no layer");
    ((float *)model->golden.outputs[0])[1] = 1.0f / 0.0f;
    assert_int_equal(model_write(model, path, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "element 1 of \"wisp.golden.output.output\" is not a finite number"));
    ((float *)model->golden.outputs[0])[1] = 0;
    memcpy(model->layers[0].name, "wisp.golden.input", sizeof "wisp.golden.input");
    assert_int_equal(model_write(model, path, &why), WISP_E_FORMAT);
    model_free(model);
    scratch_remove(folder);
}

static void what_is_too_large_has_none(void **state)
{
    struct model *model = checked_model();
    struct reason why;

    (void)state;
    model->signature.inputs[0].shape = (struct shape){ .rank = 1, .dimension = { GOLDEN_BYTES_MAX / 4 } };
    assert_int_equal(golden_make(model, &why), WISP_E_INVALID);
    assert_false(golden_is_there(&model->golden));
    model_free(model);
}

static void rounding_takes_it_away(void **state)
{
    struct model *model = checked_model();
    struct reason why;

    (void)state;
    assert_ok(golden_make(model, &why), why);
    assert_int_equal(model_round(model, VALUE_BF16), 0);
    assert_false(golden_is_there(&model->golden));
    model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_models),
        cmocka_unit_test(models_that_decode),
        cmocka_unit_test(half_of_it_is_refused),
        cmocka_unit_test(rounding_takes_it_away),
        cmocka_unit_test(what_is_too_large_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
