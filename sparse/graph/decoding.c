/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sparse/graph/decoding.h"
#include "sparse/graph/model.h"

void decoding_mark(const struct model *model, bool *along)
{
    memset(along, 0, model_value_count(model) * sizeof *along);
    along[model->decoding.input] = true;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        for (uint32_t j = 0; j < layer->input_count; j++)
            along[model_value(model, i)] |= along[layer->inputs[j]];
    }
}

uint32_t decoding_positions(const struct model *model)
{
    return model->signature.inputs[model->decoding.input].shape.dimension[0];
}

uint32_t decoding_vocabulary(const struct model *model)
{
    return model_output(model)->dimension[0];
}

uint32_t decoding_beam(const struct decoding *decoding, uint32_t wish)
{
    const uint32_t width = wish ? wish : decoding->beam;

    return width ? width : 1;
}

bool decoding_gives_probabilities(const struct model *model)
{
    const uint32_t layer = model->signature.outputs[0].value - model->signature.input_count;

    return model->layers[layer].kind->distribution == DISTRIBUTION_CATEGORICAL;
}

/* ---- checks ---- */

static int input_check(const struct model *model, struct reason *why)
{
    const struct signature *signature = &model->signature;
    const struct model_tensor *fed;

    if (signature->input_count < 2)
        return refuse(why, WISP_E_FORMAT, "there is no input beside the one that is fed back");
    if (model->decoding.input >= signature->input_count)
        return refuse(why, WISP_E_FORMAT, "the input that is fed back is not one of %u", signature->input_count);
    fed = &signature->inputs[model->decoding.input];
    if (fed->shape.rank != 1 || fed->scale != 1)
        return refuse(why, WISP_E_FORMAT, "input \"%s\" is fed back, and has not one word a position", fed->name);
    if (model->decoding.length > fed->shape.dimension[0])
        return refuse(why, WISP_E_FORMAT, "a sequence has up to %u words, and input \"%s\" %u positions",
                      model->decoding.length, fed->name, fed->shape.dimension[0]);
    return 0;
}

static int output_check(const struct model *model, const bool *along, struct reason *why)
{
    const struct signature *signature = &model->signature;
    const struct shape *shape = model_output(model);

    if (!tensors_are_simple(signature->outputs, signature->output_count))
        return refuse(why, WISP_E_FORMAT, "a model that decodes has one output of float32");
    if (!along[signature->outputs[0].value])
        return refuse(why, WISP_E_FORMAT, "the output does not follow from the input that is fed back");
    if (shape->rank != 2 || shape->dimension[1] != decoding_positions(model))
        return refuse(why, WISP_E_FORMAT, "the output has not a number for each word at %u positions",
                      decoding_positions(model));
    if (shape->dimension[0] > DECODING_WORDS_MAX)
        return refuse(why, WISP_E_FORMAT, "%u words are more than %u", shape->dimension[0], DECODING_WORDS_MAX);
    if (model->decoding.end >= shape->dimension[0])
        return refuse(why, WISP_E_FORMAT, "word %u ends a sequence, and there are %u words", model->decoding.end,
                      shape->dimension[0]);
    if (model->decoding.begin >= shape->dimension[0])
        return refuse(why, WISP_E_FORMAT, "word %u begins a sequence, and there are %u words", model->decoding.begin,
                      shape->dimension[0]);
    if (model->decoding.beam > DECODING_BEAM_MAX)
        return refuse(why, WISP_E_FORMAT, "a beam of %u is wider than %u", model->decoding.beam, DECODING_BEAM_MAX);
    return 0;
}

static int layer_check(const struct model *model, uint32_t index, const bool *along, struct reason *why)
{
    const struct layer *layer = &model->layers[index];
    const uint32_t positions = decoding_positions(model);
    struct shape inputs[LAYER_INPUTS_MAX];
    bool whole[LAYER_INPUTS_MAX];
    uint64_t kept;
    int result;

    for (uint32_t j = 0; j < layer->input_count; j++) {
        inputs[j] = *model_value_shape(model, layer->inputs[j]);
        whole[j] = !along[layer->inputs[j]];
    }
    result = layer_step_plan(&(struct layer_step_setup){ layer, inputs, whole }, &kept, why);
    if (!result && layer->shape.dimension[layer->shape.rank - 1] != positions)
        result = refuse(why, WISP_E_FORMAT, "what it gives has not %u positions", positions);
    return result ? refuse_in(why, result, "layer \"%s\" cannot go along a sequence", layer->name) : 0;
}

int decoding_check(const struct model *model, struct reason *why)
{
    cleanup_free bool *along = calloc(model_value_count(model), sizeof *along);
    int result;

    if (!along)
        return refuse_errno(why, -ENOMEM, "%u values", model_value_count(model));
    result = input_check(model, why);
    if (result)
        return result;
    decoding_mark(model, along);
    result = output_check(model, along, why);
    for (uint32_t i = 0; !result && i < model->layer_count; i++)
        result = along[model_value(model, i)] ? layer_check(model, i, along, why) : 0;
    return result;
}

/* ---- as clients see it ---- */

struct signature decoding_signature(const struct model *model)
{
    struct signature made = {
        .outputs = { [DECODING_WORDS] = { .name = "words",
                                          .dtype = DTYPE_INT32,
                                          .scale = 1,
                                          .shape = { 1, { model->decoding.length } } },
                     [DECODING_PROGRESS] = { .name = "progress",
                                             .dtype = DTYPE_INT32,
                                             .scale = 1,
                                             .shape = { 1, { 2 } } } },
        .output_count = DECODING_OUTPUTS,
    };

    for (uint32_t i = 0; i < model->signature.input_count; i++) {
        if (i != model->decoding.input)
            made.inputs[made.input_count++] = model->signature.inputs[i];
    }
    return made;
}
