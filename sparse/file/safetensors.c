/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory is checked in this order: the header fits; it is JSON of bounded size; each entry is a tensor whose
 * bytes are as many as its shape needs; sorted by place, the tensors follow each other from the header's end to the
 * file's end. After that every [begin, end) lies inside the file, and no two overlap.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/file/foreign_file.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"

static const struct {
    const char *name; /* as in the file */
    uint32_t bits;    /* of one element */
} types[] = {
    [TENSOR_U8] = { "U8", 8 },
    [TENSOR_U16] = { "U16", 16 },
    [TENSOR_I32] = { "I32", 32 },
    [TENSOR_I64] = { "I64", 64 },
    [TENSOR_F32] = { "F32", 32 },
    [TENSOR_BF16] = { "BF16", 16 },
    [TENSOR_I8] = { "I8", 8 },
    [TENSOR_F64] = { "F64", 64 },
    [TENSOR_F16] = { "F16", 16 },
    /* the rest of what safetensors knows */
    { "BOOL", 8 },
    { "I16", 16 },
    { "U32", 32 },
    { "U64", 64 },
    { "C64", 64 },
    { "F8_E4M3", 8 },
    { "F8_E5M2", 8 },
    { "F8_E8M0", 8 },
    { "F8_E4M3FNUZ", 8 },
    { "F8_E5M2FNUZ", 8 },
    { "F6_E2M3", 6 },
    { "F6_E3M2", 6 },
    { "F4", 4 },
};

static const struct json_limits header_limits = {
    .depth = 3,
    .containers = 3 * SAFETENSORS_COUNT_MAX + 2,
    .values = 12 * SAFETENSORS_COUNT_MAX + 64,
};

const char *tensor_type_name(enum tensor_type type)
{
    return types[type].name;
}

enum tensor_type tensor_type_of_values(enum value_type type)
{
    static const enum tensor_type kept[VALUE_TYPES] = {
        [VALUE_FLOAT32] = TENSOR_F32,
        [VALUE_BF16] = TENSOR_BF16,
        [VALUE_INT8] = TENSOR_I8,
    };

    return kept[type];
}

enum tensor_type tensor_type_of(enum dtype dtype)
{
    static const enum tensor_type of[DTYPE_COUNT] = {
        [DTYPE_FLOAT32] = TENSOR_F32, [DTYPE_INT32] = TENSOR_I32, [DTYPE_UINT8] = TENSOR_U8
    };

    return of[dtype];
}

bool tensor_type_bytes(enum tensor_type type, uint64_t count, uint64_t *out)
{
    if (!size_multiply(count, types[type].bits, out) || *out % 8)
        return false;
    *out /= 8;
    return true;
}

static bool is_pad(const char *name)
{
    return !strncmp(name, SAFETENSORS_PAD, strlen(SAFETENSORS_PAD));
}

/* The length that the first 8 bytes say; the text of the header is within the file and begins as one. */
static int header_find(const unsigned char *data, size_t size, uint64_t *length, struct reason *why)
{
    if (size < SAFETENSORS_LENGTH + 2 || data[SAFETENSORS_LENGTH] != '{') {
        foreign_file_name(data, size, why);
        return WISP_E_FORMAT;
    }
    memcpy(length, data, sizeof *length);
    if (*length > MODEL_FILE_HEADER_MAX)
        return refuse(why, WISP_E_FORMAT, "its header would have %llu bytes; the most that is read is %u (16 MiB)",
                      (unsigned long long)*length, MODEL_FILE_HEADER_MAX);
    if (!size_within(SAFETENSORS_LENGTH, *length, size))
        return refuse(why, WISP_E_FORMAT, "truncated: the header of %llu bytes does not fit into the file's %zu",
                      (unsigned long long)*length, size);
    if (!*length)
        return refuse(why, WISP_E_FORMAT, "the header has no bytes");
    return 0;
}

static int header_read(const unsigned char *data, size_t size, uint64_t *length, json_t **header, struct reason *why)
{
    int result = header_find(data, size, length, why);

    if (result)
        return result;
    result = json_read((const char *)data + SAFETENSORS_LENGTH, *length, &header_limits, header, why);
    return result ? refuse_in(why, result, "the header") : 0;
}

static int metadata_check(const json_t *metadata, struct reason *why)
{
    const char *key;
    json_t *value;

    if (!metadata)
        return 0;
    if (!json_is_object(metadata))
        return refuse(why, WISP_E_FORMAT, "the header's \"" SAFETENSORS_METADATA "\" is not an object");
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value))
            return refuse(why, WISP_E_FORMAT, "metadata \"%s\" is not a string", key);
    }
    return 0;
}

