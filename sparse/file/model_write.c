/* SPDX-License-Identifier: Apache-2.0
 *
 * From a model to a file. The bytes follow from the model alone: layers in order, each the tensors of its weight and
 * then its vectors, then the model's idf and golden input, all entries in a fixed order, compact JSON. What the reader
 * would refuse is not written.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/file/model_metadata.h"
#include "sparse/file/safetensors.h"
#include "sparse/layers/layer.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written as they stand in memory");

/* Values that were narrowed to be written. */
struct narrowed {
    struct narrowed *next;
    _Alignas(CACHE_LINE) unsigned char values[];
};

/* What will be written: part 0 is the header, which is made last. Without `header` and `parts` it is only measured. */
struct file_layout {
    json_t *header;
    struct file_part *parts;
    struct narrowed *narrowed; /* that parts are in; a list */
    size_t count, pads;
    uint64_t length; /* of the entries' text */
    uint64_t offset; /* where the next tensor would begin, from the header's end */
};

static uint64_t digits_of(uint64_t number)
{
    uint64_t digits = 1;

    for (; number > 9; number /= 10)
        digits++;
    return digits;
}

static int entry_add(struct file_layout *layout, const char *name, enum tensor_type type, const void *data,
                     uint64_t count)
{
    uint64_t bytes, end;
    json_t *entry;

    if (!tensor_type_bytes(type, count, &bytes) || !size_add(layout->offset, bytes, &end) || end > INT64_MAX)
        return -EFBIG;
    layout->length += strlen(",\"\":{\"dtype\":\"\",\"shape\":[],\"data_offsets\":[,]}") + strlen(name) +
                      strlen(tensor_type_name(type)) + digits_of(count) + digits_of(layout->offset) + digits_of(end);
    if (layout->header) {
        entry = json_pack("{s:s, s:[I], s:[I, I]}", "dtype", tensor_type_name(type), "shape", (json_int_t)count,
                          "data_offsets", (json_int_t)layout->offset, (json_int_t)end);
        if (json_object_set_new(layout->header, name, entry))
            return -ENOMEM;
        layout->parts[layout->count++] = (struct file_part){ data, bytes };
    }
    layout->offset = end;
    return 0;
}

static int tensor_add(struct file_layout *layout, const char *owner, const char *suffix, enum tensor_type type,
                      const void *data, uint64_t count)
{
    static const unsigned char zeroes[SAFETENSORS_ALIGNMENT];
    uint64_t gap = -layout->offset % SAFETENSORS_ALIGNMENT;
    char name[LAYER_NAME_MAX + 64];

    if (gap) {
        int result;

        snprintf(name, sizeof name, SAFETENSORS_PAD "%zu", layout->pads++);
        result = entry_add(layout, name, TENSOR_U8, zeroes, gap);
        if (result)
            return result;
    }
    snprintf(name, sizeof name, "%s.%s", owner, suffix);
    return entry_add(layout, name, type, data, count);
}

/* The values as their type has them, in memory that the layout keeps; without parts nobody reads them. */
static const void *values_narrow(struct file_layout *layout, const struct csr *weight)
{
    const size_t size = value_type_bytes(weight->type);
    struct narrowed *made = memory_alloc(1, sizeof *made + weight->count * size);
    uint16_t *bf16;
    int8_t *int8;

    if (!made)
        return NULL;
    made->next = layout->narrowed;
    layout->narrowed = made;
    bf16 = (uint16_t *)made->values;
    int8 = (int8_t *)made->values;
    for (uint32_t row = 0; row < weight->rows; row++) {
        for (uint64_t k = weight->starts[row]; k < weight->starts[row + 1]; k++) {
            if (weight->type == VALUE_BF16)
                bf16[k] = bf16_of(weight->values[k]);
            else
                int8[k] = int8_of(weight->values[k], weight->scales[row]);
        }
    }
    return made->values;
}

static int values_add(struct file_layout *layout, const struct layer *layer)
{
    const struct csr *weight = &layer->weight;
    const void *values = weight->values;
    int result;

    if (layout->parts && weight->type != VALUE_FLOAT32) {
        values = values_narrow(layout, weight);
        if (!values)
            return -ENOMEM;
    }
    result = tensor_add(layout, layer->name, TENSOR_VALUES, tensor_type_of_values(weight->type), values, weight->count);
    if (!result && weight->type == VALUE_INT8)
        result = tensor_add(layout, layer->name, TENSOR_SCALES, TENSOR_F32, weight->scales, weight->rows);
    return result;
}

