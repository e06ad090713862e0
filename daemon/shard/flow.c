/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard/flow.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/channel.h"
#include "daemon/shard/queues.h"
#include "daemon/shard/request.h"

static void link_last(struct queue *queue, struct flow *flow)
{
    insist(!queue->first == !queue->last);
    insist(flow->queue == queue);
    flow->next = NULL;
    flow->previous = queue->last;
    *(queue->last ? &queue->last->next : &queue->first) = flow;
    queue->last = flow;
}

static void unlink_flow(struct queue *queue, const struct flow *flow)
{
    insist((flow->previous ? flow->previous->next : queue->first) == flow);
    insist((flow->next ? flow->next->previous : queue->last) == flow);
    *(flow->previous ? &flow->previous->next : &queue->first) = flow->next;
    *(flow->next ? &flow->next->previous : &queue->last) = flow->previous;
}

static enum wire_class class_of(const struct request *request)
{
    return (enum wire_class)((request->ask.flags & WIRE_FLAG_CLASS) >> WIRE_CLASS_SHIFT);
}

unsigned request_rank(const struct request *request, uint64_t now_ns)
{
    static const unsigned ranks[] = {
        [WIRE_CLASS_FIRST] = RANK_FIRST, [WIRE_CLASS_USUAL] = RANK_USUAL, [WIRE_CLASS_LAST] = RANK_LAST
    };
    const enum wire_class class = class_of(request);
    const uint64_t waited = now_ns > request->taken_ns ? (now_ns - request->taken_ns) / FLOW_AGE_NS : 0;

    insist(class < ARRAY_SIZE(ranks), "%d", class); /* s2 has seen to it */
    return ranks[class] > waited ? ranks[class] - (unsigned)waited : RANK_FIRST;
}

static struct flow *find(const struct request *request)
{
    struct flow *flow = request->channel->flows;

    while (flow && (flow->queue != request->queue || flow->class != class_of(request)))
        flow = flow->beside;
    return flow;
}

struct request *flow_head(const struct request *request)
{
    const struct flow *flow = find(request);

    return flow ? flow->head : NULL;
}

static struct flow *flow_of(const struct request *request)
{
    struct channel *channel = request->channel;
    struct flow *flow = find(request);

    if (flow)
        return flow;
    flow = channel->free_flows;
    channel->free_flows = flow->beside;
    *flow = (struct flow){
        .channel = channel, .queue = request->queue, .class = class_of(request), .beside = channel->flows
    };
    channel->flows = flow;
    link_last(request->queue, flow);
    return flow;
}

static void release(struct flow *flow)
{
    struct channel *channel = flow->channel;
    struct flow **link = &channel->flows;

    insist(!flow->head && !flow->tail);
    unlink_flow(flow->queue, flow);
    while (*link != flow)
        link = &(*link)->beside;
    *link = flow->beside;
    flow->beside = channel->free_flows;
    channel->free_flows = flow;
}

void flow_enter(struct request *request, struct request *before)
{
    struct flow *flow = flow_of(request);

    insist(!request->flow);
    insist(!before || before->flow == flow);
    request->flow = flow;
    request->next = before;
    request->previous = before ? before->previous : flow->tail;
    *(request->previous ? &request->previous->next : &flow->head) = request;
    *(request->next ? &request->next->previous : &flow->tail) = request;
}

void flow_leave(struct request *request)
{
    struct flow *flow = request->flow;

    insist(flow && flow->channel == request->channel && flow->queue == request->queue);
    insist((request->previous ? request->previous->next : flow->head) == request);
    insist((request->next ? request->next->previous : flow->tail) == request);
    *(request->previous ? &request->previous->next : &flow->head) = request->next;
    *(request->next ? &request->next->previous : &flow->tail) = request->previous;
    request->flow = NULL;
    if (!flow->head)
        release(flow);
}

/* ---- whose turn it is: a pairing heap ---- */

static bool goes_before(const struct flow *one, const struct flow *other)
{
    if (one->rank != other->rank)
        return one->rank < other->rank;
    if (one->charged != other->charged)
        return one->charged < other->charged;
    return one->head->taken_ns < other->head->taken_ns;
}

/* Of two heaps one: the later of the two firsts goes below the other. */
static struct flow *meld(struct flow *one, struct flow *other)
{
    struct flow *first, *later;

    if (!one || !other)
        return one ? one : other;
    first = goes_before(other, one) ? other : one;
    later = first == one ? other : one;
    later->after = first->below;
    first->below = later;
    return first;
}

struct flow *flow_heap_add(struct flow *heap, struct flow *flow)
{
    flow->after = flow->below = NULL;
    return meld(heap, flow);
}

/* Those below in pairs, from the first to the last, and the pairs together, from the last to the first: so it takes the
 * logarithm of their number, as a mean over many. */
struct flow *flow_heap_rest(struct flow *heap)
{
    struct flow *pairs = NULL, *rest = NULL, *below = heap->below;

    heap->below = NULL;
    while (below) {
        struct flow *one = below, *other = one->after, *pair;

        below = other ? other->after : NULL;
        pair = meld(one, other);
        pair->after = pairs;
        pairs = pair;
    }
    while (pairs) {
        struct flow *pair = pairs;

        pairs = pair->after;
        rest = meld(rest, pair);
    }
    return rest;
}
