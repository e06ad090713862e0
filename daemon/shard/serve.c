/* SPDX-License-Identifier: Apache-2.0
 *
 * One set gives way to the next, between two turns (docs/design/reload.md). What waits for a model that stays goes over
 * as it is, with a pass that was left and with what was learned; so sets of before are held by requests of models that
 * are no more, and by nothing else.
 */
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/shard/active.h"
#include "daemon/shard/serve.h"
#include "daemon/shard/stages.h"
#include "daemon/sight/counter.h"
#include "libipc/wake.h"

/* Sets of before that are held. Whoever asks for much of such a one would else keep all others from being exchanged. */
enum { SETS_BEFORE_MAX = 3 };

/* ---- channels ---- */

/* Its client may have rung while nobody listened, or missed what was published last. */
static void resume(struct shard *shard, struct channel *channel)
{
    struct request **end = &shard->again, *request, *next;

    insist(!channel->under_way && channel->sealed);

    while (*end)
        end = &(*end)->next;
    *end = channel->again;
    for (request = channel->again; request; request = next) {
        next = request->next;
        channel_hold(channel, request);
        (void)account_take(channel->account, true, &request->counted);
    }
    channel->again = NULL;
    active_add(shard, channel, clock_ns());
    channel_wake(channel);
    channel->memory.journal->attempts = 0; /* from here on a death is a request's */
}

void shard_serve(struct shard *shard, struct channel *channel)
{
    insist(channel->index < shard->capacity && !shard->channels[channel->index], "%u", channel->index);
    insist(!channel->active && !channel->under_way && !channel->flows);
    channel->account = accounts_get(&shard->accounts, channel->uid, channel->allowance, &shard->serving->set->policies);
    channel->share = (struct share){ .weight = SHARE_WEIGHT };
    channel->ahead_ns = 0;
    shard->channels[channel->index] = channel;
    if (channel->resumed)
        resume(shard, channel);
}

/* As if it came now. */
static void take(struct shard *shard, struct request *request)
{
    request_advance(request, REQUEST_AGAIN, REQUEST_TAKEN);
    request_begin(request);
    if (request->deaths >= DEATHS_MAX)
        s6_complete(shard, request, WISP_E_LOST);
    else if (s2_admit(shard, request))
        (void)s3_batch(shard, request);
}

bool shard_take_again(struct shard *shard)
{
    struct request **link = &shard->again, *request;
    bool taken = false;

    while ((request = *link)) {
        if (request->deaths && shard->suspect) {
            link = &request->next;
            continue;
        }
        *link = request->next;
        if (request->deaths)
            shard->suspect = request;
        take(shard, request);
        taken = true;
    }
    return taken;
}

static void unlink_from_wake(struct shard *shard, struct channel *channel)
{
    struct channel **link = &shard->to_wake;

    while (*link && *link != channel)
        link = &(*link)->next_wake;
    if (*link)
        *link = channel->next_wake;
    channel->to_wake = false;
}

static void unlink_from_broken(struct shard *shard, const struct channel *channel)
{
    struct channel **link = &shard->broken;

    while (*link && *link != channel)
        link = &(*link)->next_broken;
    if (*link)
        *link = channel->next_broken;
}

void shard_leave(struct shard *shard, struct channel *channel)
{
    insist(shard->channels[channel->index] == channel && !channel->leaving);
    channel->leaving = true;
    while (channel->newest)
        request_give_up(shard, channel->newest, WISP_E_CANCELLED);
    insist(!channel->under_way && !channel->flows && !channel->ahead_ns);
    insist(!channel->share.wants);
    accounts_put(channel->account);
    active_remove(shard, channel);
    unlink_from_wake(shard, channel);
    unlink_from_broken(shard, channel);
    insist(!channel->active);
    shard->channels[channel->index] = NULL;
    channel_close(channel);
}

void shard_leave_behind(struct channel *channel)
{
    for (struct request *request = channel->newest; request; request = request->older) {
        if (request->state == REQUEST_DISPATCHED)
            s5_forget(request);
        else if (request->state == REQUEST_BATCHED && request->queue->sequences)
            s5_leave_step(request);
        else
            continue;
        request->rows_now = 0;
        request->state = REQUEST_BATCHED;
    }
}

void shard_rest(struct shard *shard)
{
    shard->resting = shard->draining = true;
}

void shard_drain(struct shard *shard, uint64_t now_ns)
{
    shard->draining = true;
    for (uint32_t i = 0; i < shard->capacity; i++) {
        struct channel *channel = shard->channels[i];

        if (!channel)
            continue;
        channel_drain(channel);
        /* What it has published is answered; before it is sealed nothing of it is looked at. */
        if (channel_is_sealed(channel))
            active_add(shard, channel, now_ns);
    }
}

