/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to a model. Each step relies on what the step before has checked: the container (safetensors.c), the
 * checksum, the metadata, the graph's JSON, the tensors of each layer, their contents (csr_check), the graph as a whole
 * (model_check), its golden input. Weights and vectors are used where they stand in the buffer, which belongs to the
 * model from then on.
 * A file that another program saved again has them at any place; its tensors are copied to where vector loads can use
 * them. So are those of a file with values of fewer bits, which are widened.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_file.h"
#include "sparse/file/model_metadata.h"
#include "sparse/file/safetensors.h"
#include "sparse/layers/layer.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are used as they stand in the file");

struct parse {
    unsigned char *data;
    size_t size, memory; /* of the file; of the buffer that the model keeps */
    struct safetensors file;
    struct model *model;
    char identity[MODEL_IDENTITY_MAX];
};

_Static_assert(sizeof CHECKSUM_PREFIX + CHECKSUM_DIGITS <= MODEL_IDENTITY_MAX, "a checksum is an identity");

/* The text of a metadata entry; NULL when there is none. */
static const char *metadata_text(const struct parse *parse, const char *key)
{
    return json_string_value(json_object_get(parse->file.metadata, key));
}

static int format_check(struct parse *parse, struct reason *why)
{
    const char *format = metadata_text(parse, METADATA_FORMAT);
    const char *checksum = metadata_text(parse, CHECKSUM_KEY), *digits;

    if (!format)
        return refuse(why, WISP_E_FORMAT,
                      "a safetensors file, but not a model of wisp (its metadata has no \"" METADATA_FORMAT
                      "\"): `wisp build --base FILE` imports weights");
    if (strcmp(format, METADATA_FORMAT_VERSION) != 0)
        return refuse(why, WISP_E_FORMAT, "format \"%s\" is not the one this version reads, \"%s\"", format,
                      METADATA_FORMAT_VERSION);
    if (!checksum)
        return refuse(why, WISP_E_FORMAT, "the metadata has no \"" CHECKSUM_KEY "\"");
    digits = checksum_find(parse->data, parse->size);
    if (!digits || strlen(checksum) != strlen(CHECKSUM_PREFIX) + CHECKSUM_DIGITS ||
        strncmp(checksum, CHECKSUM_PREFIX, strlen(CHECKSUM_PREFIX)) != 0 ||
        memcmp(checksum + strlen(CHECKSUM_PREFIX), digits, CHECKSUM_DIGITS) != 0)
        return refuse(why, WISP_E_FORMAT, "\"" CHECKSUM_KEY "\" is not \"" CHECKSUM_PREFIX "\" and %d digits",
                      CHECKSUM_DIGITS);
    memcpy(parse->identity, checksum, strlen(checksum) + 1);
    return checksum_check(parse->data, parse->size, why);
}

static int inputs_read(const json_t *inputs, struct layer *layer, struct reason *why)
{
    if (!json_is_array(inputs) || json_array_size(inputs) > LAYER_INPUTS_MAX)
        return refuse(why, WISP_E_FORMAT, "\"inputs\" is not an array of at most %d values", LAYER_INPUTS_MAX);
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        uint64_t value;

        if (!json_whole(json_array_get(inputs, i), MODEL_LAYERS_MAX + SIGNATURE_TENSORS_MAX, &value))
            return refuse(why, WISP_E_FORMAT, "\"inputs\" holds what is not the number of a value");
        layer->inputs[layer->input_count++] = (uint32_t)value;
    }
    return 0;
}

static int parameter_read(const struct layer_kind *kind, unsigned number, const json_t *value, double *out,
                          struct reason *why)
{
    const struct layer_parameter *rule = &kind->parameters[number];

    if (rule->type == PARAMETER_ENUM)
        return layer_parameter_parse(kind, number, json_string_value(value), out, why);
    if (!json_is_number(value))
        return refuse(why, WISP_E_FORMAT, "parameter \"%s\" is not a number", rule->name);
    *out = json_number_value(value);
    return 0;
}

