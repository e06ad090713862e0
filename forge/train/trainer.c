/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/train/checkpoint.h"
#include "forge/train/evaluate.h"
#include "forge/train/interrupt.h"
#include "forge/train/trainer.h"
#include "sparse/graph/parameters.h"
#include "sparse/layers/layer.h"
#include "sparse/passes/backward.h"

struct trainer {
    struct trainer_setup setup;
    struct forward *forward;
    struct backward *backward;
    const struct optimizer *optimizer;
    enum balance balance;              /* what the recipe's comes to with these samples */
    struct parameters parameters;      /* the index of the arrays below, and of the model's values */
    float *gradient, *best;            /* best NULL when nothing is held back */
    float *slots[OPTIMIZER_SLOTS_MAX]; /* the first optimizer->slots of them */
    struct optimizer_clock clock;
    const struct loss *loss;
    struct loss_batch batch;
    uint32_t lost;   /* the value whose gradient the loss gives */
    uint32_t *order; /* of the training samples, in this epoch */
    uint64_t step, steps, per_epoch;
};

static int check_model(const struct model *model, struct reason *why)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        if (!layer_kind_trains(model->layers[i].kind))
            return refuse(why, WISP_E_FORMAT, "layer %s: a %s layer cannot be trained through", model->layers[i].name,
                          model->layers[i].kind->name);
    }
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
    return missing ? -ENOMEM : 0;
}

static int make_stores(struct trainer *t, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    size_t batch = s->recipe->batch;
    int result = make_arrays(t);

    if (!result)
        result = loss_batch_init(&t->batch, t->loss, model_output(s->model), batch);
    t->order = memory_alloc(s->train_count, sizeof *t->order);
    if (!result && !t->order)
        result = -ENOMEM;
    if (result)
        return refuse_errno(why, result, "training");
    return 0;
}

/* How many of the samples each class has. NULL: out of memory. */
static size_t *count_classes(const struct trainer_setup *s, size_t classes)
{
    size_t *counts = memory_zalloc(classes, sizeof *counts);

    for (size_t i = 0; counts && i < s->train_count; i++)
        counts[batches_class(s->batches, s->train[i])]++;
    return counts;
}

static int weigh_classes(struct trainer *t, struct reason *why)
{
    cleanup_free size_t *counts = NULL;
    int result = recipe_check(t->setup.recipe, t->loss, why);

    t->balance = BALANCE_NONE;
    if (result || t->loss->targets != TARGETS_CLASS)
        return result;
    counts = count_classes(&t->setup, t->batch.features);
    if (!counts)
        return refuse_errno(why, -ENOMEM, "training");
    t->balance = balance_choose(t->setup.recipe->balance, counts, t->batch.features);
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
    t->optimizer = setup->recipe->optimizer ? setup->recipe->optimizer : optimizer_at(0);
    t->clock = OPTIMIZER_CLOCK_START;
    t->per_epoch = (setup->train_count + setup->recipe->batch - 1) / setup->recipe->batch;
    t->steps = t->per_epoch * setup->recipe->epochs;
    result = check_model(setup->model, why);
    if (!result)
        result = loss_of_model(setup->model, setup->recipe->loss, &t->loss, &t->lost, why);
    if (!result)
        result = make_stores(t, why);
    if (!result)
        result = weigh_classes(t, why);
    if (!result)
        result = forward_new(&(struct forward_setup){ .model = setup->model,
                                                      .kernels = setup->kernels,
                                                      .mode = LAYER_TRAIN,
                                                      .batch = setup->recipe->batch,
                                                      .pool = setup->pool,
                                                      .sparse_input = batches_are_sparse(setup->batches) &&
                                                                      forward_takes_sparse(setup->model) },
                             &t->forward, why);
    if (!result)
        result = backward_new(t->forward, &t->parameters, &t->backward, why);
    if (result)
        trainer_free(t);
    else
        *out = t;
    return result;
}

