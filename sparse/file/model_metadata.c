/* SPDX-License-Identifier: Apache-2.0
 *
 * One row an entry: its key, whether it must be there, how it is read, how it is written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/model_json.h"
#include "sparse/file/model_metadata.h"
#include "sparse/file/signature_json.h"

/* For the entries' own JSON. The graph is the largest: at most 3 containers and 2 * (5 + inputs + parameters) values a
 * layer. */
static const struct json_limits entry_limits = {
    .depth = 16,
    .containers = 3 * MODEL_LAYERS_MAX + 64,
    .values = 2 * (5 + LAYER_INPUTS_MAX + LAYER_PARAMETERS_MAX) * MODEL_LAYERS_MAX + 64,
};

int metadata_json(const json_t *metadata, const char *key, json_t **out, struct reason *why)
{
    const json_t *text = json_object_get(metadata, key);
    int result;

    if (!json_is_string(text))
        return refuse(why, WISP_E_FORMAT, "the metadata has no \"%s\"", key);
    result = json_read(json_string_value(text), json_string_length(text), &entry_limits, out, why);
    return result ? refuse_in(why, result, "\"%s\"", key) : 0;
}

static int text_read(const json_t *metadata, const char *key, char out[MODEL_NAME_MAX], struct reason *why)
{
    const json_t *text = json_object_get(metadata, key);

    if (json_string_length(text) >= MODEL_NAME_MAX)
        return refuse(why, WISP_E_FORMAT, "\"%s\" is longer than %d bytes", key, MODEL_NAME_MAX - 1);
    memcpy(out, json_string_value(text), json_string_length(text) + 1);
    return 0;
}

/* Kept as it stands: what it means is for media/ or a person to say. */
static int object_read(const json_t *metadata, const char *key, char **out, struct reason *why)
{
    cleanup_json json_t *object = NULL;
    int result = metadata_json(metadata, key, &object, why);

    if (result)
        return result;
    if (!json_is_object(object))
        return refuse(why, WISP_E_FORMAT, "\"%s\" is not a JSON object", key);
    *out = strdup(json_string_value(json_object_get(metadata, key)));
    return *out ? 0 : refuse_errno(why, -ENOMEM, "\"%s\"", key);
}

static json_t *object_write(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *dump(const json_t *value)
{
    cleanup_free char *text = json_compact(value);

    return text ? json_string(text) : NULL;
}

static int name_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    return text_read(metadata, key, model->name, why);
}

static json_t *name_write(const struct model *model)
{
    return json_string(model->name);
}

static int processing_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    return text_read(metadata, key, model->processing, why);
}

static json_t *processing_write(const struct model *model)
{
    return json_string(model->processing);
}

/* The simple form: a shape. */
static int input_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    cleanup_json json_t *input = NULL;
    struct shape shape;
    int result = metadata_json(metadata, key, &input, why);

    if (!result)
        result = shape_read(input, "\"" METADATA_INPUT "\"", &shape, why);
    if (!result)
        model->signature = signature_of(shape);
    return result;
}

static json_t *input_write(const struct model *model)
{
    cleanup_json json_t *input = NULL;

    if (!signature_has_plain_input(&model->signature))
        return json_null();
    input = shape_write(&model->signature.inputs[0].shape);
    return dump(input);
}

static int input_list_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    cleanup_json json_t *inputs = NULL;
    int result = metadata_json(metadata, key, &inputs, why);

    if (result)
        return result;
    if (model->signature.input_count)
        return refuse(why, WISP_E_FORMAT, "the metadata has \"%s\" and \"" METADATA_INPUT "\": one of them is enough",
                      key);
    result = inputs_read(inputs, &model->signature, why);
    return result ? refuse_in(why, result, "\"%s\"", key) : 0;
}

static json_t *input_list_write(const struct model *model)
{
    cleanup_json json_t *inputs = NULL;

    if (signature_has_plain_input(&model->signature))
        return json_null();
    inputs = inputs_write(&model->signature);
    return dump(inputs);
}

static int output_list_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    cleanup_json json_t *outputs = NULL;
    int result = metadata_json(metadata, key, &outputs, why);

    if (!result)
        result = outputs_read(outputs, &model->signature, why);
    return result ? refuse_in(why, result, "\"%s\"", key) : 0;
}

