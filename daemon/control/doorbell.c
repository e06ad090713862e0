/* SPDX-License-Identifier: Apache-2.0
 *
 * Doorbells: a client writes its eventfd when it has published something and finds that the daemon sleeps on it.
 *
 * The first one of a channel is the moment at which its memory must be sealed: before, nothing of that is looked at.
 *
 * The eventfd is never read: each write is an edge. A client that rings for nothing, over and over, would keep the
 * daemon from sleeping; past a budget its eventfd is not listened to for a while, and its ring is looked at once a
 * millisecond instead. An honest client wastes a ring of it only when it races with the daemon's own second look.
 */
#include "daemon/control/doorbell.h"
#include "base/clock.h"
#include "daemon/control/channels.h"
#include "daemon/control/limited_log.h"
#include "daemon/shard/active.h"
#include "libipc/wake.h"

#define WINDOW_NS   (100 * NS_PER_MS)
#define THROTTLE_NS (100 * NS_PER_MS)

enum { WASTE_MAX = 200 }; /* doorbells for nothing in a window */

static int listen_to(struct wispd *daemon, struct connection *connection)
{
    return loop_edge(daemon->loop, connection->channel.memory.eventfd, event_token(EVENT_DOORBELL, connection));
}

int doorbell_begin(struct wispd *daemon, struct connection *connection)
{
    wake_daemon_arm(connection->channel.daemon);
    return listen_to(daemon, connection);
}

static bool over_budget(struct connection *connection, uint64_t now_ns)
{
    if (now_ns - connection->channel.doorbell_window_ns > WINDOW_NS) {
        connection->channel.doorbell_window_ns = now_ns;
        connection->channel.doorbells_wasted = 0;
    }
    return ++connection->channel.doorbells_wasted > WASTE_MAX;
}

void doorbell_arrived(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    uint64_t now = clock_ns();
    bool wasted;

    if (event->result < 0) {
        channels_hang_up(daemon, connection);
        return;
    }
    if (!channel_is_sealed(&connection->channel)) {
        log_limited(connection, LOG_LEVEL_NOTICE, "asks before it has sealed its memory: closed");
        channels_hang_up(daemon, connection);
        return;
    }
    wasted = connection->channel.active || !intake_ring_ready(&connection->channel.intake);
    if (wasted && over_budget(connection, now)) {
        log_limited(connection, LOG_LEVEL_DEBUG, "doorbells for nothing: not listened to for a while");
        loop_cancel(daemon->loop, connection->channel.memory.eventfd);
        connection->channel.throttled = true;
        loop_timer(daemon->loop, now + THROTTLE_NS, event_token(EVENT_DOORBELL_AGAIN, connection));
    }
    active_add(&daemon->shard, &connection->channel, now);
}

void doorbell_again(struct wispd *daemon, struct connection *connection)
{
    connection->channel.doorbell_window_ns = 0;
    /* Not to be heard: then it is looked at, as long as it is there. */
    connection->channel.throttled = listen_to(daemon, connection) != 0;
}