static int type_read(const json_t *value, enum tensor_type *out, struct reason *why)
{
    const char *name = json_string_value(value);

    for (unsigned type = 0; name && type < ARRAY_SIZE(types); type++) {
        if (!strcmp(types[type].name, name)) {
            *out = (enum tensor_type)type;
            return 0;
        }
    }
    return refuse(why, WISP_E_FORMAT, "dtype \"%s\" is none that safetensors has", name ? name : "");
}

static int shape_read(const json_t *shape, struct safetensor *tensor, struct reason *why)
{
    if (!json_is_array(shape) || json_array_size(shape) > TENSOR_RANK_MAX)
        return refuse(why, WISP_E_FORMAT, "shape is not an array of at most %d whole numbers", TENSOR_RANK_MAX);
    tensor->count = 1;
    for (size_t i = 0; i < json_array_size(shape); i++) {
        uint64_t *size = &tensor->dimension[tensor->rank++];

        if (!json_whole(json_array_get(shape, i), INT64_MAX, size))
            return refuse(why, WISP_E_FORMAT, "shape is not an array of at most %d whole numbers", TENSOR_RANK_MAX);
        if (!size_multiply(tensor->count, *size, &tensor->count))
            return refuse(why, WISP_E_FORMAT, "shape has more than 2^64 elements");
    }
    return 0;
}

/* `base` is where the header ends. */
static int place_read(const json_t *offsets, uint64_t base, uint64_t size, struct safetensor *tensor,
                      struct reason *why)
{
    uint64_t bytes;

    if (json_array_size(offsets) != 2 || !json_whole(json_array_get(offsets, 0), INT64_MAX, &tensor->begin) ||
        !json_whole(json_array_get(offsets, 1), INT64_MAX, &tensor->end))
        return refuse(why, WISP_E_FORMAT, "data_offsets is not an array of two whole numbers");
    if (tensor->begin > tensor->end || tensor->end > size - base)
        return refuse(why, WISP_E_FORMAT, "data_offsets [%llu, %llu] are not within the file's %llu bytes of tensors%s",
                      (unsigned long long)tensor->begin, (unsigned long long)tensor->end,
                      (unsigned long long)(size - base), tensor->begin <= tensor->end ? "; is it cut off?" : "");
    if (!tensor_type_bytes(tensor->type, tensor->count, &bytes) || bytes != tensor->end - tensor->begin)
        return refuse(why, WISP_E_FORMAT, "%llu elements of %s do not take %llu bytes",
                      (unsigned long long)tensor->count, tensor_type_name(tensor->type),
                      (unsigned long long)(tensor->end - tensor->begin));
    tensor->begin += base;
    tensor->end += base;
    return 0;
}

static int tensor_read(const json_t *entry, uint64_t base, uint64_t size, struct safetensor *tensor, struct reason *why)
{
    const json_t *type = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape"),
                 *offsets = json_object_get(entry, "data_offsets");
    int result;

    if (json_object_size(entry) != 3 || !type || !shape || !offsets)
        return refuse(why, WISP_E_FORMAT, "is not an object of dtype, shape and data_offsets");
    result = type_read(type, &tensor->type, why);
    if (!result)
        result = shape_read(shape, tensor, why);
    return result ? result : place_read(offsets, base, size, tensor, why);
}

static int tensors_read(struct safetensors *file, uint64_t base, uint64_t size, struct reason *why)
{
    size_t count = json_object_size(file->header) - (file->metadata != NULL);
    const char *name;
    json_t *entry;

    if (count > SAFETENSORS_COUNT_MAX)
        return refuse(why, WISP_E_FORMAT, "%zu tensors are more than the %d allowed", count, SAFETENSORS_COUNT_MAX);
    file->tensors = memory_zalloc(count + 1, sizeof *file->tensors);
    if (!file->tensors)
        return refuse_errno(why, -ENOMEM, "%zu tensors", count);
    json_object_foreach(file->header, name, entry)
    {
        struct safetensor *tensor = &file->tensors[file->count];
        int result;

        if (entry == file->metadata)
            continue;
        tensor->name = name;
        result = tensor_read(entry, base, size, tensor, why);
        if (result)
            return refuse_in(why, result, "tensor \"%s\"", name);
        file->count++;
    }
    return 0;
}

