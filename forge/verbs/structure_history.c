/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure history: what was built and trained here, as estimates see it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/options.h"
#include "base/outcome.h"
#include "forge/catalog/catalog.h"
#include "forge/cost/history.h"
#include "forge/verbs/print_json.h"
#include "forge/verbs/structure.h"

#define VERB "structure history"

enum { NAME_WIDTH = 28 };

static const char *event_name(enum store_event event)
{
    return event == STORE_BUILT ? "built" : "trained";
}

/* ---- names: a record keeps the hash of the layers, since names change and networks without one are built too ---- */

struct named {
    char hash[STORE_HASH_MAX], name[STORE_NAME_MAX];
};

struct names {
    struct named *list;
    size_t count;
    const struct history *histories; /* two; what names are looked for */
    struct store *store;
};

static bool may_be_recorded(const struct names *names, const struct store_structure *entry)
{
    for (int e = 0; e < 2; e++) {
        for (size_t i = 0; i < names->histories[e].count; i++) {
            if (names->histories[e].records[i].potential == entry->potential)
                return true;
        }
    }
    return false;
}

/* Notes a structure's name when there may be records of it; a structure that cannot be read has none. */
static int note_name(void *argument, const struct store_structure *listed)
{
    struct names *names = argument;
    struct store_structure entry;
    struct structure structure;
    struct named *larger;
    int result;

    if (!may_be_recorded(names, listed) || store_find(names->store, listed->name, &entry, NULL))
        return 0;
    result = catalog_parse(entry.document, &structure, NULL);
    store_structure_deinit(&entry);
    if (result)
        return 0;
    larger = realloc(names->list, (names->count + 1) * sizeof *larger);
    if (larger) {
        names->list = larger;
        history_hash(&structure, larger[names->count].hash);
        snprintf(larger[names->count++].name, STORE_NAME_MAX, "%s", listed->name);
    }
    structure_deinit(&structure);
    return larger ? 0 : -ENOMEM;
}

/* Without a database there are hashes alone. */
static void read_names(const char *database, struct names *names)
{
    if (catalog_open(database, false, &names->store, NULL))
        return;
    store_list(names->store, &(struct store_query){ .documents = false }, note_name, names, NULL);
    names->store = store_close(names->store);
}

static const char *name_of(const struct names *names, const struct store_record *record)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!strcmp(names->list[i].hash, record->hash))
            return names->list[i].name;
    }
    return NULL;
}

/* ---- printing ---- */

static json_t *record_json(const struct store_record *r, const char *name)
{
    json_t *object =
        json_pack("{s:s s:I s:s s:s s:s s:f s:I s:I s:I s:I s:I s:I s:I s:f s:I s:I}", "event", event_name(r->event),
                  "time", (json_int_t)r->time, "hash", r->hash, "machine", r->machine, "method", r->method, "density",
                  r->density, "potential", (json_int_t)r->potential, "connections", (json_int_t)r->connections,
                  "arrays", (json_int_t)r->arrays, "layers", (json_int_t)r->layers, "neurons", (json_int_t)r->neurons,
                  "bytes", (json_int_t)r->bytes, "memory", (json_int_t)r->memory, "flops", r->flops, "threads",
                  (json_int_t)r->threads, "samples", (json_int_t)r->samples);

    if (object && name)
        json_object_set_new(object, "name", json_string(name));
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

static void print_record(const struct store_record *r, const char *name)
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
    printf("%-16s  %-7s  %-*.*s  %-8s  %8.4f %%  %12llu  %10s  %10s  %8s  %8llu\n", when, event_name(r->event),
           NAME_WIDTH, name ? NAME_WIDTH : 8, name ? name : r->hash, r->method, 100 * (1 - r->density),
           (unsigned long long)r->connections, bytes, seconds, accuracy, (unsigned long long)r->samples);
}

static int print_all(const struct history *histories, const struct names *names, bool json)
{
    json_t *array = json ? json_array() : NULL;

    if (!json && histories[0].count + histories[1].count)
        printf("%-16s  %-7s  %-*s  %-8s  %10s  %12s  %10s  %10s  %8s  %8s\n", "time", "event", NAME_WIDTH, "structure",
               "method", "sparsity", "connections", "file", "seconds", "accuracy", "samples");
    for (int e = 0; e < 2; e++) {
        for (size_t i = 0; i < histories[e].count; i++) {
            const struct store_record *record = &histories[e].records[i];

            if (json)
                json_array_append_new(array, record_json(record, name_of(names, record)));
            else
                print_record(record, name_of(names, record));
        }
    }
    return json ? print_json(VERB, array) : EXIT_DONE;
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
    struct names names = { .histories = histories };
    struct operands name = { .max = 1 };
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
    if (!result)
        read_names(database, &names);
    status = result ? fail(VERB, exit_for_input(result), "%s", why.text) : print_all(histories, &names, json);
    free(names.list);
    if (!result && !json && !(histories[0].count + histories[1].count))
        fprintf(stderr, "wisp %s: nothing was built or trained here yet\n", VERB);
    history_deinit(&histories[0]);
    history_deinit(&histories[1]);
    return status;
}