static json_t *output_list_write(const struct model *model)
{
    cleanup_json json_t *outputs = NULL;

    if (signature_has_plain_output(&model->signature, model_value_count(model)))
        return json_null();
    outputs = outputs_write(&model->signature);
    return dump(outputs);
}

/* ---- decoding ---- */

static int word_read(const json_t *object, const char *member, const char *key, uint32_t *out, struct reason *why)
{
    uint64_t number;

    if (!json_whole(json_object_get(object, member), DECODING_WORDS_MAX, &number))
        return refuse(why, WISP_E_FORMAT, "\"%s\": \"%s\" is not a whole number of at most %u", key, member,
                      DECODING_WORDS_MAX);
    *out = (uint32_t)number;
    return 0;
}

/* Its inputs have been read: rows are in order. */
static int decoding_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    cleanup_json json_t *object = NULL;
    struct decoding *decoding = &model->decoding;
    const json_t *beam;
    const char *name;
    int result = metadata_json(metadata, key, &object, why);

    if (result)
        return result;
    name = json_string_value(json_object_get(object, "input"));
    beam = json_object_get(object, "beam");
    if (!name || json_object_size(object) != 4 + (beam != NULL))
        return refuse(why, WISP_E_FORMAT, "\"%s\" is not an object of input, begin, end, length and perhaps beam", key);
    while (decoding->input < model->signature.input_count &&
           strcmp(model->signature.inputs[decoding->input].name, name) != 0)
        decoding->input++;
    if (decoding->input == model->signature.input_count)
        return refuse(why, WISP_E_FORMAT, "\"%s\": there is no input \"%.40s\"", key, name);
    result = word_read(object, "begin", key, &decoding->begin, why);
    if (!result)
        result = word_read(object, "end", key, &decoding->end, why);
    if (!result)
        result = word_read(object, "length", key, &decoding->length, why);
    if (!result && beam)
        result = word_read(object, "beam", key, &decoding->beam, why);
    if (!result && !decoding->length)
        result = refuse(why, WISP_E_FORMAT, "\"%s\": \"length\" is 0", key);
    return result;
}

static json_t *decoding_write(const struct model *model)
{
    const struct decoding *decoding = &model->decoding;
    cleanup_json json_t *object = NULL;

    if (!decoding->length)
        return json_null();
    object = json_pack("{s:s, s:I, s:I, s:I}", "input", model->signature.inputs[decoding->input].name, "begin",
                       (json_int_t)decoding->begin, "end", (json_int_t)decoding->end, "length",
                       (json_int_t)decoding->length);
    if (decoding->beam) /* versions before know of none */
        json_object_set_new(object, "beam", json_integer((json_int_t)decoding->beam));
    return dump(object);
}

static int labels_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    cleanup_json json_t *labels = NULL;
    int result = metadata_json(metadata, key, &labels, why);
    size_t count = json_array_size(labels);

    if (result)
        return result;
    if (!json_is_array(labels) || !count || count > MODEL_LABELS_MAX)
        return refuse(why, WISP_E_FORMAT, "\"%s\" is not an array of 1 to %d strings", key, MODEL_LABELS_MAX);
    model->labels = calloc(count, sizeof *model->labels);
    if (!model->labels)
        return refuse_errno(why, -ENOMEM, "%zu labels", count);
    model->label_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(labels, i));

        if (!text)
            return refuse(why, WISP_E_FORMAT, "\"%s\": label %zu is not a string", key, i + 1);
        model->labels[i] = strdup(text);
        if (!model->labels[i])
            return refuse_errno(why, -ENOMEM, "%zu labels", count);
    }
    return 0;
}

static json_t *labels_write(const struct model *model)
{
    cleanup_json json_t *labels = json_array();

    if (!model->label_count)
        return json_null();
    for (uint32_t i = 0; i < model->label_count; i++) {
        if (json_array_append_new(labels, json_string(model->labels[i])))
            return NULL;
    }
    return dump(labels);
}

