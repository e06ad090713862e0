/* SPDX-License-Identifier: Apache-2.0
 *
 * sparse/safetensors: what the container may be, what a file is called that is something else, and a model that another
 * program saved again.
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

/* ---- the container ---- */

/* The header, with its length before it, and so many bytes of tensors. */
static int open_header(const char *header, size_t tensors, struct reason *why)
{
    uint64_t length = strlen(header);
    size_t size = SAFETENSORS_LENGTH + length + tensors;
    cleanup_free char *data = calloc(1, size);
    struct safetensors file;
    int result;

    assert_non_null(data);
    memcpy(data, &length, sizeof length);
    memcpy(data + SAFETENSORS_LENGTH, header, length);
    result = safetensors_open(data, size, &file, why);
    if (!result)
        safetensors_close(&file);
    return result;
}

#define TENSOR(name, type, shape, from, to)                                                                            \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" #from "," #to "]}"

static void test_what_the_container_may_be(void **state)
{
    static const struct {
        const char *header;
        size_t tensors;
        const char *refused; /* NULL: it is not */
    } cases[] = {
        { "{}", 0, NULL },
        { "{}   ", 0, NULL },
        { "{\"__metadata__\":{}}", 0, NULL },
        { "{\"__metadata__\":{\"format\":\"pt\"}}", 0, NULL },
        { "{" TENSOR("a", "F32", "2,3", 0, 24) "," TENSOR("b", "BF16", "", 24, 26) "}", 26, NULL },
        { "{" TENSOR("b", "F64", "1,1,1,1,1,1,1,1", 1, 9) "," TENSOR("a", "BOOL", "1", 0, 1) "}", 9, NULL },
        { "{" TENSOR("a", "F32", "0,7", 0, 0) "," TENSOR("b", "U8", "3", 0, 3) "," TENSOR("c", "I8", "0", 3, 3) "}", 3,
          NULL },
        { "{" TENSOR("a", "F4", "6", 0, 3) "," TENSOR("b", "F6_E2M3", "4", 3, 6) "," TENSOR("c", "C64", "1", 6, 14) "}",
          14, NULL },
        { "{\"__metadata__\":{\"a\":1}}", 0, "metadata \"a\" is not a string" },
        { "{\"__metadata__\":7}", 0, "is not an object" },
        { "{" TENSOR("a", "F4", "5", 0, 3) "}", 3, "5 elements of F4 do not take 3 bytes" },
        { "{" TENSOR("a", "F32", "2", 0, 8) "," TENSOR("b", "F32", "1", 4, 8) "}", 8, "\"b\": begins at byte" },
        { "{" TENSOR("a", "F32", "2", 0, 8) "," TENSOR("b", "F32", "2", 0, 8) "}", 8, "they overlap" },
        { "{" TENSOR("a", "F32", "1", 0, 4) "," TENSOR("b", "F32", "1", 8, 12) "}", 12, "there is a hole" },
        { "{" TENSOR("a", "F32", "1", 4, 8) "}", 8, "there is a hole" },
        { "{" TENSOR("a", "F32", "1", 0, 4) "}", 5, "the tensors end at byte" },
        { "{" TENSOR("a", "F32", "1", 0, 4) "}", 3, "are not within the file's 3 bytes of tensors" },
        { "{}", 1, "the tensors end at byte 10, but the file has 11 bytes" },
        { "{" TENSOR("a", "F32", "1", 0, 4) "," TENSOR("a", "F32", "1", 4, 8) "}", 8, "duplicate object key" },
        { "{" TENSOR("a\\u001b[2J", "F33", "1", 0, 4) "}", 4, "tensor \"a?[2J\": dtype \"F33\" is none" },
        { "{" TENSOR("a", "F32", "4294967296,4294967296", 0, 0) "}", 0, "more than 2^64 elements" },
        { "{" TENSOR("a", "F32", "1,1,1,1,1,1,1,1,1", 0, 4) "}", 4, "at most 8 whole numbers" },
        { "{" TENSOR("a", "F32", "1e0", 0, 4) "}", 4, "at most 8 whole numbers" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reason why = { "" };
        int result = open_header(cases[i].header, cases[i].tensors, &why);

        if (result != (cases[i].refused ? WISP_E_FORMAT : 0) ||
            (cases[i].refused && !strstr(why.text, cases[i].refused)))
            fail_msg("%s: %d, \"%s\"", cases[i].header, result, why.text);
    }
}

/* ---- other files ---- */

#define BYTES(text) text, sizeof text - 1

static void test_other_files_are_called_what_they_are(void **state)
{
    static const struct {
        const char *begin;
        size_t length;
        const char *named, *advice;
    } cases[] = {
        { BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), "a Git LFS pointer",
          "`git lfs pull`" },
        { BYTES("<!DOCTYPE html>\n<html lang=\"en\">"), "an HTML page", "download the file itself" },
        { BYTES("\xef\xbb\xbf\r\n  <HTML><body>404</body>"), "an HTML page", "download" },
        { BYTES("PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0archive/data.pkl"), "torch.save()",
          "--base" },
        { BYTES("PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0weight.npy"), "a zip archive", "--base" },
        { BYTES("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M"), "a Python pickle", "--base" },
        { BYTES("GGUF\3\0\0\0\x1f\0\0\0\0\0\0\0"), "a GGUF file", "--base" },
        { BYTES("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"), "an HDF5 file", "--base" },
        { BYTES("\x93NUMPY\1\0v\0{'descr'"), "a NumPy array", "--base" },
        { BYTES("\x1c\0\0\0TFL3\x14\0 \0\0\0\0\0"), "a TensorFlow Lite model", "--base" },
        { BYTES("\x08\x08\x12\x07pytorch\x1a\x05"
                "2.1.0:"),
          "an ONNX model", "--base" },
        { BYTES("\x1f\x8b\x08\0\0\0\0\0\0\3\xed\xbd\x07`\x1c\xb5"), "gzip", "unpack" },
        { BYTES("\xfd"
                "7zXZ\0\0\4\xe6\xd6\xb4"
                "F\2\0!\1"),
          "xz", "unpack" },
        { BYTES("BZh91AY&SY\0\0\0\0\0\0"), "bzip2", "unpack" },
        { BYTES("\x28\xb5\x2f\xfd\4X\0\0\0\0\0\0\0\0\0\0"), "zstd", "unpack" },
        { BYTES("{\n  \"metadata\": {\"total_size\": 1},\n  \"weight_map\": {}}"), "the index of a model", "give one" },
        { BYTES("{\"layers\": [784, 300, 10]}"), "JSON text", "" },
        { BYTES(""), "0 bytes are too few", "" },
        { BYTES("\x40\0\0\0\0\0\0\0"), "8 bytes are too few", "" },
        { BYTES("\x40\0\0\0\0\0\0\0[]              "), "not a safetensors file", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *copy = malloc(cases[i].length + 1); /* its own, so that a read past it is seen */
        struct model *model;
        struct reason why;

        assert_non_null(copy);
        memcpy(copy, cases[i].begin, cases[i].length);
        copy[cases[i].length] = 0;
        assert_int_equal(model_parse(copy, cases[i].length, &model, &why), WISP_E_FORMAT);
        if (!strstr(why.text, cases[i].named) || !strstr(why.text, cases[i].advice))
            fail_msg("case %zu: \"%s\" lacks \"%s\" or \"%s\"", i, why.text, cases[i].named, cases[i].advice);
    }
}

static void test_weights_of_others_are_no_model(void **state)
{
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("fc1.weight", "F32", "2,3", 0, 24) "}";
    uint64_t length = sizeof header - 1;
    size_t size = SAFETENSORS_LENGTH + length + 24;
    char *data = memory_zalloc(size + 1, 1);
    struct model *model;
    struct reason why;

    (void)state;
    assert_non_null(data);
    memcpy(data, &length, sizeof length);
    memcpy(data + SAFETENSORS_LENGTH, header, length);
    assert_int_equal(model_parse(data, size, &model, &why), WISP_E_FORMAT);
    assert_non_null(strstr(why.text, "not a model of wisp"));
    assert_non_null(strstr(why.text, "`wisp build --base FILE` imports weights"));
}

/* ---- saved again ---- */

struct entry {
    const char *name;
    const json_t *old;
    size_t width;
};

/* As the Python library sorts them: wide types first, then by name. */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->width != b->width)
        return a->width > b->width ? -1 : 1;
    return strcmp(a->name, b->name);
}

