/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/insist.h"
#include "base/json_view.h"
#include "base/size.h"
#include "client/model.h"

enum { THOUSANDTHS = 1000 };

CLEANUP_DEFINE(model, struct wisp_model, wisp_model_free)

/* A text that is there and says something. */
static int read_text(struct json_view root, const char *key, char **out, struct reason *why)
{
    int result = json_view_string(json_view_member(root, key), out);

    if (result < 0)
        return refuse_errno(why, result, "%s", key);
    if (result || !**out)
        return refuse(why, WISP_E_INVALID, "%s is missing", key);
    return 0;
}

static int read_binding(struct json_view root, struct description *out, struct reason *why)
{
    cleanup_free char *identity = NULL;
    uint64_t rows;
    int result = read_text(root, "identity", &identity, why);

    if (result)
        return result;
    if (strlen(identity) >= sizeof out->identity)
        return refuse(why, WISP_E_INVALID, "identity has more than %zu bytes", sizeof out->identity - 1);
    if (!json_view_whole(json_view_member(root, "rows_most"), WIRE_ROWS_MAX, &rows) || !rows)
        return refuse(why, WISP_E_INVALID, "rows_most is not a number from 1 to %d", WIRE_ROWS_MAX);
    memcpy(out->identity, identity, strlen(identity) + 1);
    out->rows_max = (uint32_t)rows;
    return 0;
}

static int open_text(const char *text, struct json_view *root, struct reason *why)
{
    return json_view_open(text, strlen(text), root, why) ? WISP_E_INVALID : 0;
}

int description_read(const char *text, struct description *out, struct reason *why)
{
    struct json_view root;
    int result = open_text(text, &root, why);

    return result ? result : read_binding(root, out, why);
}

static int read_labels(struct wisp_model *model, struct json_view array, struct reason *why)
{
    struct json_view item = { NULL, NULL };
    size_t count = json_view_count(array);

    if (!count)
        return 0;
    model->labels = calloc(count, sizeof *model->labels);
    if (!model->labels)
        return refuse_errno(why, -ENOMEM, "%zu labels", count);
    while (json_view_next(array, &item)) {
        insist(model->label_count < count, "%zu", count);
        int result = json_view_string(item, &model->labels[model->label_count]);

        if (result < 0)
            return refuse_errno(why, result, "%zu labels", count);
        if (result)
            return refuse(why, WISP_E_INVALID, "labels[%zu] is not a text", model->label_count);
        model->label_count++;
    }
    return 0;
}

/* As many as there are labels, which have been read. */
static int read_thresholds(struct wisp_model *model, struct json_view array, struct reason *why)
{
    struct json_view item = { NULL, NULL };
    size_t count = json_view_count(array), have = 0;

    if (!count)
        return 0;
    if (count != model->label_count)
        return refuse(why, WISP_E_INVALID, "%zu labels have %zu thresholds", model->label_count, count);
    model->thresholds = calloc(count, sizeof *model->thresholds);
    if (!model->thresholds)
        return refuse_errno(why, -ENOMEM, "%zu thresholds", count);
    while (json_view_next(array, &item)) {
        uint64_t thousandths;

        if (!json_view_whole(item, THOUSANDTHS - 1, &thousandths) || !thousandths)
            return refuse(why, WISP_E_INVALID, "thresholds[%zu] is not from 1 to %d thousandths", have,
                          THOUSANDTHS - 1);
        insist(have < count, "%zu", count);
        model->thresholds[have++] = (uint32_t)thousandths;
    }
    return 0;
}

/* What a model gives that decodes is told by its two outputs, of which the daemon writes the second as one number. */
static int read_decoding(struct wisp_model *model, struct json_view decoding, struct reason *why)
{
    const struct tensors *outputs = &model->outputs;
    uint64_t length;

    if (!json_view_is_something(decoding))
        return 0;
    if (!json_view_whole(json_view_member(decoding, "length"), UINT32_MAX, &length) || !length)
        return refuse(why, WISP_E_INVALID, "decoding.length is missing");
    if (outputs->block.count != 2 || outputs->list[0].dtype != WISP_INT32 || outputs->list[1].dtype != WISP_INT32 ||
        outputs->list[0].elements != length || outputs->block.bytes[1] != sizeof(struct wire_progress))
        return refuse(why, WISP_E_INVALID, "its outputs are not words and their progress");
    model->words_max = (uint32_t)length;
    return 0;
}

/* The name of the other half, where the model is half of one. */
static int read_decoder(struct wisp_model *model, struct json_view name, struct reason *why)
{
    int result = json_view_is_something(name) ? json_view_string(name, &model->decoder) : 0;

    if (result < 0)
        return refuse_errno(why, result, "decoder");
    if (result || (model->decoder && (!*model->decoder || strlen(model->decoder) >= WIRE_NAME_MAX)))
        return refuse(why, WISP_E_INVALID, "decoder is not the name of a model");
    return 0;
}

