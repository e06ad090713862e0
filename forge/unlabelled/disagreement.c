/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/train/trainer_state.h"
#include "forge/unlabelled/disagreement.h"
#include "forge/unlabelled/opinions.h"
#include "sparse/kernels/functions.h"

/* Epochs of random numbers for each time through the samples: of what is to be said, and of what is said. */
enum { SAID_EPOCH = 1 << 22, SAYING_EPOCH = 1 << 21 };

struct disagreement {
    const struct trainer_setup *setup;
    struct recipe noise, strong; /* of the samples that something is said of, and of those that learn it */
    struct loss_batch loss;
    bool *unsure; /* of the batch at hand, what nothing is learned of */
    size_t count;
    uint32_t *order;
    uint64_t turn; /* times through the samples that `order` is of, and one */
    float *gradient;
    uint64_t length;
};

static int make(struct disagreement *d, const uint32_t *unlabelled)
{
    const struct recipe *recipe = d->setup->recipe;

    d->order = memory_alloc(d->count, sizeof *d->order);
    d->unsure = memory_alloc(recipe->batch, sizeof *d->unsure);
    if (!d->order || !d->unsure)
        return -ENOMEM;
    memcpy(d->order, unlabelled, d->count * sizeof *d->order);
    return loss_batch_init(&d->loss, loss_taught(loss_at(0)), model_output(d->setup->model), recipe->batch);
}

int disagreement_new(const struct trainer_setup *setup, const uint32_t *unlabelled, size_t count,
                     struct disagreement **out)
{
    struct disagreement *d = calloc(1, sizeof *d);
    int result = d ? 0 : -ENOMEM;

    if (result)
        return result;
    d->setup = setup;
    d->strong = d->noise = opinions_noise(setup->recipe);
    if (augment_is_on(&setup->recipe->strong)) {
        d->strong = d->noise = *setup->recipe;
        d->strong.augment = setup->recipe->strong;
    }
    d->count = count;
    result = make(d, unlabelled);
    if (result)
        disagreement_free(d);
    else
        *out = d;
    return result;
}

struct disagreement *disagreement_free(struct disagreement *d)
{
    if (d) {
        if (d->loss.loss)
            loss_batch_deinit(&d->loss);
        free(d->gradient);
        free(d->unsure);
        free(d->order);
        free(d);
    }
    return NULL;
}

/* The samples of batch `number`; they come in another order each time through. */
static struct batch next_batch(struct disagreement *d, uint64_t number)
{
    const size_t size = d->setup->recipe->batch, per_turn = (d->count + size - 1) / size;
    const uint64_t turn = number / per_turn;
    const size_t done = number % per_turn * size;

    /* An order follows from the one before, so that a run which is taken up again goes through them all. */
    for (; d->turn <= turn; d->turn++)
        shuffle(d->order, d->count, d->setup->recipe->seed, recipe_stream(STREAM_SHUFFLE, SAID_EPOCH + d->turn, 0));
    return (struct batch){ d->order + done, MIN(size, d->count - done), &d->noise, SAID_EPOCH + turn };
}

/* What is to be said of them. */
static int take_targets(struct disagreement *d, struct trainer *t, const struct batch *batch, struct reason *why)
{
    const struct model *model = d->setup->model;
    const bool average = d->setup->recipe->mean_teacher && trainer_has_average(t);
    int result;

    if (average)
        trainer_swap_average(t);
    result = batches_forward(d->setup->batches, batch, t->forward, LAYER_EVALUATE, why);
    if (average)
        trainer_swap_average(t);
    if (!result)
        memcpy(d->loss.values, forward_value(t->forward, model_value(model, model->layer_count - 1)),
               shape_elements(model_output(model)) * batch->count * sizeof *d->loss.values);
    return result;
}

/* What is certain becomes a label, of the class that is likeliest; where nobody asks for that, all stays as it is. */
static void take_labels(struct disagreement *d, size_t count)
{
    const double confidence = d->setup->recipe->confidence;

    for (size_t i = 0; i < count; i++) {
        float *q = d->loss.values + i;
        size_t best = 0;

        for (size_t c = 1; c < d->loss.features; c++)
            best = q[c * count] > q[best * count] ? c : best;
        d->unsure[i] = (double)q[best * count] < confidence;
        for (size_t c = 0; confidence > 0 && c < d->loss.features; c++)
            q[c * count] = c == best ? 1 : 0;
    }
}

static void leave_unsure(const struct disagreement *d, size_t count, float *gradient)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; d->unsure[i] && c < d->loss.features; c++)
            gradient[c * count + i] = 0;
    }
}

/* What is said under other noise, and the gradient of how far that is from the targets. */
static int compare(struct disagreement *d, struct trainer *t, struct batch *batch, uint64_t number, struct reason *why)
{
    const struct model *model = d->setup->model;
    float *gradient = backward_gradient(t->backward, t->lost);
    const struct layer_random random = { .seed = d->setup->recipe->seed,
                                         .stream =
                                             recipe_stream(STREAM_DISAGREEMENT, 0, 0) + number * FORWARD_STREAMS };
    int result;

    batch->epoch += SAYING_EPOCH;
    batch->recipe = &d->strong;
    forward_random(t->forward, &random);
    result = batches_forward(d->setup->batches, batch, t->forward, LAYER_TRAIN, why);
    if (result)
        return result;
    loss_run(&d->loss, forward_value(t->forward, model_value(model, model->layer_count - 1)), batch->count, 0, gradient,
             d->setup->pool);
    leave_unsure(d, batch->count, gradient);
    backward_run(t->backward, t->lost, d->gradient);
    return 0;
}

/* Labels need no ramp: at first little is certain. */
static float weight_of(const struct disagreement *d, const struct trainer *t)
{
    const double x = d->setup->recipe->confidence > 0 ? 1 : MIN(3 * (double)t->step / (double)t->steps, 1.0);

    return (float)d->setup->recipe->disagreement * function_exp((float)(-5 * (1 - x) * (1 - x)));
}

/* One batch; `weight` is that of all its samples together. */
static int add_batch(struct disagreement *d, struct trainer *t, uint64_t number, float weight, struct reason *why)
{
    struct batch batch = next_batch(d, number);
    int result = take_targets(d, t, &batch, why);

    if (result)
        return result;
    take_labels(d, batch.count);
    result = compare(d, t, &batch, number, why);
    if (!result)
        gradient_add(d->setup->pool, t->gradient, d->gradient, d->length, weight / (float)batch.count);
    return result;
}

int disagreement_add(void *argument, struct trainer *t, size_t count, struct reason *why)
{
    struct disagreement *d = argument;
    const uint64_t batches = MAX(d->setup->recipe->unlabelled_batches, (uint64_t)1);
    int result = 0;

    if (!d->gradient) {
        d->length = t->parameters.length;
        d->gradient = parameters_array(&t->parameters);
    }
    if (!d->gradient)
        return refuse_errno(why, -ENOMEM, "disagreement");
    /* The trainer divides the sum by its own batch. */
    for (uint64_t i = 0; i < batches && !result; i++)
        result = add_batch(d, t, t->step * batches + i, weight_of(d, t) * (float)count / (float)batches, why);
    return result;
}
