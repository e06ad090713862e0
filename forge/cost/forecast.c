/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/outcome.h"
#include "forge/cost/forecast.h"
#include "sparse/file/model_file.h"

static int estimate_all(const char *verb, const struct plan *plan, const char *database, struct forecast *out)
{
    const enum store_event events[] = { STORE_BUILT, STORE_TRAINED };
    int result = 0;

    for (int e = 0; e < 2 && !result; e++) {
        struct store_record wanted;
        struct history history;
        struct reason ours;

        if (history_read(database, events[e], &history, &ours))
            warn_user(verb, "the history is left out: %s", ours.text);
        history_describe_plan(plan, &out->cost, &out->setting, events[e], &wanted);
        snprintf(out->machine, sizeof out->machine, "%s", wanted.machine);
        for (int kind = 0; kind < ESTIMATE_KINDS && !result; kind++) {
            if (estimate_event((enum estimate_kind)kind) == events[e])
                result = estimate_make((enum estimate_kind)kind, &wanted, &history, &out->estimates[kind]);
        }
        if (events[e] == STORE_TRAINED && out->trains)
            out->accuracy_known = estimate_accuracy(&wanted, &history, &out->accuracy);
        history_deinit(&history);
    }
    return result;
}

int forecast_make(const char *verb, const struct plan *plan, const struct assembly *assembly,
                  const struct cost_setting *setting, const char *database, struct forecast *out, struct reason *why)
{
    struct structure_support support = structure_support(&plan->structure);
    int result;

    *out = (struct forecast){ .setting = *setting, .serves = support.serves, .trains = support.trains };
    structure_support_text(&support, out->support, sizeof out->support);
    result = cost_of_plan(plan, assembly, setting, &out->cost, why);
    if (result)
        return result;
    out->saves = out->cost.file_bytes <= MODEL_FILE_MAX;
    result = estimate_all(verb, plan, database, out);
    return result ? refuse_errno(why, result, "what the plan will take") : 0;
}

/* ---- text ---- */

/* "interpolated from 41 runs; held back, they are off by 3.1 % at the median, 12 % at most" */
static void print_from(const struct estimate *estimate, FILE *to)
{
    fputs(estimate_from_name(estimate->from), to);
    if (estimate->runs)
        fprintf(to, " from %zu run%s", estimate->runs, estimate->runs == 1 ? "" : "s");
    if (estimate->from == ESTIMATE_EXTRAPOLATED)
        fputs(", none of which is like it", to);
    if (estimate->error_median >= 0)
        fprintf(to, "; runs held back are off by %.2g %% at the median, %.2g %% at most", 100 * estimate->error_median,
                100 * estimate->error_max);
    putc('\n', to);
}

static void print_seconds(const char *label, const struct estimate *estimate, FILE *to)
{
    char text[32];

    if (estimate->value < 1)
        snprintf(text, sizeof text, "%.3g ms", 1e3 * estimate->value);
    else
        snprintf(text, sizeof text, "%.3g s", estimate->value);
    fprintf(to, "  %-10s %10s   ", label, text);
    print_from(estimate, to);
}

static void print_memory(const char *label, uint64_t bytes, uint64_t batch, const char *besides, FILE *to)
{
    char text[32];

    cost_text((double)bytes, "B", text, sizeof text);
    fprintf(to, "  %-10s %10s   computed, for batches of %llu%s\n", label, text, (unsigned long long)batch, besides);
}

static void print_accuracy(const struct estimate *accuracy, FILE *to)
{
    fprintf(to, "  %-10s %8.2f %%   %s from %zu run%s of this structure", "accuracy", 100 * accuracy->value,
            estimate_from_name(accuracy->from), accuracy->runs, accuracy->runs == 1 ? "" : "s");
    if (accuracy->from == ESTIMATE_EXTRAPOLATED)
        fputs(": that of the nearest density", to);
    if (accuracy->error_median >= 0)
        fprintf(to, "; runs held back are off by %.2g points, %.2g at most", 100 * accuracy->error_median,
                100 * accuracy->error_max);
    putc('\n', to);
}

void forecast_print(const struct forecast *o, FILE *to)
{
    char text[32], more[32];

    fprintf(to, "takes, on %s:\n", o->machine);
    cost_text((double)o->cost.file_bytes, "B", text, sizeof text);
    fprintf(to, "  %-10s %10s   exactly, as it is built%s\n", "file", text,
            o->saves ? "" : "; that cannot be saved: a model file has at most 16 GiB");
    if (o->serves)
        print_memory("to serve", o->cost.serve_bytes, o->setting.serve_batch, "", to);
    if (o->trains)
        print_memory("to train", o->cost.train_bytes, o->setting.batch, "; the data take more", to);
    cost_text(o->cost.flops, "FLOP", text, sizeof text);
    cost_text(o->cost.epoch_flops, "FLOP", more, sizeof more);
    fprintf(to, "  %-10s %10s   a sample; %s an epoch of %llu sample%s\n", "work", text, more,
            (unsigned long long)o->setting.samples, o->setting.samples == 1 ? "" : "s");
    print_seconds("to build", &o->estimates[ESTIMATE_BUILD_SECONDS], to);
    if (o->trains)
        print_seconds("an epoch", &o->estimates[ESTIMATE_EPOCH_SECONDS], to);
    if (o->accuracy_known)
        print_accuracy(&o->accuracy, to);
    if (*o->support)
        fprintf(to, "  %s\n", o->support);
}

/* ---- JSON ---- */

static json_t *estimate_json(const struct estimate *estimate)
{
    json_t *object = json_pack("{s:f s:s s:I}", "value", estimate->value, "from", estimate_from_name(estimate->from),
                               "runs", (json_int_t)estimate->runs);

    if (object && estimate->error_median >= 0) {
        json_object_set_new(object, "error_median", json_real(estimate->error_median));
        json_object_set_new(object, "error_most", json_real(estimate->error_max));
    }
    return object;
}

void forecast_describe(const struct forecast *o, json_t *object)
{
    json_t *estimates = json_object();

    json_object_set_new(estimates, "machine", json_string(o->machine));
    for (int kind = 0; kind < ESTIMATE_KINDS; kind++) {
        if (kind != ESTIMATE_EPOCH_SECONDS || o->trains)
            json_object_set_new(estimates, estimate_name((enum estimate_kind)kind), estimate_json(&o->estimates[kind]));
    }
    if (o->accuracy_known)
        json_object_set_new(estimates, "accuracy", estimate_json(&o->accuracy));
    json_object_set_new(object, "cost", cost_json(&o->cost, &o->setting));
    json_object_set_new(object, "estimates", estimates);
    json_object_set_new(object, "saves", json_boolean(o->saves));
    json_object_set_new(object, "serves", json_boolean(o->serves));
    json_object_set_new(object, "trains", json_boolean(o->trains));
}
