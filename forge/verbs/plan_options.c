/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/catalog/catalog.h"
#include "forge/cost/budget.h"
#include "forge/cost/suggestion.h"
#include "forge/plan/edges.h"
#include "forge/verbs/plan_options.h"

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
    option_text(table, "max-bytes", 0, &options->max_bytes, "SIZE",
                "instead: the densest of so many bytes, as 500K, 2Mi");
    option_text(table, "budget", 0, &options->budget, "WHAT", "what --max-bytes counts: file (if absent) or memory");
    option_text(table, "max-flops", 0, &options->max_flops, "N",
                "instead: the densest of so many FLOPs a sample, as 2M");
    row = option_real(table, "min-accuracy", 0, &options->min_accuracy, "A",
                      "instead, or with a limit: the sparsest that reached A here, as 0.88", 0, 1);
    row->given = &options->min_accuracy_given;
    option_text(table, "method", 0, &options->method, "NAME", "er (if absent), erk, erk+, uniform, uniform+ or fixed");
    option_text(table, "fixed", 0, &options->fixed, "D,D,…", "of each layer with connections (--method fixed)");
    option_list(table, "layer-density", &options->layer_density, "LAYER=D", "of this layer, whatever the method says");
    option_text(table, "granularity", 0, &options->granularity, "WHAT",
                "a convolution's connections by weight (if absent) or kernel");
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
        return fail(verb, exit_for_input(result), "%s", why.text);
    if (processing && (result = processing_check(processing, &why))) {
        structure_deinit(out);
        return fail(verb, EXIT_USAGE, "--processing: %s", why.text);
    }
    if (processing || !out->processing[0])
        snprintf(out->processing, sizeof out->processing, "%s", processing ? processing : "raw");
    return 0;
}

static bool is_fixed(const struct plan_options *options)
{
    return options->fixed || (options->method && !strcmp(options->method, "fixed"));
}

/* Beside an accuracy a limit is one more wish; else it is what says how many connections there are. */
int plan_options_check(const char *verb, const struct plan_options *options)
{
    const struct {
        const char *name;
        bool given;
    } amounts[] = { { "--sparsity", options->sparsity_given },
                    { "--density", options->density_given },
                    { "--max-bytes", options->max_bytes && !options->min_accuracy_given },
                    { "--max-flops", options->max_flops && !options->min_accuracy_given },
                    { "--min-accuracy", options->min_accuracy_given },
                    { "--method fixed", is_fixed(options) } };
    const char *said = NULL;

    if (which_network(verb, options))
        return EXIT_USAGE;
    for (size_t i = 0; i < ARRAY_SIZE(amounts); i++) {
        if (amounts[i].given && said)
            return fail(verb, EXIT_USAGE, "%s and %s both say how many connections there are; give one of them", said,
                        amounts[i].name);
        if (amounts[i].given)
            said = amounts[i].name;
    }
    if (!said && !options->edges_given)
        return fail(
            verb, EXIT_USAGE,
            "--sparsity is missing; give the fraction of inactive connections, as "
            "--sparsity 0.95 (0 for a dense network), or --density, --max-bytes, --max-flops or --min-accuracy");
    if (options->max_bytes && options->max_flops)
        return fail(verb, EXIT_USAGE, "--max-bytes and --max-flops are two limits; give one of them");
    if (options->budget && !options->max_bytes)
        return fail(verb, EXIT_USAGE, "--budget %s says what --max-bytes counts, which is missing", options->budget);
    return 0;
}

/* ---- the wish ---- */

static int read_method(const char *verb, const struct plan_options *options, struct plan_wish *wish)
{
    wish->method = options->fixed ? DENSITY_FIXED : DENSITY_ER;
    if (options->method && !density_method_parse(options->method, &wish->method))
        return fail(verb, EXIT_USAGE, "--method %s: give er, erk, erk+, uniform, uniform+ or fixed", options->method);
    if (options->fixed && wish->method != DENSITY_FIXED)
        return fail(verb, EXIT_USAGE, "--fixed gives every layer its density, which --method %s would compute",
                    options->method);
    if (options->granularity && !sampling_granularity_parse(options->granularity, &wish->sampling.kernels))
        return fail(verb, EXIT_USAGE, "--granularity %s: give weight or kernel", options->granularity);
    wish->density = options->density_given ? options->density : 1 - options->sparsity;
    return 0;
}

