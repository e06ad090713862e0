/* SPDX-License-Identifier: Apache-2.0
 *
 * Model files whose values take fewer bits: they are read as what was written, to the bit, and what is wrong with them
 * is refused, scales too.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"
#include "sparse/graph/parameters.h"
#include "support/test.h"
#include "unit/sparse/small_model.h"

struct bytes {
    unsigned char *data;
    size_t size;
};

/* The small model's file, rounded. */
static struct bytes file_of(enum value_type type)
{
    struct model *model = small_model();
    struct bytes file;

    assert_int_equal(model_round(model, type), 0);
    file.data = model_as_file(model, &file.size);
    model_free(model);
    return file;
}

static int parse(struct bytes file, struct model **out, struct reason *why)
{
    unsigned char *copy = memory_alloc(file.size + 1, 1);

    assert_non_null(copy);
    memcpy(copy, file.data, file.size);
    copy[file.size] = 0;
    assert_int_equal(checksum_seal((char *)copy, file.size), 0);
    return model_parse(copy, file.size, out, why);
}

static void assert_same_weight(const struct csr *a, const struct csr *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->starts, b->starts, (a->rows + 1) * sizeof *a->starts);
    assert_memory_equal(a->values, b->values, a->count * sizeof *a->values);
    assert_int_equal(!a->scales, !b->scales);
    if (a->scales)
        assert_memory_equal(a->scales, b->scales, a->rows * sizeof *a->scales);
}

static void test_round_trip(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "a"), *again = scratch_path(folder, "b");

    (void)state;
    for (enum value_type type = 0; type < VALUE_TYPES; type++) {
        struct model *built = small_model(), *model;
        enum value_type found;
        struct reason why;

        assert_int_equal(model_round(built, type), 0);
        assert_ok(model_write(built, path, &why), why);
        assert_ok(model_read(path, &model, &why), why);
        for (uint32_t i = 0; i < model->layer_count; i++) {
            if (built->layers[i].weight.starts)
                assert_same_weight(&model->layers[i].weight, &built->layers[i].weight);
        }
        assert_int_equal(model_is_rounded(model, &found), type != VALUE_FLOAT32);
        assert_int_equal(found, type);
        assert_int_equal(model_memory(model), model->file_memory);
        assert_ok(model_write(model, again, &why), why);
        assert_same_file(path, again);
        model_free(model);
        model_free(built);
    }
    scratch_remove(folder);
}

static bool never(const void *argument, uint32_t layer)
{
    (void)argument;
    (void)layer;
    return false;
}

static bool is_first(const void *argument, uint32_t layer)
{
    (void)argument;
    return layer == 0;
}

/* What is served says its type yet, and a weight that stays is whole. */
static void test_stripped(void **state)
{
    (void)state;
    for (enum value_type type = VALUE_BF16; type < VALUE_TYPES; type++) {
        struct bytes file = file_of(type);
        struct model *model, *whole;
        struct reason why;

        assert_ok(parse(file, &model, &why), why);
        assert_ok(parse(file, &whole, &why), why);
        assert_int_equal(model_strip(model, is_first, NULL), 0);
        assert_same_weight(&model->layers[0].weight, &whole->layers[0].weight);
        assert_int_equal(model->layers[2].weight.type, type);
        assert_int_equal(model_strip(model, never, NULL), 0);
        assert_int_equal(model->layers[0].weight.type, type);
        model_free(model);
        model_free(whole);
        free(file.data);
    }
}

/* Values that may move are float32's, where they were read or made. */
static void test_trained_values_are_widened(void **state)
{
    (void)state;
    for (int made = 0; made < 2; made++) {
        struct bytes file = file_of(VALUE_INT8);
        struct model *model, *whole;
        struct parameters parameters;
        enum value_type type;
        struct reason why;

        assert_ok(parse(file, &whole, &why), why);
        if (made) {
            model = small_model();
            assert_int_equal(model_round(model, VALUE_INT8), 0);
        } else {
            assert_ok(parse(file, &model, &why), why);
        }
        assert_int_equal(parameters_map(model, &parameters), 0);
        assert_int_equal(model_gather_parameters(model, &parameters), 0);
        assert_false(model_is_rounded(model, &type));
        assert_null(model->layers[0].weight.scales);
        assert_memory_equal(model->layers[0].weight.values, whole->layers[0].weight.values,
                            whole->layers[0].weight.count * sizeof(float));
        parameters_deinit(&parameters);
        model_free(model);
        model_free(whole);
        free(file.data);
    }
}

static void assert_refused(struct bytes file, const char *reason)
{
    struct model *model = NULL;
    struct reason why;
    const int result = parse(file, &model, &why);

    if (result != WISP_E_FORMAT)
        fail_msg("%d, which is not refused: %s", result, reason);
    if (!strstr(why.text, reason))
        fail_msg("\"%s\" does not say \"%s\"", why.text, reason);
}

/* Where an element of so many bytes stands, from the header's own words. */
static size_t place_of(struct bytes file, const char *tensor, uint64_t at, size_t width)
{
    uint64_t length;
    cleanup_json json_t *header = NULL;

    memcpy(&length, file.data, sizeof length);
    header = json_loadb((char *)file.data + SAFETENSORS_LENGTH, length, 0, NULL);
    assert_non_null(json_object_get(header, tensor));
    return SAFETENSORS_LENGTH + length +
           (size_t)json_integer_value(
               json_array_get(json_object_get(json_object_get(header, tensor), "data_offsets"), 0)) +
           at * width;
}

