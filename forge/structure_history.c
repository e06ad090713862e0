/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure history: what was built and trained here, as estimates see it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/options.h"
#include "base/outcome.h"
#include "forge/catalog.h"
#include "forge/history.h"
#include "forge/lineage.h"
#include "forge/structure_actions.h"

#define VERB "structure history"

static const char *event_name(enum store_event event)
{
    return event == STORE_BUILT ? "built" : "trained";
}

static json_t *record_json(const struct store_record *r)
{
    json_t *object =
        json_pack("{s:s s:I s:s s:s s:s s:f s:I s:I s:I s:I s:I s:I s:I s:f s:I s:I}", "event", event_name(r->event),
                  "time", (json_int_t)r->time, "hash", r->hash, "machine", r->machine, "method", r->method, "density",
                  r->density, "potential", (json_int_t)r->potential, "connections", (json_int_t)r->connections,
                  "arrays", (json_int_t)r->arrays, "layers", (json_int_t)r->layers, "neurons", (json_int_t)r->neurons,
                  "bytes", (json_int_t)r->bytes, "memory", (json_int_t)r->memory, "flops", r->flops, "threads",
                  (json_int_t)r->threads, "samples", (json_int_t)r->samples);

    if (object && r->seconds > 0)
        json_object_set_new(object, "seconds", json_real(r->seconds));
    if (object && r->event == STORE_TRAINED) {
        json_object_set_new(object, "epochs", json_integer((json_int_t)r->epochs));
        json_object_set_new(object, "batch", json_integer((json_int_t)r->batch));
    }
    if (object && r->accuracy >= 0)
        json_object_set_new(object, "accuracy", json_real(r->accuracy));
    return object;
}

static void print_record(const struct store_record *r)
{
    char when[32] = "", bytes[24], seconds[24] = "-", accuracy[24] = "-";
    time_t time = (time_t)r->time;
    struct tm local;

    if (localtime_r(&time, &local))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
    cost_text((double)r->bytes, "B", bytes, sizeof bytes);
    if (r->seconds > 0)
        snprintf(seconds, sizeof seconds, "%.4g", r->seconds);
    if (r->accuracy >= 0)
        snprintf(accuracy, sizeof accuracy, "%.2f %%", 100 * r->accuracy);
    printf("%-16s  %-7s  %.8s  %-8s  %8.4f %%  %12llu  %10s  %10s  %8s  %8llu\n", when, event_name(r->event), r->hash,
           r->method, 100 * (1 - r->density), (unsigned long long)r->connections, bytes, seconds, accuracy,
           (unsigned long long)r->samples);
}

static int print_all(const struct history *histories, bool json)
{
    json_t *array = json ? json_array() : NULL;
    int result = 0;

    if (!json && histories[0].count + histories[1].count)
        printf("%-16s  %-7s  %-8s  %-8s  %10s  %12s  %10s  %10s  %8s  %8s\n", "time", "event", "layers", "method",
               "sparsity", "connections", "file", "seconds", "accuracy", "samples");
    for (int e = 0; e < 2; e++) {
        for (size_t i = 0; i < histories[e].count; i++) {
            if (json)
                json_array_append_new(array, record_json(&histories[e].records[i]));
            else
                print_record(&histories[e].records[i]);
        }
    }
    if (json) {
        result = json_dumpf(array, stdout, JSON_FORM);
        putchar('\n');
        json_decref(array);
    }
    return result ? fail(VERB, EXIT_FAILED, "cannot print the history as JSON") : EXIT_DONE;
}

/* Keeps the records of one structure. */
static void keep_only(struct history *history, const char *hash)
{
    size_t kept = 0;

    for (size_t i = 0; i < history->count; i++) {
        if (!strcmp(history->records[i].hash, hash))
            history->records[kept++] = history->records[i];
    }
    history->count = kept;
}

static int find_hash(const char *database, const char *name, char hash[STORE_HASH_MAX], struct reason *why)
{
    struct structure structure;
    int result = catalog_find(database, name, &structure, why);

    if (result)
        return result;
    result = structure_plan(&structure, why);
    history_hash(&structure, hash);
    structure_deinit(&structure);
    return result;
}

int structure_history(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "[NAME|FILE.yaml] [--json] [--db FILE]",
        .summary =
            "Lists what was built and trained here: of all structures, or of one. Seconds are those of building,\n"
            "or of the fastest epoch. `wisp build` and `wisp structure show` estimate from it.",
        .examples = "  wisp structure history lenet-300-100\n",
    };
    struct history histories[2] = { HISTORY_NULL, HISTORY_NULL };
    struct operands name = { .most = 1 };
    struct option_table table = { .count = 0 };
    const char *database = NULL;
    char hash[STORE_HASH_MAX];
    struct reason why;
    bool json = false;
    int status, result = 0;

    option_text(&table, "db", 0, &database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    option_flag(&table, "json", 0, &json, "print one JSON array");
    if (!options_read(&usage, &table, argc, argv, &name, &status))
        return status;
    if (name.count && (result = find_hash(database, name.words[0], hash, &why)))
        return fail(VERB, exit_for_input(result), "%s", why.text);
    for (int e = 0; e < 2 && !result; e++) {
        result = history_read(database, e ? STORE_TRAINED : STORE_BUILT, &histories[e], &why);
        if (name.count)
            keep_only(&histories[e], hash);
    }
    status = result ? fail(VERB, exit_for_input(result), "%s", why.text) : print_all(histories, json);
    if (!result && !json && !(histories[0].count + histories[1].count))
        fprintf(stderr, "wisp %s: nothing was built or trained here yet\n", VERB);
    history_deinit(&histories[0]);
    history_deinit(&histories[1]);
    return status;
}
