/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/cost/estimate.h"
#include "forge/cost/series.h"
#include "sparse/graph/structure_edit.h"

#define BEYOND 2.0 /* times less and more than was done */

static const struct store_record *extreme(const char *hash, const struct history *history, bool max)
{
    const struct store_record *found = NULL;

    for (size_t i = 0; i < history->count; i++) {
        const struct store_record *r = &history->records[i];

        if (!strcmp(r->hash, hash) &&
            (!found || (max ? r->connections > found->connections : r->connections < found->connections)))
            found = r;
    }
    return found;
}

static const struct store_record *newest(const char *hash, const struct history *history)
{
    for (size_t i = history->count; i--;) {
        if (!strcmp(history->records[i].hash, hash))
            return &history->records[i];
    }
    return NULL;
}

static int estimate_points(const struct store_record *wanted, size_t count, const struct history *history,
                           struct series *out)
{
    bool trained = count && wanted[0].event == STORE_TRAINED;
    cleanup_free struct estimate *seconds = calloc(SERIES_POINTS, sizeof *seconds);
    struct estimate accuracy;
    int result = -ENOMEM;

    if (seconds)
        result =
            estimate_curve(trained ? ESTIMATE_EPOCH_SECONDS : ESTIMATE_BUILD_SECONDS, wanted, count, history, seconds);
    if (result)
        return result;
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        bool known = trained && estimate_accuracy(&wanted[i], history, &accuracy);

        out->points[i] = (struct curve_run){
            .trained = trained,
            .connections = (double)wanted[i].connections,
            .density = wanted[i].density,
            .bytes = trained ? 0 : (double)wanted[i].bytes,
            .seconds = seconds[i].value,
            .seconds_guessed = seconds[i].from != ESTIMATE_INTERPOLATED,
            .accuracy = known ? accuracy.value : -1,
            .accuracy_guessed = known && accuracy.from == ESTIMATE_EXTRAPOLATED,
        };
    }
    return 0;
}

/* ---- of a structure ---- */

static int describe(const struct plan *plan, const struct store_record *like, struct store_record *out)
{
    struct cost_setting setting = COST_SETTING;
    struct reason why;
    struct cost cost;
    int result;

    setting.threads = like->threads;
    if (like->event == STORE_TRAINED) {
        setting.samples = like->samples;
        setting.batch = like->batch;
    }
    result = cost_of_plan(plan, NULL, &setting, &cost, &why);
    if (!result)
        history_describe_plan(plan, &cost, &setting, like->event, out);
    return result;
}

/* Densities that this structure cannot have are left out. */
static int describe_all(struct plan *plan, const struct store_record *like, double min, double max,
                        struct store_record *wanted, size_t *count)
{
    struct plan_wish wish = { .method = DENSITY_ER };

    if (!density_method_parse(like->method, &wish.method) || wish.method == DENSITY_FIXED)
        wish.method = DENSITY_ER;
    for (size_t i = 0; i < SERIES_POINTS; i++) {
        struct reason why;
        int beyond, result;

        wish.density = i + 1 == SERIES_POINTS ? max : min * pow(max / min, (double)i / (SERIES_POINTS - 1));
        result = plan_again(plan, &wish, &beyond, &why);
        if (!result)
            result = describe(plan, like, &wanted[*count]);
        if (result < 0)
            return result;
        *count += !result;
    }
    return 0;
}

int series_of_structure(const struct structure *structure, const struct history *history, struct series *out)
{
    cleanup_free struct store_record *wanted = calloc(SERIES_POINTS, sizeof *wanted);
    const struct store_record *like;
    char hash[STORE_HASH_MAX];
    struct structure copy;
    struct plan plan;
    struct reason why;
    size_t count = 0;
    int result;

    out->count = 0;
    if (!wanted)
        return -ENOMEM;
    history_hash(structure, hash);
    like = newest(hash, history);
    if (!like)
        return 0;
    result = structure_copy(structure, &copy);
    if (result)
        return result;
    result = plan_prepare(&copy, &plan, &why);
    if (result) {
        structure_deinit(&copy);
        return result;
    }
    result = describe_all(&plan, like, fmax(extreme(hash, history, false)->density / BEYOND, 1e-9),
                          fmin(extreme(hash, history, true)->density * BEYOND, 1), wanted, &count);
    plan_deinit(&plan);
    return result ? result : estimate_points(wanted, count, history, out);
}

/* ---- of runs ---- */

static uint64_t between(uint64_t a, uint64_t b, double part)
{
    return (uint64_t)llround((double)a + ((double)b - (double)a) * part);
}

/* All that a network takes grows with its connections. */
static struct store_record mix(const struct store_record *a, const struct store_record *b, double part)
{
    struct store_record out = *a;

    out.connections = between(a->connections, b->connections, part);
    out.density = a->density + (b->density - a->density) * part;
    out.arrays = between(a->arrays, b->arrays, part);
    out.bytes = between(a->bytes, b->bytes, part);
    out.flops = a->flops + (b->flops - a->flops) * part;
    return out;
}

int series_of_runs(const char *hash, const struct history *history, struct series *out)
{
    const struct store_record *min = extreme(hash, history, false), *max = extreme(hash, history, true);
    cleanup_free struct store_record *wanted = calloc(SERIES_POINTS, sizeof *wanted);
    struct store_record end;

    out->count = 0;
    if (!wanted)
        return -ENOMEM;
    if (!min || min->connections == 0 || min->connections == max->connections)
        return 0;
    end = *max;
    if (end.samples && min->samples)
        end.flops *= (double)min->samples / (double)end.samples; /* an epoch of as many samples */
    for (size_t i = 0; i < SERIES_POINTS; i++) {
        double ratio = (double)max->connections / (double)min->connections;
        double part = (pow(ratio, (double)i / (SERIES_POINTS - 1)) - 1) / (ratio - 1);

        wanted[i] = mix(min, &end, part);
    }
    return estimate_points(wanted, SERIES_POINTS, history, out);
}
