/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of the daemon, in the time between two looks.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "client/cli/doctor/checks.h"
#include "client/cli/facts.h"
#include "client/cli/sight/rates.h"
#include "client/cli/sight/use.h"

/* Above this a shard has no time left. */
static const double busy = 0.9;

static struct rate *rates_of(const struct examination *examination, enum rate_kind kind, size_t *count)
{
    const char *key = kind == RATE_MODEL ? "models" : "users";

    return rates_make(kind, json_object_get(examination->before, key), json_object_get(examination->now, key),
                      examination->seconds, count);
}

static double used_by(const struct rate *rates, size_t count)
{
    double used = 0;

    for (size_t i = 0; i < count; i++)
        used += rates[i].used;
    return used;
}

/* ", most of it by NAME (95 %)", for who is first in the list. */
static const char *format_first(const char *what, const struct rate *rates, size_t count, double all, char *buffer,
                                size_t capacity)
{
    char share[32];

    *buffer = '\0';
    if (count && rates[0].used > all / 2)
        snprintf(buffer, capacity, ", most of it by %s %.60s (%s)", what, rates[0].name,
                 format_share(rates[0].used, all, share));
    return buffer;
}

void check_time_left(const struct examination *examination, struct finding *finding)
{
    size_t model_count, user_count;
    cleanup_free struct rate *models = rates_of(examination, RATE_MODEL, &model_count);
    cleanup_free struct rate *users = rates_of(examination, RATE_USER, &user_count);
    const json_t *daemon = json_object_get(examination->now, "daemon");
    /* An older daemon says nothing of threads: there it is one. */
    const uint64_t threads = member_count(daemon, "shards") * MAX(member_count(daemon, "threads"), (uint64_t)1);
    const double used = used_by(models, model_count), all = (double)MAX(threads, (uint64_t)1);
    char share[32], model[160], user[160];

    format_share(used, all, share);
    format_first("model", models, model_count, used, model, sizeof model);
    format_first("user", users, user_count, used, user, sizeof user);
    if (used < busy * all) {
        find(finding, VERDICT_GOOD, "it computed %s of the time%s", share, used > busy * all / 2 ? user : "");
        return;
    }
    find(finding, VERDICT_BAD, "it computed %s of the time%s%s: who comes now waits", share, model, user);
    advise(finding, "wisp top shows who; a smaller or sparser model, larger batches (batch.max), fewer requests");
}

static const json_t *model_named(const struct examination *examination, const char *list, const char *name)
{
    const json_t *models = strcmp(list, "list") ? json_object_get(examination->now, list) : examination->models;

    for (size_t i = 0; i < json_array_size(models); i++) {
        if (!strcmp(member_text(json_array_get(models, i), "name"), name))
            return json_array_get(models, i);
    }
    return NULL;
}

/* Of what was computed between the looks: samples that ran together, on average. */
static double batch_of(const struct examination *examination, const char *name)
{
    const json_t *now = model_named(examination, "models", name), *before = NULL;
    const json_t *list = json_object_get(examination->before, "models");
    double batches, samples;

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!strcmp(member_text(json_array_get(list, i), "name"), name))
            before = json_array_get(list, i);
    }
    batches = (double)member_count(now, "batches") - (double)member_count(before, "batches");
    samples = (double)member_count(now, "samples") - (double)member_count(before, "samples");
    return batches > 0 ? samples / batches : 0;
}

/* Batches that are full while requests wait longer than they compute. */
void check_batches(const struct examination *examination, struct finding *finding)
{
    size_t count;
    cleanup_free struct rate *models = rates_of(examination, RATE_MODEL, &count);

    find(finding, VERDICT_GOOD, "no model's requests wait longer than they compute");
    for (size_t i = 0; i < count; i++) {
        const struct rate *rate = &models[i];
        char wait[32], compute[32];

        if (rate->wait_p50 <= rate->compute_p50 || rate->requests <= 0)
            continue;
        find(finding, VERDICT_NOTE,
             "requests of %.60s wait for %s and compute for %s (medians); %.1f samples run together on average",
             rate->name, format_time(rate->wait_p50, wait), format_time(rate->compute_p50, compute),
             batch_of(examination, rate->name));
        advise(finding,
               "batch.max of the model in wispd.yaml(5), if its batches are full (wisp show %.60s has batch_most)",
               rate->name);
        return;
    }
}

/* One in a hundred. */
void check_failures(const struct examination *examination, struct finding *finding)
{
    size_t count;
    cleanup_free struct rate *users = rates_of(examination, RATE_USER, &count);

    if (json_is_false(json_object_get(examination->now, "users_all")))
        find(finding, VERDICT_UNKNOWN, "your requests are answered; those of others cannot be seen: run it as root");
    else
        find(finding, VERDICT_GOOD, "requests are answered");
    for (size_t i = 0; i < count; i++) {
        const struct rate *rate = &users[i];

        if (rate->failed <= 0 || rate->failed * 99 < rate->requests)
            continue;
        find(finding, VERDICT_NOTE, "of user %.60s %.0f requests a second fail, and %.0f are answered", rate->name,
             rate->failed, rate->requests);
        advise(finding,
               "wisp stats --json tells refused, late (deadlines) and cancelled apart; wisp clients has the processes");
        return;
    }
}
