/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/model_file: what is written is read, to the byte; and nothing is written that would not be.
 */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "small_model.h"
#include "sparse/construct/sample.h"
#include "sparse/file/model_file.h"
#include "sparse/file/model_json.h"
#include "sparse/layers/layer.h"
#include "support/test.h"

static void assert_same_matrix(const struct csr *a, const struct csr *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns, b->columns);
    assert_int_equal(a->count, b->count);
    if (!a->starts)
        return;
    assert_memory_equal(a->starts, b->starts, (a->rows + 1) * sizeof *a->starts);
    for (uint64_t k = 0; k < a->count; k++)
        assert_int_equal(csr_column(a, k), csr_column(b, k));
    assert_memory_equal(a->values, b->values, a->count * sizeof *a->values);
}

static void assert_same_layer(const struct layer *a, const struct layer *b)
{
    assert_string_equal(a->name, b->name);
    assert_ptr_equal(a->kind, b->kind);
    assert_int_equal(a->input_count, b->input_count);
    assert_memory_equal(a->inputs, b->inputs, a->input_count * sizeof *a->inputs);
    assert_memory_equal(a->parameters, b->parameters, sizeof a->parameters);
    assert_same_matrix(&a->weight, &b->weight);
    for (size_t v = 0; v < LAYER_VECTORS_MAX; v++) {
        assert_int_equal(a->vectors[v].count, b->vectors[v].count);
        if (a->vectors[v].data)
            assert_memory_equal(a->vectors[v].data, b->vectors[v].data, a->vectors[v].count * sizeof(float));
    }
}

/* Weights stand where they were read, at multiples of 64. */
static void assert_borrowed(const struct model *model, const void *pointer)
{
    uintptr_t begin = (uintptr_t)model->file, at = (uintptr_t)pointer;

    assert_true(at > begin && at <= begin + model->file_size);
    assert_int_equal(at % CACHE_LINE, 0);
}

static void test_round_trip(void **state)
{
    const char *folder = scratch_make(), *first = scratch_path(folder, "a"), *second = scratch_path(folder, "b");
    struct model *built = small_model(), *model = NULL;
    struct reason why;

    (void)state;
    assert_ok(model_write(built, first, &why), why);
    assert_ok(model_read(first, &model, &why), why);
    assert_string_equal(model->name, "small");
    assert_string_equal(model->processing, "image.classification");
    assert_int_equal(model->signature.inputs[0].shape.rank, 2);
    assert_int_equal(shape_elements(&model->signature.inputs[0].shape), 6);
    assert_int_equal(model->layer_count, built->layer_count);
    for (uint32_t i = 0; i < model->layer_count; i++)
        assert_same_layer(&model->layers[i], &built->layers[i]);
    assert_int_equal(shape_elements(model_output(model)), 3);
    assert_int_equal(model->label_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_string_equal(model->labels[i], built->labels[i]);
    assert_string_equal(model->media, built->media);
    assert_string_equal(model->lineage, built->lineage);
    assert_int_equal(model_connections(model), 19);
    assert_int_equal(model_potential(model), 45);
    assert_int_equal(model_memory(built), 8 * (6 + 4) + 6 * 19 + 4 * 5);
    assert_int_equal(model_memory(model), model->file_size);
    assert_borrowed(model, model->layers[0].weight.starts);
    assert_borrowed(model, model->layers[2].weight.index.narrow);
    assert_borrowed(model, model->layers[2].weight.values);
    assert_borrowed(model, model->layers[0].vectors[0].data);
    assert_ok(model_write(model, second, &why), why);
    assert_same_file(first, second);
    model_free(model);
    model_free(built);
    scratch_remove(folder);
}

static void assert_same_tensor(const struct model_tensor *a, const struct model_tensor *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->dtype, b->dtype);
    assert_true(a->scale == b->scale);
    assert_int_equal(a->value, b->value);
    assert_memory_equal(&a->shape, &b->shape, sizeof a->shape);
}

