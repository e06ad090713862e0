/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/train/evaluate.h"
#include "forge/train/groups/groups.h"
#include "forge/train/interrupt.h"
#include "forge/train/lengths/lengths.h"
#include "forge/train/topology/regrow_model.h"
#include "forge/train/trainer_state.h"
#include "sparse/graph/connections.h"
#include "sparse/layers/layer.h"

static int check_model(const struct model *model, struct reason *why)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (!layer_kind_trains(model->layers[i].kind))
            return refuse(why, WISP_E_FORMAT, "layer %s: a %s layer cannot be trained through", model->layers[i].name,
                          model->layers[i].kind->name);
    }
    return 0;
}

static int check_regrowth(const struct trainer *t, struct reason *why)
{
    if (!t->setup.recipe->regrowth.method || regrow_model_has_room(t->setup.model))
        return 0;
    return refuse(why, WISP_E_INVALID,
                  "--regrow puts connections where there are none, and this network has all; build it with a sparsity");
}

static int check_ends(const struct trainer *t, struct reason *why)
{
    const struct recipe *recipe = t->setup.recipe;

    if ((recipe->until_accuracy > 0 || recipe->patience) && !t->setup.validation_count)
        return refuse(why, WISP_E_INVALID,
                      "--until-accuracy and --patience need samples that are held back: "
                      "--validation above 0, and more samples");
    if (recipe->until_accuracy > 0 && !loss_has_score(t->loss))
        return refuse(why, WISP_E_INVALID,
                      "--until-accuracy is for labels; the loss %s has none, and --patience ends it", t->loss->name);
    return 0;
}

/* The arrays with a number for each parameter. */
static int make_arrays(struct trainer *t)
{
    bool missing;
    int result = parameters_map(t->setup.model, &t->parameters);

    if (!result)
        result = model_gather_parameters(t->setup.model, &t->parameters);
    if (result)
        return result;
    t->gradient = parameters_array(&t->parameters);
    missing = !t->gradient;
    for (unsigned i = 0; i < t->optimizer->slots; i++)
        missing |= !(t->slots[i] = parameters_array(&t->parameters));
    if (t->setup.validation_count)
        missing |= !(t->best = parameters_array(&t->parameters));
    if (t->best && t->setup.recipe->regrowth.method)
        missing |= !(t->best_places = connections_array(&t->parameters));
    if (t->setup.recipe->average.kind)
        missing |= !(t->average = parameters_array(&t->parameters));
    if (t->setup.recipe->clip > 0)
        missing |= !(t->norms = memory_alloc(trainer_norm_blocks(&t->parameters), sizeof *t->norms));
    return missing ? -ENOMEM : 0;
}

/* The most samples of a minibatch that a rank has. */
static size_t share_max(const struct trainer_setup *s)
{
    return (s->recipe->batch + ranks_count(s->ranks) - 1) / ranks_count(s->ranks);
}

static int make_stores(struct trainer *t, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    int result = make_arrays(t);

    if (!result)
        result = loss_batch_init(&t->batch, t->loss, model_output(s->model), share_max(s));
    if (!result && s->recipe->temperature > 0)
        t->batch.temperature = (float)s->recipe->temperature;
    t->order = memory_alloc(s->train_count, sizeof *t->order);
    if (!result && !t->order)
        result = -ENOMEM;
    if (result)
        return refuse_errno(why, result, "training");
    return 0;
}

