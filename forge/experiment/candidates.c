/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json/json_memory.h"
#include "base/memory.h"
#include "forge/experiment/broadcast.h"
#include "forge/experiment/candidate.h"
#include "forge/experiment/halving.h"
#include "forge/experiment/opposing.h"
#include "forge/experiment/rounds.h"
#include "forge/plan/assemble.h"
#include "forge/plan/lineage.h"
#include "forge/thresholds/learn.h"
#include "forge/train/interrupt.h"
#include "forge/train/rate_search.h"
#include "sparse/file/json_text.h"

static void announce_candidate(const struct candidates *c, uint64_t number, uint64_t seed)
{
    char text[96];

    snprintf(text, sizeof text, "candidate %llu of %llu, seed %llu", (unsigned long long)number + 1,
             (unsigned long long)c->recipe->candidates, (unsigned long long)seed);
    progress_event(c->progress,
                   json_pack("{s:s s:I s:I s:I}", "event", "candidate", "candidate", (json_int_t)number + 1,
                             "candidates", (json_int_t)c->recipe->candidates, "seed", (json_int_t)seed),
                   text);
}

static int describe_training(const struct candidates *c, const struct training_result *o, json_t *all)
{
    const struct dataset *data = c->experiment->data;
    const struct trainer_result *r = &o->result;
    struct recipe recipe = *c->recipe;
    json_t *lineage = lineage_of_model(o->model), *training, *semi;

    recipe.balance = r->balance;
    training = json_pack("{s:o s:{s:s s:s s:I s:I} s:I s:I s:f s:f s:b}", "recipe", recipe_json(&recipe), "data",
                         "name", data->name, "hash", data->hash, "samples", (json_int_t)c->split->train_count,
                         "validation_samples", (json_int_t)c->split->validation_count, "epochs", (json_int_t)r->epochs,
                         "best_epoch", (json_int_t)r->best_epoch, "loss", r->loss, "accuracy", r->accuracy,
                         "interrupted", r->ending == ENDING_INTERRUPTED);
    if (training) {
        json_object_set_new(training, "ended", json_string(ending_name(r->ending)));
        recipe_ends_json(&recipe, json_object_get(training, "recipe"));
    }
    if (training && c->experiment->teacher)
        json_object_set_new(training, "teacher",
                            json_pack("{s:s, s:s}", "name", c->experiment->teacher->name, "identity",
                                      c->experiment->teacher->identity));
    if (training && c->semi && (semi = semi_json(c->semi, c->split))) {
        json_object_set(semi, "rounds_done", o->rounds);
        json_object_set_new(training, "semi", semi);
    }
    if (training && r->validated) {
        json_object_set_new(training, "validation_accuracy", json_real(r->validation_accuracy));
        json_object_set_new(training, "validation_loss", json_real(r->validation_loss));
    }
    if (training && json_array_size(all) > 1)
        json_object_set(training, "candidates", all);
    if (training && ranks_count(c->ranks) > 1 && !candidates_are_shared(c)) /* which the last bits follow */
        json_object_set_new(training, "ranks", json_integer((json_int_t)ranks_count(c->ranks)));
    json_object_set_new(lineage, "wisp", json_string(WISP_VERSION));
    json_object_del(lineage, "quantized"); /* values were rounded once, and have moved since */
    if (!training || opposing_describe(c->experiment, o->model, training) ||
        json_object_set_new(lineage, "training", training)) {
        json_decref(lineage);
        return -ENOMEM;
    }
    return lineage_store(o->model, lineage);
}

/* On copies of the first candidate. */
static int try_rates(const struct candidates *c, struct rate_search *search, struct reason *why)
{
    int failed = 0;

    while (!failed && rate_search_goes_on(search)) {
        cleanup_model struct model *model = NULL;
        struct trainer_setup setup;
        uint64_t seed;

        failed = candidate_make(c, 0, &model, &seed, why);
        if (failed)
            break;
        setup = candidate_setup(c, model);
        failed = rate_search_try(&setup, search, why);
        if (!failed && interrupt_wanted())
            failed = refuse(why, WISP_E_INTERRUPTED, "interrupted");
    }
    return failed;
}

static int search_rate(const struct candidates *c, struct recipe *recipe, struct reason *why)
{
    struct rate_search search = { .count = 0 };
    json_t *tried = json_array();
    char text[96];
    int failed = try_rates(c, &search, why);

    for (size_t i = 0; i < search.count; i++)
        json_array_append_new(tried, json_pack("{s:f s:o}", "rate", search.rates[i], "loss",
                                               isfinite(search.losses[i]) ? json_real(search.losses[i]) : json_null()));
    if (!failed && rate_search_choose(&search) == 0)
        failed = refuse(why, WISP_E_INVALID, "--rate auto: every rate from %.3g on diverged; look at the data",
                        search.rates[0]);
    if (failed) {
        json_decref(tried);
        return failed;
    }
    recipe->rate = rate_search_choose(&search);
    snprintf(text, sizeof text, "rate %.3g: half of the best of %zu, after %d steps of each", recipe->rate,
             search.count, RATE_SEARCH_STEPS);
    progress_event(c->progress, json_pack("{s:s s:f s:o}", "event", "rate", "rate", recipe->rate, "tried", tried),
                   text);
    return 0;
}

