/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json/json_memory.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/models/changes.h"

enum change { CHANGE_KEPT, CHANGE_LOADED, CHANGE_ADDED, CHANGE_REMOVED, CHANGES };

static const char *const change_names[CHANGES] = { "kept", "loaded", "added", "removed" };

static const struct instance *find(const struct model_set *set, const char *name)
{
    for (uint32_t i = 0; i < set->model_count; i++) {
        if (!strcmp(set->models[i].name, name))
            return &set->models[i];
    }
    return NULL;
}

static enum change change_of(const struct model_set *before, const struct instance *instance)
{
    const struct instance *other = find(before, instance->name);

    if (!other)
        return CHANGE_ADDED;
    return other->engine == instance->engine ? CHANGE_KEPT : CHANGE_LOADED;
}

/* A list of names for each change. */
static void gather(const struct loading *loading, json_t *lists[CHANGES])
{
    const struct model_set *now = loading->set, *before = loading->before;

    for (int i = 0; i < CHANGES; i++)
        lists[i] = json_array();
    for (uint32_t i = 0; i < now->model_count; i++)
        json_array_append_new(lists[change_of(before, &now->models[i])], json_string(now->models[i].name));
    for (uint32_t i = 0; i < before->model_count; i++) {
        if (!find(now, before->models[i].name))
            json_array_append_new(lists[CHANGE_REMOVED], json_string(before->models[i].name));
    }
}

/* The lines of a text. */
static json_t *lines_of(const char *text)
{
    json_t *list = json_array();

    while (text && *text) {
        size_t length = strcspn(text, "\n");

        json_array_append_new(list, json_stringn(text, length));
        text += length + (text[length] == '\n');
    }
    return list;
}

char *changes_text(const struct loading *loading, uint64_t ns, bool can_roll_back)
{
    json_t *object = json_object(), *lists[CHANGES];
    char *text;

    gather(loading, lists);
    json_object_set_new(object, "models", json_integer(loading->set->model_count));
    for (int i = 0; i < CHANGES; i++)
        json_object_set_new(object, change_names[i], lists[i]);
    json_object_set_new(object, "restart", lines_of(loading->restart));
    json_object_set_new(object, "can_roll_back", json_boolean(can_roll_back));
    json_object_set_new(object, "ms", json_integer((json_int_t)(ns / NS_PER_MS)));
    text = object ? json_to_text(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

/* "; loaded: a, b", as far as a line has room. */
static void print_list(char *line, size_t capacity, const char *what, const json_t *list)
{
    const json_t *name;
    size_t i;

    json_array_foreach(list, i, name)
    {
        size_t length = strlen(line);

        snprintf(line + length, capacity - length, "%s%s", i ? ", " : what, json_string_value(name));
    }
}

void changes_log(const struct loading *loading, uint64_t ns)
{
    char line[LOG_LINE_MAX] = "";
    json_t *lists[CHANGES], *keys = lines_of(loading->restart);

    gather(loading, lists);
    print_list(line, sizeof line, "; loaded: ", lists[CHANGE_LOADED]);
    print_list(line, sizeof line, "; added: ", lists[CHANGE_ADDED]);
    print_list(line, sizeof line, "; removed: ", lists[CHANGE_REMOVED]);
    log_notice("%s: serving %u model%s, %zu as before%s; in %llu ms",
               loading->kind == LOADING_BEFORE ? "rollback" : "reload", loading->set->model_count,
               loading->set->model_count == 1 ? "" : "s", json_array_size(lists[CHANGE_KEPT]), line,
               (unsigned long long)(ns / NS_PER_MS));
    line[0] = 0;
    print_list(line, sizeof line, "", keys);
    if (*line)
        log_warning("reload: a restart is needed for what has changed of: %s", line);
    for (int i = 0; i < CHANGES; i++)
        json_decref(lists[i]);
    json_decref(keys);
}
