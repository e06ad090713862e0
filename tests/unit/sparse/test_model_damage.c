/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/model_file: what the validator refuses, and that it says why. Every case is the small model's file with one
 * thing wrong; where the case is not about the checksum, the checksum is made right again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "small_model.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"
#include "support/test.h"

enum { LENGTH = SAFETENSORS_LENGTH };

struct bytes {
    char *data;
    size_t size;
};

static struct bytes good; /* the undamaged file */

static int write_good(void **state)
{
    struct model *model = small_model();

    (void)state;
    good.data = model_as_file(model, &good.size);
    model_free(model);
    return 0;
}

static int free_good(void **state)
{
    (void)state;
    free(good.data);
    return 0;
}

static int check(const void *data, size_t size, struct reason *why)
{
    char *copy = memory_alloc(size + 1, 1);
    struct model *model = NULL;
    int result;

    assert_non_null(copy);
    memcpy(copy, data, size);
    copy[size] = 0;
    why->text[0] = 0;
    result = model_parse(copy, size, &model, why);
    if (result)
        assert_null(model);
    model_free(model);
    return result;
}

static void assert_refused(struct bytes file, const char *what, const char *reason)
{
    struct reason why;
    int result = check(file.data, file.size, &why);

    if (result != WISP_E_FORMAT)
        fail_msg("%s: %d, \"%s\"", what, result, why.text);
    if (!strstr(why.text, reason))
        fail_msg("%s: \"%s\" does not say \"%s\"", what, why.text, reason);
}

static uint64_t header_length(const char *data)
{
    uint64_t length;

    memcpy(&length, data, sizeof length);
    return length;
}

/* A file of this header, filled up with spaces, and this data; its checksum is right if it has a place. */
static struct bytes file_make(const char *header, size_t length, const char *data, size_t size)
{
    uint64_t padded = (LENGTH + length + 63) / 64 * 64 - LENGTH;
    struct bytes file = { malloc(LENGTH + padded + size + 1), LENGTH + padded + size };

    assert_non_null(file.data);
    memset(file.data, ' ', LENGTH + padded);
    memcpy(file.data, &padded, LENGTH);
    memcpy(file.data + LENGTH, header, length);
    memcpy(file.data + LENGTH + padded, data, size);
    checksum_seal(file.data, file.size);
    return file;
}

/* ' stands for \", a quotation mark within the JSON within the JSON. */
static void unquote(const char *text, char *out, size_t size)
{
    size_t used = 0;

    for (; *text && used + 3 < size; text++) {
        if (*text == '\'')
            out[used++] = '\\';
        out[used++] = *text == '\'' ? '"' : *text;
    }
    out[used] = 0;
}

static struct bytes header_edit(const char *find, const char *replace)
{
    uint64_t length = header_length(good.data);
    char wanted[600], instead[600], *at;
    cleanup_free char *header = calloc(1, length + sizeof instead);
    size_t tail;

    assert_non_null(header);
    unquote(find, wanted, sizeof wanted);
    unquote(replace, instead, sizeof instead);
    memcpy(header, good.data + LENGTH, length);
    while (header[strlen(header) - 1] == ' ')
        header[strlen(header) - 1] = 0;
    at = strstr(header, wanted);
    if (!at) {
        print_error("the header has no %s\n", wanted);
        abort();
    }
    tail = strlen(at + strlen(wanted)) + 1;
    memmove(at + strlen(instead), at + strlen(wanted), tail);
    memcpy(at, instead, strlen(instead));
    return file_make(header, strlen(header), good.data + LENGTH + length, good.size - LENGTH - length);
}

