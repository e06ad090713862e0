/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/size.h"
#include "daemon/shard/queues.h"

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
        queues->queues[i].of = queues;
        queues->queues[i].instance = &set->models[i];
        if (set->models[i].decoder && sequences_new(&set->models[i], &queues->queues[i].sequences)) {
            queue_set_free(queues);
            return -ENOMEM;
        }
    }
    *out = queues;
    return 0;
}

struct queue_set *queue_set_free(struct queue_set *queues)
{
    if (!queues)
        return NULL;
    for (uint32_t i = 0; queues->queues && i < queues->set->model_count; i++)
        sequences_free(queues->queues[i].sequences);
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
