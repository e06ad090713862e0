/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "daemon/models/describe.h"
#include "daemon/models/impersonate.h"
#include "daemon/models/set.h"
#include "sparse/kernels/choice_cache.h"

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
                log_error("%s and %s are both called \"%s\": give one another name", config->models[b->entry].path,
                          config->models[a->entry].path, a->name);
                bad++;
            } else if (a->preferred && b->preferred && !strcmp(a->processing, b->processing)) {
                log_error("%s and %s are both the default for %s: only one can be", b->name, a->name, a->processing);
                bad++;
            }
        }
    }
    return bad ? refuse(why, WISP_E_CONFIG, "models are in each other's way") : 0;
}

/* Routes, and who answers for its processing type. */
static int names_make(struct model_set *set, const struct model_set *before, struct reason *why)
{
    int result = routes_make(&set->routes, set->models, set->model_count, before ? &before->routes : NULL);

    if (result)
        return refuse_errno(why, result, "routes");
    for (uint32_t i = 0; i < set->model_count; i++) {
        const char *processing = set->models[i].processing;

        set->models[i].answers =
            model_set_route(set, model_set_find(set, processing, strlen(processing))) == &set->models[i];
    }
    return 0;
}

int model_set_missing(const struct model_set *set, uint32_t route)
{
    const char *name = route < set->routes.count ? set->routes.entries[route].name : "";

    return model_set_find(set, name, strlen(name)) != ROUTE_NONE ? WISP_E_CHANGED : WISP_E_NO_MODEL;
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

/* What was measured now is measured; to lose it costs the next start some time. */
static void choices_close(struct choice_cache *choices)
{
    struct reason why;

    if (choices && choice_cache_save(choices, &why))
        log_warning("%s: the next start will measure again which weight formats are the fastest", why.text);
    choice_cache_free(choices);
}

/* A model, and the other half of one that has halves. */
static int entry_load(struct model_set *set, const struct config *config, uint32_t number,
                      const struct instance_setup *setup, struct reason *why)
{
    const struct config_model *entry = &config->models[number];
    struct instance *instance = &set->models[set->model_count++];
    int result;

    instance->entry = number;
    result = instance_init(instance, entry, setup, why);
    set->batch_max = MAX(set->batch_max, instance->batch_max);
    if (result || !*instance->decoder_name)
        return result;
    set->models[set->model_count++].entry = number;
    return instance_init_decoder(instance + 1, entry, setup, why);
}

/* All of them, so that one run names everything that is wrong. */
static int models_load(struct model_set *set, const struct config *config, struct choice_cache *choices,
                       struct reason *why)
{
    const struct instance_setup setup = { set->kernels, choices };
    unsigned bad = 0;
    int last = 0;

    set->models = calloc(config->model_count ? config->model_count : 1, 2 * sizeof *set->models);
    if (!set->models)
        return refuse_errno(why, -ENOMEM, "models");
    for (uint32_t i = 0; i < config->model_count; i++) {
        int result = entry_load(set, config, i, &setup, why);

        if (result) {
            last = explain(config, &config->models[i], result, why);
            if (last < 0)
                return last;
            log_error("%s", why->text);
            bad++;
        }
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
    routes_deinit(&set->routes);
    free(set);
}

/* Whoever has named them, and what there is. */
static int refuse_kernels(const struct config *config, struct reason *why)
{
    bool forced = !strcmp(config->kernels, "auto");
    char names[128] = "auto";
    const struct kernels *kernels;

    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        size_t length = strlen(names);

        snprintf(names + length, sizeof names - length, ", %s", kernels->name);
    }
    return refuse(why, WISP_E_CONFIG, "%s %s: such kernels are unknown, or this CPU cannot run them; there are: %s",
                  forced ? "WISP_CPU is" : "kernels:", forced ? getenv("WISP_CPU") : config->kernels, names);
}

int model_set_load(const struct config *config, const struct model_set *before, struct model_set **out,
                   struct reason *why)
{
    const struct kernels *kernels = kernels_find(config->kernels);
    struct choice_cache *choices;
    struct model_set *set;
    int result;

    if (!kernels)
        return refuse_kernels(config, why);
    set = calloc(1, sizeof *set);
    if (!set)
        return refuse_errno(why, -ENOMEM, "models");
    *set = (struct model_set){ .holders = 1, .kernels = kernels, .batch_max = 1, .rows_max = config->limits.rows };
    choices = config->cache ? choice_cache_usual() : NULL;
    result = models_load(set, config, choices, why);
    choices_close(choices);
    if (result >= 0 && names_check(set, config, result ? NULL : why))
        result = WISP_E_CONFIG;
    if (!result)
        result = names_make(set, before, why);
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
