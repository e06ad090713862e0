/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "forge/train/trainer_state.h"
#include "sparse/layers/layer.h"

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

int trainer_batch(struct trainer *t, uint64_t epoch, const uint32_t *which, size_t count, struct reason *why)
{
    const struct trainer_setup *s = &t->setup;
    struct layer_random random = step_random(t);
    size_t begin, own = trainer_share(t, count, &begin);
    const struct batch batch = { which + begin, own, s->recipe, epoch };
    double before;
    uint32_t from;
    int result;

    random.first = begin;
    forward_random(t->forward, &random);
    result = batches_forward(s->batches, &batch, t->forward, LAYER_TRAIN, why);
    if (result)
        return result;
    if (own) {
        result = batches_targets(s->batches, &batch, s->answers, &t->batch, why);
        if (result)
            return result;
        loss_run(&t->batch, forward_value(t->forward, model_value(s->model, s->model->layer_count - 1)), own,
                 (float)s->recipe->label_smoothing, backward_gradient(t->backward, t->lost), s->pool);
    }
    from = s->turn ? take_turn(t, begin, own, count) : t->lost;
    if (!from)
        return trainer_refuse_diverged(t, s->beside, epoch, why);
    before = t->tally.loss;
    trainer_tally(t, own);
    if (!isfinite(t->tally.loss))
        return trainer_refuse_diverged(t, t, epoch, why);
    if (s->observe)
        s->observe(s->observer, t->step, (t->tally.loss - before) / (double)count);
    backward_run(t->backward, from, t->gradient);
    return 0;
}
