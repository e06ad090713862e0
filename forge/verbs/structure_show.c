/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure show: a structure, and, with a sparsity, what would be sampled from it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/options.h"
#include "base/outcome.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/structure_print.h"
#include "forge/cost/forecast.h"
#include "forge/verbs/plan_options.h"
#include "forge/verbs/print_json.h"
#include "forge/verbs/structure.h"
#include "forge/verbs/structure_picture.h"

#define VERB "structure show"

static int print_plan(const struct plan *plan, const struct cost_setting *setting, const char *database, bool json)
{
    struct forecast forecast;
    struct reason why;
    json_t *object;
    int result = forecast_make(VERB, plan, NULL, setting, database, &forecast, &why);

    if (result)
        return fail(VERB, EXIT_FAILED, "%s", why.text);

    if (!json) {
        structure_print(&plan->structure, stdout);
        putchar('\n');
        plan_print(plan, stdout);
        putchar('\n');
        forecast_print(&forecast, stdout);
        drawing_of_plan(plan, stdout);
        return EXIT_DONE;
    }
    object = plan_json(plan);
    if (object)
        forecast_describe(&forecast, object);
    return print_json(VERB, object);
}

static void print_support(const struct structure *structure)
{
    struct structure_support support = structure_support(structure);
    char text[200];

    structure_support_text(&support, text, sizeof text);
    printf("%s\n", *text ? text : "this version trains and serves it");
}

/* Without a sparsity. Apart, as show_plan() is, so that the table of options does not stay on the stack. */
__attribute__((noinline)) static int print_structure(const struct plan_options *options, bool yaml)
{
    struct structure structure;
    struct reason why;
    char *text;
    int status = structure_from_options(VERB, options, NULL, &structure);

    if (status)
        return status;
    if (structure_plan(&structure, &why)) {
        structure_deinit(&structure);
        return fail(VERB, EXIT_DATA, "%s", why.text);
    }
    if (!yaml) {
        structure_print(&structure, stdout);
        print_support(&structure);
        drawing_of_structure(&structure, stdout);
    } else if ((text = document_print(&structure))) {
        fputs(text, stdout);
        free(text);
    } else {
        status = fail(VERB, EXIT_FAILED, "out of memory");
    }
    structure_deinit(&structure);
    return status;
}

__attribute__((noinline)) static int show_plan(const struct plan_options *options, struct cost_setting *setting,
                                               bool json)
{
    struct plan plan;
    int status = plan_from_options(VERB, options, NULL, &plan);

    if (status)
        return status;
    cost_setting_suit(setting, plan.structure.processing);
    status = print_plan(&plan, setting, options->database, json);
    plan_deinit(&plan);
    return status;
}

int structure_show(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "NAME|FILE.yaml|--layers N-N-… [--sparsity S] [options]",
        .summary = "Prints a structure layer by layer; with a sparsity also how likely a connection is in each layer,\n"
                   "how many there will be, and their bytes. With --svg, --png or --pdf it is drawn.",
        .examples = "  wisp structure show resnet-20-w16 --sparsity 0.9 --method erk\n"
                    "  wisp structure show --layers 784-1000-1000-1000-10 --sparsity 0.95 --svg mlp.svg\n",
    };
    struct plan_options options = { 0 };
    struct picture_options pictures = { .seed = 1 };
    struct cost_setting setting = COST_SETTING;
    bool json = false, yaml = false;
    struct operands name = { .max = 1 };
    struct option_table table = { .count = 0 };
    int status;

    plan_option_rows(&table, &options);
    option_count(&table, "samples", 0, &setting.samples, "N", "samples of an epoch, for what it takes; 10000 if absent",
                 1, 0);
    option_flag(&table, "json", 0, &json, "print one JSON object (needs a sparsity)");
    option_flag(&table, "yaml", 0, &yaml, "print the document, every layer written out");
    picture_option_rows(&table, &pictures);
    if (!options_read(&usage, &table, argc, argv, &name, &status))
        return status;
    if (name.count) {
        if (options.structure)
            return fail(VERB, EXIT_USAGE, "%s and --structure %s: give one of them", name.words[0], options.structure);
        options.structure = name.words[0];
    }
    if (pictures_wanted(&pictures) && (json || yaml))
        return fail(VERB, EXIT_USAGE, "--%s prints text; ask for it without a picture", json ? "json" : "yaml");
    if (pictures_wanted(&pictures))
        return pictures_make(VERB, &options, &pictures);
    if (yaml || (!json && !options.sparsity_given && !options.density_given && !options.max_bytes &&
                 !options.max_flops && !options.min_accuracy_given && !options.method && !options.fixed))
        return print_structure(&options, yaml);
    return show_plan(&options, &setting, json);
}
