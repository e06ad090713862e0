/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure show --curves: the history in the database as a page.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/outcome.h"
#include "forge/catalog.h"
#include "forge/draw/curves.h"
#include "forge/history.h"
#include "forge/structure_picture.h"

struct gathering {
    struct curve_run *runs;
    size_t count, capacity;
};

static int gather(void *argument, const struct store_record *record)
{
    struct gathering *gathering = argument;

    if (gathering->count == gathering->capacity) {
        size_t capacity = gathering->capacity ? gathering->capacity * 2 : 64;
        struct curve_run *runs = realloc(gathering->runs, capacity * sizeof *runs);

        if (!runs)
            return -ENOMEM;
        gathering->runs = runs;
        gathering->capacity = capacity;
    }
    gathering->runs[gathering->count++] = (struct curve_run){ .trained = record->event == STORE_TRAINED,
                                                              .connections = (double)record->connections,
                                                              .density = record->density,
                                                              .bytes = (double)record->bytes,
                                                              .seconds = record->seconds,
                                                              .accuracy = record->accuracy };
    return 0;
}

static int read_history(const char *database, const char *hash, struct gathering *gathering, struct reason *why)
{
    struct store *store;
    int result = catalog_open(database, false, &store, why);

    if (result)
        return result;
    result = store_history(store, STORE_BUILT, hash, gather, gathering, why);
    if (!result)
        result = store_history(store, STORE_TRAINED, hash, gather, gathering, why);
    store_close(store);
    return result;
}

int curves_make(const char *verb, const struct plan_options *plan, const struct picture_options *options)
{
    struct gathering gathering = { .runs = NULL };
    cleanup_free struct curve_run *runs = NULL;
    bool one = plan->structure || plan->layers;
    char hash[STORE_HASH_MAX] = "", name[MODEL_NAME_MAX] = "this structure";
    struct reason why;
    struct scene scene;
    int result;

    if (one) {
        struct structure structure;
        int status = structure_from_options(verb, plan, NULL, &structure);

        if (status)
            return status;
        history_hash(&structure, hash);
        if (structure.name[0])
            snprintf(name, sizeof name, "%s", structure.name);
        else if (plan->layers)
            snprintf(name, sizeof name, "%s", plan->layers);
        structure_deinit(&structure);
    }
    result = read_history(plan->database, one ? hash : NULL, &gathering, &why);
    runs = gathering.runs;
    if (result)
        return fail(verb, exit_for_input(result), "%s", why.text);
    if (!gathering.count)
        return fail(verb, EXIT_DATA,
                    "nothing was built or trained here yet%s%s; `wisp build` and `wisp train` keep the history",
                    one ? " of " : "", one ? name : "");
    result = draw_curves(one ? name : "History", runs, gathering.count, &scene, &why);
    if (!result) {
        result = pictures_write(&scene, options, &why);
        scene_deinit(&scene);
    }
    return result ? fail(verb, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}
