/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
#include "forge/adversary/adversary.h"
#include "forge/experiment/candidate.h"
#include "forge/experiment/opposing.h"
#include "forge/plan/assemble.h"
#include "forge/plan/lineage.h"
#include "forge/train/interrupt.h"
#include "forge/train/topology/prune_model.h"
#include "forge/unlabelled/disagreement.h"
#include "sparse/file/json_text.h"
#include "sparse/file/model_file.h"

/* Of all potential ones, as many as the sparsity leaves. */
static uint64_t kept_connections(const struct pruning *pruning, const struct model *model)
{
    return (uint64_t)((1 - pruning->sparsity) * (double)model_potential(model) + 0.5);
}

/* Adds up the gradients of some minibatches. Running statistics are not to learn from them. */
static int sum_gradients(struct trainer *trainer, const struct parameters *parameters, struct model *model,
                         uint64_t batches, float *sum, struct reason *why)
{
    const size_t bytes = parameters->length * sizeof *sum;
    cleanup_free float *values = parameters_array(parameters);
    const float *gradient;
    int result = values ? 0 : refuse_errno(why, -ENOMEM, "--prune");

    if (result)
        return result;
    memcpy(values, model->parameters, bytes);
    for (uint64_t i = 0; i < batches && !result; i++) {
        result = interrupt_wanted() ? refuse(why, WISP_E_INTERRUPTED, "interrupted")
                                    : trainer_gradient(trainer, i, &gradient, why);
        for (uint64_t k = 0; k < parameters->length && !result; k++)
            sum[k] += gradient[k];
    }
    memcpy(model->parameters, values, bytes);
    return result;
}

static int prune_by_gradient(const struct candidates *c, struct model *model, struct reason *why)
{
    const struct pruning *pruning = &c->recipe->pruning;
    struct trainer_setup setup = candidate_setup(c, model);
    struct recipe recipe = recipe_bare(c->recipe);
    struct parameters parameters = PARAMETERS_NULL;
    cleanup_free float *sum = NULL;
    struct trainer *trainer = NULL;
    int result;

    setup.recipe = &recipe;
    setup.validation_count = 0;
    result = trainer_new(&setup, &trainer, why);
    if (result)
        return result;
    if (parameters_map(model, &parameters) || !(sum = parameters_array(&parameters)))
        result = refuse_errno(why, -ENOMEM, "--prune");
    if (!result)
        result = sum_gradients(trainer, &parameters, model, pruning->batches, sum, why);
    if (!result)
        result = prune_model(model, &parameters, sum, kept_connections(pruning, model), why);
    parameters_deinit(&parameters);
    trainer_free(trainer);
    return result;
}

static int prune(const struct candidates *c, struct model *model, uint64_t seed, struct reason *why)
{
    int result = c->recipe->pruning.method ? prune_by_gradient(c, model, why) : 0;

    if (!result && c->recipe->pruning.method == PRUNING_SNIP_RATIO)
        result = resample_model(model, seed, why);
    return result;
}

/* A fresh draw, where the file's own is not what is trained. */
static int draw(const struct candidates *c, uint64_t number, struct model *model, uint64_t seed, struct reason *why)
{
    json_t *lineage;
    int result = c->recipe->dense ? connect_model(model, seed, why) : number ? resample_model(model, seed, why) : 0;

    if (result || !number)
        return result;
    lineage = lineage_of_model(model);
    json_object_set_new(lineage, "seed", json_integer((json_int_t)seed));
    return lineage_store(model, lineage) ? refuse(why, -ENOMEM, "out of memory") : 0;
}

int candidate_make(const struct candidates *c, uint64_t number, struct model **out, uint64_t *seed, struct reason *why)
{
    cleanup_model struct model *model = NULL;
    int result = model_read(c->path, &model, why);

    if (result)
        return result;
    *seed = lineage_seed(model) + number;
    if (experiment_dress(c->experiment, model))
        return refuse(why, -ENOMEM, "out of memory");
    result = draw(c, number, model, *seed, why);
    if (!result)
        result = prune(c, model, *seed, why);
    *out = result ? NULL : steal(&model);
    return result;
}

