/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 3: requests for one model wait in one lane, whatever channel and route they came by.
 *
 * Batching is natural: a lane runs as soon as the shard gets to it, with all that waits by then. Only a model whose
 * configuration says so (wait_ns) lets its first request wait for company.
 */
#include "daemon/stages.h"

static void enter(struct shard *shard, struct lane *lane, struct request *request)
{
    request->state = REQUEST_BATCHED;
    lane->rows += request->ask.rows - request->rows_done;
    shard->under_way++;
}

static void append(struct shard *shard, struct lane *lane, struct request *request)
{
    request->next = NULL;
    request->previous = lane->tail;
    if (lane->tail)
        lane->tail->next = request;
    else
        lane->head = request;
    lane->tail = request;
    enter(shard, lane, request);
}

static void prepend(struct shard *shard, struct lane *lane, struct request *request)
{
    request->next = lane->head;
    request->previous = NULL;
    *(lane->head ? &lane->head->previous : &lane->tail) = request;
    lane->head = request;
    enter(shard, lane, request);
}

static struct lane *lane_of(const struct shard *shard, uint32_t route)
{
    const struct served *served = registry_route(shard->registry, route);

    return served ? &shard->lanes[served - shard->registry->models] : NULL;
}

bool s3_batch(struct shard *shard, struct request *request)
{
    struct lane *lane = lane_of(shard, request->ask.route);

    if (!lane) {
        s6_complete(shard, request, WISP_E_NO_MODEL);
        return false;
    }
    append(shard, lane, request);
    return true;
}

void s3_again(struct shard *shard, struct request *request)
{
    struct lane *lane = lane_of(shard, request->ask.route);

    /* With time running out, requests that are done count, and half-done ones do not. */
    if (shard->draining)
        prepend(shard, lane, request);
    else
        append(shard, lane, request);
}

void s3_remove(struct shard *shard, struct request *request)
{
    struct lane *lane = lane_of(shard, request->ask.route);

    *(request->previous ? &request->previous->next : &lane->head) = request->next;
    *(request->next ? &request->next->previous : &lane->tail) = request->previous;
    lane->rows -= request->ask.rows - request->rows_done;
    shard->under_way--;
}

uint64_t s3_due_ns(const struct lane *lane)
{
    if (!lane->head)
        return UINT64_MAX;
    if (lane->rows >= lane->served->batch_most || lane->head->rows_done)
        return 0;
    return lane->head->taken_ns + lane->served->wait_ns;
}

bool s3_due(const struct shard *shard, const struct lane *lane, uint64_t now_ns)
{
    if (shard->draining)
        return lane->head;
    return lane->head && s3_due_ns(lane) <= now_ns;
}
