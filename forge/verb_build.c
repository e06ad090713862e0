/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp build: from a structure, a sparsity and a seed to a model file; without -o, only what it would be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/outcome.h"
#include "forge/assemble.h"
#include "forge/labels.h"
#include "forge/lineage.h"
#include "forge/media_option.h"
#include "forge/plan_options.h"
#include "forge/save.h"
#include "forge/verb.h"

#define VERB "build"

struct build {
    struct plan_options plan;
    uint64_t seed;
    const char *output, *name, *processing, *media, *labels;
    bool json;
};

static bool read_options(int argc, char **argv, struct build *build, int *status)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "--layers N-N-…|--structure NAME --sparsity S [--seed N] [-o FILE] [options]",
        .summary = "Samples a sparse network before training: how many connections each pair of layers gets follows\n"
                   "from the sparsity, which ones they are from the seed. Same options, same file, on any machine.",
        .examples =
            "  wisp build --layers 784-1000-1000-1000-10 --sparsity 0.95 --seed 7 -o m.safetensors\n"
            "  wisp build --structure resnet-20-w16 --method erk --sparsity 0.9 -o r.safetensors\n"
            "  wisp build --layers 4096-128-20 --density 0.1 --processing text.classification \\\n"
            "      --media '{\"kind\": \"text\", \"features\": 4096}' --labels languages.txt -o m.safetensors\n",
    };
    struct operands none = { .most = 0 };
    struct option_table table = { .count = 0 };

    plan_option_rows(&table, &build->plan);
    option_count(&table, "seed", 'S', &build->seed, "N", "which connections and first weights; 1 if absent", 0, 0);
    option_text(&table, "output", 'o', &build->output, "FILE", "model file to write; absent: only print");
    option_text(&table, "name", 'n', &build->name, "NAME", "name of the model; that of the file if absent");
    option_text(&table, "processing", 'p', &build->processing, "TYPE", "processing type, as image.classification");
    option_text(&table, "media", 'm', &build->media, "SPEC", "JSON, or a file with it: how inputs become tensors");
    option_text(&table, "labels", 0, &build->labels, "FILE", "names of the outputs, one a line");
    option_flag(&table, "json", 0, &build->json, "print one JSON object");
    return options_read(&usage, &table, argc, argv, &none, status);
}

/* The file's name without folder and ".safetensors". */
static void name_from_file(const char *path, char name[static MODEL_NAME_MAX])
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *suffix = strstr(base, ".safetensors");
    int length = (int)(suffix ? (size_t)(suffix - base) : strlen(base));

    snprintf(name, MODEL_NAME_MAX, "%.*s", length, base);
}

static int print_result(const struct build *build, const struct plan *plan, const struct stat *file)
{
    json_t *object;
    int result;

    if (!build->json) {
        plan_print(plan, stdout);
        if (file)
            printf("%s: %lld bytes, seed %llu\n", build->output, (long long)file->st_size,
                   (unsigned long long)build->seed);
        return EXIT_DONE;
    }
    object = plan_json(plan);
    json_object_set_new(object, "seed", json_integer((json_int_t)build->seed));
    if (file) {
        json_object_set_new(object, "file", json_string(build->output));
        json_object_set_new(object, "file_bytes", json_integer((json_int_t)file->st_size));
    }
    result = object ? json_dumpf(object, stdout, JSON_FORM) : -1;
    json_decref(object);
    putchar('\n');
    return result ? fail(VERB, EXIT_FAILED, "cannot print the result as JSON") : EXIT_DONE;
}

/* Everything but the sampling itself is judged before it, so that a mistyped option costs nothing. */
static int build_model(const struct build *build, const struct plan *plan, const struct labels *labels,
                       struct model **out)
{
    struct assembly assembly = {
        .name = build->name, .labels = labels->entries, .label_count = labels->count, .seed = build->seed
    };
    uint64_t inputs = shape_elements(&plan->structure.input);
    uint64_t outputs = shape_elements(&plan->structure.layers[plan->structure.layer_count - 1].plan.shape);
    cleanup_free char *media = NULL;
    char name[MODEL_NAME_MAX];
    struct reason why;
    int result;

    if (labels->count && labels->count != outputs)
        return fail(VERB, EXIT_DATA, "%s has %zu labels, but the last layer has %llu neurons", build->labels,
                    labels->count, (unsigned long long)outputs);
    if (build->media) {
        result = media_option_read(build->media, inputs, &media, &why);
        if (result)
            return fail(VERB, exit_for_input(result), "--media %s", why.text);
        assembly.media = media;
    }
    if (!assembly.name) {
        name_from_file(build->output, name);
        assembly.name = name;
    }
    result = assemble_model(plan, &assembly, out, &why);
    return result ? fail(VERB, exit_for_input(result), "%s", why.text) : EXIT_DONE;
}

static int build_and_save(const struct build *build, const struct plan *plan)
{
    cleanup_model struct model *model = NULL;
    struct labels labels = LABELS_NULL;
    struct stat file;
    struct reason why;
    int status, result = save_check(build->output, &why);

    if (result)
        return fail(VERB, exit_for_output(result), "%s", why.text);
    if (build->labels) {
        result = labels_read(build->labels, &labels, &why);
        if (result)
            return fail(VERB, exit_for_input(result), "--labels %s", why.text);
    }
    status = build_model(build, plan, &labels, &model);
    labels_deinit(&labels);
    if (status)
        return status;
    result = save_model(model, build->output, false, &why);
    if (result || stat(build->output, &file) < 0)
        return fail(VERB, exit_for_output(result), "%s", why.text);
    return print_result(build, plan, &file);
}

int verb_build(int argc, char **argv)
{
    struct build build = { .seed = 1 };
    struct plan plan;
    int status;

    if (!read_options(argc, argv, &build, &status))
        return status;
    status = plan_from_options(VERB, &build.plan, build.processing, &plan);
    if (status)
        return status;
    status = build.output ? build_and_save(&build, &plan) : print_result(&build, &plan, NULL);
    plan_deinit(&plan);
    return status;
}