static void test_round_trip_of_several_tensors(void **state)
{
    const char *folder = scratch_make(), *first = scratch_path(folder, "a"), *second = scratch_path(folder, "b");
    struct model *built = branched_model(), *model = NULL;
    struct reason why;

    (void)state;
    built->signature.inputs[0].scale = 1.0F / 255; /* no decimal fraction */
    built->thresholds = memory_alloc(3, sizeof *built->thresholds);
    assert_non_null(built->thresholds);
    for (uint32_t i = 0; i < 3; i++)
        built->thresholds[i] = 333 + i;
    assert_ok(model_write(built, first, &why), why);
    assert_ok(model_read(first, &model, &why), why);
    assert_ok(model_check(built, &why), why);
    assert_int_equal(model->signature.input_count, 2);
    assert_int_equal(model->signature.output_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_same_tensor(&model->signature.inputs[i], &built->signature.inputs[i]);
        assert_same_tensor(&model->signature.outputs[i], &built->signature.outputs[i]);
    }
    for (uint32_t i = 0; i < model->layer_count; i++)
        assert_same_layer(&model->layers[i], &built->layers[i]);
    assert_memory_equal(model->thresholds, built->thresholds, 3 * sizeof *built->thresholds);
    assert_ok(model_write(model, second, &why), why);
    assert_same_file(first, second);
    model_free(model);
    model_free(built);
    scratch_remove(folder);
}

/* A parameter that is a word is one in the file, and its value here; files of before do not say it. */
static void test_round_trip_of_a_word(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "a");
    struct model *built = small_model();
    struct reason why;

    (void)state;
    built->layers[1].kind = layer_kind_find("gelu");
    for (unsigned value = 0; value < 2; value++) {
        static const char *const said[] = { "{\\\"approximation\\\":\\\"none\\\"}",
                                            "{\\\"approximation\\\":\\\"tanh\\\"}" };
        cleanup_free void *file = NULL;
        struct model *model = NULL;
        size_t size;

        built->layers[1].parameters[0] = value;
        assert_ok(model_write(built, path, &why), why);
        assert_ok(file_read(path, 1 << 20, &file, &size, &why), why);
        assert_non_null(memmem(file, size, said[value], strlen(said[value])));
        assert_ok(model_read(path, &model, &why), why);
        assert_same_layer(&model->layers[1], &built->layers[1]);
        model_free(model);
    }
    built->layers[1].parameters[0] = 2;
    assert_int_equal(model_write(built, path, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "approximation is 2"));
    model_free(built);
    scratch_remove(folder);
}

static bool is_first(const void *argument, uint32_t layer)
{
    (void)argument;
    return layer == 0;
}

/* What is needed is the same in memory of its own, the rest is gone, and the model is described as before. */
static void test_strip(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "a");
    struct model *built = small_model(), *model;
    struct reason why;

    (void)state;
    assert_ok(model_write(built, path, &why), why);
    assert_ok(model_read(path, &model, &why), why);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(model_strip(model, is_first, NULL), 0);
        assert_same_layer(&model->layers[0], &built->layers[0]);
        assert_null(model->file);
        assert_null(model->layers[2].weight.starts);
        assert_null(model->layers[2].weight.values);
        assert_int_equal(model->layers[2].weight.count, 9);
        assert_int_equal(model_connections(model), 19);
        assert_int_equal(model_potential(model), 45);
        assert_int_equal(model_memory(model), 8 * 6 + 6 * 10 + 4 * 5);
        assert_true(strlen(model->identity) > 0 && model->file_size > 0);
        assert_string_equal(model->labels[2], built->labels[2]);
    }
    model_free(model);
    model_free(built);
    scratch_remove(folder);
}

/* Who says at length what is simple gets the simple file. */
static void test_the_simple_form(void **state)
{
    const char *folder = scratch_make(), *first = scratch_path(folder, "a"), *second = scratch_path(folder, "b");
    struct model *built = small_model();
    struct reason why;

    (void)state;
    assert_ok(model_write(built, first, &why), why);
    built->signature.outputs[built->signature.output_count++] =
        (struct model_tensor){ .name = "output", .scale = 1, .value = 4 };
    assert_ok(model_write(built, second, &why), why);
    assert_same_file(first, second);
    model_free(built);
    scratch_remove(folder);
}