struct trainer *trainer_free(struct trainer *trainer)
{
    if (trainer) {
        backward_free(trainer->backward);
        forward_free(trainer->forward);
        free(trainer->gradient);
        for (unsigned i = 0; i < OPTIMIZER_SLOTS_MAX; i++)
            free(trainer->slots[i]);
        free(trainer->best);
        parameters_deinit(&trainer->parameters);
        loss_batch_deinit(&trainer->batch);
        free(trainer->order);
        free(trainer);
    }
    return NULL;
}

/* ---- one step of all parameters, shared among the pool ---- */

struct move {
    const struct trainer *trainer;
    struct optimizer_step step;
    double rate;
};

/* What differs from run to run. Biases do not decay: they cost no connection, and pulling them to 0 only shifts the
 * neurons. */
static struct optimizer_step step_of_run(const struct move *move, const struct parameter_run *run)
{
    const struct trainer *t = move->trainer;
    const struct csr *w = &t->setup.model->layers[run->layer].weight;
    struct optimizer_step step = move->step;

    step.rate = (float)move->rate;
    if (run->connections) {
        double density = (double)w->count / ((double)w->rows * (double)w->columns);

        step.rate = (float)(move->rate * optimizer_boost(t->optimizer, density));
        step.decay = (float)t->setup.recipe->decay;
    }
    return step;
}

/* A part owns a stretch of the arrays, and moves what of each run lies in it. */
static void move_part(void *argument, unsigned part, unsigned parts)
{
    const struct move *move = argument;
    const struct trainer *t = move->trainer;
    unsigned long long begin, end;

    pool_share(t->parameters.length, CACHE_LINE / sizeof(float), part, parts, &begin, &end);
    for (uint32_t i = 0; i < t->parameters.run_count; i++) {
        const struct parameter_run *run = &t->parameters.runs[i];
        uint64_t from = MAX(begin, run->begin), to = MIN(end, run->begin + run->count);
        float *slots[OPTIMIZER_SLOTS_MAX] = { NULL };
        struct optimizer_step step;

        if (from >= to || !run->trained)
            continue;
        step = step_of_run(move, run);
        for (unsigned k = 0; k < t->optimizer->slots; k++)
            slots[k] = t->slots[k] + from;
        t->optimizer->move(t->setup.kernels, &step, t->setup.model->parameters + from, slots, t->gradient + from,
                           to - from);
    }
}

static void move_all(struct trainer *t, float scale)
{
    struct move move = { .trainer = t, .step = { .momentum = (float)t->setup.recipe->momentum, .scale = scale } };

    move.rate = (double)recipe_rate(t->setup.recipe, t->step, t->steps, t->per_epoch);
    optimizer_tick(&t->clock, &move.step);
    pool_run(t->setup.pool, move_part, &move);
    t->step++;
}

/* Of the step at hand. */
static struct layer_random step_random(const struct trainer *t)
{
    return (struct layer_random){ .seed = t->setup.recipe->seed,
                                  .stream = recipe_stream(STREAM_LAYERS, 0, 0) + t->step * FORWARD_STREAMS };
}

static int train_batch(struct trainer *t, uint64_t epoch, const uint32_t *which, size_t count, struct loss_tally *tally,
                       struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    const struct batch batch = { which, count, s->recipe, epoch };
    const struct layer_random random = step_random(t);
    int result;

    forward_random(t->forward, &random);
    result = batches_forward(s->batches, &batch, t->forward, LAYER_TRAIN, why);
    if (result)
        return result;
    batches_targets(s->batches, which, count, &t->batch);
    loss_run(&t->batch, forward_value(t->forward, s->model->layer_count), count, (float)s->recipe->label_smoothing,
             backward_gradient(t->backward, t->lost), s->pool);
    loss_add(&t->batch, count, tally);
    if (!isfinite(tally->loss))
        return refuse(why, WISP_E_INVALID,
                      "the loss is no number any more (epoch %llu, rate %g): the training diverged; try a lower --rate "
                      "(a third of it), or a longer --warmup",
                      (unsigned long long)epoch + 1, s->recipe->rate);
    backward_run(t->backward, t->lost, t->gradient);
    move_all(t, 1.0f / (float)count);
    return 0;
}

