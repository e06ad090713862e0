/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/train/groups/groups.h"
#include "forge/train/trainer_state.h"
#include "sparse/layers/layer.h"

/* ---- what goes through them ---- */

static void gather(void *argument, const void *own, size_t bytes, void *all)
{
    ranks_gather(argument, own, bytes, all);
}

static void sum(void *argument, float *values, size_t count)
{
    ranks_sum(argument, values, count);
}

static bool takes_sparse(const struct trainer_setup *s)
{
    return s->batches && !s->full_input && batches_are_sparse(s->batches) && forward_takes_sparse(s->model);
}

/* Whether somebody besides reads values of the minibatch, or runs samples of his own through the pass. */
static bool is_seen_whole(const struct trainer_setup *s)
{
    const struct regrowth_method *method = s->recipe->regrowth.method;

    return !s->batches || s->turn || s->add || (method && method->by_gradient);
}

static int make_works(struct trainer *t)
{
    const unsigned lanes = groups_lanes(t->groups);
    int result = 0;

    t->works = calloc(lanes, sizeof *t->works);
    if (!t->works)
        return -ENOMEM;
    for (unsigned i = 0; !result && lanes > 1 && i < lanes; i++)
        result = batches_alone(t->setup.batches, &t->works[i].batches);
    return result;
}

int trainer_make_passes(struct trainer *t, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    struct groups_setup setup = { .pass = { .model = s->model,
                                            .kernels = s->kernels,
                                            .mode = LAYER_TRAIN,
                                            .batch = t->batch.max,
                                            .pool = s->pool,
                                            .sparse_input = takes_sparse(s),
                                            .input_gradient = !s->batches },
                                  .parameters = &t->parameters,
                                  .whole = is_seen_whole(s) };
    int result;

    t->peers = (struct forward_peers){ ranks_count(s->ranks), gather, sum, (void *)(uintptr_t)s->ranks };
    if (t->peers.count > 1)
        setup.pass.peers = &t->peers;
    result = groups_new(&setup, &t->groups, why);
    if (result)
        return result;
    t->forward = groups_forward(t->groups);
    t->backward = groups_backward(t->groups);
    result = make_works(t);
    return result ? refuse_errno(why, result, "training") : 0;
}

void trainer_free_passes(struct trainer *t)
{
    for (unsigned i = 0; t->works && i < groups_lanes(t->groups); i++)
        batches_free(t->works[i].batches);
    free(t->works);
    t->groups = groups_free(t->groups);
}

/* ---- a minibatch ---- */

/* The one at hand: this rank's samples are [begin, begin + own) of `count`. */
struct minibatch {
    struct trainer *trainer;
    struct batch batch; /* its own */
    size_t begin, count;
    bool spoiled; /* by the other network */
};

/* Of the step at hand. */
static struct layer_random step_random(const struct trainer *t)
{
    return (struct layer_random){ .seed = t->setup.recipe->seed,
                                  .stream = recipe_stream(STREAM_LAYERS, 0, 0) + t->step * FORWARD_STREAMS };
}

int trainer_refuse_diverged(struct trainer *t, const struct trainer *of, uint64_t epoch, struct reason *why)
{
    t->diverged = true;
    return refuse(why, WISP_E_INVALID,
                  "the loss%s%s is no number any more (epoch %llu, rate %g): the training diverged; try a lower --rate "
                  "(a third of it), or a longer --warmup; with --validation above 0 or a --checkpoint the last good "
                  "weights are saved",
                  of == t ? "" : " of ", of == t ? "" : of->setup.model->name, (unsigned long long)epoch + 1,
                  t->setup.recipe->rate);
}

/* The other network's part of a step. Of which value the loss is then, whose gradient is there: of what the model
 * gives, besides the one before that where the loss is joined with the last layer. 0, of no loss: the other has
 * diverged. */
static uint32_t take_turn(struct trainer *t, size_t begin, size_t own, size_t count)
{
    const struct trainer_setup *s = &t->setup;
    const uint32_t output = model_value(s->model, s->model->layer_count - 1);

    if (output != t->lost) {
        backward_begin_at(t->backward, t->lost);
        memset(backward_gradient(t->backward, output), 0, shape_elements(model_output(s->model)) * own * sizeof(float));
    }
    return s->turn(s->turner, t, begin, own, count) ? 0 : output;
}

