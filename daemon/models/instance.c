/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/models/instance.h"

#define DECODER_ENDING ".decoder"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The half's name, and that of the decoder in the description of its encoder. */
static int name_halves(struct instance *instance, enum half half, struct reason *why)
{
    char name[MODEL_NAME_MAX + sizeof DECODER_ENDING];

    snprintf(name, sizeof name, "%s" DECODER_ENDING, instance->name);
    if (strlen(name) >= MODEL_NAME_MAX)
        return refuse(why, WISP_E_FORMAT, "the name %s is too long for %s as well: give it a shorter one",
                      instance->name, name);
    insist(half == HALF_DECODER || !*instance->decoder_name);
    memcpy(half == HALF_DECODER ? instance->name : instance->decoder_name, name, strlen(name) + 1);
    return 0;
}

/* What it has of its engine. */
static void lend(struct instance *instance, const struct engine *engine)
{
    insist(engine->runner_count > 0 && engine->batch_max > 0, "%u", engine->batch_max);
    instance->model = engine->model;
    instance->signature = engine->signature;
    instance->forward = engine->runners->forward;
    instance->decoder = engine->runners->decoder;
    instance->input = engine->input;
    instance->output = engine->output;
    instance->batch_max = engine->batch_max;
    memcpy(instance->processing, engine->model->processing, sizeof instance->processing);
}

static int init(struct instance *instance, const struct config_model *entry, enum half half,
                const struct instance_setup *setup, struct reason *why)
{
    const struct engine_setup wanted = { .path = entry->path,
                                         .half = half,
                                         .batch_max = entry->batch_max,
                                         .shards = setup->shards,
                                         .threads = setup->threads,
                                         .kernels = setup->kernels,
                                         .choices = setup->choices,
                                         .known = setup->known,
                                         .known_count = setup->known_count };
    uint64_t begin = clock_ns();
    int result = engine_get(&wanted, &instance->engine, &instance->shared, why);

    if (result)
        return result;
    lend(instance, instance->engine);
    snprintf(instance->name, sizeof instance->name, "%s", entry->name ? entry->name : instance->model->name);
    snprintf(instance->file, sizeof instance->file, "%s", base_name(entry->path));
    instance->wait_ns = entry->wait_ns;
    instance->time_ns = entry->time_ns;
    instance->preferred = entry->preferred && half == HALF_ENCODER;
    result = instance->engine->has_halves ? name_halves(instance, half, why) : 0;
    if (result)
        return refuse_in(why, result, "%s", entry->path);
    if (instance->shared)
        return 0;
    log_info("model %s (%s) from %s: %llu connections, ready in %llu ms", instance->name, instance->processing,
             instance->file, (unsigned long long)model_connections(instance->model),
             (unsigned long long)((clock_ns() - begin) / NS_PER_MS));
    return 0;
}

uint32_t instance_beam_max(const struct instance *instance)
{
    _Static_assert(DECODING_BEAM_MAX == WIRE_BEAM_MAX, "a model's beam can be asked for");
    return instance->decoder ? MIN(instance->batch_max, DECODING_BEAM_MAX) : 0;
}

int instance_init(struct instance *instance, const struct config_model *entry, const struct instance_setup *setup,
                  struct reason *why)
{
    return init(instance, entry, HALF_ENCODER, setup, why);
}

int instance_init_decoder(struct instance *instance, const struct config_model *entry,
                          const struct instance_setup *setup, struct reason *why)
{
    return init(instance, entry, HALF_DECODER, setup, why);
}

void instance_deinit(struct instance *instance)
{
    instance->engine = engine_release(instance->engine);
    instance->model = NULL;
    free(instance->summary);
    free(instance->full);
}
