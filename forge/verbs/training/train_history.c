/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/stat.h>

#include "base/outcome.h"
#include "forge/plan/lineage.h"
#include "forge/plan/plan.h"
#include "forge/train/augment/augment.h"
#include "forge/verbs/training/train.h"

#define VERB "train"

/* The plan that the model could have come from: its layers, with the connections it has. */
static int plan_of_model(const struct model *model, struct plan *out, struct reason *why)
{
    struct structure structure;
    double density = (double)model_connections(model) / (double)model_potential(model);
    int result = structure_of_model(model, &structure, why);

    if (result)
        return result;
    result = plan_solve(&structure, DENSITY_UNIFORM, density, out, why);
    if (result)
        structure_deinit(&structure);
    else
        plan_realise(out, model);
    return result;
}

/* A run that varied its samples, asked a teacher, or left work to OpenBLAS or other ranks, says nothing of the time
 * that others take. */
static double comparable_seconds(const struct train *train, const struct trainer_result *result)
{
    const bool special = augment_is_on(&train->recipe.augment) || train->experiment.teacher || train_is_semi(train) ||
                         train->experiment.adversary || train->experiment.blas || train->ranks;

    return special ? 0 : result->epoch_seconds;
}

bool train_describe(const struct train *train, const struct experiment *s, const struct split *split,
                    const struct training_result *trained, struct store_record *record)
{
    struct cost_setting setting = COST_SETTING;
    struct plan plan = PLAN_NULL;
    struct reason why;
    struct cost cost;
    json_t *lineage;

    setting.samples = split->train_count;
    setting.batch = train->recipe.batch;
    setting.slots = train->recipe.optimizer->slots;
    setting.threads = pool_parts(s->pool);
    setting.sparse_input = s->data->kind == MEDIA_TEXT;
    if (train->no_history || !trained->result.epochs)
        return false;
    if (plan_of_model(trained->model, &plan, &why) || cost_of_plan(&plan, NULL, &setting, &cost, &why)) {
        warn_user(VERB, "not recorded in the history: %s", why.text);
        plan_deinit(&plan);
        return false;
    }
    history_describe_plan(&plan, &cost, &setting, STORE_TRAINED, record);
    plan_deinit(&plan);
    record->epochs = trained->result.epochs;
    record->seconds = comparable_seconds(train, &trained->result);
    if (trained->result.validated && !train->experiment.teacher && !train_is_semi(train))
        record->accuracy = trained->result.validation_accuracy;
    lineage = lineage_of_model(trained->model);
    if (json_is_string(json_object_get(lineage, "method")))
        snprintf(record->method, sizeof record->method, "%s", json_string_value(json_object_get(lineage, "method")));
    json_decref(lineage);
    return true;
}

void train_record(const struct train *train, struct store_record *record)
{
    struct stat file;

    if (stat(train->output, &file) < 0)
        return;
    record->bytes = (uint64_t)file.st_size;
    history_write(VERB, NULL, record);
}