static size_t width_of(const char *type)
{
    return (size_t)strtoul(type + 1, NULL, 10) / 8;
}

/* The file as that library lays it out: its own order of tensors, metadata first, a header of a multiple of 8 bytes. */
static char *save_again(const unsigned char *good, bool with_pads, size_t *out_size)
{
    uint64_t length, begin = 0;
    cleanup_json json_t *header = NULL, *made = json_object();
    struct entry entries[64];
    size_t count = 0;
    char *text, *data;
    const char *name;
    json_t *entry;

    memcpy(&length, good, sizeof length);
    header = json_loadb((const char *)good + SAFETENSORS_LENGTH, length, 0, NULL);
    json_object_set(made, SAFETENSORS_METADATA, json_object_get(header, SAFETENSORS_METADATA));
    json_object_foreach(header, name, entry)
    {
        if (strcmp(name, SAFETENSORS_METADATA) != 0 && (with_pads || strncmp(name, "__pad_", 6) != 0))
            entries[count++] =
                (struct entry){ name, entry, width_of(json_string_value(json_object_get(entry, "dtype"))) };
    }
    qsort(entries, count, sizeof *entries, compare_entries);
    data = calloc(1, 1 << 16);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) {
        const json_t *offsets = json_object_get(entries[i].old, "data_offsets");
        uint64_t from = (uint64_t)json_integer_value(json_array_get(offsets, 0)),
                 bytes = (uint64_t)json_integer_value(json_array_get(offsets, 1)) - from;

        memcpy(data + 32768 + begin, good + SAFETENSORS_LENGTH + length + from, bytes);
        json_object_set_new(made, entries[i].name,
                            json_pack("{s:O s:O s:[I,I]}", "dtype", json_object_get(entries[i].old, "dtype"), "shape",
                                      json_object_get(entries[i].old, "shape"), "data_offsets", (json_int_t)begin,
                                      (json_int_t)begin + (json_int_t)bytes));
        begin += bytes;
    }
    text = json_dumps(made, JSON_COMPACT);
    length = (strlen(text) + 7) / 8 * 8;
    assert_true(SAFETENSORS_LENGTH + length < 32768);
    memset(data + SAFETENSORS_LENGTH, ' ', length);
    memcpy(data, &length, sizeof length);
    memcpy(data + SAFETENSORS_LENGTH, text, strlen(text));
    free(text);
    memmove(data + SAFETENSORS_LENGTH + length, data + 32768, begin);
    *out_size = SAFETENSORS_LENGTH + length + begin;
    return data;
}