/* Ends early, without an error, when the user wants to stop. */
static int train_epoch(struct trainer *t, uint64_t epoch, struct loss_tally *tally, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    int result = 0;

    memcpy(t->order, s->train, s->train_count * sizeof *t->order);
    shuffle(t->order, s->train_count, s->recipe->seed, recipe_stream(STREAM_SHUFFLE, epoch, 0));
    for (size_t done = 0; done < s->train_count && !result && !interrupt_wanted();) {
        size_t now = MIN(s->recipe->batch, s->train_count - done);

        result = train_batch(t, epoch, t->order + done, now, tally, why);
        done += now;
        progress_step(s->progress, now, epoch + 1, s->recipe->epochs, loss_mean(tally), loss_score(tally));
    }
    return result;
}

/* Measures the weights at hand on the validation samples, and remembers them if they are the best so far. */
static int validate(struct trainer *t, uint64_t epoch, struct epoch_figures *figures, struct trainer_result *out,
                    bool *best, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    struct evaluation e;
    const struct evaluator evaluator = { t->forward, s->model, s->batches, &t->batch, s->pool };
    int result = evaluate(&evaluator, s->validation, s->validation_count, &e, why);

    if (result)
        return result;
    figures->validated = true;
    figures->validation_loss = loss_mean(&e.tally);
    figures->validation_accuracy = evaluation_accuracy(&e);
    /* Of equal accuracies the smaller loss is the better one. */
    *best =
        s->recipe->keep_last || !out->validated || figures->validation_accuracy > out->validation_accuracy ||
        (figures->validation_accuracy == out->validation_accuracy && figures->validation_loss < out->validation_loss);
    if (*best) {
        out->validated = true;
        out->best_epoch = epoch;
        out->validation_accuracy = figures->validation_accuracy;
        out->validation_loss = figures->validation_loss;
        out->validation_balance = evaluation_balance(&e);
        memcpy(t->best, s->model->parameters, t->parameters.length * sizeof *t->best);
    }
    evaluation_deinit(&e);
    return 0;
}

/* ---- checkpoints ---- */

/* The arrays of a checkpoint in their order, and where they are here. Returns how many. */
static uint32_t list_arrays(const struct trainer *t, const char *names[static CHECKPOINT_ARRAYS_MAX],
                            float *arrays[static CHECKPOINT_ARRAYS_MAX])
{
    static const char *const slots[OPTIMIZER_SLOTS_MAX] = { "slot0", "slot1" };
    uint32_t count = 0;

    names[count] = "values";
    arrays[count++] = t->setup.model->parameters;
    for (unsigned i = 0; i < MIN(t->optimizer->slots, OPTIMIZER_SLOTS_MAX); i++) {
        names[count] = slots[i];
        arrays[count++] = t->slots[i];
    }
    if (t->best) {
        names[count] = "best";
        arrays[count++] = t->best;
    }
    return count;
}

static void write_checkpoint(const struct trainer *t, const struct trainer_result *result)
{
    const char *names[CHECKPOINT_ARRAYS_MAX];
    float *arrays[CHECKPOINT_ARRAYS_MAX];
    struct checkpoint c = { .run = t->setup.run,
                            .result = trainer_result_json(result),
                            .epoch = result->epochs,
                            .clock = t->clock,
                            .length = t->parameters.length };
    struct reason why;
    int failed;

    c.array_count = list_arrays(t, names, arrays);
    for (uint32_t i = 0; i < c.array_count; i++)
        c.arrays[i] = (struct checkpoint_array){ names[i], arrays[i] };
    failed = c.result ? checkpoint_write(&c, t->setup.checkpoint, &why)
                      : refuse_errno(&why, -ENOMEM, "%s", t->setup.checkpoint);
    json_decref(c.result);
    if (failed)
        warn_user("train", "no checkpoint of epoch %llu: %s", (unsigned long long)result->epochs, why.text);
}

