/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/outcome.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/cost/history.h"

void history_hash(const struct structure *structure, char out[STORE_HASH_MAX])
{
    struct structure layers = *structure; /* borrows */

    memset(layers.processing, 0, sizeof layers.processing);
    structure_hash(&layers, out);
}

void history_machine(char *out, size_t size)
{
    static const char key[] = "model name";
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256], name[128] = "unknown processor";

    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');

        if (strncmp(line, key, sizeof key - 1) != 0 || !colon)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file)
        fclose(file);
    snprintf(out, size, "%.100s, %ld cores", name, sysconf(_SC_NPROCESSORS_ONLN));
}

void history_describe_plan(const struct plan *plan, const struct cost *cost, const struct cost_setting *setting,
                           enum store_event event, struct store_record *out)
{
    bool trains = event == STORE_TRAINED;

    *out = (struct store_record){ .event = event,
                                  .density = (double)plan->connections / (double)plan->potential,
                                  .potential = plan->potential,
                                  .connections = plan->connections,
                                  .arrays = plan->bytes,
                                  .layers = plan->layer_count,
                                  .neurons = cost->neurons,
                                  .bytes = cost->file_bytes,
                                  .memory = trains ? cost->train_bytes : cost->serve_bytes,
                                  .flops = trains ? cost->epoch_flops : cost->flops,
                                  .accuracy = -1,
                                  .samples = trains ? setting->samples : 0,
                                  .batch = trains ? setting->batch : 0,
                                  .threads = setting->threads };
    history_hash(&plan->structure, out->hash);
    history_machine(out->machine, sizeof out->machine);
    snprintf(out->method, sizeof out->method, "%s", density_method_name(plan->method));
}

/* A history is of this machine: beside a database elsewhere, one's own. */
static const char *local(const char *database)
{
    return database && strstr(database, "://") ? NULL : database;
}

void history_write(const char *verb, const char *database, const struct store_record *record)
{
    struct store *store;
    struct reason why;
    int result = catalog_open(local(database), true, &store, &why);

    if (!result) {
        result = store_record(store, record, &why);
        store_close(store);
    }
    if (result)
        warn_user(verb, "not recorded in the history: %s (--no-history leaves it out)", why.text);
}

/* ---- reading ---- */

static void keep_newest(struct history *history)
{
    size_t older = history->count - HISTORY_MAX;

    memmove(history->records, history->records + older, HISTORY_MAX * sizeof *history->records);
    history->count = HISTORY_MAX;
}

/* There is room for twice as many, so that the newest move seldom. */
static int collect(void *argument, const struct store_record *record)
{
    struct history *history = argument;

    if (history->count == 2 * HISTORY_MAX)
        keep_newest(history);
    history->records[history->count++] = *record;
    return 0;
}

int history_read(const char *database, enum store_event event, struct history *out, struct reason *why)
{
    struct history made = HISTORY_NULL;
    struct store *store;
    int result = store_open(local(database), false, &store, why);

    *out = HISTORY_NULL;
    if (result == -ENOENT)
        return 0;
    if (result)
        return result;
    made.records = calloc((size_t)2 * HISTORY_MAX, sizeof *made.records);
    result = made.records ? store_history(store, event, NULL, collect, &made, why)
                          : refuse_errno(why, -ENOMEM, "the history");
    store_close(store);
    if (result) {
        history_deinit(&made);
        return result;
    }
    if (made.count > HISTORY_MAX)
        keep_newest(&made);
    *out = made;
    return 0;
}

void history_deinit(struct history *history)
{
    free(history->records);
    *history = HISTORY_NULL;
}
