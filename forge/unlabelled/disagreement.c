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
    struct recipe noise;
    struct loss_batch loss;
    size_t count;
    uint32_t *order;
    uint64_t turn; /* times through the samples that `order` is of, and one */
    float *gradient;
    uint64_t length;
};

int disagreement_new(const struct trainer_setup *setup, const uint32_t *unlabelled, size_t count,
                     struct disagreement **out)
{
    struct disagreement *d = calloc(1, sizeof *d);
    int result = d ? 0 : -ENOMEM;

    if (result)
        return result;
    d->setup = setup;
    d->noise = opinions_noise(setup->recipe);
    d->count = count;
    d->order = memory_alloc(count, sizeof *d->order);
    if (d->order)
        memcpy(d->order, unlabelled, count * sizeof *d->order);
    result = d->order
                 ? loss_batch_init(&d->loss, loss_taught(loss_at(0)), model_output(setup->model), setup->recipe->batch)
                 : -ENOMEM;
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
        free(d->order);
        free(d);
    }
    return NULL;
}

/* The samples of this step; they come in another order each time through. */
static struct batch next_batch(struct disagreement *d, uint64_t step)
{
    const size_t size = d->setup->recipe->batch, per_turn = (d->count + size - 1) / size;
    const uint64_t turn = step / per_turn;
    const size_t done = step % per_turn * size;

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

/* What is said under other noise, and the gradient of how far that is from the targets. */
static int compare(struct disagreement *d, struct trainer *t, struct batch *batch, struct reason *why)
{
    const struct model *model = d->setup->model;
    const struct layer_random random = { .seed = d->setup->recipe->seed,
                                         .stream =
                                             recipe_stream(STREAM_DISAGREEMENT, 0, 0) + t->step * FORWARD_STREAMS };
    int result;

    batch->epoch += SAYING_EPOCH;
    forward_random(t->forward, &random);
    result = batches_forward(d->setup->batches, batch, t->forward, LAYER_TRAIN, why);
    if (result)
        return result;
    loss_run(&d->loss, forward_value(t->forward, model_value(model, model->layer_count - 1)), batch->count, 0,
             backward_gradient(t->backward, t->lost), d->setup->pool);
    backward_run(t->backward, t->lost, d->gradient);
    return 0;
}

static float weight_of(const struct disagreement *d, const struct trainer *t)
{
    const double x = MIN(3 * (double)t->step / (double)t->steps, 1.0);

    return (float)d->setup->recipe->disagreement * function_exp((float)(-5 * (1 - x) * (1 - x)));
}

int disagreement_add(void *argument, struct trainer *t, size_t count, struct reason *why)
{
    struct disagreement *d = argument;
    struct batch batch = next_batch(d, t->step);
    int result;

    if (!d->gradient) {
        d->length = t->parameters.length;
        d->gradient = parameters_array(&t->parameters);
    }
    if (!d->gradient)
        return refuse_errno(why, -ENOMEM, "disagreement");
    result = take_targets(d, t, &batch, why);
    if (!result)
        result = compare(d, t, &batch, why);
    if (result)
        return result;
    /* The trainer divides the sum by its own batch. */
    gradient_add(d->setup->pool, t->gradient, d->gradient, d->length,
                 weight_of(d, t) * (float)count / (float)batch.count);
    return 0;
}
