/* SPDX-License-Identifier: Apache-2.0
 *
 * The validator of graphs: the same for a model that was read and for one that was built. Labels may be of any
 * language, but not control a terminal.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "sparse/graph/model.h"
#include "sparse/layers/layer.h"

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int names_check(const struct model *model, struct reason *why)
{
    cleanup_free const char **names = calloc(model->layer_count, sizeof *names);

    if (!names)
        return refuse_errno(why, -ENOMEM, "names of %u layers", model->layer_count);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        int result = name_check("its name", model->layers[i].name, LAYER_NAME_MAX, why);

        if (result)
            return refuse_in(why, result, "layer %u", i + 1);
        names[i] = model->layers[i].name;
    }
    qsort(names, model->layer_count, sizeof *names, compare_names);
    for (uint32_t i = 1; i < model->layer_count; i++) {
        if (!strcmp(names[i - 1], names[i]))
            return refuse(why, WISP_E_FORMAT, "two layers have the name \"%s\"", names[i]);
    }
    return 0;
}

/* `value` is that of the layer. */
static int inputs_check(const struct layer *layer, uint32_t value, struct reason *why)
{
    const struct layer_kind *kind = layer->kind;

    if (layer->input_count < kind->inputs_min || layer->input_count > MIN(kind->inputs_max, LAYER_INPUTS_MAX))
        return refuse(why, WISP_E_FORMAT, "a %s layer has %u to %u inputs, not %u", kind->name, kind->inputs_min,
                      kind->inputs_max, layer->input_count);
    for (uint32_t i = 0; i < layer->input_count; i++) {
        if (layer->inputs[i] >= value)
            return refuse(why, WISP_E_FORMAT, "reads value %u, which is not before its own, %u", layer->inputs[i],
                          value);
    }
    return 0;
}

static int parameters_check(const struct layer *layer, struct reason *why)
{
    const struct layer_parameter *declared = layer->kind->parameters;

    for (size_t i = 0; i < LAYER_PARAMETERS_MAX && declared[i].name; i++) {
        int result;

        /* 0 outputs: as many as the weight has rows (layer_shape()). */
        if (i == 0 && layer->kind->weighted && layer->parameters[i] == 0)
            continue;
        result = layer_parameter_check(&declared[i], layer->parameters[i], why);
        if (result)
            return result;
    }
    return 0;
}

static int tensors_check(const struct layer *layer, struct reason *why)
{
    const struct layer_kind *kind = layer->kind;

    if (kind->weighted && (!layer->weight.starts || !layer->weight.rows || !layer->weight.columns))
        return refuse(why, WISP_E_FORMAT, "a %s layer needs a weight", kind->name);
    if (!kind->weighted && layer->weight.starts)
        return refuse(why, WISP_E_FORMAT, "a %s layer has no weight", kind->name);
    for (size_t i = 0; i < LAYER_VECTORS_MAX; i++) {
        if (layer->vectors[i].data && !kind->vectors[i].name)
            return refuse(why, WISP_E_FORMAT, "a %s layer has no such vector", kind->name);
    }
    return 0;
}

static int layer_check(struct model *model, uint32_t index, struct reason *why)
{
    struct layer *layer = &model->layers[index];
    struct shape inputs[LAYER_INPUTS_MAX] = { { .rank = 0 } };
    int result;

    if (!layer->kind)
        return refuse(why, WISP_E_FORMAT, "has no kind");
    result = inputs_check(layer, model_value(model, index), why);
    if (!result)
        result = parameters_check(layer, why);
    if (!result)
        result = tensors_check(layer, why);
    if (result)
        return result;
    for (uint32_t i = 0; i < layer->input_count; i++)
        inputs[i] = *model_value_shape(model, layer->inputs[i]);
    return layer_shape(layer, inputs, &layer->shape, why);
}

