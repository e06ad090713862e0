/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure list: what the database holds, by type and depth.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/outcome.h"
#include "forge/catalog.h"
#include "forge/lineage.h"
#include "forge/structure_actions.h"

#define VERB "structure list"

struct listing {
    json_t *array; /* NULL: a table */
    unsigned count;
};

static int list_one(void *argument, const struct store_structure *entry)
{
    struct listing *listing = argument;

    if (listing->array)
        return json_array_append_new(listing->array,
                                     json_pack("{s:s s:s s:s s:I s:I s:I s:s}", "name", entry->name, "processing",
                                               entry->processing, "network", entry->network, "depth",
                                               (json_int_t)entry->depth, "layers", (json_int_t)entry->layers,
                                               "potential", (json_int_t)entry->potential, "hash", entry->hash))
                   ? -ENOMEM
                   : 0;
    if (!listing->count++)
        printf("%-28s %-24s %-12s %6s %7s %14s\n", "name", "type", "network", "depth", "layers", "potential");
    printf("%-28s %-24s %-12s %6u %7u %14" PRIu64 "\n", entry->name, entry->processing, entry->network, entry->depth,
           entry->layers, entry->potential);
    return 0;
}

/* "8", "8-20", "8-": least and most; false when it is none of these. */
static bool parse_depths(const char *text, struct store_query *query)
{
    char least[24];
    const char *dash = strchr(text, '-');
    uint64_t a, b = 0;

    snprintf(least, sizeof least, "%.*s", (int)(dash ? dash - text : 20), text);
    if (!parse_count(least, &a) || (dash && dash[1] && !parse_count(dash + 1, &b)) || a > UINT32_MAX || b > UINT32_MAX)
        return false;
    query->depth_least = (uint32_t)a;
    query->depth_most = dash ? (uint32_t)b : (uint32_t)a;
    return true;
}

static int print_list(struct store *store, const struct store_query *query, bool json)
{
    struct listing listing = { .array = json ? json_array() : NULL };
    struct reason why;
    int result = store_list(store, query, list_one, &listing, &why);

    if (result) {
        json_decref(listing.array);
        return fail(VERB, exit_for_input(result), "%s", why.text);
    }
    if (listing.array) {
        result = json_dumpf(listing.array, stdout, JSON_FORM);
        putchar('\n');
        json_decref(listing.array);
        return result ? fail(VERB, EXIT_FAILED, "cannot print the list as JSON") : EXIT_DONE;
    }
    if (!listing.count)
        fprintf(stderr, "wisp %s: no such structures in %s\n", VERB, store_path(store));
    return EXIT_DONE;
}

int structure_list(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "[--type TYPE] [--depth D|D-D] [options]",
        .summary = "Lists the structures of the database, by processing type and depth.",
        .examples = "  wisp structure list --type image --depth 8-20\n",
    };
    const char *database = NULL, *type = NULL, *depth = NULL;
    struct store_query query = { 0 };
    struct operands none = { .most = 0 };
    struct option_table table = { .count = 0 };
    struct store *store;
    struct reason why;
    bool json = false;
    int status, result;

    option_text(&table, "type", 't', &type, "TYPE", "a processing type, or a modality for all of its tasks");
    option_text(&table, "depth", 'd', &depth, "D", "weighted layers on the longest way through: 8, 8-20 or 8-");
    option_text(&table, "db", 0, &database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    option_flag(&table, "json", 0, &json, "print one JSON array");
    if (!options_read(&usage, &table, argc, argv, &none, &status))
        return status;
    if (depth && !parse_depths(depth, &query))
        return fail(VERB, EXIT_USAGE, "--depth %s: give a number, or two with a dash", depth);
    query.processing = type;
    result = catalog_open(database, false, &store, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    status = print_list(store, &query, json);
    store_close(store);
    return status;
}