/* What the labels say before anything is learned. */
static int weigh_classes(struct trainer *t, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    cleanup_free size_t *counts = NULL;
    int result = recipe_check(s->recipe, t->loss, why);

    t->balance = BALANCE_NONE;
    if (!result && t->loss->targets == TARGETS_SET && t->loss->joined && s->batches && !s->answers &&
        balance_begin(s->model, t->lost, s->batches, s->train, s->train_count))
        return refuse_errno(why, -ENOMEM, "training");
    if (result || t->loss->targets != TARGETS_CLASS)
        return result;
    if (!(counts = balance_count(s->batches, s->train, s->train_count, t->batch.features)))
        return refuse_errno(why, -ENOMEM, "training");
    if (t->batch.positions > 1 && s->recipe->balance == BALANCE_AUTO)
        return 0; /* of words right is who is right of most of them */
    t->balance = balance_choose(s->recipe->balance, counts, t->batch.features);
    balance_weights(t->balance, counts, t->batch.features, t->batch.weights);
    return 0;
}

int trainer_new(const struct trainer_setup *setup, struct trainer **out, struct reason *why)
{
    struct trainer *t = calloc(1, sizeof *t);
    int result;

    if (!t)
        return refuse_errno(why, -ENOMEM, "training");
    t->setup = *setup;
    golden_deinit(&setup->model->golden); /* it is about to answer something else */
    t->optimizer = setup->recipe->optimizer ? setup->recipe->optimizer : optimizer_at(0);
    t->clock = OPTIMIZER_CLOCK_START;
    t->per_epoch = (setup->train_count + setup->recipe->batch - 1) / setup->recipe->batch;
    t->steps = recipe_steps(setup->recipe, setup->train_count);
    result = check_model(setup->model, why);
    if (!result)
        result = loss_of_model(setup->model, setup->recipe->loss, &t->loss, &t->lost, why);
    if (!result && setup->answers)
        t->loss = loss_taught(t->loss);
    if (!result)
        result = check_ends(t, why);
    if (!result)
        result = check_regrowth(t, why);
    if (!result)
        result = make_stores(t, why);
    if (!result)
        result = weigh_classes(t, why);
    if (!result)
        result = trainer_make_passes(t, why);
    if (result)
        trainer_free(t);
    else
        *out = t;
    return result;
}

struct trainer *trainer_free(struct trainer *trainer)
{
    if (trainer) {
        trainer_free_passes(trainer);
        free(trainer->gradient);
        for (unsigned i = 0; i < OPTIMIZER_SLOTS_MAX; i++)
            free(trainer->slots[i]);
        free(trainer->best);
        free(trainer->best_places);
        free(trainer->average);
        free(trainer->norms);
        parameters_deinit(&trainer->parameters);
        loss_batch_deinit(&trainer->batch);
        free(trainer->order);
        free(trainer);
    }
    return NULL;
}

/* ---- the epochs ---- */

static void start_tallies(struct trainer *t)
{
    t->tally = (struct loss_tally){ .samples = 0 };
    if (t->setup.beside)
        t->setup.beside->tally = t->tally;
}

static int train_batch(struct trainer *t, uint64_t epoch, const uint32_t *which, size_t count, struct reason *why)
{
    int result = trainer_batch(t, epoch, which, count, why);

    if (!result)
        result = trainer_regrow(t, why);
    if (!result && t->setup.add)
        result = t->setup.add(t->setup.adder, t, count, why);
    if (!result)
        trainer_step(t, 1.0f / (float)count);
    return result;
}

/* What a sample's positions cost: those of targets more, where a word is to be given at each. */
static uint64_t cost(const void *of, uint32_t sample)
{
    const struct trainer *t = of;
    struct batch_lengths lengths = { 0, 0 };

    batches_lengths(t->setup.batches, t->setup.recipe, sample, &lengths);
    return (uint64_t)lengths.target << 32 | lengths.source;
}

static int order_epoch(struct trainer *t, uint64_t epoch, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    const struct lengths lengths = { s->recipe->batch, s->recipe->seed, recipe_stream(STREAM_LENGTHS, epoch, 0), cost,
                                     t };
    struct batch_lengths first;
    int result = 0;

    memcpy(t->order, s->train, s->train_count * sizeof *t->order);
    shuffle(t->order, s->train_count, s->recipe->seed, recipe_stream(STREAM_SHUFFLE, epoch, 0));
    if (s->train_count && s->batches && forward_has_lengths(t->forward) &&
        batches_lengths(s->batches, s->recipe, s->train[0], &first))
        result = lengths_order(&lengths, t->order, s->train_count);
    return result ? refuse_errno(why, result, "an epoch's order") : 0;
}

