/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/adversary/adversary.h"
#include "forge/train/adversarial/adversarial_loss.h"
#include "forge/train/trainer_state.h"
#include "sparse/layers/layer.h"

/* The adversary's inputs: what it tells apart; and perhaps what the network was given. */
enum { JUDGED, GIVEN };

struct adversary {
    struct trainer *trainer; /* its tally counts two samples for each of the network's, a real and a generated one */
    struct recipe recipe;
    const struct adversarial_loss *loss;
    float *spare; /* a gradient: of the real samples, then of those that are to deceive, which is nobody's */
    float *kept;  /* what is learned without a gradient */
};

/* ---- whether they can play against each other ---- */

/* A word's number has no gradient. */
static int check_readers(const struct model *adversary, struct reason *why)
{
    for (uint32_t i = 0; i < adversary->layer_count; i++) {
        if (adversary->layers[i].kind->indexed && adversary->layers[i].inputs[0] == JUDGED)
            return refuse(why, WISP_E_FORMAT,
                          "layer %s looks up words, through which no gradient leads back to what was generated",
                          adversary->layers[i].name);
    }
    return 0;
}

static unsigned long long input_elements(const struct model *model, uint32_t input)
{
    return shape_elements(&model->signature.inputs[input].shape);
}

static int check_inputs(const struct trainer_setup *s, const struct model *adversary, struct reason *why)
{
    const struct model *model = s->model;
    const unsigned long long gives = shape_elements(model_output(model)), read = input_elements(adversary, JUDGED);
    const uint32_t source = batches_input(s->batches);

    if (read != gives)
        return refuse(why, WISP_E_FORMAT, "it reads %llu numbers, but %s gives %llu", read, model->name, gives);
    if (adversary->signature.input_count == 1)
        return 0;
    if (adversary->signature.input_count > 2)
        return refuse(why, WISP_E_FORMAT,
                      "it has %u inputs; an adversary has one, for what %s gives, and perhaps a second, for what that "
                      "was given",
                      adversary->signature.input_count, model->name);
    if (!batches_have_input(s->batches))
        return refuse(why, WISP_E_FORMAT, "its second input is for what %s was given, which is noise alone",
                      model->name);
    if (input_elements(adversary, GIVEN) != input_elements(model, source))
        return refuse(why, WISP_E_FORMAT, "its second input has %llu numbers, but what %s is given has %llu",
                      input_elements(adversary, GIVEN), model->name, input_elements(model, source));
    return 0;
}

static int check_output(const struct model *adversary, struct reason *why)
{
    const struct layer *last = &adversary->layers[adversary->layer_count - 1];

    if (last->kind->distribution == DISTRIBUTION_CATEGORICAL)
        return refuse(why, WISP_E_FORMAT,
                      "layer %s: it ends in a %s, but an adversary in the one number before that, or a sigmoid of it",
                      last->name, last->kind->name);
    if (shape_elements(model_output(adversary)) != 1)
        return refuse(why, WISP_E_FORMAT, "it gives %llu numbers; an adversary gives one, for real or generated",
                      (unsigned long long)shape_elements(model_output(adversary)));
    return 0;
}

/* What is real is the target. */
static int check_loss(const struct trainer_setup *s, struct reason *why)
{
    const struct loss *loss;
    uint32_t value;
    int result = loss_of_model(s->model, s->recipe->loss, &loss, &value, why);

    if (result || loss->targets == TARGETS_NUMBERS || loss->targets == TARGETS_SET)
        return result;
    return refuse(
        why, WISP_E_FORMAT,
        "the loss %s is of classes or words, and an adversary reads numbers, as what %s is to give; give --loss "
        "binary-cross-entropy, dice, mse, l1 or none",
        loss->name, s->model->name);
}

static int check(const struct trainer_setup *s, const struct model *adversary, struct reason *why)
{
    int result = check_loss(s, why);

    if (!result)
        result = check_output(adversary, why);
    if (!result)
        result = check_inputs(s, adversary, why);
    return result ? result : check_readers(adversary, why);
}

/* ---- making it ---- */

/* The recipe, less what is of targets, of validation, or of connections that move. */
static struct recipe own_recipe(const struct recipe *recipe)
{
    struct recipe own = recipe_bare(recipe);

    own.loss = NULL;
    own.label_smoothing = own.temperature = own.adversarial = 0;
    return own;
}

static int make(const struct trainer_setup *with, struct model *model, struct adversary *a, struct reason *why)
{
    struct trainer_setup setup = *with;
    int result = check(with, model, why);

    if (result)
        return result;
    a->recipe = own_recipe(with->recipe);
    a->loss = with->recipe->adversarial_loss ? with->recipe->adversarial_loss : adversarial_loss_at(0);
    setup.recipe = &a->recipe;
    setup.model = model;
    setup.batches = NULL;
    setup.answers = NULL;
    result = trainer_new(&setup, &a->trainer, why);
    if (result)
        return result;
    a->spare = parameters_array(&a->trainer->parameters);
    a->kept = parameters_array(&a->trainer->parameters);
    return a->spare && a->kept ? 0 : refuse_errno(why, -ENOMEM, "training");
}

static int take_turn(void *adversary, struct trainer *trainer, size_t begin, size_t own, size_t count);