static void announce_start(const struct candidates *c, const struct trainer *trainer, const struct adversary *adversary,
                           const struct model *model)
{
    size_t memory = trainer_memory(trainer) + (adversary ? adversary_memory(adversary) : 0);
    size_t tensors = batches_memory(c->batches) + trainer_activation_memory(trainer);
    json_t *event =
        json_pack("{s:s s:I s:I s:I s:I s:I s:I s:I s:I s:i s:s}", "event", "start", "connections",
                  (json_int_t)model_connections(model), "potential", (json_int_t)model_potential(model), "train_bytes",
                  (json_int_t)memory, "tensor_bytes", (json_int_t)tensors, "samples", (json_int_t)c->split->train_count,
                  "validation_samples", (json_int_t)c->split->validation_count, "epochs", (json_int_t)c->recipe->epochs,
                  "batch", (json_int_t)c->recipe->batch, "threads", (int)pool_parts(c->experiment->pool), "kernels",
                  c->experiment->kernels->name);
    char text[256], unlabelled[64] = "";

    if (c->split->unlabelled_count) {
        json_object_set_new(event, "unlabelled_samples", json_integer((json_int_t)c->split->unlabelled_count));
        snprintf(unlabelled, sizeof unlabelled, ", %zu without labels", c->split->unlabelled_count);
    }
    snprintf(
        text, sizeof text,
        "%llu of %llu possible connections; %.2f MB for weights, gradients and what %s keeps, %.2f MB for tensors; "
        "%zu samples to train, %zu to validate%s; kernels %s",
        (unsigned long long)model_connections(model), (unsigned long long)model_potential(model), (double)memory / 1e6,
        c->recipe->optimizer->name, (double)tensors / 1e6, c->split->train_count, c->split->validation_count,
        unlabelled, c->experiment->kernels->name);
    progress_event(c->progress, event, text);
}

json_t *candidate_describe(const struct candidates *c, const struct training *training)
{
    const struct recipe *recipe = training->recipe ? training->recipe : c->recipe;
    json_t *semi;
    json_t *run = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:o, s:I, s:I, s:b}", "wisp", WISP_VERSION, "model", training->model->identity,
        "seed", (json_int_t)training->seed, "data", c->experiment->data->hash, "media", c->experiment->model->media,
        "recipe", recipe_json(recipe), "samples", (json_int_t)c->split->train_count, "validation_samples",
        (json_int_t)c->split->validation_count, "blas", strchr(c->experiment->kernels->name, '+') != NULL);

    if (run && c->experiment->teacher)
        json_object_set_new(run, "teacher", json_string(c->experiment->teacher->identity));
    if (run && c->experiment->adversary)
        json_object_set_new(run, "adversary", json_string(c->experiment->adversary->identity));
    if (run && c->semi && (semi = semi_json(c->semi, c->split))) {
        json_object_set(semi, "done", training->rounds);
        json_object_set_new(run, "semi", semi);
    }
    return run;
}

bool candidates_are_shared(const struct candidates *c)
{
    return c->recipe->candidates > 1 && ranks_count(c->ranks) > 1;
}

uint64_t candidates_turns(const struct ranks *ranks, uint64_t candidates)
{
    return candidates > 1 ? (candidates + ranks_count(ranks) - 1) / ranks_count(ranks) : 1;
}

/* Each has what is left of its share and of the shares before: together they keep to the whole; and so has each of a
 * candidate's rounds. The first has all of its own, to the same instant when it is resumed. */
