/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json/json_memory.h"
#include "base/path.h"
#include "forge/train/runs/run_log.h"

enum { LOG_FILE_MAX = 1 << 30 };

void run_log_begin(struct run_log *log, const char *name)
{
    snprintf(log->file, sizeof log->file, "%s", name);
    snprintf(log->candidate, sizeof log->candidate, "%s", name);
    snprintf(log->name, sizeof log->name, "%s", name);
    log->first = log->current = log->count;
}

/* The number of the file's run that is called so; `count`: there is none. */
static size_t find_run(const struct run_log *log, const char *name)
{
    size_t i = log->first;

    while (i < log->count && strcmp(log->runs[i].name, name) != 0)
        i++;
    return i;
}

/* What follows is of the run with this name, `of` and what it is there. */
static void begin_run(struct run_log *log, const char *of, const char *what, const json_t *number)
{
    char text[48];
    int length = snprintf(text, sizeof text, ", %s %lld", what, (long long)json_integer_value(number));

    snprintf(log->name, sizeof log->name, "%.*s%s", (int)sizeof log->name - 1 - length, of, text);
    log->current = find_run(log, log->name);
}

/* By its seed, or by its number where it is halved and goes on round after round. */
static void begin_candidate(struct run_log *log, const json_t *event)
{
    const json_t *seed = json_object_get(event, "seed"), *number = json_object_get(event, "candidate");

    begin_run(log, log->file, seed ? "seed" : "candidate", seed ? seed : number);
    memcpy(log->candidate, log->name, sizeof log->candidate);
}

static int add_run(struct run_log *log, const char *name)
{
    struct run *runs = reallocarray(log->runs, log->count + 1, sizeof *runs);

    if (!runs)
        return -ENOMEM;
    log->runs = runs;
    log->runs[log->count] = (struct run){ .epochs = NULL };
    snprintf(log->runs[log->count++].name, RUN_NAME_MAX, "%s", name);
    return 0;
}

/* Epochs ascend: those from this one on are told anew. */
static int add_epoch(struct run *run, const struct run_epoch *epoch)
{
    while (run->count && run->epochs[run->count - 1].epoch >= epoch->epoch)
        run->count--;
    if (!(run->count & (run->count - 1))) { /* room for twice as many at each power of two, and 0 */
        struct run_epoch *epochs = reallocarray(run->epochs, run->count ? 2 * run->count : 1, sizeof *epochs);

        if (!epochs)
            return -ENOMEM;
        run->epochs = epochs;
    }
    run->epochs[run->count++] = *epoch;
    return 0;
}

static double number_of(const json_t *event, const char *key)
{
    const json_t *value = json_object_get(event, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The run's epoch, of the other network. */
static int take_adversary(struct run_log *log, const struct run_epoch *epoch, double loss, double accuracy)
{
    static const char suffix[] = ", adversary";
    const struct run_epoch own = { epoch->epoch, epoch->rate, loss, accuracy, NAN, NAN };
    char name[RUN_NAME_MAX];
    size_t run;

    snprintf(name, sizeof name, "%.*s%s", (int)(sizeof name - sizeof suffix), log->name, suffix);
    run = find_run(log, name);
    return (run == log->count && add_run(log, name)) || add_epoch(&log->runs[run], &own) ? -ENOMEM : 0;
}

static int take_epoch(struct run_log *log, const json_t *event, struct reason *why)
{
    const double adversary = number_of(event, "adversary_loss");
    const json_int_t number = json_integer_value(json_object_get(event, "epoch"));
    const struct run_epoch epoch = { .epoch = (uint64_t)number,
                                     .rate = number_of(event, "rate"),
                                     .loss = number_of(event, "loss"),
                                     .accuracy = number_of(event, "accuracy"),
                                     .validation_loss = number_of(event, "validation_loss"),
                                     .validation_accuracy = number_of(event, "validation_accuracy") };

    if (number < 1)
        return refuse(why, WISP_E_FORMAT, "an epoch without its number, 'epoch', from 1");
    if (isnan(epoch.loss))
        return refuse(why, WISP_E_FORMAT, "epoch %lld has no 'loss'", (long long)number);
    if ((log->current == log->count && add_run(log, log->name)) || add_epoch(&log->runs[log->current], &epoch) ||
        (!isnan(adversary) && take_adversary(log, &epoch, adversary, number_of(event, "adversary_accuracy"))))
        return refuse_errno(why, -ENOMEM, "epoch %lld", (long long)number);
    return 0;
}

int run_log_event(struct run_log *log, const json_t *event, struct reason *why)
{
    const char *name = json_string_value(json_object_get(event, "event"));

    if (!name)
        return refuse(why, WISP_E_FORMAT, "no event: an object with a text 'event' is expected");
    if (!strcmp(name, "epoch"))
        return take_epoch(log, event, why);
    if (!strcmp(name, "candidate"))
        begin_candidate(log, event);
    if (!strcmp(name, "round")) /* another training, on labels of its own */
        begin_run(log, log->candidate, "round", json_object_get(event, "round"));
    return 0;
}

static int take_line(struct run_log *log, const char *line, size_t length, struct reason *why)
{
    json_error_t error;
    json_t *event = json_from_text(line, length, JSON_REJECT_DUPLICATES, &error);
    int result;

    if (!event)
        return refuse(why, WISP_E_FORMAT, "no JSON: %s", error.text);
    result = run_log_event(log, event, why);
    json_decref(event);
    return result;
}

static int take_lines(struct run_log *log, const char *path, const char *text, size_t size, struct reason *why)
{
    size_t number = 1, before = log->count;

    for (size_t at = 0; at < size; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        int result = take_line(log, text + at, length, why);

        if (result)
            return refuse_in(why, result, "%s:%zu", path, number);
        at += length + 1;
    }
    if (log->count == before)
        return refuse(why, WISP_E_FORMAT, "%s: no epoch of a training; it is to hold what 'wisp train --json' prints",
                      path);
    return 0;
}

/* A file's name without its folder and its ending. */
static void begin_file(struct run_log *log, const char *path)
{
    const char *name = path_name(path);
    char text[RUN_NAME_MAX];

    snprintf(text, sizeof text, "%.*s", (int)path_stem(name), name);
    run_log_begin(log, strcmp(path, "-") != 0 ? text : "standard input");
}

int run_log_read(struct run_log *log, const char *path, struct reason *why)
{
    size_t size;
    void *data;
    int result = file_read(path, LOG_FILE_MAX, &data, &size, why);

    if (result)
        return result;
    begin_file(log, path);
    result = take_lines(log, path, data, size, why);
    free(data);
    return result;
}

void run_log_deinit(struct run_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->runs[i].epochs);
    free(log->runs);
    *log = RUN_LOG_NULL;
}