static bool parse_density(const char *text, double *out)
{
    return parse_real(text, out) && *out > 0 && *out <= 1;
}

/* "D,D,…": as many as there are layers with connections. */
static int read_fixed(const char *verb, const char *text, double *given, uint32_t count)
{
    uint32_t found = 0;

    for (const char *at = text; at; found++) {
        const char *comma = strchr(at, ',');
        size_t length = comma ? (size_t)(comma - at) : strlen(at);
        char word[64];
        double density;

        snprintf(word, sizeof word, "%.*s", (int)MIN(length, sizeof word - 1), at);
        if (!parse_density(word, &density))
            return fail(verb, EXIT_USAGE, "--fixed %s: \"%s\" is no density; give numbers with 0 < D <= 1", text, word);
        if (found < count)
            given[found] = density;
        at = comma ? comma + 1 : NULL;
    }
    if (found != count)
        return fail(verb, EXIT_USAGE, "--fixed gives %u densities, but %u layers have connections", found, count);
    return 0;
}

static int read_layer_densities(const char *verb, const struct option_list *words, const struct structure *structure,
                                double *given)
{
    for (size_t i = 0; i < words->count; i++) {
        const char *value;
        struct reason why;
        uint32_t layer;

        if (edges_split("layer-density", words->words[i], structure, &layer, &value, &why))
            return fail(verb, EXIT_USAGE, "%s", why.text);
        if (!parse_density(value, &given[layer]))
            return fail(verb, EXIT_USAGE, "--layer-density %s: give a number with 0 < D <= 1", words->words[i]);
    }
    return 0;
}

/* ---- the plan ---- */

struct limit {
    enum plan_budget budget;
    double max;
};

static int read_limit(const char *verb, const struct plan_options *options, const struct plan_wish *wish,
                      struct limit *out)
{
    const char *text = options->max_bytes ? options->max_bytes : options->max_flops;

    if (!budget_parse(text, &out->max))
        return fail(verb, EXIT_USAGE,
                    "--max-%s %s: give a number, which may end in K, M, G or T (thousands) or Ki, "
                    "Mi, Gi or Ti (1024s)",
                    options->max_bytes ? "bytes" : "flops", text);
    out->budget = options->max_bytes ? BUDGET_FILE : BUDGET_FLOPS;
    if (options->budget && !strcmp(options->budget, "memory"))
        out->budget = BUDGET_MEMORY;
    else if (options->budget && strcmp(options->budget, "file") != 0)
        return fail(verb, EXIT_USAGE, "--budget %s: give file or memory", options->budget);
    if (wish->sampling.way == SAMPLING_BERNOULLI)
        return fail(verb, EXIT_USAGE,
                    "--sampling bernoulli leaves to chance how many connections there are, so no "
                    "limit can be kept; give --sparsity or --density, or leave --sampling exact");
    return 0;
}

/* The densest that keeps a limit; or, when the history has said how dense, whether that does. */
static int solve_for_budget(const char *verb, const struct plan_options *options, const struct assembly *assembly,
                            struct plan *plan, struct plan_wish *wish)
{
    const struct assembly nothing = { .name = "model", .seed = 1 };
    struct limit limit;
    struct reason why;
    int result = read_limit(verb, options, wish, &limit), beyond;

    if (result)
        return result;
    assembly = assembly ? assembly : &nothing;
    if (!options->min_accuracy_given)
        result = budget_solve(plan, wish, limit.budget, limit.max, assembly, &why);
    else if (!(result = plan_again(plan, wish, &beyond, &why)) &&
             (result = budget_check(plan, limit.budget, limit.max, assembly, &why)))
        refuse_in(&why, result, "--min-accuracy %g", options->min_accuracy);
    return result ? fail(verb, result < 0 ? EXIT_FAILED : EXIT_USAGE, "%s", why.text) : 0;
}