static double minutes_left(const struct candidates *c, const struct training *training)
{
    uint64_t turn = training->number / ranks_count(c->ranks), rounds = c->semi ? c->semi->rounds + 1 : 1;
    uint64_t round = json_array_size(training->rounds), turns = candidates_turns(c->ranks, c->recipe->candidates);
    double share = c->recipe->minutes * (double)(turn + 1) / (double)turns;
    double spent = !turn && !round ? 0 : (double)(clock_ns() - c->began_ns) / (double)NS_PER_S / 60;

    return c->recipe->minutes > 0 ? MAX((share - spent) / (double)(rounds - round), 1e-9) : 0;
}

struct trainer_setup candidate_setup(const struct candidates *c, struct model *model)
{
    return (struct trainer_setup){ .model = model,
                                   .kernels = c->experiment->kernels,
                                   .pool = c->experiment->pool,
                                   .ranks = candidates_are_shared(c) ? NULL : c->ranks,
                                   .recipe = c->recipe,
                                   .batches = c->batches,
                                   .answers = c->answers,
                                   .train = c->split->samples,
                                   .train_count = c->split->train_count,
                                   .validation = split_validation(c->split),
                                   .validation_count = c->split->validation_count,
                                   .progress = c->progress };
}

static void set_round(struct trainer_setup *setup, const struct candidates *c, const struct training *training)
{
    setup->recipe = training->recipe;
    setup->train = training->train;
    setup->train_count = training->train_count;
    setup->labels = training->labels;
    setup->label_count = c->experiment->data->count;
}

static int set_disagreement(struct trainer_setup *setup, const struct split *split, struct disagreement **out)
{
    if (setup->recipe->disagreement == 0 || !split->unlabelled_count)
        return 0;
    if (disagreement_new(setup, split_unlabelled(split), split->unlabelled_count, out))
        return -ENOMEM;
    setup->add = disagreement_add;
    setup->adder = *out;
    return 0;
}

int candidate_train(const struct candidates *c, struct training *training, struct trainer_result *result,
                    struct reason *why)
{
    cleanup_json json_t *run = candidate_describe(c, training);
    struct trainer_setup setup = candidate_setup(c, training->model);
    struct disagreement *disagreement = NULL;
    struct adversary *adversary = NULL;
    struct trainer *trainer;
    int failed;

    setup.run = run;
    setup.checkpoint = c->checkpoint;
    setup.checkpoint_steps = c->checkpoint_steps;
    setup.checkpoint_minutes = c->checkpoint_minutes;
    setup.resume = training->resume;
    setup.minutes = minutes_left(c, training);
    setup.pause = c->pause;
    if (training->recipe)
        set_round(&setup, c, training);
    failed = set_disagreement(&setup, c->split, &disagreement);
    if (failed || !run)
        failed = refuse_errno(why, -ENOMEM, "training");
    else
        failed = opposing_begin(c->experiment, &setup, &training->adversary, &adversary, why);
    if (!failed)
        failed = trainer_new(&setup, &trainer, why);
    if (failed) {
        adversary_free(adversary);
        disagreement_free(disagreement);
        return failed;
    }
    if (!training->number && !c->announced && (training->resume || !json_array_size(training->rounds)))
        announce_start(c, trainer, adversary, training->model);
    failed = trainer_run(trainer, result, why);
    training->epochs += failed ? 0 : result->epochs;
    trainer_free(trainer);
    adversary_free(adversary);
    disagreement_free(disagreement);
    progress_clear(c->progress);
    return failed;
}

json_t *candidate_json(uint64_t seed, const struct trainer_result *result)
{
    return json_pack("{s:I s:f s:f}", "seed", (json_int_t)seed, "validation_accuracy", result->validation_accuracy,
                     "validation_loss", result->validation_loss);
}

bool candidate_is_better(const struct trainer_result *a, const struct trainer_result *b)
{
    if (a->validation_accuracy != b->validation_accuracy)
        return a->validation_accuracy > b->validation_accuracy;
    return a->validation_loss < b->validation_loss;
}
