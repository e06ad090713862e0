/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/models/describe.h"
#include "daemon/models/impersonate.h"
#include "daemon/models/named_user.h"
#include "daemon/models/set.h"
#include "sparse/kernels/choice_cache.h"

/* One set that is being loaded. */
struct load {
    struct model_set *set;
    const struct config *config;
    FILE *errors; /* NULL: the log alone has them */
    struct instance_setup setup;
};

/* Each thing that is wrong, to the log and to whoever asked. */
static void __attribute__((format(printf, 2, 3))) complain(const struct load *load, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_error("%s", line);
    if (load->errors)
        fprintf(load->errors, "%s\n", line);
}

/* Where the configuration says so, with what separates it from what is said there; "" of what the command line names.
 */
enum { PLACE_MAX = 1024 };
static const char *place_of(const struct config *config, const struct instance *instance, char place[static PLACE_MAX])
{
    const struct config_model *entry = &config->models[instance->entry];

    *place = 0;
    if (config->file && entry->line)
        snprintf(place, PLACE_MAX, "%s:%u: ", config->file, entry->line);
    return place;
}

static int names_check(const struct load *load, struct reason *why)
{
    const struct model_set *set = load->set;
    const struct config *config = load->config;
    char place[PLACE_MAX];
    unsigned bad = 0;

    for (uint32_t i = 0; i < set->model_count; i++) {
        const struct instance *a = &set->models[i];

        (void)place_of(config, a, place);
        for (uint32_t j = 0; j < i; j++) {
            const struct instance *b = &set->models[j];

            if (!a->model || !b->model)
                continue; /* could not be loaded */
            if (!strcmp(a->name, b->name)) {
                complain(load, "%s%s and %s are both called \"%s\": give one another name", place,
                         config->models[b->entry].path, config->models[a->entry].path, a->name);
                bad++;
            } else if (a->preferred && b->preferred && !strcmp(a->processing, b->processing)) {
                complain(load, "%s%s and %s are both the default for %s: only one can be", place, b->name, a->name,
                         a->processing);
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
    const struct route *entry = routes_at(&set->routes, route);
    const char *name = entry ? entry->name : "";

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

    if (choice_cache_save(choices, &why))
        log_warning("%s: the next start will measure again which weight formats are the fastest", why.text);
    choice_cache_free(choices);
}

static uint64_t slow_of(const struct config *config, const struct config_model *entry)
{
    return entry->slow_ns == CONFIG_SLOW_AUTO ? config->log_slow_ns : entry->slow_ns;
}

/* A model, and the other half of one that has halves. */
static int entry_load(const struct load *load, uint32_t number, struct reason *why)
{
    const struct config_model *entry = &load->config->models[number];
    struct model_set *set = load->set;
    struct instance *instance = &set->models[set->model_count++];
    int result;

    insist(set->model_count <= 2 * load->config->model_count, "%u", set->model_count);
    instance->entry = number;
    choice_cache_set_patience(load->setup.choices, load->config->tune ? CHOICE_PATIENCE_NS : 0);
    result = instance_init(instance, entry, &load->setup, why);
    instance->slow_ns = slow_of(load->config, entry);
    set->batch_max = MAX(set->batch_max, instance->batch_max);
    if (result || !*instance->decoder_name)
        return result;
    set->models[set->model_count++].entry = number;
    result = instance_init_decoder(instance + 1, entry, &load->setup, why);
    instance[1].slow_ns = instance->slow_ns;
    return result;
}

/* All of them, so that one run names everything that is wrong. */
static int models_load(const struct load *load, struct reason *why)
{
    const struct config *config = load->config;
    struct model_set *set = load->set;
    unsigned bad = 0;
    int last = 0;

    set->models = calloc(config->model_count ? config->model_count : 1, 2 * sizeof *set->models);
    if (!set->models)
        return refuse_errno(why, -ENOMEM, "models");
    for (uint32_t i = 0; i < config->model_count; i++) {
        int result = entry_load(load, i, why);

        if (result) {
            last = explain(config, &config->models[i], result, why);
            if (last < 0)
                return last;
            complain(load, "%s", why->text);
            bad++;
        }
    }
    return bad ? refuse(why, last, "%u of %zu models cannot be served", bad, config->model_count) : 0;
}

/* What users may have. A name that the system does not know may be misspelt, and its owner be held to nothing. */
static int policies_make(const struct load *load, struct reason *why)
{
    const struct config *config = load->config;
    struct policies *policies = &load->set->policies;
    unsigned bad = 0;

    policies->usual = (struct policy){ SHARE_WEIGHT, config->limits.time_per_user, config->limits.under_way_per_user };
    policies->users = calloc(config->user_count + 1, sizeof *policies->users);
    if (!policies->users)
        return refuse_errno(why, -ENOMEM, "users");
    for (size_t i = 0; i < config->user_count; i++) {
        const struct config_user *user = &config->users[i];
        struct user_policy *own = &policies->users[policies->count];

        *own = (struct user_policy){ .policy = { user->weight, user->time, user->under_way } };
        if (named_user_find(user->user, &own->uid)) {
            complain(load, "%s:%u: users: there is no user \"%s\" on this system", config->file, user->line,
                     user->user);
            bad++;
            continue;
        }
        for (uint32_t k = 0; k < policies->count; k++) {
            if (policies->users[k].uid != own->uid)
                continue;
            complain(load, "%s:%u: users: %s is user %u, who stands here already", config->file, user->line, user->user,
                     (unsigned)own->uid);
            bad++;
            break;
        }
        policies->count++;
    }
    return bad ? refuse(why, WISP_E_CONFIG, "%u of the users cannot be served as it says", bad) : 0;
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
    free(set->policies.users);
    routes_deinit(&set->routes);
    free(set);
}

/* What the set before is made of. */
static int engines_list(const struct model_set *before, struct load *load, struct engine ***list)
{
    uint32_t count = before ? before->model_count : 0;

    *list = calloc(count + 1, sizeof **list);
    if (!*list)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        (*list)[i] = before->models[i].engine;
    load->setup.known = *list;
    load->setup.known_count = count;
    return 0;
}

static int load_all(struct load *load, const struct model_set *before, struct reason *why)
{
    cleanup_free struct engine **known = NULL;
    struct choice_cache *choices;
    int result = engines_list(before, load, &known);

    if (result)
        return refuse_errno(why, result, "models");
    choices = load->config->cache ? choice_cache_usual() : NULL;
    if (!choices && choice_cache_open(NULL, &choices)) /* nowhere to keep them: then for as long as this takes */
        return refuse_errno(why, -ENOMEM, "choices of weight formats");
    load->setup.choices = choices;
    result = models_load(load, why);
    choices_close(choices);
    if (result >= 0 && names_check(load, result ? NULL : why))
        result = WISP_E_CONFIG;
    if (result >= 0 && policies_make(load, result ? NULL : why))
        result = WISP_E_CONFIG;
    if (!result)
        result = names_make(load->set, before, why);
    return result ? result : models_describe(load->set, why);
}

int model_set_load(const struct config *config, const struct model_set *before, FILE *errors, struct model_set **out,
                   struct reason *why)
{
    const struct kernels *kernels = kernels_find(config->kernels);
    struct load load = { .config = config,
                         .errors = errors,
                         .setup = { .kernels = kernels, .shards = config->shards, .threads = config->threads } };
    int result;

    if (!kernels)
        return kernels_refuse(config->kernels, WISP_E_CONFIG, why);
    load.set = calloc(1, sizeof *load.set);
    if (!load.set)
        return refuse_errno(why, -ENOMEM, "models");
    *load.set = (struct model_set){ .holders = 1, .kernels = kernels, .batch_max = 1, .rows_max = config->limits.rows };
    result = load_all(&load, before, why);
    if (result)
        set_free(load.set);
    else
        *out = load.set;
    return result;
}

struct model_set *model_set_hold(struct model_set *set)
{
    if (set) {
        insist(set->holders > 0);
        set->holders++;
    }
    return set;
}

struct model_set *model_set_release(struct model_set *set)
{
    if (!set)
        return NULL;
    insist(set->holders > 0);
    if (!--set->holders)
        set_free(set);
    return NULL;
}
