/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/json/json_memory.h"
#include "base/memory.h"
#include "sparse/file/model_json.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/layers/layer.h"

static json_t *shape_json(const struct shape *shape)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < shape->rank; i++)
        json_array_append_new(array, json_integer(shape->dimension[i]));
    return array;
}

static json_t *side_json(const struct shape *shape)
{
    return json_pack("{s:o, s:I}", "shape", shape_json(shape), "elements", (json_int_t)shape_elements(shape));
}

static double density(uint64_t connections, uint64_t potential)
{
    return potential ? (double)connections / (double)potential : 1.0;
}

static json_t *layer_json(const struct layer *layer)
{
    uint64_t potential = (uint64_t)layer->weight.rows * layer->weight.columns;
    json_t *object = json_pack("{s:s, s:s, s:o, s:I, s:I, s:f}", "name", layer->name, "kind", layer->kind->name,
                               "shape", shape_json(&layer->shape), "connections", (json_int_t)layer->weight.count,
                               "potential", (json_int_t)potential, "density", density(layer->weight.count, potential));

    if (layer->kind->weighted)
        json_object_set_new(object, "values", json_string(value_type_name(layer->weight.type)));
    return object;
}

static json_t *formats_json(const struct forward *forward, uint32_t index)
{
    json_t *object = json_object();

    for (unsigned c = 0; c < BATCH_CLASSES; c++) {
        const char *format = forward_class_kernel(forward, index, c);

        if (format)
            json_object_set_new(object, batch_class_name(c), json_string(format));
    }
    return object;
}

static json_t *endings_json(const struct forward *forward, const struct model *model, uint32_t index)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (forward_ends_with(forward, index, i))
            json_array_append_new(array, json_string(model->layers[i].name));
    }
    return array;
}

static void add_kernels(json_t *layer, const struct model *model, uint32_t index, const struct model_json_plans *plans)
{
    for (size_t p = 0; p < plans->count; p++) {
        const struct forward *forward = plans->list[p];

        if (!forward_runs(forward, index))
            continue;
        json_object_set_new(layer, "formats", formats_json(forward, index));
        json_object_set_new(layer, "kernel_one", json_string(forward_kernel(forward, index, 1)));
        json_object_set_new(layer, "kernel_many", json_string(forward_kernel(forward, index, plans->batch)));
        json_object_set_new(layer, "ends_with", endings_json(forward, model, index));
    }
}

static json_t *layers_json(const struct model *model, const struct model_json_plans *plans)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < model->layer_count; i++) {
        json_t *layer = layer_json(&model->layers[i]);

        add_kernels(layer, model, i, plans);
        json_array_append_new(array, layer);
    }
    return array;
}

static json_t *labels_json(const struct model *model)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < model->label_count; i++)
        json_array_append_new(array, json_string(model->labels[i]));
    return array;
}

json_t *model_json_thresholds(const struct model *model)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < model->label_count; i++)
        json_array_append_new(array, json_integer(model->thresholds[i]));
    return array;
}

/* A JSON text of the model file, which its validator has parsed before; null when there is none. */
static json_t *embedded(const char *text)
{
    json_t *value = text ? json_from_string(text, 0, NULL) : NULL;

    return value ? value : json_null();
}

json_t *model_json_media(const struct model *model)
{
    cleanup_json json_t *media = embedded(model->media);
    cleanup_free char *text = NULL;

    if (model->idf) {
        text = memory_alloc(BASE64_LENGTH((size_t)model->idf_count) + 1, 1);
        if (!text)
            return NULL;
        base64_encode(model->idf, model->idf_count, text);
        if (json_object_set_new(media, "idf", json_string(text)))
            return NULL;
    }
    return steal(&media);
}

static json_t *tensors_json(const struct model_tensor *tensors, uint32_t count)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:I}", "name", tensors[i].name, "dtype",
                                               dtype_name(tensors[i].dtype), "shape", shape_json(&tensors[i].shape),
                                               "elements", (json_int_t)shape_elements(&tensors[i].shape)));
    return array;
}

/* Of inputs whose numbers are of words: how many there are. */
static void add_words(json_t *inputs, const struct model *model, const struct signature *seen)
{
    for (uint32_t i = 0; i < seen->input_count; i++) {
        const uint32_t words = model_words(model, seen->inputs[i].value);

        if (words)
            json_object_set_new(json_array_get(inputs, i), "words", json_integer(words));
    }
}

/* A side that is one float32 tensor stands there in the short form too, which is all that libwisp 0.1.0 knows. */
static void add_side(json_t *object, const char *name, const char *list, const struct model_tensor *tensors,
                     uint32_t count)
{
    if (tensors_are_simple(tensors, count))
        json_object_set_new(object, name, side_json(&tensors->shape));
    json_object_set_new(object, list, tensors_json(tensors, count));
}

static json_t *decoding_json(const struct model *model)
{
    const struct decoding *decoding = &model->decoding;

    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "input", model->signature.inputs[decoding->input].name, "begin",
                     (json_int_t)decoding->begin, "end", (json_int_t)decoding->end, "length",
                     (json_int_t)decoding->length, "words", (json_int_t)decoding_vocabulary(model), "beam",
                     (json_int_t)decoding_beam(decoding, 0));
}

json_t *model_json_summary(const struct model *model, const struct signature *seen)
{
    uint64_t connections = model_connections(model), potential = model_potential(model);
    json_t *object =
        json_pack("{s:s, s:s, s:s}", "name", model->name, "identity", model->identity, "processing", model->processing);

    add_side(object, "input", "inputs", seen->inputs, seen->input_count);
    add_words(json_object_get(object, "inputs"), model, seen);
    add_side(object, "output", "outputs", seen->outputs, seen->output_count);
    if (model->decoding.length)
        json_object_set_new(object, "decoding", decoding_json(model));
    json_object_set_new(object, "connections", json_integer((json_int_t)connections));
    json_object_set_new(object, "potential", json_integer((json_int_t)potential));
    json_object_set_new(object, "golden", json_boolean(golden_is_there(&model->golden)));
    json_object_set_new(object, "sparsity", json_real(1.0 - density(connections, potential)));
    return object;
}

void model_json_details(json_t *object, const struct model *model, const struct model_json_plans *plans)
{
    json_object_set_new(object, "labels", labels_json(model));
    if (model->thresholds)
        json_object_set_new(object, "thresholds", model_json_thresholds(model));
    json_object_set_new(object, "media", model_json_media(model));
    json_object_set_new(object, "lineage", embedded(model->lineage));
    json_object_set_new(object, "layers", layers_json(model, plans));
}