/* The samples of a group, and what is there for their loss. */
static struct batch batch_of(const struct minibatch *m, size_t begin, size_t count)
{
    struct batch batch = m->batch;

    batch.which += begin;
    batch.count = count;
    return batch;
}

/* A teacher has the whole pool to answer. */
static int ask_teacher(struct minibatch *m, struct reason *why)
{
    struct trainer *t = m->trainer;
    const size_t samples = groups_samples(t->groups);
    int result = 0;

    for (size_t begin = 0; !result && begin < m->batch.count; begin += samples) {
        const struct batch batch = batch_of(m, begin, MIN(samples, m->batch.count - begin));
        struct loss_batch loss = loss_batch_slice(&t->batch, begin, batch.count);

        result = batches_targets(t->setup.batches, &batch, t->setup.answers, &loss, why);
    }
    return result;
}

static int run_forward(const struct minibatch *m, const struct group *group, struct reason *why)
{
    const struct trainer *t = m->trainer;
    const struct trainer_setup *s = &t->setup;
    struct batches *batches = group->alone ? t->works[group->lane].batches : s->batches;
    const struct batch batch = batch_of(m, group->begin, group->count);
    struct loss_batch loss = loss_batch_slice(&t->batch, group->begin, group->count);
    struct layer_random random = step_random(t);
    int result;

    random.first = m->begin + group->begin;
    forward_random(group->forward, &random);
    result = batches_forward(batches, &batch, group->forward, LAYER_TRAIN, why);
    if (!result && !s->answers && group->count)
        result = batches_targets(batches, &batch, NULL, &loss, why);
    if (!result && group->count)
        loss_run(&loss, forward_value(group->forward, model_value(s->model, s->model->layer_count - 1)), group->count,
                 (float)s->recipe->label_smoothing, backward_gradient(group->backward, t->lost),
                 group->alone ? NULL : s->pool);
    return result;
}

static void run_group(void *argument, const struct group *group)
{
    struct minibatch *m = argument;
    struct trainer *t = m->trainer;
    struct group_work *work = &t->works[group->lane];
    uint32_t from = t->lost;

    if (work->result)
        return;
    work->failed = group->begin;
    work->result = run_forward(m, group, &work->why);
    if (work->result)
        return;
    if (t->setup.turn)
        from = take_turn(t, m->begin, group->count, m->count);
    if (from)
        backward_run(group->backward, from, group->gradient);
    else
        m->spoiled = true;
}

/* All groups; of those that failed, the first one says why. */
static int run_groups(struct minibatch *m, struct reason *why)
{
    struct trainer *t = m->trainer;
    const struct group_work *first = NULL;

    for (unsigned i = 0; i < groups_lanes(t->groups); i++)
        t->works[i].result = 0;
    groups_run(t->groups, m->batch.count, run_group, m, t->gradient);
    for (unsigned i = 0; i < groups_lanes(t->groups); i++) {
        if (t->works[i].result && (!first || t->works[i].failed < first->failed))
            first = &t->works[i];
    }
    return first ? refuse(why, first->result, "%s", first->why.text) : 0;
}

int trainer_batch(struct trainer *t, uint64_t epoch, const uint32_t *which, size_t count, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    struct minibatch m = { .trainer = t, .count = count };
    const size_t own = trainer_share(t, count, &m.begin);
    const double before = t->tally.loss;
    int result = 0;

    m.batch = (struct batch){ which + m.begin, own, s->recipe, epoch };
    if (s->answers)
        result = ask_teacher(&m, why);
    if (!result)
        result = run_groups(&m, why);
    if (result)
        return result;
    if (m.spoiled)
        return trainer_refuse_diverged(t, s->beside, epoch, why);
    trainer_tally(t, own);
    if (!isfinite(t->tally.loss))
        return trainer_refuse_diverged(t, t, epoch, why);
    if (s->observe)
        s->observe(s->observer, t->step, (t->tally.loss - before) / (double)count);
    return 0;
}
