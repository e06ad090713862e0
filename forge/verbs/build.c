/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp build: from a structure, a sparsity and a seed to a model file; without -o, only what it would be.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/outcome.h"
#include "base/pool.h"
#include "base/size.h"
#include "forge/cost/forecast.h"
#include "forge/experiment/media_option.h"
#include "forge/experiment/picturing.h"
#include "forge/experiment/tasks.h"
#include "forge/labels/labels.h"
#include "forge/plan/assemble.h"
#include "forge/plan/save.h"
#include "forge/verbs/flow_check.h"
#include "forge/verbs/plan_options.h"
#include "forge/verbs/print_json.h"
#include "forge/verbs/sampling_options.h"
#include "forge/verbs/verb.h"
#include "sparse/file/model_file.h"
#include "sparse/graph/flow.h"
#include "sparse/graph/structure_edit.h"

#define VERB "build"

struct build {
    struct plan_options plan;
    struct sampling_options sampling;
    uint64_t seed, threads, samples, candidates;
    uint64_t outputs; /* of the structure's last layer; 0: as it has them */
    const char *output, *name, *processing, *media, *labels;
    bool json, no_history, force;
};

/* Apart, so that its table does not stay on the stack while a network is built. */
__attribute__((noinline)) static bool read_options(int argc, char **argv, struct build *build, int *status)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "--layers N-N-…|--structure NAME --sparsity S [--seed N] [-o FILE] [options]",
        .summary = "Samples a sparse network before training: how many connections each pair of layers gets follows\n"
                   "from the sparsity, which ones they are from the seed. Same options, same file, on any machine.",
        .examples =
            "  wisp build --layers 784-1000-1000-1000-10 --sparsity 0.95 --seed 7 -o m.safetensors\n"
            "  wisp build --structure resnet-20-w16 --method erk --sparsity 0.9 -o r.safetensors\n"
            "  wisp build --processing text.classification --outputs 3 --sparsity 0.8 -o t.safetensors\n"
            "  wisp build --layers 784-300-10 --max-bytes 50K --repair -o small.safetensors\n"
            "  wisp build --layers 784-300-10 -d 0.1 --edges fc1=wiring.csv --export-edges fc2=out.mtx -o "
            "w.safetensors\n"
            "  wisp build --layers 4096-128-20 --density 0.1 --processing text.classification \\\n"
            "      --media '{\"kind\": \"text\", \"features\": 4096}' --labels languages.txt -o m.safetensors\n",
    };
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };

    plan_option_rows(&table, &build->plan);
    sampling_option_rows(&table, &build->sampling);
    option_count(&table, "outputs", 0, &build->outputs, "N",
                 "of a structure: its last layer gets N neurons, as data of N classes need it", 1, 1 << 20);
    option_count(&table, "seed", 'S', &build->seed, "N", "which connections and first weights; 1 if absent", 0, 0);
    option_count(&table, "candidates", 0, &build->candidates, "K",
                 "samplings that 'wisp train' draws and chooses from; 1", 1, 1000);
    option_text(&table, "output", 'o', &build->output, "FILE", "model file to write; absent: only print");
    option_text(&table, "name", 'n', &build->name, "NAME", "name of the model; that of the file if absent");
    option_text(&table, "processing", 'p', &build->processing, "TYPE", "processing type, as image.classification");
    option_text(&table, "media", 'm', &build->media, "SPEC", "JSON, or a file with it: how inputs become tensors");
    option_text(&table, "labels", 0, &build->labels, "FILE", "names of the outputs, one a line");
    option_count(&table, "threads", 't', &build->threads, "N", "threads; 2 if absent; changes no result", 1, 256);
    option_count(&table, "samples", 0, &build->samples, "N", "samples of an epoch, for what it takes; 10000 if absent",
                 1, 0);
    option_flag(&table, "force", 0, &build->force, "write a network through which nothing passes, too");
    option_flag(&table, "no-history", 0, &build->no_history, "do not record it in the structure database");
    option_flag(&table, "json", 0, &build->json, "print one JSON object");
    return options_read(&usage, &table, argc, argv, &none, status);
}

/* What is at hand while a model is built. */
struct building {
    struct sampling_choice choice;
    struct labels labels;
    char *media;
    char name[MODEL_NAME_MAX];
    struct pool *pool;
    struct assembly assembly;
};

static void building_close(struct building *shop)
{
    sampling_choice_deinit(&shop->choice);
    labels_deinit(&shop->labels);
    free(shop->media);
    shop->pool = pool_free(shop->pool);
}

