/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon says of itself and its models, as JSON (docs/protocol.md). No path, no address, no other client.
 *
 * Of a model all but a few counters is the same for ever: it is made once, as text, and a question costs what its
 * counters do. So a client that asks and asks takes little time, and next to no memory, from the others.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/control/wispd.h"
#include "sparse/model_json.h"

/* What stands in LIST and begins DESCRIBE, without the counters. */
static json_t *summary(const struct model_set *set, const struct instance *instance)
{
    const struct model *model = instance->model;
    json_int_t memory = (json_int_t)model->file_size + (json_int_t)forward_memory(instance->forward);
    json_t *object = model_json_summary(model);

    /* A configuration may give it another name and type. */
    json_object_set_new(object, "name", json_string(instance->name));
    json_object_set_new(object, "processing", json_string(instance->processing));
    json_object_set_new(object, "default", json_boolean(instance->answers));
    json_object_set_new(object, "rows_most", json_integer(set->rows_max));
    json_object_set_new(object, "memory_bytes", json_integer(memory));
    json_object_set_new(object, "file", json_string(instance->file));
    json_object_set_new(object, "kernels", json_string(set->kernels->name));
    return object;
}

static json_t *full(const struct model_set *set, const struct instance *instance, bool labels)
{
    json_t *object = summary(set, instance);

    model_json_details(object, instance->model, instance->forward, instance->batch_max);
    if (!labels)
        json_object_set_new(object, "labels", json_array());
    json_object_set_new(object, "batch_most", json_integer(instance->batch_max));
    json_object_set_new(object, "wait_us", json_integer((json_int_t)(instance->wait_ns / NS_PER_US)));
    return object;
}

/* ---- once ---- */

/* Objects that still lack their counters and the closing brace. */
struct described {
    char *summary, *full;
};

enum { COUNTERS_MAX = 192 }; /* bytes that follow */

static char *text_of(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

    json_decref(value);
    return text;
}

/* An object's text without the brace at its end; the caller's reference is given up. */
static char *open_text_of(json_t *value)
{
    char *text = text_of(value);

    if (text)
        text[strlen(text) - 1] = 0;
    return text;
}

/* With its labels, if that fits a reply. */
static char *full_text(const struct model_set *set, const struct instance *instance)
{
    char *text = open_text_of(full(set, instance, true));

    if (!text || strlen(text) <= WIRE_TEXT_MAX - COUNTERS_MAX)
        return text;
    free(text);
    return open_text_of(full(set, instance, false));
}

int describe_init(struct wispd *daemon)
{
    const struct model_set *set = &daemon->set;

    daemon->described = calloc(MAX(set->model_count, 1u), sizeof *daemon->described);
    if (!daemon->described)
        return -ENOMEM;
    for (uint32_t i = 0; i < set->model_count; i++) {
        struct described *described = &daemon->described[i];

        described->summary = open_text_of(summary(set, &set->models[i]));
        described->full = full_text(set, &set->models[i]);
        if (!described->summary || !described->full)
            return -ENOMEM;
    }
    return 0;
}

void describe_deinit(struct wispd *daemon)
{
    for (uint32_t i = 0; daemon->described && i < daemon->set.model_count; i++) {
        free(daemon->described[i].summary);
        free(daemon->described[i].full);
    }
    free(daemon->described);
    daemon->described = NULL;
}

/* ---- for each question ---- */

static void print_counters(FILE *out, const struct queue *queue)
{
    fprintf(out, ",\"requests\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
            queue->requests, queue->samples, queue->batches, queue->refused);
}

/* What a stream in memory gathered; nothing when there was no memory for it. */
static struct description gathered(FILE *out, char **text, const char *shared)
{
    if (!out || fclose(out)) {
        free(out ? *text : NULL);
        *text = NULL;
    }
    return (struct description){ .shared = shared, .own = *text };
}

struct description describe_models(const struct wispd *daemon)
{
    const struct model_set *set = &daemon->set;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (uint32_t i = 0; out && i < set->model_count; i++) {
        fprintf(out, "%c%s", i ? ',' : '[', daemon->described[i].summary);
        print_counters(out, &daemon->shard.queues[i]);
    }
    if (out)
        fputs(set->model_count ? "]" : "[]", out);
    return gathered(out, &text, NULL);
}

struct description describe_model(const struct wispd *daemon, uint32_t route)
{
    const struct queue *queue = shard_queue(&daemon->shard, route);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        fprintf(out, ",\"route\":%" PRIu32, route);
        print_counters(out, queue);
    }
    return gathered(out, &text, daemon->described[queue - daemon->shard.queues].full);
}

struct description describe_unknown(const struct wispd *daemon, const char *name, size_t length)
{
    const struct model_set *set = &daemon->set;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        fprintf(out, "no model or processing type \"%.*s\"; ", (int)length, name);
        fputs(set->model_count ? "there are: " : "none is loaded", out);
    }
    for (uint32_t i = 0; out && i < set->model_count; i++)
        fprintf(out, "%s%s (%s)", i ? ", " : "", set->models[i].name, set->models[i].processing);
    return gathered(out, &text, NULL);
}

/* What one client may have at most, whatever it asks for. */
static json_t *limits_json(const struct config *config)
{
    return json_pack("{s:I, s:I, s:I}", "rows", (json_int_t)config->limits.rows, "entries",
                     (json_int_t)config->limits.entries, "arena", (json_int_t)config->limits.arena);
}

struct description describe_daemon(const struct wispd *daemon)
{
    const struct shard *shard = &daemon->shard;
    char epoch[17];
    json_t *state;

    snprintf(epoch, sizeof epoch, "%016" PRIx64, daemon->epoch);
    state =
        json_pack("{s:s, s:i, s:f, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s}",
                  "server", "wispd " WISP_VERSION, "pid", (int)getpid(), "uptime_s",
                  (double)(clock_ns() - daemon->started_ns) / (double)NS_PER_S, "loop", loop_name(daemon->loop),
                  "kernels", daemon->set.kernels->name, "spin_us", (json_int_t)(daemon->spin_ns / NS_PER_US),
                  "channels", (json_int_t)daemon->table.open, "models", (json_int_t)daemon->set.model_count, "requests",
                  (json_int_t)shard->requests, "pings", (json_int_t)shard->pings, "refused", (json_int_t)shard->refused,
                  "late", (json_int_t)shard->late, "cancelled", (json_int_t)shard->cancelled, "questions",
                  (json_int_t)daemon->questions, "turned_away", (json_int_t)daemon->turned_away, "given_up",
                  (json_int_t)daemon->given_up, "limits", limits_json(daemon->config), "epoch", epoch);
    return (struct description){ .own = text_of(state) };
}
