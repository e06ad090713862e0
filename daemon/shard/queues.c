/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "daemon/shard/queues.h"

static int queue_init(struct queue *queue, struct queue_set *of, const struct instance *instance)
{
    queue->of = of;
    queue->instance = instance;
    queue->tally = tally_new();
    if (!queue->tally)
        return -ENOMEM;
    return instance->decoder ? sequences_new(instance, &queue->sequences) : 0;
}

int queue_set_new(struct model_set *set, struct queue_set **out)
{
    struct queue_set *queues = calloc(1, sizeof *queues);
    struct batch *batch;

    if (!queues)
        return -ENOMEM;
    batch = &queues->batch;
    queues->set = model_set_hold(set);
    queues->queues = calloc(MAX(set->model_count, 1u), sizeof *queues->queues);
    batch->requests = calloc(set->batch_max, sizeof(struct request *));
    batch->inputs = calloc((size_t)set->batch_max * WIRE_TENSORS_MAX, sizeof(const void *));
    batch->outputs = calloc((size_t)set->batch_max * WIRE_TENSORS_MAX, sizeof(void *));
    if (!queues->queues || !batch->requests || !batch->inputs || !batch->outputs) {
        queue_set_free(queues);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < set->model_count; i++) {
        if (queue_init(&queues->queues[i], queues, &set->models[i])) {
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
    }
    free(queues->queues);
    free(queues->batch.requests);
    free(queues->batch.inputs);
    free(queues->batch.outputs);
    model_set_release(queues->set);
    free(queues);
    return NULL;
}

struct queue *queue_set_route(const struct queue_set *queues, uint32_t route)
{
    const struct instance *instance = model_set_route(queues->set, route);

    return instance ? &queues->queues[instance - queues->set->models] : NULL;
}
