/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/experiment/candidate.h"
#include "forge/experiment/halving.h"
#include "forge/experiment/halving_file.h"
#include "forge/plan/assemble.h"
#include "forge/train/interrupt.h"
#include "sparse/file/json_text.h"

unsigned halving_rounds(uint64_t candidates)
{
    unsigned rounds = 0;

    while (candidates > 1) {
        candidates = (candidates + 1) / 2;
        rounds++;
    }
    return rounds;
}

uint64_t halving_epochs(uint64_t epochs, unsigned rounds, unsigned round)
{
    return MAX(epochs >> (rounds - round), (uint64_t)1);
}

uint64_t halving_epochs_all(uint64_t candidates, uint64_t epochs)
{
    const unsigned rounds = halving_rounds(candidates);
    uint64_t all = 0, before = 0;

    for (unsigned round = 0; round <= rounds; round++) {
        const uint64_t now = halving_epochs(epochs, rounds, round);

        all += candidates * (now - before);
        before = now;
        candidates = (candidates + 1) / 2;
    }
    return all;
}

struct contender {
    uint64_t seed;
    struct trainer_result result;
    double first; /* its accuracy after the first round */
    bool trained, stopped;
};

struct halving {
    const struct candidates *c;
    struct contender *all; /* c->recipe->candidates */
    unsigned rounds;
    uint64_t left;
    struct halving_file file;
    bool announced;
};

static void announce(const struct halving *h, uint64_t number, unsigned round, uint64_t until)
{
    const uint64_t count = h->c->recipe->candidates;
    char text[128];

    snprintf(text, sizeof text, "round %u of %u: candidate %llu of %llu, to epoch %llu", round + 1, h->rounds + 1,
             (unsigned long long)number + 1, (unsigned long long)count, (unsigned long long)until);
    progress_event(h->c->progress,
                   json_pack("{s:s s:I s:I s:i s:i s:I}", "event", "candidate", "candidate", (json_int_t)number + 1,
                             "candidates", (json_int_t)count, "round", (int)round + 1, "rounds", (int)h->rounds + 1,
                             "until_epoch", (json_int_t)until),
                   text);
}

/* From where its checkpoint is to the end of an epoch. */
static int train_to(struct halving *h, uint64_t number, uint64_t until, struct model **out, struct reason *why)
{
    cleanup_model struct model *model = NULL;
    cleanup_free char *path = halving_file_of(&h->file, number);
    struct checkpoint resume = CHECKPOINT_NULL;
    struct contender *contender = &h->all[number];
    struct candidates own = *h->c;
    int result =
        path ? candidate_make(h->c, number, &model, &contender->seed, why) : refuse_errno(why, -ENOMEM, "halving");

    if (!result && access(path, F_OK) == 0)
        result = checkpoint_read(path, &resume, why);
    if (result)
        return result;
    own.checkpoint = path;
    own.resume = resume.file ? &resume : NULL;
    own.pause = until;
    own.announced = h->announced;
    h->announced = true;
    /* The checkpoint's are counted again when it is taken up. */
    own.progress->samples_done -= contender->result.epochs * own.split->train_count;
    result = candidate_train(
        &own, &(struct training){ .number = number, .seed = contender->seed, .model = model, .resume = own.resume },
        &contender->result, why);
    checkpoint_deinit(&resume);
    contender->trained |= !result;
    *out = result ? NULL : steal(&model);
    return result;
}

/* At its best epoch, and not to be trained any more: it would diverge again. */
static bool has_diverged(const struct contender *contender)
{
    return contender->result.ending == ENDING_DIVERGED;
}

static bool is_better(const struct contender *a, const struct contender *b)
{
    if (has_diverged(a) != has_diverged(b))
        return has_diverged(b);
    return candidate_is_better(&a->result, &b->result);
}

