/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions, for the program: what there is, how it does, and models found by a name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/export.h"
#include "base/insist.h"
#include "base/json_view.h"
#include "base/size.h"
#include "base/suggest.h"
#include "client/ask.h"
#include "client/binding.h"
#include "client/last_error.h"
#include "client/model.h"

CLEANUP_DEFINE(model, struct wisp_model, wisp_model_free)

/* ---- texts ---- */

/* The answer's text also where its status is an error, of which the text's first line is what is said. */
static int ask_text(wisp_client *client, enum wire_type type, char **text)
{
    struct reply reply;
    int result = client_ask(client, type, NULL, &reply);
    const char *said;

    *text = NULL;
    if (result)
        return result;
    said = *reply.text ? reply.text : wisp_status_text(reply.status);
    if (reply.status)
        result = last_error_set(reply.status, "%.*s", (int)strcspn(said, "\n"), said);
    *text = steal(&reply.text);
    reply_deinit(&reply);
    return result;
}

static int ask_json(wisp_client *client, enum wire_type type, char **json)
{
    const int result = ask_text(client, type, json);

    if (result) {
        free(*json);
        *json = NULL;
    }
    return result;
}

WISP_EXPORT int wisp_list(wisp_client *client, char **json)
{
    return ask_json(client, WIRE_LIST, json);
}

WISP_EXPORT int wisp_status(wisp_client *client, char **json)
{
    return ask_json(client, WIRE_STATUS, json);
}

WISP_EXPORT int wisp_stats(wisp_client *client, char **json)
{
    return ask_json(client, WIRE_STATS, json);
}

WISP_EXPORT int wisp_clients(wisp_client *client, char **json)
{
    return ask_json(client, WIRE_CLIENTS, json);
}

WISP_EXPORT int wisp_reload(wisp_client *client, char **text)
{
    return ask_text(client, WIRE_RELOAD, text);
}

WISP_EXPORT int wisp_rollback(wisp_client *client, char **text)
{
    return ask_text(client, WIRE_ROLLBACK, text);
}

/* ---- finding ---- */

/* What the daemon serves, by name and type, as far as memory has room. */
struct served_names {
    char **name;
    size_t count;
};

static void names_read(struct served_names *names, struct json_view models)
{
    static const char *const keys[] = { "name", "processing" };
    struct json_view model = { NULL, NULL };
    const size_t capacity = json_view_count(models) * ARRAY_SIZE(keys);

    names->name = calloc(capacity + 1, sizeof *names->name);
    while (names->name && json_view_next(models, &model)) {
        insist(names->count + ARRAY_SIZE(keys) <= capacity, "%zu of %zu", names->count, capacity);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
            names->count += !json_view_string(json_view_member(model, keys[i]), &names->name[names->count]);
    }
}

static void names_free(struct served_names *names)
{
    while (names->count)
        free(names->name[--names->count]);
    free(names->name);
}

/* "did you mean …?", when something that the daemon serves is spelt much like it. */
static void suggest_model(wisp_client *client, const char *name)
{
    struct reason before = *last_error();
    struct served_names names = { .count = 0 };
    cleanup_free char *list = NULL;
    struct json_view models;
    const char *best;

    if (!wisp_list(client, &list) && !json_view_open(list, strlen(list), &models, NULL))
        names_read(&names, models);
    *last_error() = before;
    best = suggest(name, (const char *const *)names.name, names.count);
    if (best)
        (void)last_error_set(0, "%s; did you mean %s?", before.text, best);
    names_free(&names);
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

WISP_EXPORT int wisp_find(wisp_client *client, const char *name, wisp_model **out)
{
    cleanup(model_at_exit) struct wisp_model *model = NULL;
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
        result = model_from_json(name, steal(&reply.text), &model, last_error());
    /* If the daemon was exchanged just now, client_bind() asks again. */
    if (model)
        result = binding_note(client, name, &model->description, &reply, &binding);
    if (!result)
        *out = steal(&model);
    reply_deinit(&reply);
    return result;
}