#define INPUT            "\"wisp.input\":\"[2,3]\""
#define INPUTS(list)     "\"wisp.inputs\":\"" list "\""
#define OUTPUTS(list)    "\"wisp.outputs\":\"" list "\""
#define DECODING(text)   INPUT, INPUT ",\"wisp.decoding\":\"" text "\""
#define THRESHOLDS(list) INPUT, INPUT ",\"wisp.thresholds\":\"" list "\""
#define LONG_NAME                                                                                                      \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaa"
#define DEEP "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"
#define GELU(parameters)                                                                                               \
    "'kind':'relu','inputs':[1],'parameters':{}", "'kind':'gelu','inputs':[1],'parameters':" parameters
#define FC1 "{'name':'fc1','kind':'linear','inputs':[0],'parameters':{'neurons':0.0},'columns':6}"

/* Something in the header is replaced. */
static const struct {
    const char *find, *replace, *reason;
} header_damages[] = {
#include "header_damages.inc"
};

static void test_damaged_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(header_damages); i++) {
        struct bytes file = header_edit(header_damages[i].find, header_damages[i].replace);

        assert_refused(file, header_damages[i].replace, header_damages[i].reason);
        free(file.data);
    }
}

/* The edits above are undone by their inverse: the way they are made does no damage of its own. */
static void test_an_edit_that_changes_nothing_is_accepted(void **state)
{
    struct bytes file = header_edit("\"wisp.name\":\"small\"", "\"wisp.name\" : \"small\"  ");
    struct reason why;

    (void)state;
    assert_ok(check(file.data, file.size, &why), why);
    free(file.data);
    assert_ok(check(good.data, good.size, &why), why);
}

/* One element of a tensor is replaced. */
static const struct {
    const char *tensor;
    uint64_t at, value;
    const char *reason;
} tensor_damages[] = {
    { "fc1.weight.crow_indices", 0, 1, "layer \"fc1\": the weight: row 0 starts at connection 1, not at 0" },
    { "fc1.weight.crow_indices", 0, UINT64_MAX, "row 0 starts at connection 18446744073709551615, not at 0" },
    { "fc1.weight.crow_indices", 2, 1, "before its start" },
    { "fc1.weight.crow_indices", 2, 1ull << 63, "before its start" },
    { "fc1.weight.crow_indices", 5, 9, "rows end at connection 9, but there are 10" },
    { "fc1.weight.crow_indices", 5, 11, "rows end at connection 11, but there are 10" },
    { "fc1.weight.crow_indices", 5, UINT64_MAX, "but there are 10" },
    { "fc2.weight.crow_indices", 3, 1ull << 40, "layer \"fc2\": the weight: rows end at connection 1099511627776" },
    { "fc1.weight.col_indices", 9, 6, "column 6 is out of range, there are 6" },
    { "fc1.weight.col_indices", 0, 65535, "column 65535 is out of range, there are 6" },
    { "fc2.weight.col_indices", 1, 1, "row 0, connection 1: column 1 does not ascend, it follows 1" },
    { "fc2.weight.col_indices", 3, 0, "row 0, connection 3: column 0 does not ascend, it follows 3" },
    { "fc1.weight.values", 4, 0x7fc00000, "layer \"fc1\": the weight: row 2, connection 4: the value is not a finite" },
    { "fc1.weight.values", 0, 0x7f800000, "the value is not a finite number" },
    { "fc2.weight.values", 8, 0xff800000, "the value is not a finite number" },
    { "fc2.weight.values", 8, 0x7f800001, "the value is not a finite number" },
    { "fc1.bias", 4, 0x7fc00000, "layer \"fc1\": element 4 of the bias is not a finite number" },
    { "__pad_0", 0, 1, "tensor \"__pad_0\": byte " },
    { "__pad_5", 45, 128, "tensor \"__pad_5\": byte " },
};