int adversary_new(struct trainer_setup *setup, struct model *model, struct adversary **out, struct reason *why)
{
    struct adversary *a = calloc(1, sizeof *a);
    int result = a ? make(setup, model, a, why) : refuse_errno(why, -ENOMEM, "training");

    if (result) {
        adversary_free(a);
        return refuse_in(why, result, "--adversary %s", model->name);
    }
    setup->beside = a->trainer;
    setup->turn = take_turn;
    setup->turner = a;
    setup->full_input = model->signature.input_count > 1;
    *out = a;
    return 0;
}

struct adversary *adversary_free(struct adversary *a)
{
    if (a) {
        trainer_free(a->trainer);
        free(a->spare);
        free(a->kept);
        free(a);
    }
    return NULL;
}

/* ---- the turn ---- */

/* A share of a minibatch, as the adversary goes through it. */
struct turn {
    struct adversary *adversary;
    struct trainer *trainer; /* the network's */
    size_t begin, own;
};

static const float *generated(const struct trainer *t)
{
    return forward_value(t->forward, model_value(t->setup.model, t->setup.model->layer_count - 1));
}

static void put(const struct turn *turn, uint32_t input, const float *values)
{
    const struct trainer *d = turn->adversary->trainer;
    const size_t elements = input_elements(d->setup.model, input);

    if (turn->own)
        memcpy(forward_input(d->forward, input), values, elements * turn->own * sizeof *values);
}

/* Goes forward, and back into `gradient`; what each sample has come to is left in the adversary's loss batch. */
static void run(const struct turn *turn, enum adversarial_turn whose, float *gradient)
{
    const struct adversary *a = turn->adversary;
    const struct trainer *d = a->trainer;
    const struct recipe *recipe = turn->trainer->setup.recipe;
    const struct layer_random random = { .seed = recipe->seed,
                                         .stream = recipe_stream(STREAM_ADVERSARY, 0, 0) +
                                                   (turn->trainer->step * TURN_COUNT + whose) * FORWARD_STREAMS,
                                         .first = turn->begin };
    float *slopes = backward_gradient(d->backward, d->lost);

    forward_random(d->forward, &random);
    forward_run(d->forward, LAYER_TRAIN, turn->own ? forward_input(d->forward, JUDGED) : NULL, turn->own);
    for (size_t i = 0; i < turn->own; i++) {
        const float number = forward_value(d->forward, d->lost)[i];
        const struct adversarial_point point = a->loss->of[whose](number, (float)recipe->label_smoothing);
        const bool right = whose == TURN_GENERATED ? number < 0 : number > 0;

        slopes[i] = point.slope;
        d->batch.samples[i] = (struct loss_sample){ point.loss, .predicted = 1, .actual = 1, .correct = right };
    }
    backward_run(d->backward, d->lost, gradient);
}

/* The adversary's part: real samples stand in the targets. False: it has diverged. */
static bool tell_apart(const struct turn *turn, size_t count)
{
    const struct adversary *a = turn->adversary;
    struct trainer *d = a->trainer;

    put(turn, JUDGED, turn->trainer->batch.values);
    run(turn, TURN_REAL, a->spare);
    trainer_tally(d, turn->own);
    put(turn, JUDGED, generated(turn->trainer));
    run(turn, TURN_GENERATED, d->gradient);
    trainer_tally(d, turn->own);
    if (!isfinite(d->tally.loss))
        return false;
    gradient_add(d->setup.pool, d->gradient, a->spare, d->parameters.length, 1);
    trainer_step(d, 1.0f / (float)count);
    return true;
}

/* What forward passes write, which ask for no gradient. */
static void copy_statistics(const struct parameters *parameters, float *to, const float *from)
{
    for (uint32_t i = 0; i < parameters->run_count; i++) {
        const struct parameter_run *r = &parameters->runs[i];

        if (!r->trained)
            memcpy(to + r->begin, from + r->begin, r->count * sizeof *to);
    }
}

/* The network's part: what it gives stands where the adversary reads it. False: the adversary's step was its last. */
static bool deceive(const struct turn *turn)
{
    const struct adversary *a = turn->adversary;
    const struct trainer *d = a->trainer;
    struct trainer *t = turn->trainer;
    float *values = d->setup.model->parameters;
    const float weight = (float)t->setup.recipe->adversarial;
    struct loss_tally lost = { .samples = 0 };
    const uint32_t output = model_value(t->setup.model, t->setup.model->layer_count - 1);

    copy_statistics(&d->parameters, a->kept, values);
    run(turn, TURN_DECEIVE, a->spare);
    copy_statistics(&d->parameters, values, a->kept);
    loss_add(&d->batch, turn->own, &lost);
    loss_join(&lost, d->setup.ranks);
    gradient_add(t->setup.pool, backward_gradient(t->backward, output), backward_gradient(d->backward, JUDGED),
                 input_elements(d->setup.model, JUDGED) * turn->own, weight);
    for (size_t i = 0; i < turn->own; i++)
        t->batch.samples[i].loss += (double)weight * d->batch.samples[i].loss;
    return isfinite(lost.loss);
}

static int take_turn(void *adversary, struct trainer *trainer, size_t begin, size_t own, size_t count)
{
    const struct turn turn = { adversary, trainer, begin, own };

    if (trainer->setup.full_input)
        put(&turn, GIVEN, forward_value(trainer->forward, batches_input(trainer->setup.batches)));
    return tell_apart(&turn, count) && deceive(&turn) ? 0 : WISP_E_INVALID;
}

size_t adversary_memory(const struct adversary *a)
{
    return trainer_memory(a->trainer) + 2 * a->trainer->parameters.length * sizeof *a->spare;
}
