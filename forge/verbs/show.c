/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp-forge show FILE: what is in a model file, as JSON. `wisp show FILE` is what prints it for a person: so a file
 * and a model that is served look alike.
 */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/json/json_memory.h"
#include "base/options.h"
#include "base/outcome.h"
#include "forge/timing/layer_times.h"
#include "forge/verbs/verb.h"
#include "sparse/file/model_file.h"
#include "sparse/file/model_json.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/forward.h"

#define VERB "show"

enum { BATCH = 32 }; /* wispd's own, unless it is told otherwise */

CLEANUP_DEFINE(model, struct model, model_free)
CLEANUP_DEFINE(choices, struct choice_cache, choice_cache_free)
CLEANUP_DEFINE(forward, struct forward, forward_free)

/* The first layer that this version cannot serve; NULL: it serves them all. */
static const struct layer *find_obstacle(const struct model *model)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (!layer_kind_serves(model->layers[i].kind))
            return &model->layers[i];
    }
    return NULL;
}

static json_t *describe(const struct model *model, const struct forward *forward, const struct kernels *kernels,
                        const char *path)
{
    const struct layer *obstacle = find_obstacle(model);
    json_t *object = model_json_summary(model, &model->signature);

    model_json_details(object, model, &(struct model_json_plans){ &forward, forward != NULL, BATCH });
    json_object_set_new(object, "file", json_string(path));
    json_object_set_new(object, "file_bytes", json_integer((json_int_t)model->file_size));
    if (forward) {
        json_object_set_new(object, "memory_bytes",
                            json_integer((json_int_t)model_memory(model) + (json_int_t)forward_memory(forward)));
        json_object_set_new(object, "kernels", json_string(kernels->name));
    }
    if (obstacle)
        json_object_set_new(
            object, "obstacle",
            json_sprintf("this version cannot serve it: %s is of kind %s", obstacle->name, obstacle->kind->name));
    return object;
}

static void add_times(json_t *object, const json_t *times)
{
    json_t *layers = json_object_get(object, "layers"), *layer;
    size_t i;

    json_array_foreach(layers, i, layer) json_object_update(layer, json_array_get(times, i));
}

static int print(json_t *object)
{
    int result = json_to_file(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

    json_decref(object);
    putchar('\n');
    return result == -ENOMEM ? fail(VERB, EXIT_FAILED, "out of memory") : EXIT_DONE;
}

int verb_show(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "MODEL.safetensors [--kernels]",
        .summary = "Prints what is in a model file, as a JSON object.",
    };
    struct operands file = { .min = 1, .max = 1, .what = "the model file" };
    struct option_table table = { .count = 0 };
    const struct kernels *kernels = kernels_find("auto");
    cleanup(model_at_exit) struct model *model = NULL;
    cleanup(forward_at_exit) struct forward *forward = NULL;
    cleanup(choices_at_exit) struct choice_cache *choices = choice_cache_usual();
    cleanup_json json_t *times = NULL;
    json_t *object;
    bool timing = false;
    struct reason why;
    int status, result;

    if (!choices && choice_cache_open(NULL, &choices)) /* nowhere to keep them */
        return fail(VERB, EXIT_FAILED, "out of memory");
    option_flag(&table, "kernels", 'k', &timing, "time each layer, and what it would take if it were dense");
    if (!options_read(&usage, &table, argc, argv, &file, &status))
        return status;
    if (!kernels) {
        (void)kernels_refuse("auto", WISP_E_INVALID, &why);
        return fail(VERB, EXIT_USAGE, "%s", why.text);
    }
    result = model_read(file.words[0], &model, &why);
    if (!result && !find_obstacle(model))
        result = forward_new(
            &(struct forward_setup){ .model = model, .kernels = kernels, .batch = BATCH, .choices = choices }, &forward,
            &why);
    if (!result && forward && timing)
        result = layer_times(model, kernels, choices, &times, &why);
    if (choices)
        (void)choice_cache_save(choices, NULL);              /* then it is measured again next time */
    if (!result && forward && forward_strip(forward, model)) /* as wispd does, so that memory_bytes is the same */
        result = refuse_errno(&why, -ENOMEM, "%s", file.words[0]);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    object = describe(model, forward, kernels, file.words[0]);
    add_times(object, times);
    return print(object);
}