/* Where an element stands in the file, from the header's own words. */
static size_t element_place(const char *tensor, uint64_t at, size_t *width)
{
    cleanup_json json_t *header = json_loadb(good.data + LENGTH, header_length(good.data), 0, NULL);
    const json_t *entry = json_object_get(header, tensor);
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    json_int_t count = json_integer_value(json_array_get(json_object_get(entry, "shape"), 0));
    json_int_t begin = json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));

    *width = 0;
    for (int i = 0; i < TENSOR_TYPES_READ; i++) {
        uint64_t bytes = 0;

        if (type && !strcmp(type, tensor_type_name((enum tensor_type)i)) &&
            tensor_type_bytes((enum tensor_type)i, 1, &bytes))
            *width = bytes;
    }
    assert_true(*width && at < (uint64_t)count);
    return LENGTH + header_length(good.data) + (size_t)begin + at * *width;
}

static void test_damaged_tensors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(tensor_damages); i++) {
        size_t width, place = element_place(tensor_damages[i].tensor, tensor_damages[i].at, &width);
        cleanup_free char *copy = malloc(good.size);

        assert_non_null(copy);
        memcpy(copy, good.data, good.size);
        memcpy(copy + place, &tensor_damages[i].value, width);
        assert_int_equal(checksum_seal(copy, good.size), 0);
        assert_refused((struct bytes){ copy, good.size }, tensor_damages[i].tensor, tensor_damages[i].reason);
    }
}

/* The header's length, which stands before everything else. */
static void test_wrong_header_lengths(void **state)
{
    const uint64_t right = header_length(good.data);
    const struct {
        uint64_t length;
        const char *reason;
    } cases[] = {
        { 0, "the header has no bytes" },
        { 1, "the header: not valid JSON" },
        { right - 1, "the tensors end at byte" },
        { right + 1, "the header: not valid JSON" },
        { right + 64, "the header: not valid JSON" },
        { 56, "the header: not valid JSON" },
        { good.size - LENGTH, "the header: not valid JSON" },
        { good.size - LENGTH + 1, "truncated: the header" },
        { good.size, "truncated: the header" },
        { MODEL_FILE_HEADER_MAX, "truncated: the header" },
        { MODEL_FILE_HEADER_MAX + 1, "header would have 16777217 bytes; the most that is read is 16777216" },
        { 1ull << 63, "the most that is read is 16777216" },
        { UINT64_MAX - 7, "the most that is read is 16777216" },
        { UINT64_MAX, "the most that is read is 16777216" },
    };
    cleanup_free char *copy = malloc(good.size);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        memcpy(copy, &cases[i].length, LENGTH);
        assert_refused((struct bytes){ copy, good.size }, "header length", cases[i].reason);
    }
}

static void test_other_files(void **state)
{
    static char png[200] = "\x89PNG\r\n\x1a\n";
    static char text[200] = "{\"this\": \"is JSON, not safetensors\"}";
    char min[] = "\x02\0\0\0\0\0\0\0{}";
    char empty[65] = "\x38\0\0\0\0\0\0\0{}                                                      ";
    struct reason why;

    (void)state;
    assert_refused((struct bytes){ png, 0 }, "empty", "0 bytes are too few");
    assert_refused((struct bytes){ png, 9 }, "png", "9 bytes are too few");
    assert_refused((struct bytes){ png, sizeof png }, "png", "not a safetensors file");
    assert_refused((struct bytes){ text, sizeof text }, "text", "JSON text");
    assert_refused((struct bytes){ min, 10 }, "the least safetensors", "not a model of wisp");
    assert_refused((struct bytes){ empty, 64 }, "no metadata", "not a model of wisp");
    assert_int_equal(checksum_check(empty, 64, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "the header has no plain text"));
    assert_int_equal(checksum_seal(empty, 64), WISP_E_FORMAT);
    assert_int_equal(checksum_seal(empty, 4), WISP_E_FORMAT);
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < good.size; size++) {
        struct reason why;

        if (check(good.data, size, &why) != WISP_E_FORMAT || !why.text[0])
            fail_msg("%zu bytes of %zu are accepted", size, good.size);
    }
}