/* One of them, from its file to its trained weights; with semi-supervision in rounds. */
static int run_one(const struct candidates *c, struct training *training, struct trainer_result *result,
                   json_t **rounds, struct reason *why)
{
    int failed = candidate_make(c, training->number, &training->model, &training->seed, why);

    *rounds = NULL;
    if (failed)
        return failed;
    if (c->recipe->candidates > 1)
        announce_candidate(c, training->number, training->seed);
    return c->semi ? rounds_run(c, training, result, rounds, why) : candidate_train(c, training, result, why);
}

/* What became of one. */
struct found {
    bool trained;
    uint64_t seed, epochs; /* of all its rounds */
    struct trainer_result result;
};

/* The number of the best, of equals the first; those that were not trained are none. */
static uint64_t find_best(const struct candidates *c, const struct found *all)
{
    uint64_t best = 0;

    for (uint64_t k = 1; k < c->recipe->candidates; k++) {
        if (all[k].trained &&
            (!all[best].trained || (all[k].result.validated && candidate_is_better(&all[k].result, &all[best].result))))
            best = k;
    }
    return best;
}

/* The best so far and its rounds are in *out. */
static int train_number(const struct candidates *c, uint64_t number, struct found *all, struct training_result *out,
                        struct reason *why)
{
    struct training training = { .number = number, .resume = c->resume };
    struct found *own = &all[number];
    json_t *rounds;
    int failed = run_one(c, &training, &own->result, &rounds, why);

    own->seed = training.seed;
    own->epochs = training.epochs;
    own->trained = !failed;
    if (!failed && find_best(c, all) == number) {
        model_free(out->model);
        json_decref(out->rounds);
        out->model = steal(&training.model);
        model_free(out->adversary);
        out->adversary = steal(&training.adversary);
        out->rounds = steal(&rounds);
    }
    model_free(training.model);
    model_free(training.adversary);
    json_decref(rounds);
    return failed;
}

/* What all ranks have found, and the model that is the best of it. */
static int join(const struct candidates *c, struct found *all, struct training_result *out, struct reason *why)
{
    const uint64_t count = c->recipe->candidates;
    const unsigned ranks = ranks_count(c->ranks);
    cleanup_free struct found *theirs = memory_zalloc(count * ranks, sizeof *theirs);
    uint64_t number, seed;
    unsigned owner;
    int failed = 0;

    if (!theirs)
        return refuse_errno(why, -ENOMEM, "candidates");
    ranks_gather(c->ranks, all, count * sizeof *all, theirs);
    for (uint64_t k = 0; k < count; k++)
        all[k] = theirs[k % ranks * count + k];
    number = find_best(c, all);
    owner = (unsigned)(number % ranks);
    if (owner != ranks_rank(c->ranks)) {
        out->model = model_free(out->model);
        failed = candidate_make(c, number, &out->model, &seed, why);
    }
    return failed ? failed : broadcast_model(c->ranks, owner, out->model, why);
}

/* This rank's, and where ranks share them, those of all. */
static int find_all(const struct candidates *c, struct found *all, struct training_result *out, struct reason *why)
{
    const bool shared = candidates_are_shared(c);
    const unsigned first = shared ? ranks_rank(c->ranks) : 0, stride = shared ? ranks_count(c->ranks) : 1;
    int failed = 0;

    for (uint64_t k = first; k < c->recipe->candidates && !failed && (!k || !interrupt_wanted()); k += stride)
        failed = train_number(c, k, all, out, why);
    return failed || !shared ? failed : join(c, all, out, why);
}

static int train_all(const struct candidates *c, struct training_result *out, json_t *all, struct reason *why)
{
    cleanup_free struct found *found = memory_zalloc(c->recipe->candidates, sizeof *found);
    int failed = found ? find_all(c, found, out, why) : refuse_errno(why, -ENOMEM, "candidates");
    uint64_t best;

    if (failed)
        return failed;
    best = find_best(c, found);
    out->result = found[best].result;
    out->seed = found[best].seed;
    for (uint64_t k = 0; k < c->recipe->candidates; k++) {
        if (!found[k].trained)
            continue;
        json_array_append_new(all, candidate_json(found[k].seed, &found[k].result));
        out->spread.epochs += found[k].epochs;
        out->candidates++;
    }
    return 0;
}

/* Of a halving, after its first round. */
static double first_accuracy(const json_t *candidate)
{
    const json_t *first = json_object_get(candidate, "first_accuracy");

    return json_number_value(first ? first : json_object_get(candidate, "validation_accuracy"));
}