/* Neither ASCII's control characters nor the C1 ones, which in UTF-8 are C2 80 .. C2 9F. */
static int label_check(const char *label, struct reason *why)
{
    const unsigned char *byte = (const unsigned char *)label;

    if (!*byte)
        return refuse(why, WISP_E_FORMAT, "is empty");
    if (strlen(label) > MODEL_LABEL_BYTES)
        return refuse(why, WISP_E_FORMAT, "has %zu bytes, more than the %d allowed", strlen(label), MODEL_LABEL_BYTES);
    for (; *byte; byte++) {
        if (*byte < 0x20 || *byte == 0x7f || (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0))
            return refuse(why, WISP_E_FORMAT, "has a control character at byte %zu",
                          (size_t)(byte - (const unsigned char *)label));
    }
    return 0;
}

static int labels_check(const struct model *model, struct reason *why)
{
    uint64_t outputs = shape_elements(model_output(model));

    if (!model->label_count)
        return 0;
    if (model->label_count > MODEL_LABELS_MAX)
        return refuse(why, WISP_E_FORMAT, "%u labels are more than the %d allowed", model->label_count,
                      MODEL_LABELS_MAX);
    if (model->label_count != outputs && model->label_count != model_output(model)->dimension[0])
        return refuse(why, WISP_E_FORMAT, "there are %u labels, but the output has %llu elements", model->label_count,
                      (unsigned long long)outputs);
    for (uint32_t i = 0; i < model->label_count; i++) {
        int result = label_check(model->labels[i], why);

        if (result)
            return refuse_in(why, result, "label %u", i + 1);
    }
    return 0;
}

static int thresholds_check(const struct model *model, struct reason *why)
{
    if (!model->thresholds)
        return 0;
    if (!model->label_count)
        return refuse(why, WISP_E_FORMAT, "there are thresholds, but no labels");
    for (uint32_t i = 0; i < model->label_count; i++) {
        if (!model->thresholds[i] || model->thresholds[i] >= MODEL_THRESHOLD_ONE)
            return refuse(why, WISP_E_FORMAT, "the threshold of label %u is %u thousandths, and must be 1 to %d", i + 1,
                          model->thresholds[i], MODEL_THRESHOLD_ONE - 1);
    }
    return 0;
}

/* Whether the graph has what its signature says; outputs get their shapes. */
static int signature_check(struct model *model, struct reason *why)
{
    struct signature *signature = &model->signature;
    uint32_t read = 0;
    int result;

    for (uint32_t i = 0; i < model->layer_count; i++) {
        for (uint32_t k = 0; k < model->layers[i].input_count; k++)
            read |= model->layers[i].inputs[k] < signature->input_count ? 1u << model->layers[i].inputs[k] : 0;
    }
    signature_complete(signature, model_value_count(model));
    result = signature_check_outputs(signature, model_value_count(model), why);
    for (uint32_t i = 0; !result && i < signature->output_count; i++)
        signature->outputs[i].shape = *model_value_shape(model, signature->outputs[i].value);
    return result ? result : signature_check_read(signature, read, why);
}

static int idf_check(const struct model *model, struct reason *why)
{
    uint64_t elements = shape_elements(&model->signature.inputs[0].shape);

    if (!model->idf)
        return 0;
    if (!model->media)
        return refuse(why, WISP_E_FORMAT, "there is an idf, but nothing says how texts become tensors");
    if (model->idf_count != elements)
        return refuse(why, WISP_E_FORMAT, "there is an idf of %u features, but the input has %llu elements",
                      model->idf_count, (unsigned long long)elements);
    return 0;
}

int model_check(struct model *model, struct reason *why)
{
    int result = name_check("the model's name", model->name, MODEL_NAME_MAX, why);

    if (!result)
        result = processing_check(model->processing, why);
    if (result)
        return result;
    if (!model->layer_count || model->layer_count > MODEL_LAYERS_MAX)
        return refuse(why, WISP_E_FORMAT, "a model has 1 to %d layers, not %u", MODEL_LAYERS_MAX, model->layer_count);
    result = signature_check_inputs(&model->signature, why);
    if (!result)
        result = names_check(model, why);
    if (result)
        return result;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        result = layer_check(model, i, why);
        if (result)
            return refuse_in(why, result, "layer \"%s\"", model->layers[i].name);
    }
    result = signature_check(model, why);
    if (!result)
        result = idf_check(model, why);
    if (!result && model->decoding.length)
        result = decoding_check(model, why);
    if (!result)
        result = labels_check(model, why);
    return result ? result : thresholds_check(model, why);
}
