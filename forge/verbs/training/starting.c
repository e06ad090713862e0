/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/experiment/tasks.h"
#include "forge/plan/assemble.h"
#include "forge/plan/save.h"
#include "forge/verbs/flow_check.h"
#include "forge/verbs/plan_options.h"
#include "forge/verbs/training/starting.h"
#include "sparse/graph/structure_edit.h"

void starting_option_rows(struct option_table *table, struct starting *starting)
{
    struct option_row *row;

    option_text(table, "structure", 0, &starting->structure, "NAME",
                "without MODEL: a structure of the database, or FILE.yaml; the type's own if absent");
    row = option_real(table, "sparsity", 's', &starting->sparsity, "S",
                      "without MODEL: fraction of inactive connections, 0 <= S < 1; 0.5", 0, 1);
    row->below = true;
    row->given = &starting->sparsity_given;
    option_count(table, "outputs", 0, &starting->outputs, "N",
                 "without MODEL: outputs; as many as the data have classes if absent", 1, 1 << 20);
}

int starting_check(const struct starting *starting, const struct experiment_options *o, struct reason *why)
{
    const char *option = starting->structure        ? "--structure"
                         : starting->sparsity_given ? "--sparsity"
                         : starting->outputs        ? "--outputs"
                                                    : NULL;

    if (o->model && option)
        return refuse(why, WISP_E_INVALID, "%s says what is built, and %s is there already; leave one of them out",
                      option, o->model);
    if (o->model)
        return 0;
    if (!starting->structure && !o->processing)
        return refuse(why, WISP_E_INVALID,
                      "the model file (made by 'wisp build') is missing; name it, or by --processing the type whose "
                      "structure is to be trained; see 'wisp train --help'");
    if (o->teacher || o->adversary || o->target_columns)
        return refuse(why, WISP_E_INVALID, "%s is for a model that is there; 'wisp build' makes one",
                      o->teacher     ? "--teacher"
                      : o->adversary ? "--adversary"
                                     : "--target-columns");
    if (starting->structure)
        return 0;
    if (task_check(o->processing, why))
        return refuse_in(why, WISP_E_INVALID, "--processing");
    return task_structure(o->processing) ? 0
                                         : refuse(why, WISP_E_INVALID,
                                                  "--processing %s has no structure of its own; "
                                                  "name one by --structure",
                                                  o->processing);
}