static void test_trailing_bytes_are_refused(void **state)
{
    cleanup_free char *copy = calloc(1, good.size + 128);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    for (size_t more = 1; more <= 128; more++) {
        assert_int_equal(checksum_seal(copy, good.size + more), 0);
        assert_refused((struct bytes){ copy, good.size + more }, "trailing", "the tensors end at byte");
    }
}

static void test_every_flipped_bit_is_found(void **state)
{
    cleanup_free char *copy = malloc(good.size);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    for (size_t bit = 0; bit < 8 * good.size; bit++) {
        struct reason why;

        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        if (check(copy, good.size, &why) != WISP_E_FORMAT || !why.text[0])
            fail_msg("byte %zu, bit %zu: accepted", bit / 8, bit % 8);
        copy[bit / 8] = good.data[bit / 8];
    }
}

static void test_a_changed_weight_is_damage(void **state)
{
    size_t width, place = element_place("fc2.weight.values", 3, &width);
    cleanup_free char *copy = malloc(good.size);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, good.data, good.size);
    copy[place] ^= 1;
    assert_refused((struct bytes){ copy, good.size }, "a weight",
                   "damaged, or changed by another program: the checksum of its content is");
}

/* 16 MiB that are cheap to write and would be dear to parse. */
static void test_hostile_headers(void **state)
{
    static const struct {
        const char *begin, *repeat, *reason;
    } cases[] = {
        { "{\"a\":", "[", "nested deeper than 3" },
        { "{\"a\":", "{\"a\":", "nested deeper than 3" },
        { "{\"a\":[", "[],", "arrays and objects at byte" },
        { "{\"a\":[", "{},", "arrays and objects at byte" },
        { "{\"a\":[", "0,", "values at byte" },
        { "{", "\"a\":0,", "values at byte" },
        { "{\"a\":\"", "a", "not valid JSON" },
        { "{\"a\":\"", "\\\"", "not valid JSON" },
        { "{", " ", "not valid JSON" },
        { "{\"a\":", "9", "not valid JSON" },
    };
    enum { BYTES = MODEL_FILE_HEADER_MAX - LENGTH };
    cleanup_free char *header = malloc(BYTES);

    (void)state;
    assert_non_null(header);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t unit = strlen(cases[i].repeat), used = strlen(cases[i].begin);
        struct bytes file;

        memset(header, ' ', BYTES);
        memcpy(header, cases[i].begin, used);
        for (; used + unit <= BYTES; used += unit)
            memcpy(header + used, cases[i].repeat, unit);
        file = file_make(header, BYTES, "", 0);
        assert_refused(file, cases[i].repeat, cases[i].reason);
        free(file.data);
    }
}

/* Within what the counting allows, more tensors than any model has. */
static void test_too_many_tensors(void **state)
{
    enum { COUNT = SAFETENSORS_COUNT_MAX + 1, ENTRY = 16 };
    size_t used = 0, size = (size_t)ENTRY * (COUNT + 2);
    cleanup_free char *header = malloc(size);
    char reason[64];
    struct bytes file;

    (void)state;
    assert_non_null(header);
    used += (size_t)snprintf(header, size, "{\"__metadata__\":{}");
    for (int i = 0; i < COUNT; i++)
        used += (size_t)snprintf(header + used, size - used, ",\"%d\":{}", i);
    header[used++] = '}';
    file = file_make(header, used, "", 0);
    (void)snprintf(reason, sizeof reason, "%d tensors are more than the %d allowed", COUNT, SAFETENSORS_COUNT_MAX);
    assert_refused(file, "tensors", reason);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edit_that_changes_nothing_is_accepted),
        cmocka_unit_test(test_damaged_headers),
        cmocka_unit_test(test_damaged_tensors),
        cmocka_unit_test(test_wrong_header_lengths),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_trailing_bytes_are_refused),
        cmocka_unit_test(test_every_flipped_bit_is_found),
        cmocka_unit_test(test_a_changed_weight_is_damage),
        cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_too_many_tensors),
    };

    return cmocka_run_group_tests(tests, write_good, free_good);
}