static int read_description(struct wisp_model *model, struct reason *why)
{
    struct json_view root;
    int result = open_text(model->json, &root, why);

    if (!result)
        result = read_text(root, "name", &model->name, why);
    if (!result)
        result = read_text(root, "processing", &model->processing, why);
    if (!result)
        result = read_binding(root, &model->description, why);
    if (!result)
        result = tensors_read(root, "inputs", "input", &model->inputs, why);
    if (!result)
        result = tensors_read(root, "outputs", "output", &model->outputs, why);
    if (!result)
        result = read_decoding(model, json_view_member(root, "decoding"), why);
    if (!result)
        result = read_decoder(model, json_view_member(root, "decoder"), why);
    if (!result)
        result = read_labels(model, json_view_member(root, "labels"), why);
    if (!result)
        result = read_thresholds(model, json_view_member(root, "thresholds"), why);
    return result;
}

int model_from_json(const char *asked, char *json, struct wisp_model **out, struct reason *why)
{
    cleanup(model_at_exit) struct wisp_model *model = calloc(1, sizeof *model);
    int result;

    if (!model) {
        free(json);
        return refuse_errno(why, -ENOMEM, "the model %s", asked);
    }
    insist(strlen(asked) < sizeof model->asked, "%s", asked);
    snprintf(model->asked, sizeof model->asked, "%s", asked);
    model->json = json;
    model->kept = calloc(1, sizeof *model->kept);
    result = model->kept ? read_description(model, why) : refuse_errno(why, -ENOMEM, "a model");
    if (result)
        return refuse_in(why, result, "what wispd says of %s", asked);
    *out = steal(&model);
    return 0;
}

/* ---- for libraries on top ---- */

WISP_EXPORT struct wisp_private_kept *
wisp_private_model_keep(const wisp_model *model, struct wisp_private_kept *(*make)(const wisp_model *model))
{
    /* Pairs with the exchange. */
    struct wisp_private_kept *kept = __atomic_load_n(model->kept, __ATOMIC_ACQUIRE), *before = NULL;

    if (kept)
        return kept;
    kept = make(model);
    if (!kept)
        return NULL;
    /* Pairs with the load above, and with itself: who comes second gets what the first one made, all of it written. */
    if (__atomic_compare_exchange_n(model->kept, &before, kept, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return kept;
    kept->release(kept);
    return before;
}

/* ---- for the program ---- */

WISP_EXPORT wisp_model *wisp_model_free(wisp_model *model)
{
    if (!model)
        return NULL;
    for (size_t i = 0; i < model->label_count; i++)
        free(model->labels[i]);
    free(model->labels);
    free(model->thresholds);
    tensors_deinit(&model->inputs);
    tensors_deinit(&model->outputs);
    free(model->json);
    free(model->name);
    free(model->processing);
    free(model->decoder);
    if (model->kept && *model->kept)
        (*model->kept)->release(*model->kept);
    free(model->kept);
    free(model);
    return NULL;
}

WISP_EXPORT const char *wisp_model_name(const wisp_model *model)
{
    return model->name;
}

WISP_EXPORT const char *wisp_model_processing(const wisp_model *model)
{
    return model->processing;
}

WISP_EXPORT const char *wisp_model_identity(const wisp_model *model)
{
    return model->description.identity;
}

WISP_EXPORT const char *wisp_model_decoder(const wisp_model *model)
{
    return model->decoder;
}

WISP_EXPORT const char *wisp_model_json(const wisp_model *model)
{
    return model->json;
}

/* The only tensor of float32; NULL when it is not as simple as that. */
static const struct tensor *simple(const struct tensors *tensors)
{
    return tensors_are_plain(tensors) ? &tensors->list[0] : NULL;
}

static size_t size_of(const struct tensor *tensor)
{
    return tensor ? tensor->elements : 0;
}

WISP_EXPORT size_t wisp_model_input_size(const wisp_model *model)
{
    return size_of(simple(&model->inputs));
}

WISP_EXPORT size_t wisp_model_output_size(const wisp_model *model)
{
    return size_of(simple(&model->outputs));
}

static size_t copy_shape(const struct tensor *tensor, uint32_t *dimensions, size_t capacity)
{
    for (size_t i = 0; tensor && i < MIN(tensor->rank, capacity); i++)
        dimensions[i] = tensor->dimensions[i];
    return tensor ? tensor->rank : 0;
}

WISP_EXPORT size_t wisp_model_input_shape(const wisp_model *model, uint32_t *dimensions, size_t capacity)
{
    return copy_shape(simple(&model->inputs), dimensions, capacity);
}

WISP_EXPORT size_t wisp_model_output_shape(const wisp_model *model, uint32_t *dimensions, size_t capacity)
{
    return copy_shape(simple(&model->outputs), dimensions, capacity);
}

WISP_EXPORT size_t wisp_model_label_count(const wisp_model *model)
{
    return model->label_count;
}

WISP_EXPORT const char *wisp_model_label(const wisp_model *model, size_t index)
{
    return index < model->label_count ? model->labels[index] : NULL;
}

WISP_EXPORT float wisp_model_threshold(const wisp_model *model, size_t index)
{
    return model->thresholds && index < model->label_count ? (float)model->thresholds[index] / THOUSANDTHS : 0;
}
