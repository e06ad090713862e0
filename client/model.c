/* SPDX-License-Identifier: Apache-2.0
 *
 * Models: found by a name, described by the daemon in JSON, read here once.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/suggest.h"
#include "client/client.h"
#include "client/model.h"

/* Beyond this a single sample fits no arena. */
#define ELEMENTS_MAX (WIRE_ARENA_MAX / sizeof(float))

static void json_drop(json_t **value)
{
    json_decref(*value);
}

#define cleanup_json cleanup(json_drop)

/* ---- reading a description ---- */

static int read_shape(const json_t *root, const char *side, struct tensor_shape *out, struct reason *why)
{
    const json_t *object = json_object_get(root, side);
    const json_t *shape = json_object_get(object, "shape"), *value;
    uint64_t product = 1;
    size_t i;

    out->rank = json_array_size(shape);
    if (!out->rank || out->rank > MODEL_RANK_MAX)
        return refuse(why, WISP_E_INVALID, "%s.shape has %zu dimensions: 1 to %d are possible", side, out->rank,
                      MODEL_RANK_MAX);
    json_array_foreach((json_t *)shape, i, value)
    {
        json_int_t dimension = json_integer_value(value);

        if (dimension < 1 || dimension > (json_int_t)ELEMENTS_MAX ||
            !size_multiply(product, (uint64_t)dimension, &product) || product > ELEMENTS_MAX)
            return refuse(why, WISP_E_INVALID, "%s.shape[%zu] is not possible: %" JSON_INTEGER_FORMAT, side, i,
                          dimension);
        out->dimensions[i] = (uint32_t)dimension;
    }
    out->elements = product;
    if (json_integer_value(json_object_get(object, "elements")) != (json_int_t)product)
        return refuse(why, WISP_E_INVALID, "%s.elements is not the product of %s.shape", side, side);
    return 0;
}

static json_t *parse(const char *text, struct reason *why)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    if (!root)
        (void)refuse(why, WISP_E_INVALID, "line %d, column %d: %s", error.line, error.column, error.text);
    return root;
}

static int read_binding(const json_t *root, struct description *out, struct reason *why)
{
    const char *identity = json_string_value(json_object_get(root, "identity"));
    json_int_t rows = json_integer_value(json_object_get(root, "rows_most"));

    if (!identity || !*identity || strlen(identity) >= sizeof out->identity)
        return refuse(why, WISP_E_INVALID, "identity is not a text of 1 to %zu bytes", sizeof out->identity - 1);
    if (rows < 1 || rows > WIRE_ROWS_MAX)
        return refuse(why, WISP_E_INVALID, "rows_most is not a number from 1 to %d", WIRE_ROWS_MAX);
    memcpy(out->identity, identity, strlen(identity) + 1);
    out->rows_max = (uint32_t)rows;
    return 0;
}

int description_read(const char *text, struct description *out, struct reason *why)
{
    cleanup_json json_t *root = parse(text, why);

    return root ? read_binding(root, out, why) : WISP_E_INVALID;
}

static int read_labels(struct wisp_model *model, const json_t *array, struct reason *why)
{
    size_t count = json_array_size(array);

    if (!count)
        return 0;
    model->labels = calloc(count, sizeof *model->labels);
    if (!model->labels)
        return refuse_errno(why, -ENOMEM, "%zu labels", count);
    for (size_t i = 0; i < count; i++) {
        const char *label = json_string_value(json_array_get(array, i));

        if (!label)
            return refuse(why, WISP_E_INVALID, "labels[%zu] is not a text", i);
        model->labels[i] = strdup(label);
        if (!model->labels[i])
            return refuse_errno(why, -ENOMEM, "%zu labels", count);
        model->label_count++;
    }
    return 0;
}

/* Its own fault is no reason not to use the model: who has tensors needs no media. */
static int read_media(struct wisp_model *model, const json_t *media)
{
    cleanup_free char *text = NULL;

    if (!media || json_is_null(media)) {
        (void)refuse(&model->media_why, 0,
                     "it does not say how they become tensors, which wisp train adds to a model: give it tensors");
        return 0;
    }
    text = json_dumps(media, JSON_COMPACT);
    if (!text)
        return -ENOMEM;
    if (!media_parse(text, &model->media, &model->media_why) && media_elements(model->media) != model->input.elements) {
        (void)refuse(&model->media_why, 0, "its media make %zu numbers where it takes %" PRIu64,
                     media_elements(model->media), model->input.elements);
        model->media = media_free(model->media);
    }
    return 0;
}

static int read_text(const json_t *root, const char *key, char **out, struct reason *why)
{
    const char *value = json_string_value(json_object_get(root, key));

    if (!value || !*value)
        return refuse(why, WISP_E_INVALID, "%s is missing", key);
    *out = strdup(value);
    return *out ? 0 : refuse_errno(why, -ENOMEM, "%s", key);
}

static int read_description(struct wisp_model *model, struct reason *why)
{
    cleanup_json json_t *root = parse(model->json, why);
    int result = root ? 0 : WISP_E_INVALID;

    if (!result)
        result = read_text(root, "name", &model->name, why);
    if (!result)
        result = read_text(root, "processing", &model->processing, why);
    if (!result)
        result = read_binding(root, &model->description, why);
    if (!result)
        result = read_shape(root, "input", &model->input, why);
    if (!result)
        result = read_shape(root, "output", &model->output, why);
    if (!result)
        result = read_labels(model, json_object_get(root, "labels"), why);
    if (!result)
        result = read_media(model, json_object_get(root, "media"));
    return result;
}

