/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/experiment/rounds.h"
#include "forge/train/interrupt.h"
#include "forge/unlabelled/pseudo_labels.h"
#include "sparse/file/json_text.h"

/* Of what is learned from in a round, the labels of the data are a fourth at least: so often they are repeated. */
enum { SAID_TO_KNOWN = 3 };

struct rounds {
    const struct candidates *all;
    const struct split *split;
    size_t classes;
    size_t *known;            /* labels of the data, of each class */
    int32_t *labels;          /* of all samples: the data's, the model's, or -1 */
    struct opinion *opinions; /* of the unlabelled ones, as the split has them; and the labels that they become */
    int32_t *said;
    uint32_t *train; /* what this round learns from */
    size_t train_count;
    json_t *done; /* what the rounds so far came to */
};

static int make(struct rounds *r, const struct candidates *c, struct reason *why)
{
    const struct dataset *data = c->experiment->data;
    const struct split *split = c->split;
    const size_t count = split->unlabelled_count;

    *r = (struct rounds){ .all = c, .split = split, .classes = data->label_count, .train_count = split->train_count };
    r->known = memory_zalloc(r->classes, sizeof *r->known);
    r->labels = memory_alloc(data->count, sizeof *r->labels);
    r->opinions = memory_alloc(MAX(count, (size_t)1), sizeof *r->opinions);
    r->said = memory_alloc(MAX(count, (size_t)1), sizeof *r->said);
    /* Repeated, the labelled ones are a third of those that the model labels, and less than once all of them more. */
    r->train = memory_alloc(split->train_count + 2 * count, sizeof *r->train);
    r->done = json_array();
    if (!r->known || !r->labels || !r->opinions || !r->said || !r->train || !r->done)
        return refuse_errno(why, -ENOMEM, "labels of %zu samples", data->count);
    memcpy(r->train, split->samples, split->train_count * sizeof *r->train);
    for (size_t i = 0; i < data->count; i++)
        r->labels[i] = (int32_t)data->classes[i];
    for (size_t i = 0; i < count; i++)
        r->labels[split_unlabelled(split)[i]] = -1;
    for (size_t i = 0; i < split->train_count; i++)
        r->known[r->labels[split->samples[i]]]++;
    return 0;
}

static void drop(struct rounds *r)
{
    free(r->known);
    free(r->labels);
    free(r->opinions);
    free(r->said);
    free(r->train);
    json_decref(r->done);
}

/* Labels that the model has given, in the place of those before: what it gave none is not learned from. */
static void take_labels(struct rounds *r, const int32_t *said, size_t taken)
{
    const struct split *split = r->split;
    const size_t share = SAID_TO_KNOWN * split->train_count, times = MAX((taken + share - 1) / share, (size_t)1);

    r->train_count = 0;
    for (size_t k = 0; k < times; k++) {
        memcpy(r->train + r->train_count, split->samples, split->train_count * sizeof *r->train);
        r->train_count += split->train_count;
    }
    for (size_t i = 0; i < split->unlabelled_count; i++) {
        const uint32_t sample = split_unlabelled(split)[i];

        r->labels[sample] = said[i];
        if (said[i] >= 0)
            r->train[r->train_count++] = sample;
    }
}

/* A later round learns from more of the unlabelled samples. */
static struct pseudo_rule rule_of(const struct rounds *r, uint64_t round)
{
    const struct semi *semi = r->all->semi;
    const double votes = ceil(semi->agreement * (double)semi->passes - 1e-9);

    return (struct pseudo_rule){ .fraction = (double)round / (double)(semi->rounds + 1),
                                 .votes = (uint32_t)MAX(votes, 1.0),
                                 .known = r->known,
                                 .classes = r->classes };
}

static void announce(const struct rounds *r, json_t *about)
{
    json_t *event = json_pack("{s:s s:I}", "event", "round", "rounds", (json_int_t)r->all->semi->rounds);
    const json_int_t agreed = json_integer_value(json_object_get(about, "agreed"));
    char text[192];

    json_object_update(event, about);
    snprintf(text, sizeof text,
             "round %lld of %llu: of %zu unlabelled samples %lld (%.1f%%) are agreed on, and %lld get a label",
             json_integer_value(json_object_get(about, "round")), (unsigned long long)r->all->semi->rounds,
             r->split->unlabelled_count, agreed, 100.0 * (double)agreed / (double)MAX(r->split->unlabelled_count, 1ul),
             json_integer_value(json_object_get(about, "labelled")));
    progress_event(r->all->progress, event, text);
}

static json_t *describe(const struct rounds *r, uint64_t round, const struct pseudo_count *count)
{
    json_t *classes = json_array();
    cleanup_free json_int_t *taken = memory_zalloc(r->classes, sizeof *taken);

    for (size_t i = 0; taken && i < r->split->unlabelled_count; i++) {
        if (r->said[i] >= 0)
            taken[r->said[i]]++;
    }
    for (size_t c = 0; taken && c < r->classes; c++)
        json_array_append_new(classes, json_integer(taken[c]));
    return json_pack("{s:I s:I s:I s:I s:I s:o}", "round", (json_int_t)round, "unlabelled",
                     (json_int_t)r->split->unlabelled_count, "agreed", (json_int_t)count->agreed, "labelled",
                     (json_int_t)count->taken, "samples", (json_int_t)r->train_count, "classes", classes);
}