/* Wide indices, rows and whole layers without connections, no labels, media or lineage; over the old file. */
static void test_round_trip_of_the_unusual(void **state)
{
    const char *folder = scratch_make(), *first = scratch_path(folder, "a"), *second = scratch_path(folder, "b");
    struct model *built = small_model(), *model = NULL;
    struct reason why;

    (void)state;
    assert_ok(model_write(built, first, &why), why);
    for (uint32_t i = 0; i < built->label_count; i++)
        free(built->labels[i]);
    built->label_count = 0;
    free(steal(&built->media));
    free(steal(&built->lineage));
    built->signature = signature_of((struct shape){ .rank = 1, .dimension = { 70000 } });
    csr_deinit(&built->layers[0].weight);
    csr_deinit(&built->layers[2].weight);
    assert_ok(sample_connections(5, 70000, 7, 1, 0, &built->layers[0].weight, &why), why);
    sample_weights(&built->layers[0].weight, 1, 1, 0);
    assert_ok(sample_connections(3, 5, 0, 1, 2, &built->layers[2].weight, &why), why);
    assert_ok(model_write(built, first, &why), why);
    assert_ok(model_read(first, &model, &why), why);
    for (uint32_t i = 0; i < model->layer_count; i++)
        assert_same_layer(&model->layers[i], &built->layers[i]);
    assert_false(csr_is_narrow(&model->layers[0].weight));
    assert_int_equal(model->layers[2].weight.count, 0);
    assert_int_equal(model->label_count, 0);
    assert_null(model->media);
    assert_null(model->lineage);
    assert_ok(model_write(model, second, &why), why);
    assert_same_file(first, second);
    model_free(model);
    model_free(built);
    scratch_remove(folder);
}

static void give_idf(struct model *model, uint32_t count)
{
    model->idf = malloc(count);
    assert_non_null(model->idf);
    for (uint32_t i = 0; i < count; i++)
        model->idf[i] = (uint8_t)(3 + 50 * i);
    model->idf_count = count;
}

static uint64_t size_of(const struct model *model)
{
    struct reason why;
    uint64_t size, metadata;

    assert_ok(model_file_size(model, &size, &metadata, &why), why);
    return size;
}

/* In the file a tensor, in what is said of the model a part of its media. */
static void test_round_trip_of_an_idf(void **state)
{
    const char *folder = scratch_make(), *first = scratch_path(folder, "a"), *second = scratch_path(folder, "b");
    struct model *built = small_model(), *model = NULL;
    uint64_t without = size_of(built);
    struct reason why;
    json_t *media;

    (void)state;
    give_idf(built, 6);
    assert_ok(model_write(built, first, &why), why);
    assert_ok(model_read(first, &model, &why), why);
    assert_int_equal(model->idf_count, 6);
    assert_memory_equal(model->idf, built->idf, 6);
    assert_string_equal(model->media, built->media);
    assert_in_range(model->file_size, without + 6, size_of(built));
    media = model_json_media(model);
    assert_string_equal(json_string_value(json_object_get(media, "idf")), "AzVnmcv9");
    json_decref(media);
    assert_int_equal(model_strip(model, is_first, NULL), 0);
    assert_memory_equal(model->idf, built->idf, 6);
    assert_ok(model_write(built, second, &why), why);
    assert_same_file(first, second);
    model_free(model);
    model_free(built);
    scratch_remove(folder);
}

static void idf_too_short(struct model *model)
{
    give_idf(model, 5);
}
static void idf_without_media(struct model *model)
{
    give_idf(model, 6);
    free(steal(&model->media));
}
static void nan_weight(struct model *model)
{
    model->layers[2].weight.values[3] = NAN;
}
static void infinite_bias(struct model *model)
{
    model->layers[0].vectors[0].data[4] = INFINITY;
}
static void no_name(struct model *model)
{
    model->name[0] = 0;
}
static void long_layer_name(struct model *model)
{
    memset(model->layers[1].name, 'a', LAYER_NAME_MAX);
}
static void label_not_utf8(struct model *model)
{
    text_replace(&model->labels[1], "\xff\xfe");
}
static void media_not_json(struct model *model)
{
    text_replace(&model->media, "{\"kind\": }");
}
static void lineage_array(struct model *model)
{
    text_replace(&model->lineage, "[1]");
}
static void repeated_key(struct model *model)
{
    text_replace(&model->lineage, "{\"a\":1,\"a\":2}");
}
static void too_few_labels(struct model *model)
{
    free(model->labels[--model->label_count]);
}
static void descending_columns(struct model *model)
{
    model->layers[0].weight.index.narrow[1] = 0;
}
static void huge_lineage(struct model *model)
{
    enum { BYTES = MODEL_FILE_HEADER_MAX };

    free(model->lineage);
    model->lineage = malloc(BYTES);
    assert_non_null(model->lineage);
    memset(model->lineage, 'x', BYTES);
    memcpy(model->lineage, "{\"a\":\"", 6);
    memcpy(model->lineage + BYTES - 3, "\"}", 3);
}

