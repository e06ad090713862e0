/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "forge/experiment/candidate.h"
#include "forge/experiment/halving.h"
#include "forge/plan/assemble.h"
#include "forge/plan/lineage.h"
#include "forge/train/interrupt.h"
#include "forge/train/rate_search.h"
#include "sparse/file/json_text.h"

static void announce_candidate(const struct candidates *c, uint64_t number, uint64_t seed)
{
    char text[96];

    snprintf(text, sizeof text, "candidate %llu of %llu, seed %llu", (unsigned long long)number + 1,
             (unsigned long long)c->recipe->candidates, (unsigned long long)seed);
    progress_event(c->progress,
                   json_pack("{s:s s:I s:I s:I}", "event", "candidate", "candidate", (json_int_t)number + 1,
                             "candidates", (json_int_t)c->recipe->candidates, "seed", (json_int_t)seed),
                   text);
}

static int describe_training(const struct candidates *c, const struct training_result *o, json_t *all)
{
    const struct dataset *data = c->experiment->data;
    const struct trainer_result *r = &o->result;
    struct recipe recipe = *c->recipe;
    json_t *lineage = lineage_of_model(o->model), *training;

    recipe.balance = r->balance;
    training = json_pack("{s:o s:{s:s s:s s:I s:I} s:I s:I s:f s:f s:b}", "recipe", recipe_json(&recipe), "data",
                         "name", data->name, "hash", data->hash, "samples", (json_int_t)c->split->train_count,
                         "validation_samples", (json_int_t)c->split->validation_count, "epochs", (json_int_t)r->epochs,
                         "best_epoch", (json_int_t)r->best_epoch, "loss", r->loss, "accuracy", r->accuracy,
                         "interrupted", r->ending == ENDING_INTERRUPTED);
    if (training) {
        json_object_set_new(training, "ended", json_string(ending_name(r->ending)));
        recipe_ends_json(&recipe, json_object_get(training, "recipe"));
    }
    if (training && c->experiment->teacher)
        json_object_set_new(training, "teacher",
                            json_pack("{s:s, s:s}", "name", c->experiment->teacher->name, "identity",
                                      c->experiment->teacher->identity));
    if (training && r->validated) {
        json_object_set_new(training, "validation_accuracy", json_real(r->validation_accuracy));
        json_object_set_new(training, "validation_loss", json_real(r->validation_loss));
    }
    if (training && json_array_size(all) > 1)
        json_object_set(training, "candidates", all);
    json_object_set_new(lineage, "wisp", json_string(WISP_VERSION));
    if (!training || json_object_set_new(lineage, "training", training)) {
        json_decref(lineage);
        return -ENOMEM;
    }
    return lineage_store(o->model, lineage);
}

/* On a copy of the first candidate. */
static int search_rate(const struct candidates *c, struct recipe *recipe, struct reason *why)
{
    cleanup_model struct model *model = NULL;
    struct trainer_setup setup;
    struct rate_search search;
    uint64_t seed;
    char text[96];
    int failed = candidate_make(c, 0, &model, &seed, why);

    if (failed)
        return failed;
    setup = candidate_setup(c, model);
    failed = rate_search_run(&setup, &search, why);
    if (failed)
        return failed;
    if (search.count)
        recipe->rate = rate_search_choose(&search);
    snprintf(text, sizeof text, "rate %.3g: a third of where the loss was lowest in %zu steps of rising rates",
             recipe->rate, search.count);
    progress_event(c->progress,
                   json_pack("{s:s s:f s:I}", "event", "rate", "rate", recipe->rate, "steps", (json_int_t)search.count),
                   text);
    return 0;
}

static int train_all(const struct candidates *c, struct training_result *out, json_t *all, struct reason *why)
{
    int failed = 0;

    for (uint64_t k = 0; k < c->recipe->candidates && !failed && (!k || !interrupt_wanted()); k++) {
        cleanup_model struct model *model = NULL;
        struct trainer_result result = { .epochs = 0 };
        uint64_t seed = 0;

        failed = candidate_make(c, k, &model, &seed, why);
        if (failed)
            break;
        if (c->recipe->candidates > 1)
            announce_candidate(c, k, seed);
        failed = candidate_train(c, k, seed, model, &result, why);
        if (failed)
            break;
        json_array_append_new(all, candidate_json(seed, &result));
        out->candidates++;
        if (!out->model || (result.validated && candidate_is_better(&result, &out->result))) {
            model_free(out->model);
            out->model = steal(&model);
            out->result = result;
            out->seed = seed;
        }
    }
    return failed;
}

static int run_all(const struct candidates *c, struct training_result *out, struct reason *why)
{
    json_t *all = json_array();
    int failed;

    *out = (struct training_result){ .model = NULL };
    failed = (c->recipe->halving ? halving_run : train_all)(c, out, all, why);
    if (interrupt_wanted())
        out->result.ending = ENDING_INTERRUPTED;
    if (!failed && describe_training(c, out, all))
        failed = refuse(why, -ENOMEM, "out of memory");
    json_decref(all);
    if (failed)
        out->model = model_free(out->model);
    return failed;
}

int candidates_run(const struct candidates *candidates, struct training_result *out, struct reason *why)
{
    struct recipe recipe = *candidates->recipe;
    struct candidates own = *candidates;
    int failed = recipe.rate_auto ? search_rate(candidates, &recipe, why) : 0;

    *out = (struct training_result){ .model = NULL };
    own.recipe = &recipe;
    return failed ? failed : run_all(&own, out, why);
}
