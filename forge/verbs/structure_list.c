/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure list: what the database holds, by type, kind of network and depth.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/options.h"
#include "base/outcome.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/listing.h"
#include "forge/verbs/print_json.h"
#include "forge/verbs/structure.h"

#define VERB "structure list"

static int print_one(void *argument, const struct store_structure *entry)
{
    struct structure_support support = catalog_support(entry);
    unsigned *count = argument;

    if (!(*count)++)
        printf("%-28s %-24s %-12s %6s %7s %14s  %s\n", "name", "type", "network", "depth", "layers", "potential",
               "this version");
    printf("%-28s %-24s %-12s %6u %7u %14" PRIu64 "  %s\n", entry->name, entry->processing, entry->network,
           entry->depth, entry->layers, entry->potential,
           support.trains   ? "trains, serves"
           : support.serves ? "serves"
                            : "builds");
    return 0;
}

static int print_array(struct store *store, const struct store_query *query)
{
    struct reason why;
    json_t *array;
    int result = listing_make(store, query, &array, &why);

    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    return print_json(VERB, array);
}

static int print_table(struct store *store, const struct store_query *query)
{
    unsigned count = 0;
    struct reason why;
    int result = store_list(store, query, print_one, &count, &why);

    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    if (!count)
        fprintf(stderr, "wisp %s: no such structures in %s\n", VERB, store_path(store));
    return EXIT_DONE;
}

int structure_list(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "[--type TYPE] [--network KIND] [--depth D|D-D] [options]",
        .summary = "Lists the structures of the database, by processing type and depth, and says of each whether this\n"
                   "version trains and serves its networks, serves them, or builds and draws them alone.",
        .examples = "  wisp structure list --type image --depth 8-20\n"
                    "  wisp structure list --network resnet\n",
    };
    const char *database = NULL, *depth = NULL;
    struct store_query query = { 0 };
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };
    struct store *store;
    struct reason why;
    bool json = false;
    int status, result;

    option_text(&table, "type", 't', &query.processing, "TYPE",
                "a processing type, or a modality for all of its tasks");
    option_text(&table, "network", 'n', &query.network, "KIND", "a kind of network: mlp, cnn, resnet, transformer, …");
    option_text(&table, "depth", 'd', &depth, "D", "weighted layers on the longest way through: 8, 8-20 or 8-");
    option_text(&table, "db", 0, &database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    option_flag(&table, "json", 0, &json, "print one JSON array");
    if (!options_read(&usage, &table, argc, argv, &none, &status))
        return status;
    if (depth && !listing_depths(depth, &query))
        return fail(VERB, EXIT_USAGE, "--depth %s: give a number, or two with a dash, the smaller first", depth);
    result = catalog_open(database, false, &store, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    result = listing_check(store, &query, &why);
    if (result)
        status = fail(VERB, exit_for_input(result), "%s", why.text);
    else
        status = json ? print_array(store, &query) : print_table(store, &query);
    store_close(store);
    return status;
}