/* What the history says was dense enough. */
static int wish_for_accuracy(const char *verb, const struct plan_options *options, const struct structure *structure,
                             struct plan_wish *wish)
{
    struct store_record run;
    struct reason why;
    int result = suggestion_find(structure, options->min_accuracy, options->database, &run, &why);

    if (result)
        return fail(verb, result == WISP_E_INVALID ? EXIT_DATA : exit_for_input(result), "--min-accuracy: %s",
                    why.text);
    wish->density = run.density;
    if (!options->method && !density_method_parse(run.method, &wish->method))
        wish->method = DENSITY_ER;
    if (wish->method == DENSITY_FIXED)
        wish->method = DENSITY_ER;
    suggestion_say(verb, &run);
    return 0;
}

static void warn_of_gaps(const char *verb, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        if (!plan->layers[i].density.connections)
            warn_user(verb, "layer %s gets no connection at all: nothing passes it; choose a lower sparsity",
                      plan->structure.layers[plan->layers[i].place].name);
    }
}

static bool says_how_many(const struct plan_options *options)
{
    return options->sparsity_given || options->density_given || options->max_bytes || options->max_flops ||
           options->min_accuracy_given || is_fixed(options);
}

/* The connections of every layer were given: then that is how many there are. */
static int take_counts(const char *verb, const struct plan *plan, const uint64_t *counts, struct plan_wish *wish)
{
    for (uint32_t i = 0; i < plan->layer_count; i++) {
        if (!counts[i])
            return fail(verb, EXIT_USAGE,
                        "--sparsity is missing: --edges gives connections to some layers, but none to %s",
                        plan->structure.layers[plan->layers[i].place].name);
    }
    wish->method = DENSITY_FIXED;
    return 0;
}

/* For a prepared plan. */
static int solve(const char *verb, const struct plan_options *options, const struct assembly *assembly,
                 const struct sampling *sampling, struct plan *plan)
{
    cleanup_free double *given = memory_zalloc(plan->layer_count + 1, sizeof *given);
    cleanup_free uint64_t *counts = memory_zalloc(plan->layer_count + 1, sizeof *counts);
    struct plan_wish wish = { .given = given, .counts = counts };
    struct reason why;
    int beyond, result;

    if (!given || !counts)
        return fail(verb, EXIT_FAILED, "out of memory");
    if (sampling)
        wish.sampling = *sampling;
    result = read_method(verb, options, &wish);
    if (!result && options->fixed)
        result = read_fixed(verb, options->fixed, given, plan->layer_count);
    if (!result)
        result = read_layer_densities(verb, &options->layer_density, &plan->structure, given);
    for (uint32_t i = 0; assembly && assembly->edges && i < assembly->edges->count; i++)
        counts[i] = assembly->edges->lists[i].matrix.count;
    if (!result && !says_how_many(options))
        result = take_counts(verb, plan, counts, &wish);
    if (result)
        return result;
    if (options->min_accuracy_given && (result = wish_for_accuracy(verb, options, &plan->structure, &wish)))
        return result;
    if (options->max_bytes || options->max_flops)
        return solve_for_budget(verb, options, assembly, plan, &wish);
    result = plan_again(plan, &wish, &beyond, &why);
    return result ? fail(verb, result < 0 ? EXIT_FAILED : EXIT_USAGE, "%s", why.text) : 0;
}

int plan_from_structure(const char *verb, const struct plan_options *options, struct structure *structure,
                        const struct assembly *assembly, const struct sampling *sampling, struct plan *out)
{
    struct reason why;
    int result = plan_prepare(structure, out, &why);

    if (result) {
        structure_deinit(structure);
        return fail(verb, result < 0 ? EXIT_FAILED : EXIT_USAGE, "%s", why.text);
    }
    result = solve(verb, options, assembly, sampling, out);
    if (result)
        plan_deinit(out);
    else
        warn_of_gaps(verb, out);
    return result;
}

int plan_from_options(const char *verb, const struct plan_options *options, const char *processing, struct plan *out)
{
    struct structure structure;
    int status = plan_options_check(verb, options);

    if (!status)
        status = structure_from_options(verb, options, processing, &structure);
    return status ? status : plan_from_structure(verb, options, &structure, NULL, NULL, out);
}
