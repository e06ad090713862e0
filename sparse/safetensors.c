/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory is judged in this order: the header fits; it is JSON of bounded size; each entry is a tensor whose
 * bytes are as many as its shape needs; sorted by place, the tensors follow each other from the header's end to the
 * file's end. After that every [begin, end) lies inside the file, and no two overlap.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/model_file.h"
#include "sparse/safetensors.h"

const struct tensor_type_info tensor_types[TENSOR_TYPES] = {
    [TENSOR_U8] = { "U8", 1 },   [TENSOR_U16] = { "U16", 2 }, [TENSOR_I32] = { "I32", 4 },
    [TENSOR_I64] = { "I64", 8 }, [TENSOR_F32] = { "F32", 4 },
};

static const struct json_limits header_limits = {
    .depth = 3,
    .containers = 3 * SAFETENSORS_COUNT_MAX + 2,
    .values = 12 * SAFETENSORS_COUNT_MAX + 64,
};

static bool is_pad(const char *name)
{
    return !strncmp(name, SAFETENSORS_PAD, strlen(SAFETENSORS_PAD));
}

static int header_read(const unsigned char *data, size_t size, uint64_t *length, json_t **header, struct reason *why)
{
    int result;

    if (size < SAFETENSORS_LENGTH + 2)
        return refuse(why, WISP_E_FORMAT, "%zu bytes are too few for a model file", size);
    memcpy(length, data, sizeof *length);
    if (*length > MODEL_FILE_HEADER_MAX)
        return refuse(
            why, WISP_E_FORMAT,
            "not a safetensors file: its first 8 bytes would mean a header of %llu bytes, over the limit of %u",
            (unsigned long long)*length, MODEL_FILE_HEADER_MAX);
    if (!size_within(SAFETENSORS_LENGTH, *length, size))
        return refuse(why, WISP_E_FORMAT, "truncated: the header of %llu bytes does not fit into the file's %zu",
                      (unsigned long long)*length, size);
    if (!*length || data[SAFETENSORS_LENGTH] != '{')
        return refuse(why, WISP_E_FORMAT, "not a safetensors file: the header does not begin with '{'");
    if ((SAFETENSORS_LENGTH + *length) % SAFETENSORS_ALIGNMENT)
        return refuse(why, WISP_E_FORMAT, "the header ends at byte %llu, which is not a multiple of %d",
                      SAFETENSORS_LENGTH + (unsigned long long)*length, SAFETENSORS_ALIGNMENT);
    result = json_read((const char *)data + SAFETENSORS_LENGTH, *length, &header_limits, header, why);
    return result ? refuse_in(why, result, "the header") : 0;
}

static int metadata_check(const json_t *metadata, struct reason *why)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata))
        return refuse(why, WISP_E_FORMAT, "the header has no object \"" SAFETENSORS_METADATA "\"");
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value))
            return refuse(why, WISP_E_FORMAT, "metadata \"%s\" is not a string", key);
    }
    return 0;
}

static int type_find(const json_t *value, enum tensor_type *out, struct reason *why)
{
    const char *name = json_string_value(value);

    for (unsigned type = 0; name && type < TENSOR_TYPES; type++) {
        if (!strcmp(tensor_types[type].name, name)) {
            *out = (enum tensor_type)type;
            return 0;
        }
    }
    return refuse(why, WISP_E_FORMAT, "dtype \"%s\" is none that model files use", name ? name : "");
}

/* `base` is where the header ends. */
static int tensor_read(const json_t *entry, uint64_t base, uint64_t size, struct tensor *tensor, struct reason *why)
{
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    uint64_t bytes;
    int result;

    if (!json_is_object(entry) || json_object_size(entry) != 3 || !json_object_get(entry, "dtype") || !shape ||
        !offsets)
        return refuse(why, WISP_E_FORMAT, "is not an object of dtype, shape and data_offsets");
    result = type_find(json_object_get(entry, "dtype"), &tensor->type, why);
    if (result)
        return result;
    if (json_array_size(shape) != 1 || !json_whole(json_array_get(shape, 0), INT64_MAX, &tensor->count))
        return refuse(why, WISP_E_FORMAT, "shape is not an array of one whole number");
    if (json_array_size(offsets) != 2 || !json_whole(json_array_get(offsets, 0), INT64_MAX, &tensor->begin) ||
        !json_whole(json_array_get(offsets, 1), INT64_MAX, &tensor->end))
        return refuse(why, WISP_E_FORMAT, "data_offsets is not an array of two whole numbers");
    if (tensor->begin > tensor->end || tensor->end > size - base)
        return refuse(why, WISP_E_FORMAT, "data_offsets [%llu, %llu] are not within the file's %llu bytes of tensors",
                      (unsigned long long)tensor->begin, (unsigned long long)tensor->end,
                      (unsigned long long)(size - base));
    if (!size_multiply(tensor->count, tensor_types[tensor->type].size, &bytes) || bytes != tensor->end - tensor->begin)
        return refuse(why, WISP_E_FORMAT, "%llu elements of %s do not take %llu bytes",
                      (unsigned long long)tensor->count, tensor_types[tensor->type].name,
                      (unsigned long long)(tensor->end - tensor->begin));
    tensor->begin += base;
    tensor->end += base;
    return 0;
}