/* Everything but the sampling itself is checked before it, so that a mistyped option costs nothing. */
static int building_open(const struct build *build, const struct structure *structure, struct building *shop)
{
    const struct save_file output = { "-o", build->output };
    const struct save_file read[] = { { "the structure", build->plan.structure },
                                      { "--labels", build->labels },
                                      { "--media", build->media } };
    uint64_t outputs = shape_elements(&structure->layers[structure->layer_count - 1].plan.shape);
    const struct media_input taken = { structure->signature.inputs[0].name,
                                       shape_elements(&structure->signature.inputs[0].shape),
                                       structure_words(structure, 0) };
    struct reason why;
    int result = build->output ? save_check(build->output, &why) : 0, status;

    if (result)
        return fail(VERB, exit_for_output(result), "%s", why.text);
    if (save_apart(&output, 1, read, ARRAY_SIZE(read), &why))
        return fail(VERB, EXIT_USAGE, "%s", why.text);
    if (build->labels && (result = labels_read(build->labels, &shop->labels, &why)))
        return fail(VERB, exit_for_input(result), "--labels %s", why.text);
    if (shop->labels.count && shop->labels.count != outputs)
        return fail(VERB, EXIT_DATA, "%s has %zu labels, but the last layer has %llu neurons", build->labels,
                    shop->labels.count, (unsigned long long)outputs);
    if (build->media && (result = media_option_read(build->media, &taken, &shop->media, &why)))
        return fail(VERB, exit_for_input(result), "--media %s", why.text);
    status = sampling_from_options(VERB, &build->sampling, structure, &shop->choice);
    if (status)
        return status;
    result = pool_new((unsigned)build->threads, &shop->pool);
    if (result)
        return fail(VERB, EXIT_FAILED, "cannot start %llu threads: %s", (unsigned long long)build->threads,
                    strerror(-result));
    save_name(build->output ? build->output : "model", shop->name);
    shop->assembly = (struct assembly){ .name = build->name ? build->name : shop->name,
                                        .media = shop->media,
                                        .labels = shop->labels.entries,
                                        .label_count = shop->labels.count,
                                        .seed = build->seed,
                                        .candidates = build->candidates,
                                        .edges = &shop->choice.edges,
                                        .base = shop->choice.base,
                                        .pool = shop->pool };
    return 0;
}

/* What came out, when something was built. */
struct built {
    struct stat file;
    struct flow flow;
    uint64_t moved;
    double seconds;
};

static void print_flow(const struct flow *flow)
{
    char text[160];

    flow_text(flow, text, sizeof text);
    puts(text);
}

static json_t *flow_json(const struct flow *flow)
{
    return json_pack("{s:I s:I s:I s:I}", "inputs", (json_int_t)flow->inputs, "inputs_leading",
                     (json_int_t)flow->leading, "outputs", (json_int_t)flow->outputs, "outputs_reached",
                     (json_int_t)flow->reached);
}

static int print_result(const struct build *build, const struct plan *plan, const struct forecast *forecast,
                        const struct built *built)
{
    json_t *object;

    if (!build->json) {
        plan_print(plan, stdout);
        forecast_print(forecast, stdout);
        if (built && plan->sampling.repair)
            printf("repair put %llu connection%s elsewhere: every neuron has an input and an output\n",
                   (unsigned long long)built->moved, built->moved == 1 ? "" : "s");
        if (built)
            print_flow(&built->flow);
        if (built)
            printf("%s: %lld bytes, seed %llu\n", build->output, (long long)built->file.st_size,
                   (unsigned long long)build->seed);
        return EXIT_DONE;
    }
    object = plan_json(plan);
    if (object)
        forecast_describe(forecast, object);
    json_object_set_new(object, "seed", json_integer((json_int_t)build->seed));
    if (built) {
        json_object_set_new(object, "repaired", json_integer((json_int_t)built->moved));
        json_object_set_new(object, "flow", flow_json(&built->flow));
        json_object_set_new(object, "file", json_string(build->output));
        json_object_set_new(object, "file_bytes", json_integer((json_int_t)built->file.st_size));
    }
    return print_json(VERB, object);
}

static void record_build(const struct build *build, const struct plan *plan, const struct forecast *forecast,
                         const struct built *built)
{
    struct store_record record;

    if (build->no_history)
        return;
    history_describe_plan(plan, &forecast->cost, &forecast->setting, STORE_BUILT, &record);
    record.bytes = (uint64_t)built->file.st_size;
    record.seconds = built->seconds;
    history_write(VERB, build->plan.database, &record);
}