/* Of a list as the lineage has it. */
static void measure_spread(const json_t *all, struct training_result *out)
{
    struct candidates_spread *s = &out->spread;
    const double count = (double)json_array_size(all);
    double squares = 0, chosen = 0;
    const json_t *one;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)all, i, one)
    {
        const double accuracy = first_accuracy(one);

        s->mean += accuracy / count;
        if ((uint64_t)json_integer_value(json_object_get(one, "seed")) == out->seed)
            chosen = accuracy;
    }
    json_array_foreach((json_t *)(uintptr_t)all, i, one) squares +=
        (first_accuracy(one) - s->mean) * (first_accuracy(one) - s->mean);
    s->deviation = count > 1 ? sqrt(squares / (count - 1)) : 0;
    s->gained = chosen - s->mean;
}

static int run_all(const struct candidates *c, struct training_result *out, struct reason *why)
{
    json_t *all = json_array();
    int failed;

    *out = (struct training_result){ .model = NULL };
    failed = (c->recipe->halving ? halving_run : train_all)(c, out, all, why);
    /* Who has failed goes to say so, and ends the others: they may be in an exchange of another kind. */
    if (!failed && ranks_agree(c->ranks, interrupt_wanted()))
        out->result.ending = ENDING_INTERRUPTED;
    measure_spread(all, out);
    if (!failed && describe_training(c, out, all))
        failed = refuse(why, -ENOMEM, "out of memory");
    json_decref(all);
    json_decref(out->rounds);
    out->rounds = NULL;
    if (failed) {
        out->model = model_free(out->model);
        out->adversary = model_free(out->adversary);
    }
    return failed;
}

/* The first rank's text. NULL: out of memory. */
static char *first_text(const struct ranks *ranks, const char *own)
{
    size_t length = strlen(own);
    char *text;

    ranks_copy(ranks, 0, &length, sizeof length);
    text = memory_zalloc(length + 1, 1);
    if (text)
        snprintf(text, length + 1, "%s", own);
    if (text)
        ranks_copy(ranks, 0, text, length);
    return text;
}

/* Ranks that have not read the same would not train one network. */
static int compare_runs(const struct ranks *ranks, const char *run, struct reason *why)
{
    cleanup_free char *text = first_text(ranks, run);
    cleanup_json json_t *own = json_from_string(run, 0, NULL), *first = text ? json_from_string(text, 0, NULL) : NULL;
    const char *key;
    json_t *value;

    if (!own || !first)
        return refuse(why, -ENOMEM, "out of memory");
    json_object_foreach(own, key, value)
    {
        if (!json_equal(value, json_object_get(first, key)))
            return refuse(why, WISP_E_FORMAT,
                          "not the same as on the first rank: \"%s\"; all machines need the same model, data, options "
                          "and wisp",
                          key);
    }
    return 0;
}

/* What looks at all samples' gradients or answers in one process. NULL: nothing does. */
static const char *single_process_option(const struct candidates *c)
{
    return c->recipe->halving          ? "--halving"
           : c->recipe->pruning.method ? "--prune"
           : c->semi                   ? "training on samples without labels"
                                       : NULL;
}

static int compare_ranks(const struct candidates *c, struct reason *why)
{
    const char *single = single_process_option(c);
    cleanup_model struct model *model = NULL;
    cleanup_json json_t *run = NULL;
    cleanup_free char *text = NULL;
    uint64_t seed;
    int failed;

    if (ranks_count(c->ranks) == 1)
        return 0;
    if (single)
        return refuse(why, WISP_E_INVALID, "%s is for one process; %u were started", single, ranks_count(c->ranks));
    failed = candidate_make(c, 0, &model, &seed, why);
    if (failed)
        return failed;
    run = candidate_describe(c, &(struct training){ .model = model, .seed = seed });
    text = run ? json_to_text(run, JSON_FORM) : NULL;
    return text ? compare_runs(c->ranks, text, why) : refuse(why, -ENOMEM, "out of memory");
}

/* Of labels that hold each by itself. A training that was interrupted, or whose answers are no numbers, has none. */
static int find_thresholds(const struct candidates *c, struct model *model, struct reason *why)
{
    const struct threshold_samples samples = { .data = c->experiment->data,
                                               .batches = c->batches,
                                               .loss = c->experiment->loss,
                                               .kernels = c->experiment->kernels,
                                               .pool = c->experiment->pool,
                                               .which = split_validation(c->split),
                                               .count = c->split->validation_count };
    int result = 0;

    if (!c->answers && thresholds_are_wanted(model, &samples))
        result = thresholds_learn(model, &samples, why);
    return result < 0 ? result : 0;
}

int candidates_run(const struct candidates *candidates, struct training_result *out, struct reason *why)
{
    struct recipe recipe = *candidates->recipe;
    struct candidates own = *candidates;
    int failed = compare_ranks(candidates, why);

    *out = (struct training_result){ .model = NULL };
    if (!failed && recipe.rate_auto)
        failed = search_rate(candidates, &recipe, why);
    own.recipe = &recipe;
    if (!failed)
        failed = run_all(&own, out, why);
    if (failed)
        return failed;
    failed = find_thresholds(&own, out->model, why);
    if (failed) {
        out->model = model_free(out->model);
        out->adversary = model_free(out->adversary);
    }
    return failed;
}
