/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/queues.h"

static int batch_init(struct batch *batch, const struct instance *instance)
{
    const size_t rows = instance->batch_max;

    batch->requests = calloc(rows, sizeof(struct request *));
    batch->inputs = calloc(rows * instance->input.count, sizeof(const void *));
    batch->outputs = calloc(rows * instance->output.count, sizeof(void *));
    return batch->requests && batch->inputs && batch->outputs ? 0 : -ENOMEM;
}

static uint64_t estimate(const void *argument, uint32_t rows)
{
    const struct instance *instance = argument;

    return instance->forward ? forward_estimate(instance->forward, rows) : decoder_estimate(instance->decoder, rows);
}

static uint64_t estimate_beginning(const void *argument, uint32_t rows)
{
    const struct instance *instance = argument;

    return instance->engine->beginning_ns * rows / instance->batch_max;
}

static int queue_init(struct queue *queue, struct queue_set *of, const struct instance *instance, uint32_t shard)
{
    insist(shard < instance->engine->runner_count, "%u of %u", shard, instance->engine->runner_count);
    insist(instance->batch_max > 0 && !instance->forward == !!instance->decoder);
    queue->of = of;
    queue->instance = instance;
    queue->runner = &instance->engine->runners[shard];
    queue->tally = tally_new();
    if (!queue->tally || batch_init(&queue->batch, instance))
        return -ENOMEM;
    cost_seed(&queue->cost, estimate, instance);
    cost_seed(&queue->beginning, estimate_beginning, instance);
    queue->hoped = queue->cost;
    return instance->decoder ? sequences_new(instance, &queue->sequences) : 0;
}

int queue_set_new(struct model_set *set, uint32_t shard, struct queue_set **out)
{
    struct queue_set *queues = calloc(1, sizeof *queues);

    if (!queues)
        return -ENOMEM;
    queues->set = model_set_hold(set);
    queues->queues = calloc(MAX(set->model_count, 1u), sizeof *queues->queues);
    for (uint32_t i = 0; i < set->model_count; i++) {
        if (!queues->queues || queue_init(&queues->queues[i], queues, &set->models[i], shard)) {
            queue_set_free(queues);
            return -ENOMEM;
        }
    }
    *out = queues;
    return 0;
}

void queue_set_inherit(struct queue_set *queues, const struct queue_set *before)
{
    for (uint32_t i = 0; i < queues->set->model_count; i++) {
        struct queue *queue = &queues->queues[i];

        for (uint32_t k = 0; k < before->set->model_count; k++) {
            const struct queue *old = &before->queues[k];

            if (strcmp(old->instance->name, queue->instance->name) != 0)
                continue;
            tally_release(queue->tally);
            queue->tally = tally_hold(old->tally);
        }
    }
}

struct queue_set *queue_set_free(struct queue_set *queues)
{
    if (!queues)
        return NULL;
    for (uint32_t i = 0; queues->queues && i < queues->set->model_count; i++) {
        sequences_free(queues->queues[i].sequences);
        tally_release(queues->queues[i].tally);
        free(queues->queues[i].batch.requests);
        free(queues->queues[i].batch.inputs);
        free(queues->queues[i].batch.outputs);
    }
    free(queues->queues);
    model_set_release(queues->set);
    free(queues);
    return NULL;
}

struct queue *queue_set_route(const struct queue_set *queues, uint32_t route)
{
    const struct instance *instance = model_set_route(queues->set, route);

    if (!instance)
        return NULL;
    insist(instance >= queues->set->models && instance < queues->set->models + queues->set->model_count);
    return &queues->queues[instance - queues->set->models];
}
