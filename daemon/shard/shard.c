/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/shard/shard.h"
#include "daemon/shard/stages.h"
#include "libipc/wake.h"

/* A channel leaves the active set after this; one that cannot be served now is looked at again after that. */
#define IDLE_NS  (200 * NS_PER_US)
#define AGAIN_NS (1 * NS_PER_MS)

int shard_init(struct shard *shard, uint32_t channels)
{
    *shard = (struct shard){ .active_capacity = channels };
    shard->active = calloc(channels, sizeof(struct channel *));
    return shard->active ? 0 : -ENOMEM;
}

void shard_deinit(struct shard *shard)
{
    free(shard->active);
    *shard = (struct shard){ .serving = NULL };
}

/* ---- the models ---- */

void shard_use(struct shard *shard, struct queue_set *queues)
{
    queues->older = shard->serving;
    shard->serving = queues;
    shard->under_way_max = MAX(2 * queues->set->batch_max, 64u);
}

struct queue_set *shard_give_back(struct shard *shard)
{
    struct queue_set *newer = shard->serving, *queues;

    while (newer && newer->older && newer->older->held)
        newer = newer->older;
    queues = newer ? newer->older : NULL;
    if (queues)
        newer->older = queues->older;
    return queues;
}

/* ---- the active set ---- */

void shard_activate(struct shard *shard, struct channel *channel, uint64_t now_ns)
{
    if (channel->active)
        return;
    wake_daemon_disarm(channel->daemon);
    channel->active = true;
    channel->active_ns = now_ns;
    shard->active[shard->active_count++] = channel;
}

static void remove_at(struct shard *shard, uint32_t at)
{
    shard->active[at]->active = false;
    shard->active[at] = shard->active[--shard->active_count];
}

void shard_forget(struct shard *shard, struct channel *channel)
{
    struct channel **link = &shard->to_wake;

    for (uint32_t i = 0; i < shard->active_count; i++) {
        if (shard->active[i] == channel) {
            remove_at(shard, i);
            break;
        }
    }
    while (*link && *link != channel)
        link = &(*link)->next_wake;
    if (*link)
        *link = channel->next_wake;
    channel->to_wake = false;
}

/* Arms the channel and looks once more; false when something is there, and it stays active. One that cannot be served
 * now is left as it is: a doorbell would not help it. */
static bool deactivate(struct channel *channel)
{
    wake_daemon_arm(channel->daemon);
    if (!intake_ring_ready(&channel->intake))
        return true;
    wake_daemon_disarm(channel->daemon);
    return false;
}

static bool stuck(const struct shard *shard, const struct channel *channel)
{
    return channel->starved || channel->throttled || channel->broken || channel->under_way >= shard->under_way_max;
}

bool shard_arm(struct shard *shard, uint64_t now_ns, uint64_t *until_ns)
{
    for (uint32_t i = shard->active_count; i-- > 0;) {
        if (stuck(shard, shard->active[i]))
            *until_ns = MIN(*until_ns, now_ns + AGAIN_NS);
        else if (!deactivate(shard->active[i]))
            return false;
        else
            remove_at(shard, i);
    }
    for (const struct queue_set *queues = shard->serving; queues; queues = queues->older) {
        for (uint32_t i = 0; i < queues->set->model_count; i++)
            *until_ns = MIN(*until_ns, s3_due_ns(&queues->queues[i]));
    }
    return *until_ns > now_ns;
}

/* ---- a pass ---- */

static uint32_t visit(struct shard *shard, struct channel *channel, uint64_t now_ns)
{
    uint32_t taken = 0;

    for (; taken < INTAKE_MAX; taken++) {
        struct request *request;

        if (cancel_take(shard, channel))
            continue;
        request = s1_intake(shard, channel, now_ns);
        if (!request)
            break;
        if (s2_admit(shard, request))
            s3_batch(shard, request);
    }
    return taken;
}

static uint32_t take_all(struct shard *shard, uint64_t now_ns)
{
    uint32_t taken = 0;

    /* Backwards, because a channel that leaves is replaced by the last one, which has been visited. */
    for (uint32_t i = shard->active_count; i-- > 0;) {
        struct channel *channel = shard->active[i];
        uint32_t more = visit(shard, channel, now_ns);

        taken += more;
        if (!more && now_ns - channel->active_ns > IDLE_NS && !stuck(shard, channel) && deactivate(channel))
            remove_at(shard, i);
    }
    return taken;
}

static bool run_due(struct shard *shard, struct queue_set *queues, uint64_t now_ns)
{
    bool worked = false;

    for (uint32_t i = 0; queues->held && i < queues->set->model_count; i++) {
        struct queue *queue = &queues->queues[i];

        if (!s3_due(shard, queue, now_ns))
            continue;
        if (s4_dispatch(shard, queue))
            s5_run(shard);
        s6_wake(shard);
        worked = true;
    }
    return worked;
}

bool shard_turn(struct shard *shard, uint64_t now_ns)
{
    bool worked = take_all(shard, now_ns) > 0;

    if (shard->to_wake)
        s6_wake(shard);
    for (struct queue_set *queues = shard->serving; queues; queues = queues->older)
        worked |= run_due(shard, queues, now_ns);
    return worked;
}