static void assert_same_layer(const struct layer *a, const struct layer *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->weight.count, b->weight.count);
    if (a->weight.starts) {
        assert_memory_equal(a->weight.starts, b->weight.starts, (a->weight.rows + 1) * sizeof *a->weight.starts);
        assert_memory_equal(a->weight.index.narrow, b->weight.index.narrow, 2 * a->weight.count);
        assert_memory_equal(a->weight.values, b->weight.values, a->weight.count * sizeof *a->weight.values);
        assert_int_equal((uintptr_t)b->weight.values % SAFETENSORS_ALIGNMENT, 0);
    }
    assert_int_equal(a->vectors[0].count, b->vectors[0].count);
    if (a->vectors[0].count)
        assert_memory_equal(a->vectors[0].data, b->vectors[0].data, a->vectors[0].count * sizeof(float));
}

static void test_a_model_saved_again_by_another_program(void **state)
{
    const char *folder = scratch_make();
    struct model *model = small_model();
    size_t size;
    cleanup_free void *good = model_as_file(model, &size);
    struct reason why;

    (void)state;
    for (int with_pads = 0; with_pads < 2; with_pads++) {
        char *data = save_again(good, with_pads, &size);
        struct model *back;

        assert_int_equal(model_parse(data, size, &back, &why), WISP_E_FORMAT);
        assert_non_null(strstr(why.text, "changed by another program"));
        data = save_again(good, with_pads, &size);
        assert_int_equal(checksum_seal(data, size), 0);
        assert_ok(model_parse(data, size, &back, &why), why);
        for (uint32_t i = 0; i < model->layer_count; i++)
            assert_same_layer(&model->layers[i], &back->layers[i]);
        assert_ok(model_write(back, scratch_path(folder, "again"), &why), why);
        model_free(back);
    }
    model_free(model);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_container_may_be),
        cmocka_unit_test(test_other_files_are_called_what_they_are),
        cmocka_unit_test(test_weights_of_others_are_no_model),
        cmocka_unit_test(test_a_model_saved_again_by_another_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
