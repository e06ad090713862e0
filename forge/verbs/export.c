/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp export: the connections of a model file, as other programs read them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/outcome.h"
#include "forge/plan/assemble.h"
#include "forge/plan/edges.h"
#include "forge/verbs/print_json.h"
#include "forge/verbs/sampling_options.h"
#include "forge/verbs/verb.h"
#include "sparse/file/model_file.h"

#define VERB "export"

/* The names and kinds of the model's layers, as a structure has them. */
static int outline(const struct model *model, struct structure *out)
{
    struct structure made = { .layer_count = model->layer_count };

    made.layers = calloc(model->layer_count, sizeof *made.layers);
    if (!made.layers)
        return -ENOMEM;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        made.layers[i].kind = model->layers[i].kind;
        memcpy(made.layers[i].name, model->layers[i].name, sizeof made.layers[i].name);
    }
    *out = made;
    return 0;
}

static json_t *layer_json(const struct layer *layer)
{
    return json_pack("{s:s s:s s:I s:I s:I}", "name", layer->name, "kind", layer->kind->name, "outputs",
                     (json_int_t)layer->weight.rows, "inputs", (json_int_t)layer->weight.columns, "connections",
                     (json_int_t)layer->weight.count);
}

static int print_layers(const struct model *model, bool json)
{
    json_t *list = json ? json_array() : NULL;

    if (!json)
        printf("%-26s %-14s %10s %10s %14s\n", "layer", "kind", "outputs", "inputs", "connections");
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct layer *layer = &model->layers[i];

        if (!layer->kind->weighted)
            continue;
        if (json)
            json_array_append_new(list, layer_json(layer));
        else
            printf("%-26s %-14s %10u %10u %14" PRIu64 "\n", layer->name, layer->kind->name, layer->weight.rows,
                   layer->weight.columns, layer->weight.count);
    }
    return json ? print_json(VERB, list) : EXIT_DONE;
}

/* Apart, so that the table of options does not stay on the stack. */
__attribute__((noinline)) static int export_edges(const struct model *model, const struct sampling_options *options)
{
    struct structure layers;
    struct reason why;
    int result, status;

    if (outline(model, &layers))
        return fail(VERB, EXIT_FAILED, "out of memory");
    result = edges_check("edges", &options->exports, &layers, &why);
    if (result)
        status = fail(VERB, result == WISP_E_INVALID ? EXIT_USAGE : exit_for_output(result), "%s", why.text);
    else
        status = sampling_export(VERB, options, &layers, model);
    structure_deinit(&layers);
    return status;
}

int verb_export(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "MODEL.safetensors [--edges LAYER=FILE]…",
        .summary =
            "Writes the connections of a model's layers as edge lists (.csv) or Matrix Market files (.mtx), which\n"
            "`wisp build --edges` reads back. Without --edges: lists the layers that have connections.",
        .examples = "  wisp export m.safetensors --edges fc1=fc1.csv --edges fc2=fc2.mtx\n",
    };
    struct sampling_options options = { .sampling = NULL };
    struct operands file = { .min = 1, .max = 1, .what = "the model file" };
    static struct option_table table; /* too large for a stack's frame beside the rest */
    cleanup_model struct model *model = NULL;
    bool json = false;
    struct reason why;
    int status, result;

    option_list(&table, "edges", &options.exports, "LAYER=FILE", "write this layer's connections; again for others");
    option_flag(&table, "json", 0, &json, "list the layers as a JSON array");
    if (!options_read(&usage, &table, argc, argv, &file, &status))
        return status;
    result = model_read(file.words[0], &model, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    return options.exports.count ? export_edges(model, &options) : print_layers(model, json);
}
