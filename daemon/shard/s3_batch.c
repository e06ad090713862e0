/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 3: requests for one model wait in one queue, whatever channel and route they came by.
 *
 * Batching is natural: a queue runs as soon as the shard gets to it, with all that waits by then. Only a model whose
 * configuration says so (wait_ns) lets its first request wait for company.
 */
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"

static void enter(struct shard *shard, struct queue *queue, const struct request *request)
{
    counter_add(&queue->under_way, 1);
    queue->rows += request->ask.rows - request->rows_done;
    counter_add(&shard->under_way, 1);
}

static void link_behind(struct queue *queue, struct request *request)
{
    request->next = NULL;
    request->previous = queue->tail;
    *(queue->tail ? &queue->tail->next : &queue->head) = request;
    queue->tail = request;
}

static void append(struct shard *shard, struct queue *queue, struct request *request)
{
    link_behind(queue, request);
    enter(shard, queue, request);
}

static void prepend(struct shard *shard, struct queue *queue, struct request *request)
{
    request->next = queue->head;
    request->previous = NULL;
    *(queue->head ? &queue->head->previous : &queue->tail) = request;
    queue->head = request;
    enter(shard, queue, request);
}

bool s3_batch(struct shard *shard, struct request *request)
{
    if (!request->queue) {
        s6_complete(shard, request, model_set_missing(shard->serving->set, request->ask.route));
        return false;
    }
    request_advance(request, REQUEST_ADMITTED, REQUEST_BATCHED);
    append(shard, request->queue, request);
    return true;
}

void s3_again(struct shard *shard, struct request *request)
{
    request_advance(request, REQUEST_RUN, REQUEST_BATCHED);
    /* With time running out, requests that are done count, and half-done ones do not. */
    if (shard->draining)
        prepend(shard, request->queue, request);
    else
        append(shard, request->queue, request);
}

static void unlink_from(struct queue *queue, const struct request *request)
{
    *(request->previous ? &request->previous->next : &queue->head) = request->next;
    *(request->next ? &request->next->previous : &queue->tail) = request->previous;
}

void s3_behind(struct request *request)
{
    unlink_from(request->queue, request);
    link_behind(request->queue, request);
}

void s3_remove(struct shard *shard, struct request *request)
{
    struct queue *queue = request->queue;

    unlink_from(queue, request);
    if (queue->running)
        queue->running -= sequences_leave(queue->sequences, request);
    queue->rows -= request->ask.rows - request->rows_done;
    counter_set(&queue->under_way, queue->under_way - 1);
    counter_set(&shard->under_way, shard->under_way - 1);
}

uint64_t s3_due_ns(const struct queue *queue)
{
    if (!queue->head)
        return UINT64_MAX;
    if (queue->rows >= queue->instance->batch_max || queue->head->rows_done || queue->running)
        return 0;
    return queue->head->taken_ns + queue->instance->wait_ns;
}

bool s3_due(const struct shard *shard, const struct queue *queue, uint64_t now_ns)
{
    if (shard->draining)
        return queue->head;
    return queue->head && s3_due_ns(queue) <= now_ns;
}