static int parameters_read(const json_t *parameters, struct layer *layer, struct reason *why)
{
    const struct layer_parameter *declared = layer->kind->parameters;
    size_t known = 0;

    if (parameters && !json_is_object(parameters))
        return refuse(why, WISP_E_FORMAT, "\"parameters\" is not an object");
    for (unsigned i = 0; i < LAYER_PARAMETERS_MAX && declared[i].name; i++) {
        const json_t *value = json_object_get(parameters, declared[i].name);
        int result = 0;

        layer->parameters[i] = declared[i].default_value;
        if (value)
            result = parameter_read(layer->kind, i, value, &layer->parameters[i], why);
        if (result)
            return result;
        known += value != NULL;
    }
    if (known != json_object_size(parameters))
        return refuse(why, WISP_E_FORMAT, "it has parameters that a %s layer does not know", layer->kind->name);
    return 0;
}

/* The tensor NAME.SUFFIX of a layer, of this type; *out NULL when it is optional and absent. */
static int tensor_take(struct parse *parse, const struct layer *layer, const char *suffix, enum tensor_type type,
                       bool required, const struct safetensor **out, struct reason *why)
{
    char name[LAYER_NAME_MAX + 64];

    snprintf(name, sizeof name, "%s.%s", layer->name, suffix);
    *out = safetensors_take(&parse->file, name);
    if (!*out && required)
        return refuse(why, WISP_E_FORMAT, "tensor \"%s\" is missing", name);
    if (*out && (*out)->type != type)
        return refuse(why, WISP_E_FORMAT, "tensor \"%s\" is of %s, not %s", name, tensor_type_name((*out)->type),
                      tensor_type_name(type));
    return 0;
}

/* The values, of a type that the file says; scales where it is int8. */
static int values_take(struct parse *parse, const struct layer *layer, struct csr *weight,
                       const struct safetensor **values, struct reason *why)
{
    char name[LAYER_NAME_MAX + 64];
    const struct safetensor *scales = NULL;
    int result = 0;

    snprintf(name, sizeof name, "%s." TENSOR_VALUES, layer->name);
    *values = safetensors_take(&parse->file, name);
    if (!*values)
        return refuse(why, WISP_E_FORMAT, "tensor \"%s\" is missing", name);
    while (weight->type < VALUE_TYPES && tensor_type_of_values(weight->type) != (*values)->type)
        weight->type++;
    if (weight->type == VALUE_TYPES)
        return refuse(why, WISP_E_FORMAT, "tensor \"%s\" is of %s, not F32, BF16 or I8", name,
                      tensor_type_name((*values)->type));
    if (weight->type == VALUE_INT8)
        result = tensor_take(parse, layer, TENSOR_SCALES, TENSOR_F32, true, &scales, why);
    if (!result && scales && scales->count != weight->rows)
        result = refuse(why, WISP_E_FORMAT, "there are %llu scales, but %u rows", (unsigned long long)scales->count,
                        weight->rows);
    if (!result && scales)
        weight->scales = (float *)(void *)(parse->data + scales->begin);
    return result;
}

/* Where they stand they are the numbers of int8 as yet (tensors_place()). */
static int values_scale(struct csr *weight, struct reason *why)
{
    int result = weight->scales ? csr_check_rows(weight, why) : 0;

    for (uint32_t row = 0; !result && weight->scales && row < weight->rows; row++) {
        for (uint64_t k = weight->starts[row]; k < weight->starts[row + 1]; k++)
            weight->values[k] = int8_value((int8_t)weight->values[k], weight->scales[row]);
    }
    return result;
}

