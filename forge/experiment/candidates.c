/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "forge/experiment/candidates.h"
#include "forge/plan/assemble.h"
#include "forge/plan/lineage.h"
#include "forge/train/interrupt.h"
#include "forge/train/rate_search.h"
#include "sparse/file/json_text.h"
#include "sparse/file/model_file.h"

/* The seed that the file's connections were drawn from; 0 when it does not say. */
static uint64_t seed_of(const struct model *model)
{
    json_t *lineage = lineage_of_model(model);
    uint64_t seed = (uint64_t)json_integer_value(json_object_get(lineage, "seed"));

    json_decref(lineage);
    return seed;
}

static void announce_start(const struct candidates *c, const struct trainer *trainer, const struct model *model)
{
    size_t memory = trainer_memory(trainer), tensors = batches_memory(c->batches) + trainer_activation_memory(trainer);
    json_t *event =
        json_pack("{s:s s:I s:I s:I s:I s:I s:I s:I s:I s:i s:s}", "event", "start", "connections",
                  (json_int_t)model_connections(model), "potential", (json_int_t)model_potential(model), "train_bytes",
                  (json_int_t)memory, "tensor_bytes", (json_int_t)tensors, "samples", (json_int_t)c->split->train_count,
                  "validation_samples", (json_int_t)c->split->validation_count, "epochs", (json_int_t)c->recipe->epochs,
                  "batch", (json_int_t)c->recipe->batch, "threads", (int)pool_parts(c->experiment->pool), "kernels",
                  c->experiment->kernels->name);
    char text[256];

    snprintf(
        text, sizeof text,
        "%llu of %llu possible connections; %.2f MB for weights, gradients and what %s keeps, %.2f MB for tensors; "
        "%zu samples to train, %zu to validate; kernels %s",
        (unsigned long long)model_connections(model), (unsigned long long)model_potential(model), (double)memory / 1e6,
        c->recipe->optimizer->name, (double)tensors / 1e6, c->split->train_count, c->split->validation_count,
        c->experiment->kernels->name);
    progress_event(c->progress, event, text);
}

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

static int make_candidate(const struct candidates *c, uint64_t number, struct model **out, uint64_t *seed,
                          struct reason *why)
{
    cleanup_model struct model *model = NULL;
    json_t *lineage;
    int result = model_read(c->path, &model, why);

    if (result)
        return result;
    *seed = seed_of(model) + number;
    if (experiment_dress(c->experiment, model))
        return refuse(why, -ENOMEM, "out of memory");
    if (number) {
        result = resample_model(model, *seed, why);
        if (result)
            return result;
        lineage = lineage_of_model(model);
        json_object_set_new(lineage, "seed", json_integer((json_int_t)*seed));
        if (lineage_store(model, lineage))
            return refuse(why, -ENOMEM, "out of memory");
    }
    *out = steal(&model);
    return 0;
}

/* What decides the bits of a run, for its checkpoints. NULL: out of memory. */
static json_t *describe_run(const struct candidates *c, const struct model *model, uint64_t seed)
{
    json_t *run =
        json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:I, s:I, s:b}", "wisp", WISP_VERSION, "model", model->identity,
                  "seed", (json_int_t)seed, "data", c->experiment->data->hash, "media", c->experiment->model->media,
                  "recipe", recipe_json(c->recipe), "samples", (json_int_t)c->split->train_count, "validation_samples",
                  (json_int_t)c->split->validation_count, "blas", strchr(c->experiment->kernels->name, '+') != NULL);

    if (run && c->experiment->teacher)
        json_object_set_new(run, "teacher", json_string(c->experiment->teacher->identity));
    return run;
}

/* Each has what is left of its share and of the shares before: together they keep to the whole. The first has all of
 * its own, to the same instant when it is resumed. */
static double minutes_left(const struct candidates *c, uint64_t number)
{
    double share = c->recipe->minutes * (double)(number + 1) / (double)c->recipe->candidates;
    double spent = !number ? 0 : (double)(clock_ns() - c->began_ns) / (double)NS_PER_S / 60;

    return c->recipe->minutes > 0 ? MAX(share - spent, 1e-9) : 0;
}

static struct trainer_setup setup_of(const struct candidates *c, struct model *model)
{
    return (struct trainer_setup){ .model = model,
                                   .kernels = c->experiment->kernels,
                                   .pool = c->experiment->pool,
                                   .recipe = c->recipe,
                                   .batches = c->batches,
                                   .answers = c->answers,
                                   .train = c->split->samples,
                                   .train_count = c->split->train_count,
                                   .validation = c->split->samples + c->split->train_count,
                                   .validation_count = c->split->validation_count,
                                   .progress = c->progress };
}

static int train_candidate(const struct candidates *c, uint64_t number, uint64_t seed, struct model *model,
                           struct trainer_result *result, struct reason *why)
{
    cleanup_json json_t *run = describe_run(c, model, seed);
    struct trainer_setup setup = setup_of(c, model);
    struct trainer *trainer;
    int failed;

    setup.run = run;
    setup.checkpoint = c->checkpoint;
    setup.checkpoint_steps = c->checkpoint_steps;
    setup.checkpoint_minutes = c->checkpoint_minutes;
    setup.resume = c->resume;
    setup.minutes = minutes_left(c, number);
    failed = run ? trainer_new(&setup, &trainer, why) : refuse_errno(why, -ENOMEM, "training");

    if (failed)
        return failed;
    if (!number)
        announce_start(c, trainer, model);
    failed = trainer_run(trainer, result, why);
    trainer_free(trainer);
    progress_clear(c->progress);
    return failed;
}

static json_t *candidate_json(uint64_t seed, const struct trainer_result *result)
{
    return json_pack("{s:I s:f s:f}", "seed", (json_int_t)seed, "validation_accuracy", result->validation_accuracy,
                     "validation_loss", result->validation_loss);
}

static bool is_better(const struct trainer_result *a, const struct trainer_result *b)
{
    if (a->validation_accuracy != b->validation_accuracy)
        return a->validation_accuracy > b->validation_accuracy;
    return a->validation_loss < b->validation_loss;
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
    int failed = make_candidate(c, 0, &model, &seed, why);

    if (failed)
        return failed;
    setup = setup_of(c, model);
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

static int run_all(const struct candidates *c, struct training_result *out, struct reason *why)
{
    json_t *all = json_array();
    int failed = 0;

    *out = (struct training_result){ .model = NULL };
    for (uint64_t k = 0; k < c->recipe->candidates && !failed && (!k || !interrupt_wanted()); k++) {
        cleanup_model struct model *model = NULL;
        struct trainer_result result = { .epochs = 0 };
        uint64_t seed = 0;

        failed = make_candidate(c, k, &model, &seed, why);
        if (failed)
            break;
        if (c->recipe->candidates > 1)
            announce_candidate(c, k, seed);
        failed = train_candidate(c, k, seed, model, &result, why);
        if (failed)
            break;
        json_array_append_new(all, candidate_json(seed, &result));
        out->candidates++;
        if (!out->model || (result.validated && is_better(&result, &out->result))) {
            model_free(out->model);
            out->model = steal(&model);
            out->result = result;
            out->seed = seed;
        }
    }
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