/* What was found before the run was resumed is taken from the file, in the same order. */
static int run_one(struct halving *h, uint64_t number, unsigned round, struct reason *why)
{
    const uint64_t until = halving_epochs(h->c->recipe->epochs, h->rounds, round);
    struct contender *contender = &h->all[number];
    struct halving_found found = { .candidate = number };
    struct model *model;
    bool there;
    int result = halving_file_next(&h->file, &found, &there, why);

    if (result)
        return result;
    if (there) {
        h->c->progress->samples_done += (found.epochs - contender->result.epochs) * h->c->split->train_count;
        contender->seed = found.seed;
        contender->result = (struct trainer_result){ .epochs = found.epochs,
                                                     .ending = found.diverged ? ENDING_DIVERGED : ENDING_PAUSED,
                                                     .validated = true,
                                                     .validation_accuracy = found.accuracy,
                                                     .validation_loss = found.loss };
        contender->trained = true;
        contender->first = round ? contender->first : found.accuracy;
        return 0;
    }
    announce(h, number, round, until);
    result = train_to(h, number, until, &model, why);
    if (result)
        return result;
    model_free(model);
    if (!round)
        contender->first = contender->result.validation_accuracy;
    if (interrupt_wanted())
        return 0;
    found.seed = contender->seed;
    found.epochs = contender->result.epochs;
    found.diverged = has_diverged(contender);
    found.accuracy = contender->result.validation_accuracy;
    found.loss = contender->result.validation_loss;
    return halving_file_add(&h->file, &found, why);
}

/* The best, or the worst, of those that go on; the first of equals is the better one. */
static uint64_t find(const struct halving *h, bool best)
{
    uint64_t chosen = UINT64_MAX;

    for (uint64_t k = 0; k < h->c->recipe->candidates; k++) {
        const struct contender *one = &h->all[k];

        if (one->stopped || !one->trained)
            continue;
        if (chosen == UINT64_MAX || is_better(one, &h->all[chosen]) == best)
            chosen = k;
    }
    return chosen;
}

static void stop_half(struct halving *h)
{
    for (const uint64_t stay = (h->left + 1) / 2; h->left > stay; h->left--)
        h->all[find(h, false)].stopped = true;
}

static int run_rounds(struct halving *h, struct reason *why)
{
    int result = 0;

    for (unsigned round = 0; round <= h->rounds; round++) {
        for (uint64_t k = 0; k < h->c->recipe->candidates && !result && !interrupt_wanted(); k++)
            result = h->all[k].stopped || has_diverged(&h->all[k]) ? 0 : run_one(h, k, round, why);
        if (result || interrupt_wanted())
            break;
        if (round < h->rounds)
            stop_half(h);
    }
    return result;
}

/* Its checkpoint has it. */
static int take_best(struct halving *h, struct training_result *out, struct reason *why)
{
    const uint64_t best = find(h, true), number = best == UINT64_MAX ? 0 : best;
    const bool diverged = has_diverged(&h->all[number]);
    int result = train_to(h, number, h->all[number].result.epochs, &out->model, why);

    out->result = h->all[number].result;
    if (diverged)
        out->result.ending = ENDING_DIVERGED;
    out->seed = h->all[number].seed;
    return result;
}

static void list_all(const struct halving *h, struct training_result *out, json_t *all)
{
    for (uint64_t k = 0; k < h->c->recipe->candidates; k++) {
        const struct contender *one = &h->all[k];
        json_t *object = one->trained ? candidate_json(one->seed, &one->result) : NULL;

        if (!object)
            continue;
        out->candidates++;
        out->spread.epochs += one->result.epochs;
        json_object_set_new(object, "epochs", json_integer((json_int_t)one->result.epochs));
        json_object_set_new(object, "first_accuracy", json_real(one->first));
        json_array_append_new(all, object);
    }
}

int halving_run(const struct candidates *c, struct training_result *out, json_t *all, struct reason *why)
{
    cleanup_free struct contender *contenders = memory_zalloc(c->recipe->candidates, sizeof *contenders);
    cleanup_json json_t *run = candidate_describe(c, &(struct training){ .model = c->experiment->model });
    struct halving h = { .c = c, .all = contenders, .left = c->recipe->candidates };
    int result;

    if (!contenders || !run)
        return refuse_errno(why, -ENOMEM, "halving");
    json_object_set_new(run, "candidates", json_integer((json_int_t)c->recipe->candidates));
    h.rounds = halving_rounds(c->recipe->candidates);
    result = halving_file_open(&h.file, c->checkpoint, c->resumes, run, why);
    if (!result)
        result = run_rounds(&h, why);
    if (!result)
        result = take_best(&h, out, why);
    if (!result)
        list_all(&h, out, all);
    halving_file_close(&h.file, c->recipe->candidates);
    return result;
}