static void test_damaged_tensors(void **state)
{
    static const struct {
        enum value_type type;
        const char *tensor;
        uint64_t at;
        size_t width;
        uint64_t value;
        const char *reason;
    } damages[] = {
        { VALUE_BF16, "fc1.weight.values", 4, 2, 0x7fc0, "row 2, connection 4: the value is not a finite number" },
        { VALUE_BF16, "fc2.weight.values", 8, 2, 0xff80, "layer \"fc2\": the weight: row 2, connection 8: the value" },
        { VALUE_BF16, "fc1.weight.crow_indices", 5, 8, 11, "rows end at connection 11, but there are 10" },
        { VALUE_INT8, "fc1.weight.scales", 0, 4, 0x7fc00000, "layer \"fc1\": the weight: row 0: the scale is not" },
        { VALUE_INT8, "fc1.weight.scales", 4, 4, 0x7f800000, "row 4: the scale is not a finite number above 0" },
        { VALUE_INT8, "fc2.weight.scales", 2, 4, 0, "row 2: the scale is not a finite number above 0" },
        { VALUE_INT8, "fc2.weight.scales", 2, 4, 0x80000001, "row 2: the scale is not a finite number above 0" },
        { VALUE_INT8, "fc2.weight.scales", 1, 4, 0x7f7fffff, "the value is not a finite number" },
        { VALUE_INT8, "fc1.weight.crow_indices", 0, 8, 1, "row 0 starts at connection 1, not at 0" },
        { VALUE_INT8, "fc1.weight.crow_indices", 2, 8, 1ull << 63, "before its start" },
        { VALUE_INT8, "fc1.weight.crow_indices", 5, 8, 1ull << 40, "rows end at connection 1099511627776" },
        { VALUE_INT8, "fc1.weight.col_indices", 0, 2, 65535, "column 65535 is out of range" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        struct bytes file = file_of(damages[i].type);

        memcpy(file.data + place_of(file, damages[i].tensor, damages[i].at, damages[i].width), &damages[i].value,
               damages[i].width);
        assert_refused(file, damages[i].reason);
        free(file.data);
    }
}

/* Words of the header that are replaced by as long ones. */
static void test_damaged_headers(void **state)
{
    static const struct {
        enum value_type type;
        const char *find, *replace, *reason;
    } damages[] = {
        { VALUE_BF16, "\"BF16\"", "\"U16\" ", "tensor \"fc1.weight.values\" is of U16, not F32, BF16 or I8" },
        { VALUE_BF16, "\"BF16\"", "\"F16\" ", "dtype \"F16\" is none that model files use" },
        { VALUE_BF16, "\"fc1.weight.values\"", "\"fc1.weight.valuez\"", "tensor \"fc1.weight.values\" is missing" },
        { VALUE_INT8, "\"I8\"", "\"U8\"", "tensor \"fc1.weight.values\" is of U8, not F32, BF16 or I8" },
        { VALUE_INT8, "\"fc1.weight.scales\"", "\"fc1.weight.scalez\"", "tensor \"fc1.weight.scales\" is missing" },
        { VALUE_INT8, "\"fc2.weight.scales\"", "\"fc1.weight.other1\"", "tensor \"fc2.weight.scales\" is missing" },
        { VALUE_INT8, "{\"dtype\":\"F32\",\"shape\":[5]", "{\"dtype\":\"U16\",\"shape\":[10]",
          "tensor \"fc1.weight.scales\" is of U16, not F32" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        struct bytes file = file_of(damages[i].type);
        const size_t length = strlen(damages[i].find), instead = strlen(damages[i].replace);
        uint64_t header;
        unsigned char *at = memmem(file.data, file.size, damages[i].find, length);

        assert_non_null(at);
        memcpy(&header, file.data, sizeof header);
        if (instead > length) { /* one of the spaces behind the header's text gives way */
            unsigned char *end = file.data + SAFETENSORS_LENGTH + header;

            assert_int_equal(end[-1], ' ');
            memmove(at + instead, at + length, (size_t)(end - at) - instead);
        }
        memcpy(at, damages[i].replace, instead);
        assert_refused(file, damages[i].reason);
        free(file.data);
    }
}

/* A weight's values are of the type that it says, or nothing is written. */
static void test_what_is_not_of_its_type_is_not_written(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "m");
    struct model *model = small_model();
    struct reason why;

    (void)state;
    model->layers[0].weight.type = VALUE_BF16;
    model->layers[0].weight.values[1] = 0.1F;
    model->layers[0].weight.values[0] = 0.5F;
    assert_int_equal(model_write(model, path, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "is none that bf16 has"));
    assert_int_equal(access(path, F_OK), -1);
    model_free(model);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_stripped),
        cmocka_unit_test(test_trained_values_are_widened),
        cmocka_unit_test(test_damaged_tensors),
        cmocka_unit_test(test_damaged_headers),
        cmocka_unit_test(test_what_is_not_of_its_type_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