/* ---- finding ---- */

/* "did you mean …?", when something that the daemon serves is spelt much like it. */
static void suggest_model(wisp_client *client, const char *name)
{
    struct reason before = *last_error();
    cleanup_free const char **candidates = NULL;
    cleanup_free char *list = NULL;
    cleanup_json json_t *root = NULL;
    const char *best;
    size_t count = 0;

    root = wisp_list(client, &list) ? NULL : parse(list, NULL);
    candidates = calloc(json_array_size(root) * 2 + 1, sizeof *candidates);
    *last_error() = before;
    if (!root || !candidates)
        return;
    for (size_t i = 0; i < json_array_size(root); i++) {
        const json_t *model = json_array_get(root, i);

        candidates[count++] = json_string_value(json_object_get(model, "name"));
        candidates[count++] = json_string_value(json_object_get(model, "processing"));
    }
    best = suggest(name, candidates, count);
    if (best)
        (void)last_error_set(0, "%s; did you mean %s?", before.text, best);
}

static int refuse_model(wisp_client *client, const char *name, const struct reply *reply)
{
    (void)last_error_set(reply->status, "%s", *reply->text ? reply->text : wisp_status_text(reply->status));
    if (reply->status == WISP_E_NO_MODEL)
        suggest_model(client, name);
    return reply->status;
}

static int check_name(const char *name)
{
    size_t length = strlen(name);

    if (!length)
        return last_error_set(WISP_E_INVALID, "the name of a model is empty");
    if (length >= WIRE_NAME_MAX)
        return last_error_set(WISP_E_NO_MODEL, "no model has a name of %zu characters: at most %d are possible", length,
                              WIRE_NAME_MAX - 1);
    return 0;
}

CLEANUP_DEFINE(cleanup_model, struct wisp_model, wisp_model_free)

static int build(const char *name, struct reply *reply, struct wisp_model **out)
{
    cleanup(cleanup_model_at_exit) struct wisp_model *model = calloc(1, sizeof *model);
    int result;

    if (!model)
        return refuse_errno(last_error(), -ENOMEM, "the model %s", name);
    snprintf(model->asked, sizeof model->asked, "%s", name); /* check_name() has seen that it fits */
    model->json = steal(&reply->text);
    result = read_description(model, last_error());
    if (result)
        return refuse_in(last_error(), result, "what wispd says of %s", name);
    *out = steal(&model);
    return 0;
}

WISP_EXPORT int wisp_find(wisp_client *client, const char *name, wisp_model **out)
{
    cleanup(cleanup_model_at_exit) struct wisp_model *model = NULL;
    struct binding *binding;
    struct reply reply;
    int result = check_name(name);

    *out = NULL;
    if (!result)
        result = client_ask(client, WIRE_DESCRIBE, name, &reply);
    if (result)
        return result;
    if (reply.status)
        result = refuse_model(client, name, &reply);
    else
        result = build(name, &reply, &model);
    /* If the daemon was exchanged just now, binding_get() asks again. */
    if (model)
        result = binding_note(client, name, &model->description, &reply, &binding);
    if (!result)
        *out = steal(&model);
    reply_deinit(&reply);
    return result;
}

WISP_EXPORT wisp_model *wisp_model_free(wisp_model *model)
{
    if (!model)
        return NULL;
    for (size_t i = 0; i < model->label_count; i++)
        free(model->labels[i]);
    free(model->labels);
    free(model->json);
    free(model->name);
    free(model->processing);
    media_free(model->media);
    free(model);
    return NULL;
}

/* ---- what it is ---- */

const char *model_asked(const wisp_model *model)
{
    return model->asked;
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

WISP_EXPORT const char *wisp_model_json(const wisp_model *model)
{
    return model->json;
}

WISP_EXPORT size_t wisp_model_input_size(const wisp_model *model)
{
    return model->input.elements;
}

WISP_EXPORT size_t wisp_model_output_size(const wisp_model *model)
{
    return model->output.elements;
}

static size_t copy_shape(const struct tensor_shape *shape, uint32_t *dimensions, size_t capacity)
{
    for (size_t i = 0; i < MIN(shape->rank, capacity); i++)
        dimensions[i] = shape->dimensions[i];
    return shape->rank;
}

WISP_EXPORT size_t wisp_model_input_shape(const wisp_model *model, uint32_t *dimensions, size_t capacity)
{
    return copy_shape(&model->input, dimensions, capacity);
}

WISP_EXPORT size_t wisp_model_output_shape(const wisp_model *model, uint32_t *dimensions, size_t capacity)
{
    return copy_shape(&model->output, dimensions, capacity);
}

WISP_EXPORT size_t wisp_model_label_count(const wisp_model *model)
{
    return model->label_count;
}

WISP_EXPORT const char *wisp_model_label(const wisp_model *model, size_t index)
{
    return index < model->label_count ? model->labels[index] : NULL;
}
