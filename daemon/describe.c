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
#include "daemon/wispd.h"
#include "sparse/layer.h"

static json_t *shape_json(const struct shape *shape)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < shape->rank; i++)
        json_array_append_new(array, json_integer(shape->dimension[i]));
    return array;
}

static json_t *value_json(const struct shape *shape)
{
    return json_pack("{s:o, s:I}", "shape", shape_json(shape), "elements", (json_int_t)shape_elements(shape));
}

static uint64_t potential_of(const struct layer *layer)
{
    return (uint64_t)layer->weight.rows * layer->weight.columns;
}

static double density_of(uint64_t connections, uint64_t potential)
{
    return potential ? (double)connections / (double)potential : 1.0;
}

/* What stands in LIST and begins DESCRIBE, without the counters. */
static json_t *summary(const struct registry *registry, const struct served *served)
{
    const struct model *model = served->model;
    uint64_t connections = model_connections(model), potential = model_potential(model);
    json_int_t memory = (json_int_t)model->file_size + (json_int_t)forward_memory(served->forward);

    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:I, s:I, s:f, s:I, s:s, s:s}", "name", served->name, "identity",
                     model->identity, "processing", served->processing, "default", served->answers, "input",
                     value_json(&model->input), "output", value_json(model_output(model)), "connections",
                     (json_int_t)connections, "potential", (json_int_t)potential, "sparsity",
                     1.0 - density_of(connections, potential), "memory_bytes", memory, "file", served->file, "kernels",
                     registry->kernels->name);
}

static json_t *labels_json(const struct model *model)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < model->label_count; i++)
        json_array_append_new(array, json_string(model->labels[i]));
    return array;
}

/* A JSON text of the model file, which its validator has parsed before; null when there is none. */
static json_t *embedded(const char *text)
{
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;

    return value ? value : json_null();
}

static json_t *layer_json(const struct served *served, uint32_t at)
{
    const struct layer *layer = &served->model->layers[at];
    uint64_t potential = potential_of(layer);

    return json_pack("{s:s, s:s, s:o, s:I, s:I, s:f, s:s, s:s}", "name", layer->name, "kind", layer->kind->name,
                     "shape", shape_json(&layer->shape), "connections", (json_int_t)layer->weight.count, "potential",
                     (json_int_t)potential, "density", density_of(layer->weight.count, potential), "kernel_one",
                     forward_kernel(served->forward, at, 1), "kernel_many",
                     forward_kernel(served->forward, at, served->batch_most));
}

static json_t *layers_json(const struct served *served)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < served->model->layer_count; i++)
        json_array_append_new(array, layer_json(served, i));
    return array;
}

static json_t *full(const struct registry *registry, const struct served *served, bool labels)
{
    json_t *object = summary(registry, served);

    json_object_set_new(object, "labels", labels ? labels_json(served->model) : json_array());
    json_object_set_new(object, "media", embedded(served->model->media));
    json_object_set_new(object, "lineage", embedded(served->model->lineage));
    json_object_set_new(object, "batch_most", json_integer(served->batch_most));
    json_object_set_new(object, "wait_us", json_integer((json_int_t)(served->wait_ns / NS_PER_US)));
    json_object_set_new(object, "layers", layers_json(served));
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
static char *full_text(const struct registry *registry, const struct served *served)
{
    char *text = open_text_of(full(registry, served, true));

    if (!text || strlen(text) <= WIRE_TEXT_MAX - COUNTERS_MAX)
        return text;
    free(text);
    return open_text_of(full(registry, served, false));
}

int describe_init(struct wispd *daemon)
{
    const struct registry *registry = &daemon->registry;

    daemon->described = calloc(MAX(registry->model_count, 1u), sizeof *daemon->described);
    if (!daemon->described)
        return -ENOMEM;
    for (uint32_t i = 0; i < registry->model_count; i++) {
        struct described *described = &daemon->described[i];

        described->summary = open_text_of(summary(registry, &registry->models[i]));
        described->full = full_text(registry, &registry->models[i]);
        if (!described->summary || !described->full)
            return -ENOMEM;
    }
    return 0;
}

void describe_deinit(struct wispd *daemon)
{
    for (uint32_t i = 0; daemon->described && i < daemon->registry.model_count; i++) {
        free(daemon->described[i].summary);
        free(daemon->described[i].full);
    }
    free(daemon->described);
    daemon->described = NULL;
}

/* ---- for each question ---- */

static void print_counters(FILE *out, const struct served *served)
{
    fprintf(out, ",\"requests\":%" PRIu64 ",\"samples\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
            served->requests, served->samples, served->batches, served->refused);
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
    const struct registry *registry = &daemon->registry;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (uint32_t i = 0; out && i < registry->model_count; i++) {
        fprintf(out, "%c%s", i ? ',' : '[', daemon->described[i].summary);
        print_counters(out, &registry->models[i]);
    }
    if (out)
        fputs(registry->model_count ? "]" : "[]", out);
    return gathered(out, &text, NULL);
}

struct description describe_model(const struct wispd *daemon, uint32_t route)
{
    const struct served *served = registry_route(&daemon->registry, route);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        fprintf(out, ",\"route\":%" PRIu32, route);
        print_counters(out, served);
    }
    return gathered(out, &text, daemon->described[served - daemon->registry.models].full);
}

struct description describe_unknown(const struct wispd *daemon, const char *name, size_t length)
{
    const struct registry *registry = &daemon->registry;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out) {
        fprintf(out, "no model or processing type \"%.*s\"; ", (int)length, name);
        fputs(registry->model_count ? "there are: " : "none is loaded", out);
    }
    for (uint32_t i = 0; out && i < registry->model_count; i++)
        fprintf(out, "%s%s (%s)", i ? ", " : "", registry->models[i].name, registry->models[i].processing);
    return gathered(out, &text, NULL);
}

struct description describe_daemon(const struct wispd *daemon)
{
    char epoch[17];
    json_t *state;

    snprintf(epoch, sizeof epoch, "%016" PRIx64, daemon->epoch);
    state =
        json_pack("{s:s, s:i, s:f, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "server", "wispd " WISP_VERSION,
                  "pid", (int)getpid(), "uptime_s", (double)(clock_ns() - daemon->started_ns) / (double)NS_PER_S,
                  "loop", loop_name(daemon->loop), "kernels", daemon->registry.kernels->name, "spin_us",
                  (json_int_t)(daemon->spin_ns / NS_PER_US), "channels", (json_int_t)daemon->table.open, "models",
                  (json_int_t)daemon->registry.model_count, "requests", (json_int_t)daemon->shard.requests, "refused",
                  (json_int_t)daemon->shard.refused, "questions", (json_int_t)daemon->questions, "epoch", epoch);
    return (struct description){ .own = text_of(state) };
}