int trainer_gradient(struct trainer *t, uint64_t number, const float **out, struct reason *why)
{
    const size_t batch = t->setup.recipe->batch, first = (size_t)(number % t->per_epoch) * batch;
    const uint64_t epoch = number / t->per_epoch;
    int result;

    result = order_epoch(t, epoch, why);
    if (!result)
        result = trainer_batch(t, epoch, t->order + first, MIN(batch, t->setup.train_count - first), why);
    start_tallies(t);
    *out = t->gradient;
    return result;
}

static bool checkpoint_is_due(const struct trainer *t)
{
    const struct trainer_setup *s = &t->setup;

    if (!s->checkpoint || t->tally.samples == s->train_count) /* an epoch's end has one of its own */
        return false;
    return (s->checkpoint_steps && t->step % s->checkpoint_steps == 0) ||
           (s->checkpoint_minutes > 0 &&
            (double)(clock_ns() - t->kept_ns) >= s->checkpoint_minutes * 60 * (double)NS_PER_S);
}

/* Of any rank. */
static bool interrupted(const struct trainer *t)
{
    return ranks_agree(t->setup.ranks, interrupt_wanted());
}

static bool minutes_are_over(const struct trainer *t)
{
    return t->setup.minutes > 0 && ranks_agree(t->setup.ranks, trainer_seconds(t) >= 60 * t->setup.minutes);
}

/* What ends the run here. */
static enum ending find_ending(const struct trainer *t, const struct trainer_result *out)
{
    const struct recipe *recipe = t->setup.recipe;

    if (interrupted(t))
        return ENDING_INTERRUPTED;
    if (recipe->until_accuracy > 0 && out->validated && out->validation_accuracy >= recipe->until_accuracy)
        return ENDING_ACCURACY;
    if (recipe->patience && out->epochs - out->best_epoch >= recipe->patience)
        return ENDING_PATIENCE;
    if (t->step >= t->steps)
        return recipe->steps == t->steps ? ENDING_STEPS : ENDING_EPOCHS;
    if (t->setup.pause && out->epochs >= t->setup.pause)
        return ENDING_PAUSED;
    return minutes_are_over(t) ? ENDING_MINUTES : ENDING_NONE;
}

/* What is left of it. Ends early, without an error, when the run is to end. */
static int train_epoch(struct trainer *t, const struct trainer_result *out, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    uint64_t epoch = out->epochs;
    int result = order_epoch(t, epoch, why);

    while (!result && t->tally.samples < s->train_count && !find_ending(t, out)) {
        size_t done = t->tally.samples, now = MIN(s->recipe->batch, s->train_count - done);

        result = train_batch(t, epoch, t->order + done, now, why);
        if (result)
            break;
        progress_step(s->progress, now, epoch + 1, s->recipe->epochs, loss_mean(&t->tally), loss_score(&t->tally));
        if (checkpoint_is_due(t))
            trainer_keep(t, out);
    }
    return result;
}

/* What a validation has shown; the weights are remembered if they are the best so far. */
static void note_validation(struct trainer *t, uint64_t epoch, const struct evaluation *e,
                            struct epoch_figures *figures, struct trainer_result *out, bool *best)
{
    figures->validated = true;
    figures->validation_loss = loss_mean(&e->tally);
    figures->validation_accuracy = evaluation_accuracy(e);
    /* Of equal accuracies the smaller loss is the better one. */
    *best =
        t->setup.recipe->keep_last || !out->validated || figures->validation_accuracy > out->validation_accuracy ||
        (figures->validation_accuracy == out->validation_accuracy && figures->validation_loss < out->validation_loss);
    if (*best) {
        out->validated = true;
        out->best_epoch = epoch;
        out->validation_accuracy = figures->validation_accuracy;
        out->validation_loss = figures->validation_loss;
        out->validation_balance = evaluation_balance(e);
        trainer_remember(t);
    }
}

