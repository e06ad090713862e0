/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control/models.h"
#include "daemon/control/keep.h"
#include "daemon/control/room.h"

static unsigned queue_sets(const struct wispd *daemon)
{
    unsigned count = 0;

    for (const struct queue_set *queues = daemon->queues; queues; queues = queues->next)
        count++;
    return count;
}

int models_use(struct wispd *daemon, struct model_set *set, struct reason *why)
{
    struct queue_set *queues;

    if (queue_sets(daemon) >= WORKER_QUEUE_SETS)
        return refuse(why, WISP_E_BUSY, "requests are still under way on %d sets of models before: try again",
                      WORKER_QUEUE_SETS);
    if (queue_set_new(set, 0, &queues))
        return refuse_errno(why, -ENOMEM, "serving models");
    if (daemon->queues)
        queue_set_inherit(queues, daemon->queues);
    queues->next = daemon->queues;
    daemon->queues = queues;
    worker_use(daemon->worker, queues);
    if (!daemon->set)
        models_in_use(daemon, queues); /* nobody is there yet: a channel is handed over after it */
    return 0;
}

void models_in_use(struct wispd *daemon, struct queue_set *queues)
{
    model_set_hold(queues->set);
    model_set_release(daemon->set);
    daemon->set = queues->set;
    daemon->serving = queues;
    keep_routes(daemon);
    room_offer(daemon);
}

void models_done_with(struct wispd *daemon, struct queue_set *queues)
{
    struct queue_set **link = &daemon->queues;

    while (*link != queues)
        link = &(*link)->next;
    *link = queues->next;
    queue_set_free(queues);
}

void models_end(struct wispd *daemon)
{
    while (daemon->queues)
        models_done_with(daemon, daemon->queues);
    daemon->set = model_set_release(daemon->set);
}
