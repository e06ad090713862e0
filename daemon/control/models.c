/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/insist.h"
#include "daemon/control/keep.h"
#include "daemon/control/models.h"
#include "daemon/control/room.h"
#include "daemon/models/heaps.h"

static unsigned count_sets(const struct wispd *daemon)
{
    unsigned count = 0;

    for (const struct serving *serving = daemon->newest; serving; serving = serving->next)
        count++;
    return count;
}

static struct serving *serving_free(const struct wispd *daemon, struct serving *serving)
{
    for (uint32_t i = 0; i < daemon->shards; i++)
        queue_set_free(serving->queues[i]);
    free(serving);
    return NULL;
}

/* What the shards are going to have of the set. Models that stay go on counting. */
static struct serving *serving_new(const struct wispd *daemon, struct model_set *set)
{
    struct serving *serving = calloc(1, sizeof *serving);

    if (!serving)
        return NULL;
    for (uint32_t i = 0; i < daemon->shards; i++) {
        if (queue_set_new(set, i, &serving->queues[i]))
            return serving_free(daemon, serving);
        serving->queues[i]->part_of = serving;
        if (daemon->newest)
            queue_set_inherit(serving->queues[i], daemon->newest->queues[i]);
    }
    serving->set = set;
    serving->awaited = serving->out = daemon->shards;
    return serving;
}

static void answer_from(struct wispd *daemon, struct serving *serving)
{
    struct model_set *set = model_set_hold(serving->set);

    insist(!serving->awaited || !daemon->set); /* every shard knows its routes, but the first set's */
    model_set_release(daemon->set);
    daemon->set = set;
    daemon->serving = serving;
    keep_routes(daemon);
    room_offer(daemon);
}

int models_use(struct wispd *daemon, struct model_set *set, struct reason *why)
{
    struct serving *serving;

    if (count_sets(daemon) >= WORKER_QUEUE_SETS)
        return refuse(why, WISP_E_BUSY, "requests are still under way on %d sets of models before: try again",
                      WORKER_QUEUE_SETS);
    serving = serving_new(daemon, set);
    if (!serving)
        return refuse_errno(why, -ENOMEM, "serving models");
    serving->next = daemon->newest;
    daemon->newest = serving;
    for (uint32_t i = 0; i < daemon->shards; i++)
        worker_use(daemon->workers[i], serving->queues[i]);
    if (!daemon->set)
        answer_from(daemon, serving); /* nobody is there yet: a channel is handed over after it */
    return 0;
}

bool models_in_use(struct wispd *daemon, struct queue_set *queues)
{
    struct serving *serving = queues->part_of;

    insist(serving->awaited > 0 && serving->awaited <= daemon->shards, "%u", serving->awaited);
    if (--serving->awaited)
        return false;
    if (daemon->serving != serving)
        answer_from(daemon, serving);
    return true;
}

static void take_out(struct wispd *daemon, struct serving *serving)
{
    struct serving **link = &daemon->newest;

    while (*link != serving)
        link = &(*link)->next;
    *link = serving->next;
    serving_free(daemon, serving);
}

/* A shard gives queues back after it has said that it uses newer ones, so what serves is newer by the time when all
 * have. */
void models_done_with(struct wispd *daemon, struct queue_set *queues)
{
    insist(queues->part_of->out > 0 && !queues->held, "%u", queues->held);
    if (!--queues->part_of->out) {
        insist(daemon->serving != queues->part_of);
        take_out(daemon, queues->part_of);
        heaps_trim();
    }
}

void models_end(struct wispd *daemon)
{
    while (daemon->newest)
        take_out(daemon, daemon->newest);
    daemon->set = model_set_release(daemon->set);
}
