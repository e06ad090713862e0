/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp-forge golden FILE: gives a model a golden input (sparse/graph/golden.h), or takes it away.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/outcome.h"
#include "forge/plan/save.h"
#include "forge/verbs/verb.h"
#include "sparse/file/model_file.h"
#include "sparse/passes/golden_run.h"

#define VERB "golden"

CLEANUP_DEFINE(model, struct model, model_free)

static int change(struct model *model, bool remove, struct reason *why)
{
    if (!remove)
        return golden_make(model, why);
    golden_deinit(&model->golden);
    return 0;
}

int verb_golden(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "MODEL.safetensors [-o FILE] [--remove]",
        .summary =
            "Gives a model file an input that follows from its shapes, and the model's answer to it. wispd asks\n"
            "every model that has them before it serves it, and refuses the one that answers anything else.",
    };
    struct operands file = { .min = 1, .max = 1, .what = "the model file" };
    struct option_table table = { .count = 0 };
    cleanup(model_at_exit) struct model *model = NULL;
    const char *output = NULL;
    bool remove = false;
    struct reason why;
    int status, result;

    option_text(&table, "output", 'o', &output, "FILE", "write it there; the file itself if it is not said");
    option_flag(&table, "remove", 0, &remove, "take away what the file has");
    if (!options_read(&usage, &table, argc, argv, &file, &status))
        return status;
    if (!output)
        output = file.words[0];
    result = model_read(file.words[0], &model, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    result = save_check(output, &why);
    if (result)
        return fail(VERB, exit_for_output(result), "%s", why.text);
    result = change(model, remove, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s: %s", file.words[0], why.text);
    result = save_model(model, output, false, &why);
    return result ? fail(VERB, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}
