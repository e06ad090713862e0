/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure show: what a structure and a sparsity make, before anything is sampled.
 */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/outcome.h"
#include "forge/lineage.h"
#include "forge/plan_options.h"
#include "forge/verb.h"

static int print_plan(const struct plan *plan, bool json)
{
    json_t *object;
    int result;

    if (!json) {
        plan_print(plan, stdout);
        return EXIT_DONE;
    }
    object = plan_json(plan);
    result = object ? json_dumpf(object, stdout, JSON_FORM) : -1;
    json_decref(object);
    putchar('\n');
    return result ? fail("structure show", EXIT_FAILED, "cannot print the plan as JSON") : EXIT_DONE;
}

static int show(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = "structure show",
        .arguments = "--layers N-N-… --sparsity S [options]",
        .summary = "Prints, for each layer, how likely a connection is, how many there will be, and their bytes.",
        .examples = "  wisp structure show --layers 784-1000-1000-1000-10 --sparsity 0.95\n",
    };
    struct plan_options options = { 0 };
    bool json = false;
    struct operands none = { .most = 0 };
    struct option_table table = { .count = 0 };
    struct plan plan;
    int status;

    plan_option_rows(&table, &options);
    option_flag(&table, "json", 0, &json, "print one JSON object");
    if (!options_read(&usage, &table, argc, argv, &none, &status))
        return status;
    status = plan_from_options(usage.verb, &options, "raw", &plan);
    if (status)
        return status;
    status = print_plan(&plan, json);
    plan_deinit(&plan);
    return status;
}

int verb_structure(int argc, char **argv)
{
    static const char help[] = "usage: wisp structure show --layers N-N-… --sparsity S [options]\n\n"
                               "'wisp structure show --help' describes the options.\n";

    if (argc >= 2 && !strcmp(argv[1], "show"))
        return show(argc - 1, argv + 1);
    if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(help, stdout);
        return EXIT_DONE;
    }
    if (argc >= 2)
        return fail("structure", EXIT_USAGE, "unknown action '%s'; the one there is: show", argv[1]);
    fputs(help, stderr);
    return EXIT_USAGE;
}