/* Into a file that has a name for a moment only: the writer gives what it writes one. */
static int hide(struct starting *s, const struct model *model, struct reason *why)
{
    const char *temporary = getenv("TMPDIR");
    char folder[256], path[sizeof folder + 8];
    int result;

    temporary = temporary && *temporary ? temporary : "/tmp";
    if ((size_t)snprintf(folder, sizeof folder, "%s/wisp-train-XXXXXX", temporary) >= sizeof folder)
        return refuse_errno(why, -ENAMETOOLONG, "TMPDIR");
    if (!mkdtemp(folder))
        return refuse_errno(why, -errno, "cannot make a folder in %s", temporary);
    snprintf(path, sizeof path, "%s/model", folder);
    result = save_model(model, path, false, why);
    if (!result && (s->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        result = refuse_errno(why, -errno, "%s", path);
    unlink(path);
    rmdir(folder);
    snprintf(s->path, sizeof s->path, "/proc/self/fd/%d", s->fd);
    return result;
}

static int sample(struct starting *s, const char *verb, struct plan *plan)
{
    const struct assembly assembly = { .name = s->name, .seed = s->seed };
    cleanup_model struct model *model = NULL;
    struct flow flow;
    struct reason why;
    int status, result = assemble_model(plan, &assembly, &model, NULL, &why);

    if (result)
        return fail(verb, result == WISP_E_INVALID ? EXIT_USAGE : exit_for_input(result), "%s", why.text);
    status = flow_check(verb, model, false, &flow);
    if (status)
        return status;
    s->connections = model_connections(model);
    s->potential = model_potential(model);
    result = hide(s, model, &why);
    return result ? fail(verb, exit_for_output(result), "%s", why.text) : 0;
}

static bool gives_classes(const struct structure *structure)
{
    return structure->layer_count &&
           structure->layers[structure->layer_count - 1].kind->distribution == DISTRIBUTION_CATEGORICAL;
}

/* ---- what begins, and the experiment with it ---- */

struct attempt {
    struct starting *starting;
    const char *verb;
    struct experiment_options *options;
    struct experiment *experiment;
    int result; /* of opening it, with the reason */
    struct reason why;
};

/* The structure of that name, with so many outputs; 0: as it has them. */
static int build(const struct attempt *a, const char *name, uint64_t outputs)
{
    const char *processing = a->options->processing;
    struct starting *s = a->starting;
    const struct plan_options options = { .structure = name, .sparsity = s->sparsity, .sparsity_given = true };
    struct structure structure;
    struct reason why;
    struct plan plan;
    int status = structure_from_options(a->verb, &options, processing, &structure);

    if (status)
        return status;
    if (outputs && structure_set_outputs(&structure, (uint32_t)outputs, &why))
        status = fail(a->verb, EXIT_DATA, "--outputs: %s", why.text);
    else if (processing && task_fits(processing, gives_classes(&structure), &why))
        status = fail(a->verb, EXIT_USAGE, "--processing: %s", why.text);
    else if (structure_plan(&structure, &why))
        status = fail(a->verb, EXIT_DATA, "%s", why.text);
    snprintf(s->built, sizeof s->built, "%s", structure.name);
    if (status) {
        structure_deinit(&structure);
        return status;
    }
    status = plan_from_structure(a->verb, &options, &structure, NULL, NULL, &plan);
    if (status)
        return status;
    status = sample(s, a->verb, &plan);
    plan_deinit(&plan);
    return status;
}

static int begin_with(struct attempt *a, const char *name, uint64_t outputs)
{
    int status;

    starting_close(a->starting);
    status = build(a, name, outputs);
    if (status)
        return status;
    a->options->model = a->starting->built;
    a->options->model_path = a->starting->path;
    experiment_close(a->experiment);
    a->result = experiment_open(a->experiment, a->verb, a->options, &a->why);
    return 0;
}

/* The data, once they are read, or a list of labels say how many outputs there are to be. */
static int try(struct attempt *a, const char *name)
{
    int status = begin_with(a, name, a->starting->outputs);

    if (!status && a->result && a->experiment->classes && !a->starting->outputs) {
        a->options->told = true;
        status = begin_with(a, name, a->experiment->classes);
    }
    return status;
}

int starting_open(struct starting *s, const char *verb, struct experiment_options *o, struct experiment *experiment)
{
    struct attempt attempt = { .starting = s, .verb = verb, .options = o, .experiment = experiment };
    const bool table = o->label_separator || o->label_column || o->text_column;
    const char *usual = s->structure ? s->structure : task_structure(o->processing);
    const char *of_labels = s->structure ? NULL : task_structure_of_labels(o->processing, o->label_separator != NULL);
    int status = try(&attempt, table && of_labels ? of_labels : usual);

    /* No words with tags: a table of labels and texts, perhaps. */
    if (!status && attempt.result && of_labels && !table && !experiment->data) {
        const struct reason first = attempt.why;

        status = try(&attempt, of_labels);
        attempt.why = first;
    }
    return status || !attempt.result ? status : fail(verb, exit_for_input(attempt.result), "%s", attempt.why.text);
}

void starting_close(struct starting *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->built[0] = '\0';
}

void starting_tell(const struct starting *s, const struct experiment *experiment, struct progress *progress)
{
    const double sparsity = 1 - (double)s->connections / (double)s->potential;
    char text[2 * MODEL_NAME_MAX + 128];

    if (!s->built[0])
        return;
    snprintf(text, sizeof text, "%s for %s: %llu connections, %.3g %% sparse, seed %llu", s->built,
             experiment->model->processing, (unsigned long long)s->connections, 100 * sparsity,
             (unsigned long long)s->seed);
    progress_event(progress,
                   json_pack("{s:s s:s s:s s:I s:f s:I}", "event", "built", "structure", s->built, "processing",
                             experiment->model->processing, "connections", (json_int_t)s->connections, "sparsity",
                             sparsity, "seed", (json_int_t)s->seed),
                   text);
}