static int layer_add(struct file_layout *layout, const struct layer *layer)
{
    const struct csr *weight = &layer->weight;
    bool narrow = csr_is_narrow(weight);
    int result = 0;

    if (layer->kind->weighted) {
        result = tensor_add(layout, layer->name, TENSOR_STARTS, TENSOR_I64, weight->starts, (uint64_t)weight->rows + 1);
        if (!result)
            result = tensor_add(layout, layer->name, TENSOR_INDEX, narrow ? TENSOR_U16 : TENSOR_I32,
                                narrow ? (void *)weight->index.narrow : weight->index.wide, weight->count);
        if (!result)
            result = values_add(layout, layer);
    }
    for (size_t i = 0; !result && i < LAYER_VECTORS_MAX; i++) {
        if (layer->vectors[i].data)
            result = tensor_add(layout, layer->name, layer->kind->vectors[i].name, TENSOR_F32, layer->vectors[i].data,
                                layer->vectors[i].count);
    }
    return result;
}

static json_t *parameter_describe(const struct layer *layer, unsigned number)
{
    const char *word = layer_parameter_word(layer->kind, number, layer->parameters[number]);

    return word ? json_string(word) : json_real(layer->parameters[number]);
}

/* NULL without memory. */
static json_t *layer_describe(const struct layer *layer)
{
    const struct layer_parameter *declared = layer->kind->parameters;
    cleanup_json json_t *inputs = json_array(), *parameters = json_object();

    for (uint32_t i = 0; i < layer->input_count; i++) {
        if (json_array_append_new(inputs, json_integer(layer->inputs[i])))
            return NULL;
    }
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX && declared[i].name; i++) {
        if (json_object_set_new(parameters, declared[i].name, parameter_describe(layer, i)))
            return NULL;
    }
    if (!layer->kind->weighted)
        return json_pack("{s:s, s:s, s:O, s:O}", "name", layer->name, "kind", layer->kind->name, "inputs", inputs,
                         "parameters", parameters);
    return json_pack("{s:s, s:s, s:O, s:O, s:I}", "name", layer->name, "kind", layer->kind->name, "inputs", inputs,
                     "parameters", parameters, "columns", (json_int_t)layer->weight.columns);
}

CLEANUP_DEFINE(model, struct model, model_free)

static int metadata_add(const struct model *model, json_t *header, struct reason *why)
{
    cleanup_json json_t *graph = json_array();
    cleanup_free char *text = NULL;
    cleanup(model_at_exit) struct model *reread = NULL;
    char checksum[sizeof CHECKSUM_PREFIX + CHECKSUM_DIGITS] = CHECKSUM_PREFIX;
    json_t *metadata;
    int result;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (json_array_append_new(graph, layer_describe(&model->layers[i])))
            return refuse_errno(why, -ENOMEM, "the graph");
    }
    text = json_compact(graph);
    memset(checksum + strlen(CHECKSUM_PREFIX), '0', CHECKSUM_DIGITS);
    metadata = json_pack("{s:s, s:s, s:s}", METADATA_FORMAT, METADATA_FORMAT_VERSION, CHECKSUM_KEY, checksum,
                         METADATA_GRAPH, text ? text : "");
    if (!text || json_object_set_new(header, SAFETENSORS_METADATA, metadata))
        return refuse_errno(why, -ENOMEM, "the metadata");
    result = metadata_write(model, metadata, why);
    if (result)
        return result;
    result = model_new(0, &reread);
    return result ? refuse_errno(why, result, "the metadata") : metadata_read(metadata, reread, why);
}

static int vectors_check(const struct layer *layer, struct reason *why)
{
    for (size_t i = 0; i < LAYER_VECTORS_MAX; i++) {
        for (uint64_t k = 0; k < layer->vectors[i].count; k++) {
            if (!isfinite(layer->vectors[i].data[k]))
                return refuse(why, WISP_E_FORMAT, "element %llu of the %s is not a finite number",
                              (unsigned long long)k, layer->kind->vectors[i].name);
        }
    }
    return 0;
}

/* Everything that the reader checks but the container. The caller's model is not touched. */
static int check_writable(const struct model *model, struct reason *why)
{
    cleanup_free struct layer *layers = memory_alloc(model->layer_count, sizeof *layers);
    struct model copy = *model;
    int result;

    if (!layers)
        return refuse_errno(why, -ENOMEM, "a model of %u layers", model->layer_count);
    memcpy(layers, model->layers, model->layer_count * sizeof *layers);
    copy.layers = layers;
    result = model_check(&copy, why);
    for (uint32_t i = 0; !result && i < model->layer_count; i++) {
        if (layers[i].weight.starts)
            result = csr_check(&layers[i].weight, why);
        if (!result)
            result = vectors_check(&layers[i], why);
        if (result)
            refuse_in(why, result, "layer \"%s\"", layers[i].name);
    }
    return result ? result : golden_check(&copy, why);
}

static int golden_add(struct file_layout *layout, const struct model *model)
{
    struct golden golden = model->golden;
    struct golden_tensor list[GOLDEN_TENSORS_MAX];
    const uint32_t count = golden_is_there(&golden) ? golden_list(model, &golden, list) : 0;
    int result = 0;

    for (uint32_t i = 0; !result && i < count; i++)
        result = tensor_add(layout, list[i].owner, list[i].name, tensor_type_of(list[i].dtype), *list[i].data,
                            list[i].count);
    return result;
}