/* Measures the weights at hand, or their average, on the validation samples, and remembers them if they are the best so
 * far. */
static int validate(struct trainer *t, uint64_t epoch, struct epoch_figures *figures, struct trainer_result *out,
                    bool *best, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    struct evaluation e;
    struct loss_batch loss = loss_batch_slice(&t->batch, 0, groups_samples(t->groups));
    const struct evaluator evaluator = { .forward = t->forward,
                                         .model = s->model,
                                         .batches = s->batches,
                                         .loss = &loss,
                                         .pool = s->pool,
                                         .answers = s->answers,
                                         .ranks = s->ranks };
    const bool averaged = trainer_has_average(t);
    int result;

    if (averaged)
        trainer_swap_average(t);
    result = evaluate(&evaluator, s->validation, s->validation_count, &e, why);
    if (!result)
        note_validation(t, epoch, &e, figures, out, best);
    if (averaged)
        trainer_swap_average(t);
    if (!result)
        evaluation_deinit(&e);
    return result == WISP_E_INVALID ? trainer_refuse_diverged(t, t, epoch - 1, why) : result;
}

/* ---- the run ---- */

/* `of`: as trainer_refuse_diverged() has it; NULL: there is none. */
static int check_finite(struct trainer *t, const struct trainer *of, uint64_t epoch, struct reason *why)
{
    for (uint64_t i = 0; of && i < of->parameters.length; i++) {
        if (!isfinite(of->setup.model->parameters[i]))
            return trainer_refuse_diverged(t, of, epoch, why);
    }
    return 0;
}

/* An epoch that minutes cut short has its checkpoint before this: a run that is resumed with more of them goes on
 * there. `earlier`: samples that were trained on before the run was resumed in this epoch, which `began_ns` knows
 * nothing of.
 */
static int finish_epoch(struct trainer *t, uint64_t began_ns, uint64_t earlier, struct trainer_result *out,
                        struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    struct epoch_figures figures = { .epoch = out->epochs + 1, .epochs = s->recipe->epochs };
    bool best = false, cut = t->tally.samples < s->train_count && t->step < t->steps;
    int result = 0;

    figures.loss = out->loss;
    figures.accuracy = out->accuracy;
    figures.rate = (double)recipe_rate(s->recipe, t->step - 1, t->steps, t->per_epoch);
    figures.seconds = (double)(clock_ns() - began_ns) / (double)NS_PER_S;
    figures.samples_per_s = (double)(t->tally.samples - earlier) / figures.seconds;
    if (s->beside) {
        figures.opposed = true;
        figures.adversary_loss = loss_mean(&s->beside->tally);
        figures.adversary_accuracy = loss_score(&s->beside->tally);
    }
    if (!earlier && (out->epoch_seconds == 0 || figures.seconds < out->epoch_seconds))
        out->epoch_seconds = figures.seconds;
    result = check_finite(t, s->beside, out->epochs, why);
    if (!result && s->validation_count)
        result = validate(t, figures.epoch, &figures, out, &best, why);
    else
        out->best_epoch = figures.epoch;
    if (result)
        return result;
    out->epochs = figures.epoch;
    start_tallies(t);
    progress_epoch(s->progress, &figures, best);
    if (s->checkpoint && !cut)
        trainer_keep(t, out);
    return 0;
}