static int weight_read(struct parse *parse, struct layer *layer, uint32_t columns, struct reason *why)
{
    struct csr weight = { .columns = columns };
    const struct safetensor *starts = NULL, *index = NULL, *values = NULL;
    int result = tensor_take(parse, layer, TENSOR_STARTS, TENSOR_I64, true, &starts, why);

    if (!result)
        result = tensor_take(parse, layer, TENSOR_INDEX, csr_is_narrow(&weight) ? TENSOR_U16 : TENSOR_I32, true, &index,
                             why);
    if (result)
        return result;
    if (starts->count < 2 || starts->count - 1 > MODEL_ELEMENTS_MAX)
        return refuse(why, WISP_E_FORMAT, "crow_indices has %llu elements; a weight has 1 to %u rows, and one more",
                      (unsigned long long)starts->count, MODEL_ELEMENTS_MAX);
    weight.rows = (uint32_t)(starts->count - 1);
    result = values_take(parse, layer, &weight, &values, why);
    if (result)
        return result;
    if (index->count != values->count)
        return refuse(why, WISP_E_FORMAT, "there are %llu col_indices, but %llu values",
                      (unsigned long long)index->count, (unsigned long long)values->count);
    weight.count = values->count;
    weight.starts = (uint64_t *)(void *)(parse->data + starts->begin);
    if (csr_is_narrow(&weight))
        weight.index.narrow = (uint16_t *)(void *)(parse->data + index->begin);
    else
        weight.index.wide = (uint32_t *)(void *)(parse->data + index->begin);
    weight.values = (float *)(void *)(parse->data + values->begin);
    layer->weight = weight;
    result = values_scale(&weight, why);
    if (!result)
        result = csr_check(&weight, why);
    return result ? refuse_in(why, result, "the weight") : 0;
}

static int vectors_read(struct parse *parse, struct layer *layer, struct reason *why)
{
    for (size_t i = 0; i < LAYER_VECTORS_MAX && layer->kind->vectors[i].name; i++) {
        const char *name = layer->kind->vectors[i].name;
        const struct safetensor *tensor;
        int result = tensor_take(parse, layer, name, TENSOR_F32, false, &tensor, why);

        if (result)
            return result;
        if (!tensor)
            continue;
        if (!tensor->count)
            return refuse(why, WISP_E_FORMAT, "the %s has no elements", name);
        layer->vectors[i] =
            (struct vector){ .data = (float *)(void *)(parse->data + tensor->begin), .count = tensor->count };
        for (uint64_t k = 0; k < tensor->count; k++) {
            if (!isfinite(layer->vectors[i].data[k]))
                return refuse(why, WISP_E_FORMAT, "element %llu of the %s is not a finite number",
                              (unsigned long long)k, name);
        }
    }
    return 0;
}

static int kind_read(const json_t *kind, struct layer *layer, struct reason *why)
{
    const char *name = json_string_value(kind);
    char known[200] = "";

    if (!name)
        return refuse(why, WISP_E_FORMAT, "\"kind\" is not a string");
    layer->kind = layer_kind_find(name);
    if (layer->kind)
        return 0;
    for (size_t i = 0; layer_kind_at(i); i++) {
        size_t used = strlen(known);

        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", layer_kind_at(i)->name);
    }
    return refuse(why, WISP_E_FORMAT, "kind \"%s\" is unknown to this version, which knows: %s", name, known);
}

static int name_read(const json_t *name, uint32_t index, struct layer *layer, struct reason *why)
{
    const char *text = json_string_value(name);

    if (!text || strlen(text) >= LAYER_NAME_MAX)
        return refuse(why, WISP_E_FORMAT, "layer %u has no name of at most %d bytes", index + 1, LAYER_NAME_MAX - 1);
    memcpy(layer->name, text, strlen(text));
    return 0;
}

static int keys_check(const json_t *entry, struct reason *why)
{
    static const char *const keys[] = { "name", "kind", "inputs", "parameters", "columns" };
    size_t known = 0;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        known += json_object_get(entry, keys[i]) != NULL;
    if (known != json_object_size(entry))
        return refuse(why, WISP_E_FORMAT, "it has keys other than name, kind, inputs, parameters and columns");
    return 0;
}

static int layer_read(struct parse *parse, const json_t *entry, struct layer *layer, struct reason *why)
{
    const json_t *columns = json_object_get(entry, "columns");
    uint64_t count = 0;
    int result = keys_check(entry, why);

    if (!result)
        result = kind_read(json_object_get(entry, "kind"), layer, why);
    if (!result)
        result = inputs_read(json_object_get(entry, "inputs"), layer, why);
    if (!result)
        result = parameters_read(json_object_get(entry, "parameters"), layer, why);
    if (result)
        return result;
    if (!layer->kind->weighted && columns)
        return refuse(why, WISP_E_FORMAT, "\"columns\" stands at a %s layer, which has no weight", layer->kind->name);
    if (layer->kind->weighted && (!json_whole(columns, MODEL_ELEMENTS_MAX, &count) || !count))
        return refuse(why, WISP_E_FORMAT, "\"columns\" is not a whole number of 1 to %u", MODEL_ELEMENTS_MAX);
    if (layer->kind->weighted)
        result = weight_read(parse, layer, (uint32_t)count, why);
    return result ? result : vectors_read(parse, layer, why);
}

