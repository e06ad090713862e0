/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "daemon/models/describe.h"
#include "daemon/models/impersonate.h"
#include "daemon/models/set.h"

/* ---- routes ---- */

uint32_t model_set_find(const struct model_set *set, const char *name, size_t length)
{
    for (uint32_t route = 1; route < set->route_count; route++) {
        if (strlen(set->routes[route].name) == length && !memcmp(set->routes[route].name, name, length))
            return route;
    }
    return ROUTE_NONE;
}

static void route_add(struct model_set *set, const char *name, size_t length, uint32_t model)
{
    struct route *route;

    if (!length || length >= sizeof route->name || model_set_find(set, name, length) != ROUTE_NONE)
        return;
    route = &set->routes[set->route_count++];
    memcpy(route->name, name, length);
    route->name[length] = 0;
    route->model = model;
}

static size_t modality_length(const char *processing)
{
    return strcspn(processing, ".");
}

static int names_check(const struct model_set *set, const struct config *config, struct reason *why)
{
    unsigned bad = 0;

    for (uint32_t i = 0; i < set->model_count; i++) {
        const struct instance *a = &set->models[i];

        for (uint32_t j = 0; j < i; j++) {
            const struct instance *b = &set->models[j];

            if (!a->model || !b->model)
                continue; /* could not be loaded */
            if (!strcmp(a->name, b->name)) {
                log_error("%s and %s are both called \"%s\": give one another name", config->models[j].path,
                          config->models[i].path, a->name);
                bad++;
            } else if (a->preferred && b->preferred && !strcmp(a->processing, b->processing)) {
                log_error("%s and %s are both the default for %s: only one can be", b->name, a->name, a->processing);
                bad++;
            }
        }
    }
    return bad ? refuse(why, WISP_E_CONFIG, "models are in each other's way") : 0;
}

/* Names first, then processing types, then modalities; at each step the preferred models come first, and the first one
 * to claim a name keeps it. */
static int routes_make(struct model_set *set, struct reason *why)
{
    set->routes = calloc(1 + 3 * (size_t)set->model_count, sizeof *set->routes);
    if (!set->routes)
        return refuse_errno(why, -ENOMEM, "routes");
    set->route_count = 1;
    for (uint32_t i = 0; i < set->model_count; i++)
        route_add(set, set->models[i].name, strlen(set->models[i].name), i);
    for (int step = 0; step < 4; step++) {
        for (uint32_t i = 0; i < set->model_count; i++) {
            const char *processing = set->models[i].processing;
            size_t length = step < 2 ? strlen(processing) : modality_length(processing);

            if (set->models[i].preferred == !(step & 1))
                route_add(set, processing, length, i);
        }
    }
    for (uint32_t i = 0; i < set->model_count; i++) {
        const char *processing = set->models[i].processing;
        const struct instance *answering = model_set_route(set, model_set_find(set, processing, strlen(processing)));

        set->models[i].answers = answering == &set->models[i];
    }
    return 0;
}

/* ---- all ---- */

/* What it is that cannot be served, and where the configuration says so. */
static int explain(const struct config *config, const struct config_model *entry, int result, struct reason *why)
{
    if (result == -ENOMEM)
        return result;
    if (result == -EACCES)
        (void)impersonate_denied(entry->path, why);
    if (config->file && entry->line)
        refuse_in(why, result, "%s:%u", config->file, entry->line);
    /* A file that is missing or unreadable is the configuration's fault: starting again does not help. */
    return result < 0 ? WISP_E_CONFIG : result;
}

/* All of them, so that one run names everything that is wrong. */
static int models_load(struct model_set *set, const struct config *config, struct reason *why)
{
    unsigned bad = 0;
    int last = 0;

    set->models = calloc(config->model_count ? config->model_count : 1, sizeof *set->models);
    if (!set->models)
        return refuse_errno(why, -ENOMEM, "models");
    for (size_t i = 0; i < config->model_count; i++) {
        const struct config_model *entry = &config->models[i];
        int result = instance_init(&set->models[set->model_count++], entry, set->kernels, why);

        if (result) {
            last = explain(config, entry, result, why);
            if (last < 0)
                return last;
            log_error("%s", why->text);
            bad++;
        }
        set->batch_max = MAX(set->batch_max, set->models[i].batch_max);
    }
    return bad ? refuse(why, last, "%u of %zu models cannot be served", bad, config->model_count) : 0;
}

static int models_describe(struct model_set *set, struct reason *why)
{
    int result = 0;

    for (uint32_t i = 0; !result && i < set->model_count; i++)
        result = instance_describe(&set->models[i], set->kernels, set->rows_max);
    return result ? refuse_errno(why, result, "describing models") : 0;
}

static void set_free(struct model_set *set)
{
    for (uint32_t i = 0; i < set->model_count; i++)
        instance_deinit(&set->models[i]);
    free(set->models);
    free(set->routes);
    free(set);
}

int model_set_load(const struct config *config, struct model_set **out, struct reason *why)
{
    const struct kernels *kernels = kernels_find(config->kernels);
    struct model_set *set;
    int result;

    if (!kernels)
        return refuse(why, WISP_E_CONFIG, "kernels \"%s\" are unknown or this CPU cannot run them: use \"auto\"",
                      config->kernels);
    set = calloc(1, sizeof *set);
    if (!set)
        return refuse_errno(why, -ENOMEM, "models");
    *set = (struct model_set){ .holders = 1, .kernels = kernels, .batch_max = 1, .rows_max = config->limits.rows };
    result = models_load(set, config, why);
    if (result >= 0 && names_check(set, config, result ? NULL : why))
        result = WISP_E_CONFIG;
    if (!result)
        result = routes_make(set, why);
    if (!result)
        result = models_describe(set, why);
    if (result)
        set_free(set);
    else
        *out = set;
    return result;
}

struct model_set *model_set_hold(struct model_set *set)
{
    if (set)
        set->holders++;
    return set;
}

struct model_set *model_set_release(struct model_set *set)
{
    if (set && !--set->holders)
        set_free(set);
    return NULL;
}