/* Labels have been read: rows are in order. */
static int thresholds_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    cleanup_json json_t *thresholds = NULL;
    int result = metadata_json(metadata, key, &thresholds, why);
    size_t count = json_array_size(thresholds);

    if (result)
        return result;
    if (!count || count != model->label_count)
        return refuse(why, WISP_E_FORMAT, "\"%s\" is not an array of %u thresholds, one for each label", key,
                      model->label_count);
    model->thresholds = memory_alloc(count, sizeof *model->thresholds);
    if (!model->thresholds)
        return refuse_errno(why, -ENOMEM, "%zu thresholds", count);
    for (size_t i = 0; i < count; i++) {
        uint64_t thousandths;

        if (!json_whole(json_array_get(thresholds, i), MODEL_THRESHOLD_ONE, &thousandths))
            return refuse(why, WISP_E_FORMAT, "\"%s\": threshold %zu is not a whole number of thousandths", key, i + 1);
        model->thresholds[i] = (uint32_t)thousandths;
    }
    return 0;
}

static json_t *thresholds_write(const struct model *model)
{
    cleanup_json json_t *thresholds = NULL;

    if (!model->thresholds)
        return json_null();
    thresholds = model_json_thresholds(model);
    return dump(thresholds);
}

static int media_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    return object_read(metadata, key, &model->media, why);
}

static json_t *media_write(const struct model *model)
{
    return object_write(model->media);
}

static int lineage_read(const json_t *metadata, const char *key, struct model *model, struct reason *why)
{
    return object_read(metadata, key, &model->lineage, why);
}

static json_t *lineage_write(const struct model *model)
{
    return object_write(model->lineage);
}

/* write() gives null for an entry that is to be left out, NULL when there is no memory or text is not UTF-8. Rows
 * without functions are model_parse.c's and model_write.c's. */
static const struct entry {
    const char *key;
    bool required;
    int (*read)(const json_t *metadata, const char *key, struct model *model, struct reason *why);
    json_t *(*write)(const struct model *model);
} entries[] = {
    { METADATA_FORMAT, true, NULL, NULL },
    { CHECKSUM_KEY, true, NULL, NULL },
    { "wisp.name", true, name_read, name_write },
    { "wisp.processing", true, processing_read, processing_write },
    { METADATA_INPUT, false, input_read, input_write },
    { "wisp.inputs", false, input_list_read, input_list_write },
    { "wisp.outputs", false, output_list_read, output_list_write },
    { "wisp.decoding", false, decoding_read, decoding_write },
    { METADATA_GRAPH, true, NULL, NULL },
    { "wisp.labels", false, labels_read, labels_write },
    { "wisp.thresholds", false, thresholds_read, thresholds_write },
    { "wisp.media", false, media_read, media_write },
    { "wisp.lineage", false, lineage_read, lineage_write },
};

static bool is_entry(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        if (!strcmp(entries[i].key, key))
            return true;
    }
    return false;
}

int metadata_read(const json_t *metadata, struct model *model, struct reason *why)
{
    const char *key;
    json_t *value;

    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        const struct entry *entry = &entries[i];
        bool present = json_object_get(metadata, entry->key) != NULL;
        int result = 0;

        if (!present && entry->required)
            return refuse(why, WISP_E_FORMAT, "the metadata has no \"%s\"", entry->key);
        if (present && entry->read)
            result = entry->read(metadata, entry->key, model, why);
        if (result)
            return result;
    }
    if (!model->signature.input_count)
        return refuse(why, WISP_E_FORMAT, "the metadata has no \"" METADATA_INPUT "\"");
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!is_entry(key))
            return refuse(why, WISP_E_FORMAT, "metadata \"%s\" has no meaning in format " METADATA_FORMAT_VERSION, key);
    }
    return 0;
}

int metadata_write(const struct model *model, json_t *metadata, struct reason *why)
{
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        json_t *value;

        errno = 0;
        value = entries[i].write ? entries[i].write(model) : json_null();
        if (!value && errno != ENOMEM)
            return refuse(why, WISP_E_INVALID, "\"%s\" cannot be written: its text is not UTF-8", entries[i].key);
        if (json_is_null(value))
            continue;
        if (json_object_set_new(metadata, entries[i].key, value))
            return refuse_errno(why, -ENOMEM, "\"%s\"", entries[i].key);
    }
    return 0;
}