/* ---- the models ---- */

/* One set gives way to the next, between two turns (docs/design/reload.md). What waits for a model that stays goes over
 * as it is, with a pass that was left and with what was learned; so sets of before are held by requests of models that
 * are no more, and by nothing else. */

/* The same model, by the same name, in memory that is as long. NULL: it is not there any more. */
static struct queue *find_successor(const struct queue_set *queues, const struct queue *old)
{
    for (uint32_t i = 0; i < queues->set->model_count; i++) {
        struct queue *queue = &queues->queues[i];

        if (queue->instance->engine == old->instance->engine && !strcmp(queue->instance->name, old->instance->name))
            return queue;
    }
    return NULL;
}

static void lead_requests(struct queue *queue)
{
    for (uint32_t i = 0; i < queue->batch.count; i++)
        queue->batch.requests[i]->queue = queue;
    for (struct flow *flow = queue->first; flow; flow = flow->next) {
        flow->queue = queue;
        for (struct request *request = flow->head; request; request = request->next)
            request->queue = queue;
    }
}

/* What is running stays where it is, and is the other queue's. */
static void swap_memory(struct queue *one, struct queue *other)
{
    struct sequences *sequences = one->sequences;
    const struct batch batch = one->batch;

    one->sequences = other->sequences;
    one->batch = other->batch;
    other->sequences = sequences;
    other->batch = batch;
}

static void count_over(struct queue *old, struct queue *new)
{
    insist(old->of->held >= old->under_way && !new->under_way);
    new->of->held += (uint32_t)old->under_way;
    old->of->held -= (uint32_t)old->under_way;
    counter_set(&new->under_way, old->under_way);
    counter_set(&old->under_way, 0);
}

/* To a queue in which nothing waits. What each is of, and its tally, it keeps: others read them. */
static void go_over(struct queue *old, struct queue *new)
{
    struct runner *runner = new->runner;

    insist(!new->first && !new->batch.count && !new->running);
    insist(old->runner == runner); /* of one engine, on one shard */
    swap_memory(old, new);
    new->first = old->first;
    new->last = old->last;
    new->cost = old->cost;
    new->hoped = old->hoped;
    new->beginning = old->beginning;
    new->asker = old->asker;
    new->shared_until_ns = old->shared_until_ns;
    new->running = old->running;
    new->rows = old->rows;
    old->first = old->last = NULL;
    old->running = 0;
    old->rows = 0;
    lead_requests(new);
    count_over(old, new);
    if (runner->running == old)
        runner->running = new;
}

/* As if it came now. */
static void give_up(struct shard *shard, struct request *request)
{
    request_give_up(shard, request, model_set_missing(shard->serving->set, request->ask.route));
}

/* Whatever still waits or runs there. */
static void empty(struct shard *shard, struct queue_set *queues)
{
    for (uint32_t i = 0; i < queues->set->model_count; i++) {
        struct queue *queue = &queues->queues[i];

        while (queue->batch.count)
            give_up(shard, queue->batch.requests[0]);
        while (queue->first)
            give_up(shard, queue->first->head);
    }
}

/* What was learned last is learned of the newest, too. */
static void go_over_all(struct queue_set *old, struct queue_set *new)
{
    for (uint32_t i = 0; i < old->set->model_count; i++) {
        struct queue *queue = &old->queues[i], *successor = find_successor(new, queue);

        if (successor && !successor->under_way && (queue->under_way || old == new->older))
            go_over(queue, successor);
    }
}

void shard_use(struct shard *shard, struct queue_set *queues)
{
    uint32_t before = 0;

    insist(queues != shard->serving && !queues->held);

    queues->older = shard->serving;
    shard->serving = queues;
    shard->under_way_max = MAX(2 * queues->set->batch_max, 64u);
    accounts_apply(&shard->accounts, &queues->set->policies);
    for (uint32_t i = 0; i < queues->set->model_count; i++)
        runner_lend(queues->queues[i].runner, shard->pool);
    for (struct queue_set *older = queues->older; older; older = older->older) {
        go_over_all(older, queues);
        if (older->held && ++before > SETS_BEFORE_MAX)
            empty(shard, older);
    }
}

struct queue_set *shard_give_back(struct shard *shard)
{
    struct queue_set *newer = shard->serving, *queues;

    while (newer && newer->older && newer->older->held)
        newer = newer->older;
    queues = newer ? newer->older : NULL;
    if (!queues)
        return NULL;
    newer->older = queues->older;
    /* Here and not where they are freed: the next set may have the runner, in which this thread goes on. */
    for (uint32_t i = 0; i < queues->set->model_count; i++)
        insist(queues->queues[i].runner->running != &queues->queues[i]);
    return queues;
}