static int idf_read(struct parse *parse, struct reason *why)
{
    const char *name = TENSOR_MEDIA "." TENSOR_IDF;
    const struct safetensor *tensor = safetensors_take(&parse->file, name);
    uint64_t bytes = tensor ? tensor->count : 0;

    if (!tensor)
        return 0;
    if (tensor->type != TENSOR_U8 || !bytes || bytes > MODEL_ELEMENTS_MAX)
        return refuse(why, WISP_E_FORMAT, "tensor \"%s\" is not of 1 to %u elements of U8", name, MODEL_ELEMENTS_MAX);
    parse->model->idf = memory_alloc(bytes, 1);
    if (!parse->model->idf)
        return refuse_errno(why, -ENOMEM, "tensor \"%s\"", name);
    memcpy(parse->model->idf, parse->data + tensor->begin, bytes);
    parse->model->idf_count = (uint32_t)bytes;
    return 0;
}

/* All of it is there, or none. */
static int golden_find(struct parse *parse, const struct golden_tensor *list, uint32_t count,
                       const struct safetensor *found[GOLDEN_TENSORS_MAX], struct reason *why)
{
    uint32_t there = 0;

    for (uint32_t i = 0; i < count; i++) {
        char name[TENSOR_NAME_MAX + 64];

        snprintf(name, sizeof name, "%s.%s", list[i].owner, list[i].name);
        found[i] = safetensors_take(&parse->file, name);
        there += found[i] != NULL;
        if (found[i] && (found[i]->type != tensor_type_of(list[i].dtype) || found[i]->count != list[i].count))
            return refuse(why, WISP_E_FORMAT, "tensor \"%s\" has not %llu elements of %s", name,
                          (unsigned long long)list[i].count, tensor_type_name(tensor_type_of(list[i].dtype)));
    }
    for (uint32_t i = 0; there && i < count; i++) {
        if (!found[i])
            return refuse(why, WISP_E_FORMAT, "of a golden input \"%s.%s\" is missing", list[i].owner, list[i].name);
    }
    return 0;
}

/* What it consists of is known once the graph has been checked. */
static int golden_read(struct parse *parse, struct reason *why)
{
    struct model *model = parse->model;
    struct golden_tensor list[GOLDEN_TENSORS_MAX];
    const struct safetensor *found[GOLDEN_TENSORS_MAX] = { NULL };
    const uint32_t count = golden_list(model, &model->golden, list);
    int result = golden_find(parse, list, count, found, why);

    if (result || !found[0])
        return result;
    result = golden_alloc(model, &model->golden, why);
    if (result)
        return result == WISP_E_INVALID ? WISP_E_FORMAT : result;
    for (uint32_t i = 0; i < count; i++)
        memcpy(*list[i].data, parse->data + found[i]->begin, list[i].count * dtype_bytes(list[i].dtype));
    return golden_check(model, why);
}

static int leftover_check(const struct parse *parse, struct reason *why)
{
    const struct safetensor *left = safetensors_left(&parse->file);

    return left ? refuse(why, WISP_E_FORMAT, "tensor \"%s\" belongs to no layer", left->name) : 0;
}

static int graph_read(struct parse *parse, const json_t *graph, struct reason *why)
{
    size_t count = json_array_size(graph);
    int result;

    if (!json_is_array(graph) || !count || count > MODEL_LAYERS_MAX)
        return refuse(why, WISP_E_FORMAT, "\"" METADATA_GRAPH "\" is not an array of 1 to %d layers", MODEL_LAYERS_MAX);
    result = model_new((uint32_t)count, &parse->model);
    if (result)
        return refuse_errno(why, result, "a model of %zu layers", count);
    for (uint32_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(graph, i);
        struct layer *layer = &parse->model->layers[i];

        result = name_read(json_object_get(entry, "name"), i, layer, why);
        if (result)
            return result;
        result = layer_read(parse, entry, layer, why);
        if (result)
            return refuse_in(why, result, "layer \"%s\"", layer->name);
    }
    return idf_read(parse, why);
}