static int tensors_add(struct file_layout *layout, const struct model *model)
{
    int result = 0;

    for (uint32_t i = 0; !result && i < model->layer_count; i++)
        result = layer_add(layout, &model->layers[i]);
    if (!result && model->idf)
        result = tensor_add(layout, TENSOR_MEDIA, TENSOR_IDF, TENSOR_U8, model->idf, model->idf_count);
    return result ? result : golden_add(layout, model);
}

/* All tensors and the text of the header; *text is the caller's. */
static int layout_make(const struct model *model, struct file_layout *layout, char **text, struct reason *why)
{
    int result = metadata_add(model, layout->header, why);

    if (result)
        return result;
    layout->count = 1;
    layout->parts = memory_alloc(
        1 + 2 * ((size_t)(TENSOR_OF_WEIGHT_MAX + LAYER_VECTORS_MAX) * model->layer_count + 1 + GOLDEN_TENSORS_MAX),
        sizeof *layout->parts);
    if (!layout->parts)
        return refuse_errno(why, -ENOMEM, "the tensors");
    result = tensors_add(layout, model);
    if (result)
        return refuse_errno(why, result, "the tensors");
    *text = json_compact(layout->header);
    return *text ? 0 : refuse_errno(why, -ENOMEM, "the header");
}

/* Of length, JSON, and spaces up to a multiple of 64. */
static uint64_t header_size(uint64_t length)
{
    return (SAFETENSORS_LENGTH + length + SAFETENSORS_ALIGNMENT - 1) / SAFETENSORS_ALIGNMENT * SAFETENSORS_ALIGNMENT;
}

/* What the reader would not read is not written. */
static int limits_check(uint64_t header, uint64_t tensors, struct reason *why)
{
    if (header - SAFETENSORS_LENGTH > MODEL_FILE_HEADER_MAX)
        return refuse(why, WISP_E_INVALID, "its header would have %llu bytes; a model file has at most %u (16 MiB)",
                      (unsigned long long)header, MODEL_FILE_HEADER_MAX);
    if (header + tensors > MODEL_FILE_MAX)
        return refuse(why, WISP_E_INVALID, "it would have %llu bytes; a model file has at most %llu (16 GiB)",
                      (unsigned long long)(header + tensors), MODEL_FILE_MAX);
    return 0;
}

/* The checksum's digits are filled in. */
static int header_make(struct file_layout *layout, const char *text, char **out, struct reason *why)
{
    cleanup_free char *header = NULL;
    char digits[CHECKSUM_DIGITS + 1];
    uint64_t total = header_size(strlen(text)), length;
    int result = limits_check(total, layout->offset, why);

    if (result)
        return result;
    header = memory_alloc(total + 1, 1);
    if (!header)
        return refuse_errno(why, -ENOMEM, "the header");
    length = total - SAFETENSORS_LENGTH;
    memcpy(header, &length, sizeof length);
    snprintf(header + SAFETENSORS_LENGTH, length + 1, "%-*s", (int)length, text);
    layout->parts[0] = (struct file_part){ header, total };
    result = checksum_compute(layout->parts, layout->count, digits);
    if (result)
        return refuse_errno(why, result, "the checksum");
    memcpy(checksum_find(header, total), digits, CHECKSUM_DIGITS);
    *out = steal(&header);
    return 0;
}

static void layout_deinit(struct file_layout *layout)
{
    while (layout->narrowed) {
        struct narrowed *next = layout->narrowed->next;

        free(layout->narrowed);
        layout->narrowed = next;
    }
    free(layout->parts);
}

int model_write(const struct model *model, const char *path, struct reason *why)
{
    cleanup_json json_t *json = json_object();
    cleanup_free char *text = NULL, *header = NULL;
    struct file_layout layout = { .header = json };
    int result = check_writable(model, why);

    if (!result)
        result = layout_make(model, &layout, &text, why);
    if (!result)
        result = header_make(&layout, text, &header, why);
    if (result)
        refuse_in(why, result, "cannot write %s", path);
    else
        result = file_write(path, layout.parts, layout.count, why);
    layout_deinit(&layout);
    return result;
}

int model_file_size(const struct model *model, uint64_t *out, uint64_t *metadata, struct reason *why)
{
    cleanup_json json_t *json = json_object();
    cleanup_free char *text = NULL;
    int result = metadata_add(model, json, why);

    if (result)
        return result;
    text = json_compact(json);
    if (!text)
        return refuse_errno(why, -ENOMEM, "the header");
    *metadata = strlen(text);
    result = model_file_size_with(model, *metadata, out);
    return result ? refuse_errno(why, result, "the tensors") : 0;
}

int model_file_size_with(const struct model *model, uint64_t metadata, uint64_t *out)
{
    struct file_layout layout = { .header = NULL };
    int result = tensors_add(&layout, model);

    if (!result)
        *out = header_size(metadata + layout.length) + layout.offset;
    return result;
}
