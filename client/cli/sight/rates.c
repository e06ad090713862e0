/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/sight/histogram_json.h"
#include "client/cli/sight/rates.h"
#include "client/cli/sight/use.h"

static const char *const keys[] = { [RATE_MODEL] = "name", [RATE_USER] = "uid", [RATE_CLIENT] = "id" };

static const json_t *find(const json_t *list, const char *key, const json_t *value)
{
    for (size_t i = 0; value && i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (json_equal(json_object_get(one, key), value))
            return one;
    }
    return NULL;
}

/* A counter that fell began anew. */
static double rate_of(const json_t *before, const json_t *now, const char *key, double seconds)
{
    const uint64_t old = member_count(before, key), new = member_count(now, key);

    insist(seconds > 0, "%g", seconds);
    return (double)(new >= old ? new - old : new) / seconds;
}

static void marks_of(const json_t *before, const json_t *now, const char *name, uint64_t *p50, uint64_t *p99,
                     uint64_t *max)
{
    const json_t *old = json_object_get(before, name), *new = json_object_get(now, name);
    static struct histogram earlier, later; /* of one thread */

    if (!histogram_from_json(new, &later))
        return;
    if (histogram_from_json(old, &earlier) && histogram_count(&earlier) <= histogram_count(&later))
        histogram_subtract(&later, &earlier);
    *p50 = histogram_quantile(&later, 0.5);
    *p99 = histogram_quantile(&later, 0.99);
    *max = histogram_quantile(&later, 1);
    insist(*p50 <= *p99 && *p99 <= *max);
}

static void name_it(enum rate_kind kind, const json_t *now, struct rate *rate)
{
    char user[USER_NAME_MAX];

    rate->uid = member_count(now, "uid");
    rate->weight = member_count(now, "weight");
    rate->pid = member_count(now, "pid");
    rate->channels = !strcmp(member_text(now, "kind"), "channel");
    insist((size_t)kind < ARRAY_SIZE(keys), "%d", kind);
    snprintf(rate->name, sizeof rate->name, "%s",
             kind == RATE_USER ? format_user(rate->uid, user) : member_text(now, "name"));
}

static struct rate rate_make(enum rate_kind kind, const json_t *before, const json_t *now, double seconds)
{
    struct rate rate = { .under_way = member_count(now, "under_way") };

    name_it(kind, now, &rate);
    rate.requests = rate_of(before, now, "requests", seconds);
    rate.failed = rate_of(before, now, "refused", seconds) + rate_of(before, now, "late", seconds) +
                  rate_of(before, now, "cancelled", seconds);
    rate.samples = rate_of(before, now, "samples", seconds);
    rate.used = rate_of(before, now, "used_ns", seconds) / 1e9;
    marks_of(before, now, "waited", &rate.wait_p50, &rate.wait_p99, &rate.wait_max);
    marks_of(before, now, "computed", &rate.compute_p50, &rate.compute_p99, &rate.compute_max);
    return rate;
}

static int by_process(const void *a, const void *b)
{
    const struct rate *left = a, *right = b;

    if (left->pid != right->pid)
        return left->pid < right->pid ? -1 : 1;
    if (left->uid != right->uid)
        return left->uid < right->uid ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* Who used most first; then who asked most; then by name and process, so that a quiet list stands still. */
static int busiest_first(const void *a, const void *b)
{
    const struct rate *left = a, *right = b;

    if (left->used < right->used || left->used > right->used)
        return left->used < right->used ? 1 : -1;
    if (left->requests < right->requests || left->requests > right->requests)
        return left->requests < right->requests ? 1 : -1;
    return strcmp(left->name, right->name) ? strcmp(left->name, right->name) : by_process(a, b);
}

/* A program has a connection to ask questions and one for requests, or many: who reads wants to know the program. How
 * many are left. */
static size_t merge_processes(struct rate *rates, size_t count)
{
    size_t kept = 0;

    qsort(rates, count, sizeof *rates, by_process);
    for (size_t i = 0; i < count; i++) {
        struct rate *into = kept ? &rates[kept - 1] : NULL;

        if (!into || by_process(into, &rates[i])) {
            rates[kept++] = rates[i];
            continue;
        }
        into->channels += rates[i].channels;
        into->under_way += rates[i].under_way;
        into->requests += rates[i].requests;
        into->used += rates[i].used;
    }
    return kept;
}

struct rate *rates_make(enum rate_kind kind, const json_t *before, const json_t *now, double seconds, size_t *count)
{
    struct rate *rates;

    *count = json_array_size(now);
    rates = *count ? calloc(*count, sizeof *rates) : NULL;
    if (!rates) {
        *count = 0;
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        const json_t *one = json_array_get(now, i);

        rates[i] = rate_make(kind, find(before, keys[kind], json_object_get(one, keys[kind])), one, seconds);
    }
    if (kind == RATE_CLIENT)
        *count = merge_processes(rates, *count);
    qsort(rates, *count, sizeof *rates, busiest_first);
    return rates;
}