static void test_what_would_be_refused_is_not_written(void **state)
{
    static const struct {
        void (*spoil)(struct model *model);
        int code;
        const char *reason;
    } faults[] = {
        { nan_weight, WISP_E_FORMAT, "layer \"fc2\": row 0, connection 3: the value is not a finite number" },
        { infinite_bias, WISP_E_FORMAT, "layer \"fc1\": element 4 of the bias is not a finite number" },
        { no_name, WISP_E_FORMAT, "the model's name is empty" },
        { long_layer_name, WISP_E_FORMAT, "layer 2: its name is longer than 63 bytes" },
        { label_not_utf8, WISP_E_INVALID, "\"wisp.labels\" cannot be written: its text is not UTF-8" },
        { media_not_json, WISP_E_FORMAT, "\"wisp.media\": not valid JSON" },
        { lineage_array, WISP_E_FORMAT, "\"wisp.lineage\" is not a JSON object" },
        { repeated_key, WISP_E_FORMAT, "duplicate object key" },
        { too_few_labels, WISP_E_FORMAT, "there are 2 labels, but the output has 3 elements" },
        { descending_columns, WISP_E_FORMAT, "does not ascend" },
        { idf_too_short, WISP_E_FORMAT, "there is an idf of 5 features, but the input has 6 elements" },
        { idf_without_media, WISP_E_FORMAT, "there is an idf, but nothing says how texts become tensors" },
        { huge_lineage, WISP_E_INVALID, "a model file has at most 16777216 (16 MiB)" },
    };
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        struct model *model = small_model();
        struct reason why;

        faults[i].spoil(model);
        assert_int_equal(model_write(model, path, &why), faults[i].code);
        if (!strstr(why.text, faults[i].reason) || !strstr(why.text, path))
            fail_msg("fault %zu: \"%s\" does not say \"%s\"", i, why.text, faults[i].reason);
        assert_int_equal(access(path, F_OK), -1);
        model_free(model);
    }
    scratch_remove(folder);
}

/* A file that an earlier version wrote: what format 1 was, it stays. */
static void test_an_old_file_stays_readable(void **state)
{
    struct model *model = NULL;
    struct reason why;

    (void)state;
    assert_ok(model_read(source_path("tests/fuzz/corpus/model/small.safetensors"), &model, &why), why);
    assert_string_equal(model->name, "small");
    assert_int_equal(model->layer_count, 4);
    assert_int_equal(model_connections(model), 19);
    assert_true(model->layers[0].vectors[0].data[2] == -1.5f);
    model_free(model);
}

/* As a full disk does: the write fails on its way, the old file stays, and nothing else is left behind. */
static void test_failed_write_keeps_the_old_file(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m"), *copy = scratch_path(folder, "copy");
    struct model *model = small_model();
    struct rlimit before, tight;
    struct reason why;
    int result;

    (void)state;
    assert_ok(model_write(model, path, &why), why);
    assert_ok(model_write(model, copy, &why), why);
    model->layers[0].weight.values[0] = 3;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = before;
    tight.rlim_cur = 1500;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    result = model_write(model, path, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, -EFBIG);
    assert_non_null(strstr(why.text, "cannot write"));
    assert_same_file(path, copy);
    assert_int_equal(unlink(path) | unlink(copy), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(model_write(model, scratch_path(folder, "no/such/m"), &why), -ENOENT);
    model_free(model);
    scratch_remove(folder);
}

static void test_files_that_are_none(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");
    struct model *model = NULL, *built = small_model();
    struct reason why;

    (void)state;
    assert_int_equal(model_read(path, &model, &why), -ENOENT);
    assert_non_null(strstr(why.text, path));
    assert_int_equal(model_read(folder, &model, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "is a directory"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(model_read(path, &model, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "a device, socket or pipe"));
    assert_int_equal(model_read("/dev/zero", &model, &why), WISP_E_FORMAT);
    assert_int_equal(unlink(path), 0);
    assert_ok(model_write(built, path, &why), why);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(model_read(path, &model, &why), WISP_E_FORMAT);
    assert_int_equal(strncmp(why.text, path, strlen(path)), 0);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    /* Root reads everything; as nobody it does not. */
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(model_read(path, &model, &why), -EACCES);
    assert_int_equal(seteuid(getuid()), 0);
    model_free(built);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trip_of_several_tensors),
        cmocka_unit_test(test_the_simple_form),
        cmocka_unit_test(test_round_trip_of_a_word),
        cmocka_unit_test(test_strip),
        cmocka_unit_test(test_round_trip_of_the_unusual),
        cmocka_unit_test(test_round_trip_of_an_idf),
        cmocka_unit_test(test_what_would_be_refused_is_not_written),
        cmocka_unit_test(test_an_old_file_stays_readable),
        cmocka_unit_test(test_failed_write_keeps_the_old_file),
        cmocka_unit_test(test_files_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
