/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp quantize as a process: what it says of both models is what wisp eval says of either, the new file is smaller and
 * gives the same answers on every instruction set, and training goes on from it in float32. With WISP_DATA (a folder
 * with fashion-mnist) fashion is rounded too, and loses next to nothing.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "sparse/file/model_file.h"
#include "support/test.h"
#include "unit/forge/process.h"

static const char *const types[] = { "bf16", "int8" };

static struct ran ran;

/* A trained network in a folder, with its data: m.safetensors. */
static const char *folder_make(void)
{
    const char *folder = scratch_make();

    write_quadrants(folder, 400, 200);
    forge_run_well(&ran, folder, "build --layers 64-40-4 --sparsity 0.5 --seed 3 -o m.safetensors");
    forge_run_well(&ran, folder,
                   "train m.safetensors -D . -p image.classification -e 4 -q --no-history -o m.safetensors");
    return folder;
}

static json_t *ask(const char *folder, const char *command)
{
    json_t *said;

    forge_run_well(&ran, folder, command);
    said = json_loads(ran.out, 0, NULL);
    assert_non_null(said);
    return said;
}

static double figure(const json_t *object, const char *of, const char *name)
{
    const json_t *found = json_object_get(of ? json_object_get(object, of) : object, name);

    if (!json_is_real(found))
        fail_msg("there is no figure %s", name);
    return json_real_value(found);
}

static struct model *read_model(const char *folder, const char *name)
{
    struct model *model;
    struct reason why;

    assert_ok(model_read(scratch_path(folder, name), &model, &why), why);
    return model;
}

static long bytes_of(const char *folder, const char *name)
{
    struct stat status;

    assert_int_equal(stat(scratch_path(folder, name), &status), 0);
    return status.st_size;
}

/* That values of the file are those of m.safetensors, rounded, and nothing else is another. */
static void check_values(const char *folder, const char *name, enum value_type type)
{
    struct model *from = read_model(folder, "m.safetensors"), *to = read_model(folder, name);

    assert_int_equal(model_round(from, type), 0);
    assert_int_equal(from->layer_count, to->layer_count);
    assert_string_equal(from->name, to->name);
    assert_string_equal(from->media, to->media);
    for (uint32_t i = 0; i < from->layer_count; i++) {
        const struct layer *a = &from->layers[i], *b = &to->layers[i];

        if (!a->weight.starts)
            continue;
        assert_int_equal(b->weight.type, type);
        assert_memory_equal(a->weight.values, b->weight.values, a->weight.count * sizeof *a->weight.values);
        assert_memory_equal(a->vectors[0].data, b->vectors[0].data, a->vectors[0].count * sizeof(float));
    }
    model_free(from);
    model_free(to);
}

static void test_figures_are_those_of_eval(void **state)
{
    static const char *const names[] = { "accuracy", "macro_f1", "loss" };
    const char *folder = folder_make();
    json_t *before = ask(folder, "eval m.safetensors -D . --json");
    long smaller = bytes_of(folder, "m.safetensors");

    (void)state;
    for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
        char command[160];
        json_t *said, *after, *lineage;
        struct model *model;

        snprintf(command, sizeof command, "quantize m.safetensors --values %s -D . -o r.safetensors --json", types[t]);
        said = ask(folder, command);
        after = ask(folder, "eval r.safetensors -D . --json");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            const double was = figure(before, NULL, names[i]), is = figure(after, NULL, names[i]);

            assert_true(fabs(figure(said, "float32", names[i]) - was) < 1e-9);
            assert_true(fabs(figure(said, "rounded", names[i]) - is) < 1e-9);
            assert_true(fabs(figure(said, "difference", names[i]) - (is - was)) < 1e-9);
        }
        assert_true(figure(said, "rounded", "loss") != figure(said, "float32", "loss"));
        assert_null(json_object_get(json_object_get(said, "rounded"), "majority"));
        assert_true(bytes_of(folder, "r.safetensors") < smaller);
        smaller = bytes_of(folder, "r.safetensors");
        check_values(folder, "r.safetensors", value_type_find(types[t]));
        model = read_model(folder, "r.safetensors");
        lineage = json_loads(model->lineage, 0, NULL);
        assert_true(json_equal(json_object_get(lineage, "quantized"), said));
        assert_non_null(json_object_get(lineage, "training"));
        model_free(model);
        json_decref(lineage);
        json_decref(said);
        json_decref(after);
    }
    json_decref(before);
    scratch_remove(folder);
}