/* All or nothing: the arrays are compared before one is copied. */
static int restore(struct trainer *t, struct trainer_result *out, struct reason *why)
{
    const struct checkpoint *c = t->setup.resume;
    const char *names[CHECKPOINT_ARRAYS_MAX];
    float *arrays[CHECKPOINT_ARRAYS_MAX];
    uint32_t count = list_arrays(t, names, arrays);
    int result = checkpoint_fits(c, t->setup.run, why);

    if (!result)
        result = trainer_result_parse(c->result, out, why);
    if (result)
        return result;
    if (c->epoch > t->setup.recipe->epochs || out->validated != (t->best != NULL))
        return refuse(why, WISP_E_FORMAT, "epoch %llu is none of this run's", (unsigned long long)c->epoch);
    for (uint32_t i = 0; i < count; i++) {
        if (!checkpoint_array(c, names[i]) || c->array_count != count || c->length != t->parameters.length)
            return refuse(why, WISP_E_FORMAT, "%u arrays of %llu numbers; this run has %u of %llu", c->array_count,
                          (unsigned long long)c->length, count, (unsigned long long)t->parameters.length);
    }
    for (uint32_t i = 0; i < count; i++)
        memcpy(arrays[i], checkpoint_array(c, names[i]), c->length * sizeof(float));
    out->epochs = c->epoch;
    t->clock = c->clock;
    t->step = c->epoch * t->per_epoch;
    t->setup.progress->samples_done += c->epoch * t->setup.train_count;
    return 0;
}

/* ---- the run ---- */

static int finish_epoch(struct trainer *t, uint64_t epoch, const struct loss_tally *tally, uint64_t began_ns,
                        struct trainer_result *out, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    struct epoch_figures figures = { .epoch = epoch + 1, .epochs = s->recipe->epochs };
    bool best = false;
    int result = 0;

    figures.loss = out->loss;
    figures.accuracy = out->accuracy;
    out->epochs = epoch + 1;
    figures.rate = (double)recipe_rate(s->recipe, t->step - 1, t->steps, t->per_epoch);
    figures.seconds = (double)(clock_ns() - began_ns) / (double)NS_PER_S;
    figures.samples_per_s = (double)tally->samples / figures.seconds;
    if (out->epoch_seconds == 0 || figures.seconds < out->epoch_seconds)
        out->epoch_seconds = figures.seconds;
    if (s->validation_count)
        result = validate(t, epoch + 1, &figures, out, &best, why);
    else
        out->best_epoch = epoch + 1;
    if (result)
        return result;
    progress_epoch(s->progress, &figures, best);
    if (s->checkpoint)
        write_checkpoint(t, out);
    return 0;
}

int trainer_run(struct trainer *t, struct trainer_result *out, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;

    *out = (struct trainer_result){ .balance = t->balance };
    if (s->resume) {
        int result = restore(t, out, why);

        checkpoint_deinit(s->resume);
        if (result)
            return result;
    }
    for (uint64_t epoch = out->epochs; epoch < s->recipe->epochs && !interrupt_wanted(); epoch++) {
        uint64_t began_ns = clock_ns();
        struct loss_tally tally = { .samples = 0 };
        int result = train_epoch(t, epoch, &tally, why);

        if (tally.samples) {
            out->loss = loss_mean(&tally);
            out->accuracy = loss_score(&tally);
        }
        if (!result && tally.samples == s->train_count)
            result = finish_epoch(t, epoch, &tally, began_ns, out, why);
        if (result && result != WISP_E_INTERRUPTED)
            return result;
    }
    out->interrupted = interrupt_wanted();
    if (out->validated)
        memcpy(s->model->parameters, t->best, t->parameters.length * sizeof *t->best);
    else if (out->interrupted)
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
    return trainer_memory_of(t->setup.model, &t->parameters, t->optimizer->slots, t->best != NULL);
}

size_t trainer_activation_memory(const struct trainer *t)
{
    return forward_memory(t->forward);
}
