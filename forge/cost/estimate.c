/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/cost/estimate.h"
#include "forge/cost/fit.h"

/* Runs whose connections differ by less are the same network. */
#define SAME_CONNECTIONS 1e-3

/* ---- the kinds ---- */

/* Drawing connections, writing arrays, and what each layer and each run costs. */
static void features_of_build(const struct store_record *r, double *out)
{
    out[0] = (double)r->connections;
    out[1] = (double)r->arrays;
    out[2] = (double)r->layers;
    out[3] = 1;
}

/* Products, which slow down as a batch's activations outgrow the caches; elementwise work; the step on the weights
 * after every batch; and what each batch costs. */
static void features_of_epoch(const struct store_record *r, double *out)
{
    const double batches = ceil((double)r->samples / (double)MAX(r->batch, (uint64_t)1));
    const double buffers = (double)r->neurons * (double)r->batch * sizeof(float);

    out[0] = r->flops;
    out[1] = r->flops * log2(1 + buffers / (1 << 20));
    out[2] = (double)r->neurons * (double)r->samples;
    out[3] = (double)r->connections * batches;
    out[4] = (double)r->layers * batches;
}

static bool same_machine(const struct store_record *a, const struct store_record *b)
{
    return !strcmp(a->machine, b->machine) && a->threads == b->threads;
}

static bool same_arrays(const struct store_record *a, const struct store_record *b)
{
    return a->arrays == b->arrays;
}

static bool same_epoch(const struct store_record *a, const struct store_record *b)
{
    return a->batch == b->batch && a->samples == b->samples;
}

/* Without a history, for a core of these years: 60 ns to draw a connection, a gigabyte a second to write, 10 GFLOP/s to
 * train, 30 us a layer and batch. */
static double computed_build(const struct store_record *r)
{
    return 60e-9 * (double)r->connections + 1e-9 * (double)r->arrays + 1e-4 * (double)r->layers + 5e-3;
}

static double computed_epoch(const struct store_record *r)
{
    return (r->flops / 10e9 + 1e-9 * (double)r->neurons * (double)r->samples) / (double)MAX(r->threads, (uint64_t)1) +
           30e-6 * (double)r->layers * (double)r->samples / (double)MAX(r->batch, (uint64_t)1);
}

static const struct kind {
    const char *name;
    enum store_event event;
    size_t features;
    void (*take_features)(const struct store_record *record, double *out);
    bool (*same)(const struct store_record *a, const struct store_record *b); /* besides layers and connections */
    double (*computed)(const struct store_record *wanted);
} kinds[ESTIMATE_KINDS] = {
    { "build_seconds", STORE_BUILT, 4, features_of_build, same_arrays, computed_build },
    { "epoch_seconds", STORE_TRAINED, 5, features_of_epoch, same_epoch, computed_epoch },
};

const char *estimate_name(enum estimate_kind kind)
{
    return kinds[kind].name;
}

enum store_event estimate_event(enum estimate_kind kind)
{
    return kinds[kind].event;
}

const char *estimate_from_name(enum estimate_from from)
{
    static const char *const names[] = { "computed", "extrapolated", "interpolated", "matched" };

    return names[from];
}

/* ---- one estimate ---- */

/* The runs that a kind can learn from, with what the fit wants of them. */
struct runs {
    const struct kind *kind;
    const struct store_record **records;
    struct fit_point *points;
    double *scratch;
    size_t count;
};

