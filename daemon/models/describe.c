/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "daemon/models/describe.h"
#include "libipc/wire.h"
#include "sparse/file/model_json.h"

/* What holds for every model of the set. */
struct surroundings {
    const struct kernels *kernels;
    uint32_t rows_max; /* of one request */
};

/* What stands in LIST and begins DESCRIBE, without the counters. */
static json_t *summary(const struct surroundings *in, const struct instance *instance)
{
    const struct model *model = instance->model;
    json_t *object = model_json_summary(model, &instance->signature);

    /* A configuration may give it another name and type. */
    json_object_set_new(object, "name", json_string(instance->name));
    json_object_set_new(object, "processing", json_string(instance->processing));
    json_object_set_new(object, "default", json_boolean(instance->answers));
    json_object_set_new(object, "rows_most", json_integer(in->rows_max));
    json_object_set_new(object, "memory_bytes", json_integer((json_int_t)engine_memory(instance->engine)));
    if (*instance->decoder_name)
        json_object_set_new(object, "decoder", json_string(instance->decoder_name));
    json_object_set_new(object, "golden", json_boolean(instance->engine->has_golden));
    json_object_set_new(object, "file", json_string(instance->file));
    json_object_set_new(object, "kernels", json_string(in->kernels->name));
    return object;
}

/* A sequence takes as many bytes for each beginning that goes on. */
static void add_decoding(json_t *decoding, const struct instance *instance)
{
    json_object_set_new(decoding, "beam_most", json_integer(instance_beam_max(instance)));
    json_object_set_new(decoding, "sequence_bytes",
                        json_integer((json_int_t)decoder_sequence_bytes(instance->decoder)));
}

static json_t *full(const struct surroundings *in, const struct instance *instance, bool labels)
{
    const struct forward *passes[DECODER_PASSES] = { instance->forward };
    struct model_json_plans plans = { passes, 1, instance->batch_max };
    json_t *object = summary(in, instance);

    if (instance->decoder) {
        for (plans.count = 0; plans.count < DECODER_PASSES; plans.count++)
            passes[plans.count] = decoder_pass(instance->decoder, (unsigned)plans.count);
        add_decoding(json_object_get(object, "decoding"), instance);
    }
    model_json_details(object, instance->model, &plans);
    if (!labels) {
        json_object_set_new(object, "labels", json_array());
        json_object_del(object, "thresholds");
    }
    json_object_set_new(object, "batch_most", json_integer(instance->batch_max));
    json_object_set_new(object, "wait_us", json_integer((json_int_t)(instance->wait_ns / NS_PER_US)));
    json_object_set_new(object, "time_us", json_integer((json_int_t)(instance->time_ns / NS_PER_US)));
    return object;
}

enum { COUNTERS_MAX = 192 }; /* bytes that follow */

static char *text_of(json_t *value)
{
    char *text = value ? json_to_text(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

    json_decref(value);
    return text;
}

/* An object's text without the brace at its end; the caller's reference is given up. */
static char *open_text_of(json_t *value)
{
    char *text = text_of(value);

    if (text) {
        insist(text[0] == '{' && text[strlen(text) - 1] == '}');
        text[strlen(text) - 1] = 0;
    }
    return text;
}

/* With its labels, if that fits a reply. */
static char *full_text(const struct surroundings *in, const struct instance *instance)
{
    char *text = open_text_of(full(in, instance, true));

    if (!text || strlen(text) <= WIRE_TEXT_MAX - COUNTERS_MAX)
        return text;
    free(text);
    return open_text_of(full(in, instance, false));
}

int instance_describe(struct instance *instance, const struct kernels *kernels, uint32_t rows_max)
{
    const struct surroundings in = { kernels, rows_max };

    instance->summary = open_text_of(summary(&in, instance));
    instance->full = full_text(&in, instance);
    return instance->summary && instance->full ? 0 : -ENOMEM;
}
