/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/outcome.h"
#include "forge/verbs/sampling_options.h"

void sampling_option_rows(struct option_table *table, struct sampling_options *options)
{
    option_text(table, "sampling", 0, &options->sampling, "WAY", "exact (if absent) counts, or bernoulli");
    option_flag(table, "repair", 0, &options->repair, "give every neuron an input and an output");
    option_text(table, "weights", 0, &options->weights, "WAY",
                "first weights: scaled (if absent), zero, constant=X or inherited");
    option_text(table, "base", 0, &options->base, "FILE", "safetensors whose values the connections inherit");
    option_list(table, "edges", &options->edges, "LAYER=FILE", "connections of a layer: .csv edge list or .mtx");
    option_list(table, "export-edges", &options->exports, "LAYER=FILE", "write a layer's connections to .csv or .mtx");
}

static int read_ways(const char *verb, const struct sampling_options *options, const char *base, struct sampling *out)
{
    *out = (struct sampling){ .repair = options->repair, .weights = base ? WEIGHTS_INHERITED : WEIGHTS_SCALED };
    if (options->sampling && !sampling_way_parse(options->sampling, &out->way))
        return fail(verb, EXIT_USAGE, "--sampling %s: give exact or bernoulli", options->sampling);
    if (options->weights && !sampling_weights_parse(options->weights, out))
        return fail(verb, EXIT_USAGE, "--weights %s: give scaled, zero, constant=X or inherited", options->weights);
    if (options->base && out->weights != WEIGHTS_INHERITED)
        return fail(verb, EXIT_USAGE, "--base gives weights, and --weights %s too; give one of them", options->weights);
    if (out->weights == WEIGHTS_INHERITED && !base)
        return fail(verb, EXIT_USAGE,
                    "--weights inherited: from where? Give --base FILE.safetensors, or a structure with a base");
    return 0;
}

static void warn_of_constants(const char *verb, const struct sampling *sampling)
{
    if (sampling->weights != WEIGHTS_CONSTANT)
        return;
    if (sampling->constant == 0)
        warn_user(verb, "with all weights 0 no gradient passes a layer: the hidden layers never learn");
    else
        warn_user(verb, "with constant weights all neurons with the same inputs and outputs stay equal in training "
                        "(nothing breaks the symmetry), and sums grow with the inputs; prefer --weights scaled");
}

static int open_base(const char *verb, const char *path, const struct structure *structure, struct pretrained **out)
{
    uint32_t weighted = 0, found = 0;
    struct reason why;
    int result = pretrained_open(path, out, &why);

    if (result)
        return fail(verb, exit_for_input(result), "%s", why.text);
    for (uint32_t i = 0; i < structure->layer_count; i++) {
        if (!structure->layers[i].kind->weighted)
            continue;
        weighted++;
        if (pretrained_has(*out, structure->layers[i].name))
            found++;
        else
            warn_user(verb, "%s has no weight \"%s.weight\": the layer begins with scaled random weights", path,
                      structure->layers[i].name);
    }
    if (weighted && !found)
        return fail(verb, EXIT_DATA, "%s has a weight for none of the structure's layers; are their names different?",
                    path);
    return 0;
}

int sampling_from_options(const char *verb, const struct sampling_options *options, const struct structure *structure,
                          struct sampling_choice *out)
{
    const char *base = options->base ? options->base : structure->base;
    struct sampling_choice choice = { .edges = EDGES_NULL };
    struct reason why;
    int status = read_ways(verb, options, base, &choice.sampling), result;

    if (status)
        return status;
    result = edges_check("export-edges", &options->exports, structure, &why);
    if (result)
        return fail(verb, result == WISP_E_INVALID ? EXIT_USAGE : exit_for_output(result), "%s", why.text);
    result = edges_read(&options->edges, structure, &choice.edges, &why);
    if (result)
        return fail(verb, result == WISP_E_INVALID ? EXIT_USAGE : exit_for_input(result), "%s", why.text);
    if (choice.sampling.weights == WEIGHTS_INHERITED)
        status = open_base(verb, base, structure, &choice.base);
    if (status) {
        sampling_choice_deinit(&choice);
        return status;
    }
    edges_warn(verb, &choice.edges);
    warn_of_constants(verb, &choice.sampling);
    *out = choice;
    return 0;
}

void sampling_choice_deinit(struct sampling_choice *choice)
{
    edges_deinit(&choice->edges);
    choice->base = pretrained_close(choice->base);
}

int sampling_export(const char *verb, const struct sampling_options *options, const struct structure *structure,
                    const struct model *model)
{
    for (size_t i = 0; i < options->exports.count; i++) {
        const char *file;
        struct reason why;
        uint32_t layer, at = 0;
        int result = edges_split("export-edges", options->exports.words[i], structure, &layer, &file, &why);

        if (result)
            return fail(verb, EXIT_USAGE, "%s", why.text);
        for (uint32_t found = 0; !model->layers[at].kind->weighted || found++ < layer;)
            at++;
        result = edges_write(&model->layers[at], file, &why);
        if (result)
            return fail(verb, exit_for_output(result), "%s", why.text);
    }
    return 0;
}