static bool is_same_network(const struct store_record *a, const struct store_record *b)
{
    double difference = fabs((double)a->connections - (double)b->connections);

    return !strcmp(a->hash, b->hash) && difference <= SAME_CONNECTIONS * (double)b->connections;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_of(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    return count % 2 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
}

/* What makes a network another sort of work, whatever the number of samples. */
static double size_of(const struct store_record *r, size_t which)
{
    const double sizes[] = { (double)r->layers,
                             (double)r->neurons,
                             (double)r->connections,
                             (double)r->arrays,
                             r->flops / (double)MAX(r->samples, (uint64_t)1),
                             (double)r->batch };

    return which < ARRAY_SIZE(sizes) ? sizes[which] : NAN;
}

/* Whether each size lies between the least and the most of the runs. */
static bool is_between(const struct runs *runs, const struct store_record *wanted, size_t without)
{
    for (size_t which = 0; !isnan(size_of(wanted, which)); which++) {
        double min = INFINITY, max = -INFINITY, size = size_of(wanted, which);

        for (size_t i = 0; i < runs->count; i++) {
            if (i != without) {
                min = fmin(min, size_of(runs->records[i], which));
                max = fmax(max, size_of(runs->records[i], which));
            }
        }
        if (size < min || size > max)
            return false;
    }
    return true;
}

/* Along the fit of all runs but the one numbered `without`, or from the shapes where they are too few. */
static void predict_new(const struct runs *runs, const struct store_record *wanted, size_t without,
                        struct estimate *out)
{
    double features[FIT_FEATURES_MAX];
    size_t others = runs->count - (without < runs->count);
    struct fit fit;

    if (others >= ESTIMATE_RUNS_MIN && fit_make(runs->points, runs->count, without, runs->kind->features, &fit)) {
        runs->kind->take_features(wanted, features);
        *out = (struct estimate){ is_between(runs, wanted, without) ? ESTIMATE_INTERPOLATED : ESTIMATE_EXTRAPOLATED,
                                  fit_value(&fit, features), others, -1, -1 };
        return;
    }
    *out = (struct estimate){ ESTIMATE_COMPUTED, runs->kind->computed(wanted), 0, -1, -1 };
}

/* From all runs but the one numbered `without`. */
static void predict(const struct runs *runs, const struct store_record *wanted, size_t without, struct estimate *out)
{
    size_t same = 0;

    for (size_t i = 0; i < runs->count; i++) {
        if (i != without && is_same_network(wanted, runs->records[i]) && runs->kind->same(wanted, runs->records[i]))
            runs->scratch[same++] = runs->points[i].value;
    }
    if (same)
        *out = (struct estimate){ ESTIMATE_MATCHED, median_of(runs->scratch, same), same, -1, -1 };
    else
        predict_new(runs, wanted, without, out);
}

/* Every run once, predicted from the others. */
static void hold_back(const struct runs *runs, double *errors, struct estimate *out)
{
    if (runs->count <= ESTIMATE_RUNS_MIN || out->from == ESTIMATE_EXTRAPOLATED)
        return;
    for (size_t i = 0; i < runs->count; i++) {
        struct estimate other;

        predict(runs, runs->records[i], i, &other);
        errors[i] = fabs(other.value / runs->points[i].value - 1);
    }
    out->error_median = median_of(errors, runs->count); /* sorts */
    out->error_max = errors[runs->count - 1];
}

static void runs_deinit(struct runs *runs)
{
    free(runs->records);
    free(runs->points);
    free(runs->scratch);
}

/* Those of a history that were done on the machine of `wanted`. */
static int runs_take(enum estimate_kind kind, const struct store_record *wanted, const struct history *history,
                     struct runs *out)
{
    const size_t room = history->count + 1;

    *out = (struct runs){ .kind = &kinds[kind],
                          .records = calloc(room, sizeof *out->records),
                          .points = calloc(room, sizeof *out->points),
                          .scratch = calloc(room, sizeof *out->scratch) };
    if (!out->records || !out->points || !out->scratch) {
        runs_deinit(out);
        return -ENOMEM;
    }
    for (size_t i = 0; i < history->count; i++) {
        const struct store_record *record = &history->records[i];

        if (record->event != out->kind->event || !(record->seconds > 0) || !same_machine(wanted, record))
            continue;
        out->records[out->count] = record;
        out->kind->take_features(record, out->points[out->count].features);
        out->points[out->count++].value = record->seconds;
    }
    return 0;
}

int estimate_make(enum estimate_kind kind, const struct store_record *wanted, const struct history *history,
                  struct estimate *out)
{
    cleanup_free double *errors = calloc(history->count + 1, sizeof *errors);
    struct runs runs;
    int result = errors ? runs_take(kind, wanted, history, &runs) : -ENOMEM;

    if (result)
        return result;
    predict(&runs, wanted, runs.count, out);
    hold_back(&runs, errors, out);
    runs_deinit(&runs);
    return 0;
}

int estimate_curve(enum estimate_kind kind, const struct store_record *wanted, size_t count,
                   const struct history *history, struct estimate *out)
{
    struct runs runs;
    int result = runs_take(kind, wanted, history, &runs);

    if (result)
        return result;
    for (size_t i = 0; i < count; i++)
        predict_new(&runs, &wanted[i], runs.count, &out[i]);
    runs_deinit(&runs);
    return 0;
}

/* ---- accuracy ---- */

static bool has_accuracy(const struct store_record *wanted, const struct store_record *record)
{
    return record->event == STORE_TRAINED && record->accuracy >= 0 && !strcmp(record->hash, wanted->hash);
}

/* Between the nearest below and above in density; records of one density weigh as the best of them. */
static bool accuracy_at(const struct store_record *wanted, const struct history *history, size_t without,
                        struct estimate *out)
{
    const struct store_record *below = NULL, *above = NULL;

    *out = (struct estimate){ ESTIMATE_INTERPOLATED, 0, 0, -1, -1 };
    for (size_t i = 0; i < history->count; i++) {
        const struct store_record *r = &history->records[i];

        if (i == without || !has_accuracy(wanted, r))
            continue;
        out->runs++;
        if (r->density <= wanted->density * (1 + SAME_CONNECTIONS) &&
            (!below || r->density > below->density || (r->density == below->density && r->accuracy > below->accuracy)))
            below = r;
        if (r->density >= wanted->density * (1 - SAME_CONNECTIONS) &&
            (!above || r->density < above->density || (r->density == above->density && r->accuracy > above->accuracy)))
            above = r;
    }
    if (!below || !above) {
        const struct store_record *end = below ? below : above;

        out->from = ESTIMATE_EXTRAPOLATED;
        out->value = end ? end->accuracy : 0;
        return end != NULL;
    }
    if (is_same_network(wanted, below) || is_same_network(wanted, above)) {
        out->from = ESTIMATE_MATCHED;
        out->value = is_same_network(wanted, below) ? below->accuracy : above->accuracy;
        return true;
    }
    out->value = below->accuracy;
    if (above->density != below->density)
        out->value += (above->accuracy - below->accuracy) * log(wanted->density / below->density) /
                      log(above->density / below->density);
    return true;
}

bool estimate_accuracy(const struct store_record *wanted, const struct history *history, struct estimate *out)
{
    double sum = 0, max = 0;
    size_t count = 0;

    if (!accuracy_at(wanted, history, history->count, out))
        return false;
    if (out->from == ESTIMATE_EXTRAPOLATED)
        return true;
    for (size_t i = 0; i < history->count; i++) {
        struct estimate other;
        double error;

        if (!has_accuracy(wanted, &history->records[i]) || !accuracy_at(&history->records[i], history, i, &other))
            continue;
        error = fabs(other.value - history->records[i].accuracy);
        sum += error;
        max = fmax(max, error);
        count++;
    }
    if (count > 2) {
        out->error_median = sum / (double)count;
        out->error_max = max;
    }
    return true;
}