/* Values of fewer bits are used as float32. */
static bool is_widened(const struct safetensor *tensor)
{
    return tensor->type == TENSOR_BF16 || tensor->type == TENSOR_I8;
}

static bool are_as_used(const struct safetensors *file)
{
    for (size_t i = 0; i < file->count; i++) {
        if (file->tensors[i].begin % SAFETENSORS_ALIGNMENT || is_widened(&file->tensors[i]))
            return false;
    }
    return true;
}

/* Bytes that a tensor takes where it is used; a file has 16 GiB at most, so their sum is no 2^64. */
static uint64_t room_of(const struct safetensor *tensor)
{
    const uint64_t bytes = is_widened(tensor) ? tensor->count * sizeof(float) : tensor->end - tensor->begin;

    return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* Numbers of int8 become float32 as they are: their scales are not checked yet. */
static void tensor_place(const struct safetensor *tensor, const unsigned char *from, void *to)
{
    float *wide = to;

    if (!is_widened(tensor)) {
        memcpy(to, from, tensor->end - tensor->begin);
        return;
    }
    for (uint64_t i = 0; i < tensor->count; i++) {
        uint16_t bits;

        if (tensor->type == TENSOR_I8) {
            wide[i] = (float)(int8_t)from[i];
            continue;
        }
        memcpy(&bits, from + i * sizeof bits, sizeof bits);
        wide[i] = bf16_value(bits);
    }
}

/* The tensors in a buffer of their own, in place of the file's, as they are used: where vector loads reach them, and of
 * the types that are computed with. */
static int tensors_place(struct parse *parse, struct reason *why)
{
    unsigned char *placed;
    uint64_t end = 0;

    parse->memory = parse->size;
    if (are_as_used(&parse->file))
        return 0;
    for (size_t i = 0; i < parse->file.count; i++)
        end += room_of(&parse->file.tensors[i]);
    placed = memory_alloc(MAX(end, 1), 1);
    if (!placed)
        return refuse_errno(why, -ENOMEM, "a copy of the tensors");
    parse->memory = end;
    end = 0;
    for (size_t i = 0; i < parse->file.count; i++) {
        struct safetensor *tensor = &parse->file.tensors[i];
        const uint64_t room = room_of(tensor);

        tensor_place(tensor, parse->data + tensor->begin, placed + end);
        tensor->begin = end;
        tensor->end = end + room;
        end += room;
    }
    free(parse->data);
    parse->data = placed;
    return 0;
}

static int parse_all(struct parse *parse, struct reason *why)
{
    cleanup_json json_t *graph = NULL;
    int result = safetensors_open(parse->data, parse->size, &parse->file, why);

    if (!result)
        result = format_check(parse, why);
    if (!result)
        result = safetensors_check_model(&parse->file, parse->data, why);
    if (!result)
        result = tensors_place(parse, why);
    if (!result)
        result = metadata_json(parse->file.metadata, METADATA_GRAPH, &graph, why);
    if (!result)
        result = graph_read(parse, graph, why);
    if (!result)
        result = metadata_read(parse->file.metadata, parse->model, why);
    if (!result)
        result = model_check(parse->model, why);
    if (!result)
        result = golden_read(parse, why);
    return result ? result : leftover_check(parse, why);
}

int model_parse(void *data, size_t size, struct model **out, struct reason *why)
{
    struct parse parse = { .data = data, .size = size, .file = SAFETENSORS_NULL };
    int result = parse_all(&parse, why);

    safetensors_close(&parse.file);
    if (result) {
        model_free(parse.model);
        free(parse.data);
        safetensors_disarm(why);
        return result;
    }
    parse.model->file = parse.data;
    parse.model->file_size = size;
    parse.model->file_memory = parse.memory;
    memcpy(parse.model->identity, parse.identity, sizeof parse.model->identity);
    *out = parse.model;
    return 0;
}

int model_read(const char *path, struct model **out, struct reason *why)
{
    void *data;
    size_t size;
    int result = file_read(path, MODEL_FILE_MAX, &data, &size, why);

    if (result)
        return result;
    result = model_parse(data, size, out, why);
    return result ? refuse_in(why, result, "%s", path) : 0;
}
