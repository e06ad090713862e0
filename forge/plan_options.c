/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/outcome.h"
#include "forge/catalog.h"
#include "forge/plan_options.h"

void plan_option_rows(struct option_table *table, struct plan_options *options)
{
    struct option_row *row;

    option_text(table, "layers", 'l', &options->layers, "N-N-…", "neurons from input to output, as 784-1000-10");
    option_text(table, "structure", 0, &options->structure, "NAME",
                "instead: a structure's name in the database, or FILE.yaml");
    option_text(table, "db", 0, &options->database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    row = option_real(table, "sparsity", 's', &options->sparsity, "S", "fraction of inactive connections, 0 <= S < 1",
                      0, 1);
    row->below = true;
    row->given = &options->sparsity_given;
    row = option_real(table, "density", 'd', &options->density, "D", "fraction of active ones instead, 0 < D <= 1",
                      1e-12, 1);
    row->given = &options->density_given;
    option_text(table, "method", 0, &options->method, "NAME", "er (if absent), erk, erk+, uniform or uniform+");
}

/* EXIT_USAGE unless exactly one of the two says what the network is. */
static int which_network(const char *verb, const struct plan_options *options)
{
    if (!options->layers == !options->structure)
        return fail(verb, EXIT_USAGE,
                    options->layers ? "--layers and --structure both say what the network is; give one of them"
                                    : "--layers is missing; give the neurons of each layer, as --layers 784-1000-10, "
                                      "or --structure with a name of `wisp structure list`");
    return 0;
}

int structure_from_options(const char *verb, const struct plan_options *options, const char *processing,
                           struct structure *out)
{
    struct reason why;
    int result;

    if (which_network(verb, options))
        return EXIT_USAGE;
    if (options->structure)
        result = catalog_find(options->database, options->structure, out, &why);
    else
        result = structure_parse_layers(options->layers, out, &why);
    if (result)
        return fail(verb, result == WISP_E_NO_MODEL ? EXIT_DATA : exit_for_input(result), "%s", why.text);
    if (processing && (result = processing_check(processing, &why))) {
        structure_deinit(out);
        return fail(verb, EXIT_USAGE, "--processing %s: %s", processing, why.text);
    }
    if (processing || !out->processing[0])
        snprintf(out->processing, sizeof out->processing, "%s", processing ? processing : "raw");
    return 0;
}

int plan_from_options(const char *verb, const struct plan_options *options, const char *processing, struct plan *out)
{
    enum density_method method = DENSITY_ER;
    struct structure structure;
    struct reason why;
    int result;

    if (which_network(verb, options))
        return EXIT_USAGE;
    if (options->sparsity_given && options->density_given)
        return fail(verb, EXIT_USAGE, "--sparsity and --density say the same thing twice; give one of them");
    if (!options->sparsity_given && !options->density_given)
        return fail(verb, EXIT_USAGE,
                    "--sparsity is missing; give the fraction of inactive connections, as "
                    "--sparsity 0.95 (0 for a dense network)");
    if (options->method && (!density_method_parse(options->method, &method) || method == DENSITY_FIXED))
        return fail(verb, EXIT_USAGE, "--method %s: give er, erk, erk+, uniform or uniform+", options->method);
    result = structure_from_options(verb, options, processing, &structure);
    if (result)
        return result;
    result =
        plan_solve(&structure, method, options->density_given ? options->density : 1 - options->sparsity, out, &why);
    if (result) {
        structure_deinit(&structure);
        return fail(verb, result < 0 ? EXIT_FAILED : EXIT_USAGE, "%s", why.text);
    }
    for (uint32_t i = 0; i < out->layer_count; i++) {
        if (!out->layers[i].density.connections)
            warn_user(verb, "layer %s gets no connection at all: nothing passes it; choose a lower sparsity",
                      out->structure.layers[out->layers[i].place].name);
    }
    return 0;
}