/* What the model that was trained last says of the unlabelled samples. */
static int label(struct rounds *r, const struct model *model, uint64_t round, struct reason *why)
{
    const struct candidates *c = r->all;
    const struct opinions_setup setup = { .model = model,
                                          .kernels = c->experiment->kernels,
                                          .pool = c->experiment->pool,
                                          .recipe = c->recipe,
                                          .batches = c->batches,
                                          .round = round,
                                          .passes = (uint32_t)c->semi->passes };
    const struct pseudo_rule rule = rule_of(r, round);
    struct pseudo_count count;
    json_t *about;
    int result = opinions_ask(&setup, split_unlabelled(r->split), r->split->unlabelled_count, r->opinions, why);

    if (result)
        return result;
    if (pseudo_labels_choose(&rule, r->opinions, r->split->unlabelled_count, r->said, &count))
        return refuse_errno(why, -ENOMEM, "labels");
    take_labels(r, r->said, count.taken);
    about = describe(r, round, &count);
    if (!about || json_array_append_new(r->done, about))
        return refuse_errno(why, -ENOMEM, "labels");
    announce(r, about);
    if (!count.taken)
        warn_user("train", "round %llu: the passes agree on no unlabelled sample; a lower --agreement may help",
                  (unsigned long long)round);
    return 0;
}

static int refuse_foreign(const struct checkpoint *from, struct reason *why)
{
    return refuse(why, WISP_E_INVALID, "%s: it is of another run: its rounds or their labels are none of these",
                  from->path);
}

/* Where the checkpoint stands: the labels of its round, and what the rounds before came to. */
static int take_up(struct rounds *r, const struct checkpoint *from, struct reason *why)
{
    const json_t *done = json_object_get(json_object_get(from->run, "semi"), "done");
    const struct split *split = r->split;
    size_t taken = 0;

    if (!json_array_size(done))
        return 0;
    if (json_array_size(done) > r->all->semi->rounds || from->label_count != r->all->experiment->data->count)
        return refuse_foreign(from, why);
    for (size_t i = 0; i < split->unlabelled_count; i++) {
        r->said[i] = from->labels[split_unlabelled(split)[i]];
        if (r->said[i] < -1 || r->said[i] >= (int32_t)r->classes)
            return refuse_foreign(from, why);
        taken += r->said[i] >= 0;
    }
    json_decref(r->done);
    r->done = json_deep_copy(done);
    if (!r->done)
        return refuse_errno(why, -ENOMEM, "labels");
    take_labels(r, r->said, taken);
    return 0;
}

/* Of the round at hand: what the user leaves open follows from how many samples there are. */
static int settle(const struct rounds *r, struct recipe *out, struct reason *why)
{
    const struct candidates *c = r->all;
    struct recipe own;
    int result = recipe_from_options(c->options, &own, why);

    if (!result)
        result = recipe_settle(c->options, c->experiment->data->kind, r->train_count + r->split->validation_count, &own,
                               why);
    if (result)
        return result;
    own.rate = c->recipe->rate;
    own.loss = c->recipe->loss;
    own.candidates = c->recipe->candidates;
    recipe_fit(&own, r->train_count);
    *out = own;
    return 0;
}

static int train_round(struct rounds *r, struct training *training, struct trainer_result *result, struct reason *why)
{
    struct recipe recipe;
    int failed = settle(r, &recipe, why);

    if (failed)
        return failed;
    if (json_array_size(r->done))
        r->all->progress->samples_all += recipe.epochs * r->train_count;
    training->recipe = &recipe;
    training->train = r->train;
    training->train_count = r->train_count;
    training->labels = r->labels;
    training->rounds = r->done;
    failed = candidate_train(r->all, training, result, why);
    training->recipe = NULL;
    training->resume = NULL;
    return failed;
}

/* Labels by the model that there is, and a new one for them. */
static int next_round(struct rounds *r, struct training *training, struct reason *why)
{
    struct model *made;
    int result = label(r, training->model, json_array_size(r->done) + 1, why);

    if (!result)
        result = candidate_make(r->all, training->number, &made, &training->seed, why);
    if (result)
        return result;
    model_free(training->model);
    training->model = made;
    return 0;
}

int rounds_run(const struct candidates *c, struct training *training, struct trainer_result *result, json_t **done,
               struct reason *why)
{
    struct rounds r;
    int failed = make(&r, c, why);

    *done = NULL;
    batches_relabel(c->batches, r.labels);
    if (!failed && training->resume)
        failed = take_up(&r, training->resume, why);
    if (!failed)
        failed = train_round(&r, training, result, why);
    while (!failed && json_array_size(r.done) < c->semi->rounds && result->ending != ENDING_INTERRUPTED &&
           result->ending != ENDING_DIVERGED) {
        failed = next_round(&r, training, why);
        if (!failed)
            failed = train_round(&r, training, result, why);
    }
    /* While it labelled: then the round before is what there is. */
    if (failed == WISP_E_INTERRUPTED) {
        result->ending = ENDING_INTERRUPTED;
        failed = 0;
    }
    batches_relabel(c->batches, NULL);
    if (!failed)
        *done = json_incref(r.done);
    drop(&r);
    return failed;
}