/* The same answers to the bit, one by one and together. */
static void test_every_instruction_set_answers_alike(void **state)
{
    static const char *const sets[] = { "scalar", "avx2", "avx512", "neon" };
    const char *folder = folder_make();

    (void)state;
    for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
        char command[160];

        snprintf(command, sizeof command, "quantize m.safetensors --values %s -D . -o r.safetensors", types[t]);
        forge_run_well(&ran, folder, command);
        setenv("WISP_CPU", "scalar", 1);
        forge_run_well(&ran, folder, "eval r.safetensors -D . -b 1 -t 1 --answers expected");
        for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
            if (!kernels_find(sets[i]))
                continue;
            setenv("WISP_CPU", sets[i], 1);
            for (size_t batch = 1; batch <= 33; batch *= 2) {
                snprintf(command, sizeof command, "eval r.safetensors -D . -b %zu --answers answers",
                         batch + batch / 32);
                forge_run_well(&ran, folder, command);
                assert_same_bytes(folder, "expected", "answers");
            }
        }
        unsetenv("WISP_CPU");
    }
    scratch_remove(folder);
}

/* The values move in float32, as those of a file that has the same in float32 would; what is written is no rounded
 * model, and says nothing of rounding. */
static void test_training_goes_on_in_float32(void **state)
{
    const char *folder = folder_make();
    enum value_type type;
    struct model *model;
    struct reason why;

    (void)state;
    forge_run_well(&ran, folder, "quantize m.safetensors --values int8 -D . -o r.safetensors");
    model = read_model(folder, "r.safetensors");
    for (uint32_t i = 0; i < model->layer_count; i++)
        csr_widen(&model->layers[i].weight);
    assert_ok(model_write(model, scratch_path(folder, "wide.safetensors"), &why), why);
    model_free(model);
    forge_run_well(&ran, folder, "train r.safetensors -D . -e 1 -q --no-history -o a.safetensors");
    forge_run_well(&ran, folder, "train wide.safetensors -D . -e 1 -q --no-history -o b.safetensors");
    assert_same_bytes(folder, "a.safetensors", "b.safetensors");
    model = read_model(folder, "a.safetensors");
    assert_false(model_is_rounded(model, &type));
    assert_null(strstr(model->lineage, "quantized"));
    model_free(model);
    scratch_remove(folder);
}

static void test_refusals(void **state)
{
    static const struct refusal refusals[] = {
        { "quantize m.safetensors -D . -o o", 2, "--values is missing: bf16 or int8" },
        { "quantize m.safetensors -D . -o o --values fp8", 2, "--values fp8: it is bf16 or int8" },
        { "quantize m.safetensors -D . -o o --values float32", 2, "--values float32: it is bf16 or int8" },
        { "quantize m.safetensors -D . --values bf16", 2, "--output is missing: the file for the rounded model" },
        { "quantize m.safetensors -D . --values bf16 -o ./m.safetensors", 2,
          "--output ./m.safetensors would be written over the model; give it another name" },
        { "quantize m.safetensors --values bf16 -o o", 2,
          "--data is missing; give the folder or file with the data set" },
        { "quantize m.safetensors -D none --values bf16 -o o", 65, "cannot open none: No such file or directory" },
        { "quantize none -D . --values bf16 -o o", 65, "cannot open none: No such file or directory" },
        { "quantize m.safetensors -D . --values bf16 -o none/o", 1,
          "cannot write none/o: folder none: No such file or directory" },
        { "quantize r.safetensors -D . --values int8 -o o", 2,
          "the values of m are bf16 already; begin with the model that has float32" },
    };
    const char *folder = folder_make();

    (void)state;
    forge_run_well(&ran, folder, "quantize m.safetensors --values bf16 -D . -o r.safetensors");
    forge_refuses(&ran, folder, refusals, ARRAY_SIZE(refusals));
    scratch_remove(folder);
}

/* Less than half a percent of real pictures change sides, and the file is a quarter to a half smaller. */
static void test_fashion_loses_next_to_nothing(void **state)
{
    const char *data = getenv("WISP_DATA"), *folder;

    (void)state;
    if (!data) {
        print_message("WISP_DATA is not set: fashion is not measured\n");
        skip();
    }
    folder = scratch_make();
    for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
        char command[1024];
        json_t *said;

        snprintf(command, sizeof command, "quantize %s --values %s -D %s/fashion-mnist -o r.safetensors --json",
                 source_path("models/fashion.safetensors"), types[t], data);
        said = ask(folder, command);
        assert_true(figure(said, "float32", "accuracy") > 0.88);
        assert_true(fabs(figure(said, "difference", "accuracy")) < 0.005);
        json_decref(said);
    }
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_are_those_of_eval),
        cmocka_unit_test(test_every_instruction_set_answers_alike),
        cmocka_unit_test(test_training_goes_on_in_float32),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_fashion_loses_next_to_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