static int build_and_save(const struct build *build, const struct building *shop, struct plan *plan,
                          const struct forecast *forecast)
{
    cleanup_model struct model *model = NULL;
    uint64_t began_ns = clock_ns();
    struct built built;
    struct reason why;
    int status, result = assemble_model(plan, &shop->assembly, &model, &built.moved, &why);

    if (result)
        return fail(VERB, result == WISP_E_INVALID ? EXIT_USAGE : exit_for_input(result), "%s", why.text);
    status = flow_check(VERB, model, build->force, &built.flow);
    if (status)
        return status;
    plan_realise(plan, model);
    result = save_model(model, build->output, false, &why);
    if (!result && stat(build->output, &built.file) < 0)
        result = refuse_errno(&why, -errno, "cannot look at %s, which was written", build->output);
    if (result)
        return fail(VERB, exit_for_output(result), "%s", why.text);
    built.seconds = (double)(clock_ns() - began_ns) / (double)NS_PER_S;
    status = sampling_export(VERB, &build->sampling, &plan->structure, model);
    if (status)
        return status;
    record_build(build, plan, forecast, &built);
    return print_result(build, plan, forecast, &built);
}

/* What it will take is asked before it is done, so that the answer is no memory of this very run. Apart, for the
 * stack's sake, as read_options() is. */
__attribute__((noinline)) static int run_plan(const struct build *build, const struct building *shop, struct plan *plan)
{
    struct cost_setting setting = COST_SETTING;
    struct forecast forecast;
    struct reason why;
    int result;

    cost_setting_suit(&setting, plan->structure.processing);
    setting.samples = build->samples;
    setting.threads = build->threads;
    result = forecast_make(VERB, plan, &shop->assembly, &setting, build->plan.database, &forecast, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    if (build->output && !forecast.saves)
        return fail(VERB, EXIT_USAGE,
                    "the file would have %" PRIu64
                    " bytes, and a model file has at most %llu (16 GiB); choose a higher "
                    "sparsity, or --max-bytes",
                    forecast.cost.file_bytes, MODEL_FILE_MAX);
    if (*forecast.support)
        warn_user(VERB, "%s", forecast.support);
    return build->output ? build_and_save(build, shop, plan, &forecast) : print_result(build, plan, &forecast, NULL);
}

static bool gives_classes(const struct structure *structure)
{
    return structure->layer_count &&
           structure->layers[structure->layer_count - 1].kind->distribution == DISTRIBUTION_CATEGORICAL;
}

int verb_build(int argc, char **argv)
{
    struct build build = { .seed = 1, .threads = 2, .samples = 10000, .candidates = 1 };
    struct building shop = { .labels = LABELS_NULL };
    struct structure structure;
    struct plan plan;
    struct reason why;
    int status;

    if (!read_options(argc, argv, &build, &status))
        return status;
    if (!build.plan.structure && !build.plan.layers && build.processing)
        build.plan.structure = task_structure(build.processing);
    if (build.outputs && build.plan.layers)
        return fail(VERB, EXIT_USAGE,
                    "--outputs is of a --structure; the last number of --layers says how many there are");
    build.plan.edges_given = build.sampling.edges.count > 0;
    if ((status = plan_options_check(VERB, &build.plan)))
        return status;
    if (build.sampling.exports.count && !build.output)
        return fail(VERB, EXIT_USAGE, "--export-edges needs -o: without it nothing is sampled");
    if ((status = structure_from_options(VERB, &build.plan, build.processing, &structure)))
        return status;
    if (build.outputs && structure_set_outputs(&structure, (uint32_t)build.outputs, &why))
        status = fail(VERB, EXIT_DATA, "--outputs: %s", why.text);
    else if (build.processing && task_fits(build.processing, gives_classes(&structure), &why))
        status = fail(VERB, EXIT_USAGE, "--processing: %s", why.text);
    else if (structure_plan(&structure, &why))
        status = fail(VERB, EXIT_DATA, "%s", why.text);
    else
        status = building_open(&build, &structure, &shop);
    if (status)
        structure_deinit(&structure);
    else
        status = plan_from_structure(VERB, &build.plan, &structure, &shop.assembly, &shop.choice.sampling, &plan);
    if (!status) {
        status = run_plan(&build, &shop, &plan);
        plan_deinit(&plan);
    }
    building_close(&shop);
    return status;
}