static int run_epoch(struct trainer *t, struct trainer_result *out, struct reason *why)
{
    uint64_t began_ns = clock_ns(), earlier = t->tally.samples;
    int result = train_epoch(t, out, why);

    if (t->tally.samples && !t->diverged) {
        out->loss = loss_mean(&t->tally);
        out->accuracy = loss_score(&t->tally);
    }
    if (result || interrupted(t) || !t->tally.samples)
        return result;
    if (t->setup.checkpoint && t->tally.samples < t->setup.train_count && t->step < t->steps)
        trainer_keep(t, out);
    result = trainer_compare(t, why);
    if (!result)
        result = finish_epoch(t, began_ns, earlier, out, why);
    return result == WISP_E_INTERRUPTED ? 0 : result;
}

/* What an interruption leaves of an epoch; and that the minutes are over, where that was so after a whole epoch's
 * checkpoint only. */
static bool end_is_unsaved(const struct trainer *t, const struct trainer_result *out)
{
    return t->tally.samples || (out->ending == ENDING_MINUTES && t->step && t->step % t->per_epoch == 0);
}

/* Of weights that no validation has seen since the last step. */
static int check_weights(struct trainer *t, const struct trainer_result *out, struct reason *why)
{
    const uint64_t epoch = out->epochs ? out->epochs - 1 : 0;
    int result = out->validated ? 0 : check_finite(t, t, epoch, why);

    return result || out->validated ? result : check_finite(t, t->setup.beside, epoch, why);
}

/* To the best epoch; where nothing was held back, to the last checkpoint. */
static bool roll_back(struct trainer *t, struct trainer_result *out)
{
    struct trainer_result there = *out;

    if (!out->validated && trainer_take_back(t, &there))
        return false;
    out->best_epoch = there.best_epoch;
    out->ending = ENDING_DIVERGED;
    return true;
}

/* The weights that are wanted of those there are. */
static void choose_weights(struct trainer *t, const struct trainer_result *out)
{
    float *values = t->setup.model->parameters;

    if (out->validated)
        trainer_recall(t);
    else if (trainer_has_average(t))
        memcpy(values, t->average, t->parameters.length * sizeof *values);
}

int trainer_run(struct trainer *t, struct trainer_result *out, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    int result = 0;

    *out = (struct trainer_result){ .balance = t->balance };
    t->began_ns = t->kept_ns = clock_ns();
    if (s->resume) {
        result = trainer_restore(t, out, why);
        checkpoint_deinit(s->resume);
    }
    /* What has begun of an epoch is brought to an end, be it that it was kept after its last step. */
    while (!result && !interrupted(t) && (t->tally.samples || !find_ending(t, out)))
        result = run_epoch(t, out, why);
    if (!result)
        result = check_weights(t, out, why);
    out->ending = find_ending(t, out);
    if (result && !(t->diverged && roll_back(t, out)))
        return result;
    out->seconds = trainer_seconds(t);
    if (s->checkpoint && !t->diverged && end_is_unsaved(t, out))
        trainer_keep(t, out);
    choose_weights(t, out);
    if (!out->validated && out->ending == ENDING_INTERRUPTED)
        out->best_epoch = 0;
    return 0;
}

uint64_t trainer_memory_of(const struct model *model, const struct parameters *parameters, uint64_t slots, bool best)
{
    /* Values and gradients; and the optimiser's slots, and the copy of the best epoch. */
    uint64_t arrays = 2 + slots + best, bytes = arrays * parameters->length * sizeof(float);

    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct csr *w = &model->layers[i].weight;

        if (model->layers[i].kind->weighted)
            bytes += w->count * csr_index_bytes(w->columns) + ((uint64_t)w->rows + 1) * sizeof *w->starts;
    }
    return bytes;
}

size_t trainer_memory(const struct trainer *t)
{
    return trainer_memory_of(t->setup.model, &t->parameters, t->optimizer->slots + (t->average != NULL),
                             t->best != NULL) +
           (t->best_places ? t->parameters.length * sizeof *t->best_places : 0) + groups_memory(t->groups);
}

size_t trainer_activation_memory(const struct trainer *t)
{
    return groups_activation_memory(t->groups);
}
