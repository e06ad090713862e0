/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon says of itself and its models, as JSON (docs/protocol.md). No path, no address, no other client.
 *
 * A question costs what a few counters do: the rest stands in the set of models, as text. So a client that asks and
 * asks takes little time, and next to no memory, from the others.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "daemon/control/describe.h"
#include "daemon/control/reload.h"
#include "daemon/control/shards.h"
#include "daemon/sight/counter.h"

enum { NAMES_MAX = 120 }; /* bytes of models' names and types in a sentence */

static void print_counters(FILE *out, const struct wispd *daemon, uint32_t model)
{
    uint64_t requests = 0, samples = 0, batches = 0, pooled = 0, refused = 0;

    insist(daemon->serving->set == daemon->set && model < daemon->set->model_count, "%u", model);

    for (uint32_t i = 0; i < daemon->shards; i++) {
        const struct tally *tally = daemon->serving->queues[i]->queues[model].tally;

        requests += counter_read(&tally->answered);
        samples += counter_read(&tally->samples);
        batches += counter_read(&tally->batches);
        pooled += counter_read(&tally->pooled);
        refused += counter_read(&tally->refused);
    }
    fprintf(out,
            ",\"requests\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"pooled\":%" PRIu64
            ",\"refused\":%" PRIu64 "}",
            requests, samples, batches, pooled, refused);
}

struct description describe_gathered(FILE *out, char **text, const char *shared)
{
    if (!out || fclose(out)) {
        free(out ? *text : NULL);
        *text = NULL;
    }
    return (struct description){ .shared = shared, .own = *text };
}

struct description describe_models(const struct wispd *daemon)
{
    const struct model_set *set = daemon->set;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (uint32_t i = 0; out && i < set->model_count; i++) {
        fprintf(out, "%c%s", i ? ',' : '[', set->models[i].summary);
        print_counters(out, daemon, i);
    }
    if (out)
        fputs(set->model_count ? "]" : "[]", out);
    return describe_gathered(out, &text, NULL);
}

struct description describe_model(const struct wispd *daemon, uint32_t route)
{
    const struct instance *instance = model_set_route(daemon->set, route);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        fprintf(out, ",\"route\":%" PRIu32, route);
        print_counters(out, daemon, (uint32_t)(instance - daemon->set->models));
    }
    return describe_gathered(out, &text, instance->full);
}

/* As many models as a sentence has room for, which is cut off at the other end; then how many more. */
static void print_names(FILE *out, const struct model_set *set)
{
    size_t length = 0;

    for (uint32_t i = 0; i < set->model_count; i++) {
        const struct instance *model = &set->models[i];

        length += strlen(model->name) + strlen(model->processing);
        if (i && length > NAMES_MAX) {
            fprintf(out, " and %u more, which `wisp models` lists", set->model_count - i);
            return;
        }
        fprintf(out, "%s%s (%s)", i ? ", " : "", model->name, model->processing);
    }
}

struct description describe_unknown(const struct wispd *daemon, const char *name, size_t length)
{
    const struct model_set *set = daemon->set;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        fprintf(out, "no model or processing type \"%.*s\"; ", (int)length, name);
        fputs(set->model_count ? "there are: " : "none is loaded", out);
    }
    if (out)
        print_names(out, set);
    return describe_gathered(out, &text, NULL);
}

/* What one client may have at most, whatever it asks for. */
static json_t *limits_json(const struct config *config)
{
    return json_pack("{s:I, s:I, s:I}", "rows", (json_int_t)config->limits.rows, "entries",
                     (json_int_t)config->limits.entries, "arena", (json_int_t)config->limits.arena);
}

static void add_reloads(json_t *state, struct reload_counts counts)
{
    json_object_set_new(state, "reloads", json_integer((json_int_t)counts.done));
    json_object_set_new(state, "reloads_refused", json_integer((json_int_t)counts.refused));
    json_object_set_new(state, "rollbacks_refused", json_integer((json_int_t)counts.rollbacks_refused));
    json_object_set_new(state, "rolled_back", json_boolean(counts.rolled_back));
}

struct description describe_daemon(const struct wispd *daemon)
{
    const struct shard_counts counts = shards_count(daemon);
    char epoch[17], *text;
    json_t *state;

    snprintf(epoch, sizeof epoch, "%016" PRIx64, daemon->epoch);
    state =
        json_pack("{s:s, s:i, s:f, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
                  "s:I, s:o, s:s}",
                  "server", "wispd " WISP_VERSION, "pid", (int)getpid(), "uptime_s",
                  (double)(clock_ns() - daemon->started_ns) / (double)NS_PER_S, "loop", loop_name(daemon->loop),
                  "kernels", daemon->set->kernels->name, "spin_us", (json_int_t)(daemon->spin_ns / NS_PER_US), "shards",
                  (json_int_t)daemon->shards, "threads", (json_int_t)daemon->config->threads, "channels",
                  (json_int_t)daemon->table.open, "models", (json_int_t)daemon->set->model_count, "requests",
                  (json_int_t)counts.requests, "pings", (json_int_t)counts.pings, "refused", (json_int_t)counts.refused,
                  "late", (json_int_t)counts.late, "cancelled", (json_int_t)counts.cancelled, "questions",
                  (json_int_t)daemon->questions, "turned_away", (json_int_t)daemon->turned_away, "given_up",
                  (json_int_t)daemon->given_up, "resumed", (json_int_t)daemon->keep.resumed, "slow_left_out",
                  (json_int_t)counts.slow_left_out, "limits", limits_json(daemon->config), "epoch", epoch);
    if (state && daemon->reload)
        add_reloads(state, reload_counts(daemon->reload));
    text = state ? json_to_text(state, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(state);
    return (struct description){ .own = text };
}