static int compare_places(const void *left, const void *right)
{
    const struct safetensor *a = left, *b = right;

    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct safetensor *)left)->name, ((const struct safetensor *)right)->name);
}

/* Walks the tensors through the file from `place` to its end. */
static int places_check(struct safetensors *file, uint64_t place, size_t size, struct reason *why)
{
    if (file->count)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        const struct safetensor *tensor = &file->tensors[i];

        if (tensor->begin != place)
            return refuse(why, WISP_E_FORMAT,
                          "tensor \"%s\": begins at byte %llu of the file, but what stands before it ends at %llu: %s",
                          tensor->name, (unsigned long long)tensor->begin, (unsigned long long)place,
                          tensor->begin < place ? "they overlap" : "there is a hole");
        place = tensor->end;
    }
    if (place != size)
        return refuse(why, WISP_E_FORMAT, "the tensors end at byte %llu, but the file has %zu bytes",
                      (unsigned long long)place, size);
    if (file->count)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_names);
    return 0;
}

int safetensors_open(const void *data, size_t size, struct safetensors *out, struct reason *why)
{
    struct safetensors file = SAFETENSORS_NULL;
    uint64_t length = 0;
    int result = header_read(data, size, &length, &file.header, why);

    if (!result) {
        file.metadata = json_object_get(file.header, SAFETENSORS_METADATA);
        result = metadata_check(file.metadata, why);
    }
    if (!result)
        result = tensors_read(&file, SAFETENSORS_LENGTH + length, size, why);
    if (!result)
        result = places_check(&file, SAFETENSORS_LENGTH + length, size, why);
    if (result) {
        safetensors_close(&file);
        safetensors_disarm(why);
        return result;
    }
    *out = file;
    return 0;
}

void safetensors_close(struct safetensors *file)
{
    json_decref(file->header);
    free(file->tensors);
    *file = SAFETENSORS_NULL;
}

void safetensors_disarm(struct reason *why)
{
    for (char *c = why ? why->text : NULL; c && *c; c++) {
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    }
}

/* ---- what models add ---- */

static int pad_check(const struct safetensor *tensor, const unsigned char *data, struct reason *why)
{
    if (tensor->type != TENSOR_U8 || tensor->rank != 1 || !tensor->count || tensor->count >= SAFETENSORS_ALIGNMENT)
        return refuse(why, WISP_E_FORMAT, "is no padding of 1 to %d bytes", SAFETENSORS_ALIGNMENT - 1);
    for (uint64_t at = tensor->begin; at < tensor->end; at++) {
        if (data[at])
            return refuse(why, WISP_E_FORMAT, "byte %llu of the file is not 0", (unsigned long long)at);
    }
    return 0;
}

static int plain_check(const struct safetensor *tensor, struct reason *why)
{
    if (tensor->rank != 1)
        return refuse(why, WISP_E_FORMAT, "shape has %u dimensions; a model's tensors have one", tensor->rank);
    if (tensor->type > TENSOR_I8)
        return refuse(why, WISP_E_FORMAT, "dtype \"%s\" is none that model files use", tensor_type_name(tensor->type));
    return 0;
}

int safetensors_check_model(struct safetensors *file, const void *data, struct reason *why)
{
    size_t kept = 0;

    for (size_t i = 0; i < file->count; i++) {
        struct safetensor tensor = file->tensors[i];
        bool pad = is_pad(tensor.name);
        int result = pad ? pad_check(&tensor, data, why) : plain_check(&tensor, why);

        if (result)
            return refuse_in(why, result, "tensor \"%s\"", tensor.name);
        if (!pad)
            file->tensors[kept++] = tensor;
    }
    file->count = kept;
    return 0;
}

/* ---- finding ---- */

static struct safetensor *find(const struct safetensors *file, const char *name)
{
    const struct safetensor key = { .name = name };

    return file->count ? bsearch(&key, file->tensors, file->count, sizeof key, compare_names) : NULL;
}

const struct safetensor *safetensors_find(const struct safetensors *file, const char *name)
{
    return find(file, name);
}

const struct safetensor *safetensors_take(struct safetensors *file, const char *name)
{
    struct safetensor *found = find(file, name);

    if (found)
        found->used = true;
    return found;
}

const struct safetensor *safetensors_left(const struct safetensors *file)
{
    for (size_t i = 0; i < file->count; i++) {
        if (!file->tensors[i].used)
            return &file->tensors[i];
    }
    return NULL;
}