static int tensors_read(struct safetensors *file, uint64_t base, uint64_t size, struct reason *why)
{
    const char *name;
    json_t *entry;

    if (json_object_size(file->header) - 1 > SAFETENSORS_COUNT_MAX)
        return refuse(why, WISP_E_FORMAT, "%zu tensors are more than the %d allowed",
                      json_object_size(file->header) - 1, SAFETENSORS_COUNT_MAX);
    file->tensors = memory_zalloc(json_object_size(file->header), sizeof *file->tensors);
    if (!file->tensors)
        return refuse_errno(why, -ENOMEM, "%zu tensors", json_object_size(file->header));
    json_object_foreach(file->header, name, entry)
    {
        struct tensor *tensor = &file->tensors[file->count];
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
    const struct tensor *a = left, *b = right;

    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct tensor *)left)->name, ((const struct tensor *)right)->name);
}

static int place_check(const struct tensor *tensor, uint64_t place, const unsigned char *data, struct reason *why)
{
    if (tensor->begin != place)
        return refuse(why, WISP_E_FORMAT, "begins at byte %llu of the file, but what stands before it ends at %llu: %s",
                      (unsigned long long)tensor->begin, (unsigned long long)place,
                      tensor->begin < place ? "they overlap" : "there is a hole");
    if (!is_pad(tensor->name)) {
        if (tensor->begin % SAFETENSORS_ALIGNMENT)
            return refuse(why, WISP_E_FORMAT, "begins at byte %llu of the file, which is not a multiple of %d",
                          (unsigned long long)tensor->begin, SAFETENSORS_ALIGNMENT);
        return 0;
    }
    if (tensor->type != TENSOR_U8 || !tensor->count || tensor->count >= SAFETENSORS_ALIGNMENT ||
        tensor->end % SAFETENSORS_ALIGNMENT)
        return refuse(why, WISP_E_FORMAT, "does not pad to the next multiple of %d", SAFETENSORS_ALIGNMENT);
    for (uint64_t at = tensor->begin; at < tensor->end; at++) {
        if (data[at])
            return refuse(why, WISP_E_FORMAT, "byte %llu of the file is not 0", (unsigned long long)at);
    }
    return 0;
}

/* Walks the tensors through the file from `place` to its end; then forgets the pads. */
static int places_check(struct safetensors *file, uint64_t place, const unsigned char *data, size_t size,
                        struct reason *why)
{
    size_t kept = 0;

    if (file->count)
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    for (size_t i = 0; i < file->count; i++) {
        struct tensor tensor = file->tensors[i];
        int result = place_check(&tensor, place, data, why);

        if (result)
            return refuse_in(why, result, "tensor \"%s\"", tensor.name);
        place = tensor.end;
        if (!is_pad(tensor.name))
            file->tensors[kept++] = tensor;
    }
    if (place != size)
        return refuse(why, WISP_E_FORMAT, "the tensors end at byte %llu, but the file has %zu bytes",
                      (unsigned long long)place, size);
    file->count = kept;
    if (kept)
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
        result = places_check(&file, SAFETENSORS_LENGTH + length, data, size, why);
    if (result) {
        safetensors_close(&file);
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

const struct tensor *safetensors_take(struct safetensors *file, const char *name)
{
    const struct tensor key = { .name = name };
    struct tensor *found = NULL;

    if (file->count)
        found = bsearch(&key, file->tensors, file->count, sizeof key, compare_names);
    if (found)
        found->used = true;
    return found;
}

const struct tensor *safetensors_left(const struct safetensors *file)
{
    for (size_t i = 0; i < file->count; i++) {
        if (!file->tensors[i].used)
            return &file->tensors[i];
    }
    return NULL;
}
