/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopping: nothing new is admitted, what is under way is finished, every client learns of it.
 *
 * The listener goes first, so that a client that reconnects meets the next daemon, or a queue in front of it. What was
 * published and not yet taken is answered with WISP_E_SHUTDOWN, which a client may send again elsewhere. But where
 * channels are kept (keep.h), what is not taken yet is left to the next daemon, and nobody is told anything.
 */
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/control/channels.h"
#include "daemon/control/keep.h"
#include "daemon/control/shards.h"
#include "daemon/control/stop.h"

#define GRACE_NS (1500 * NS_PER_MS)

/* What there is no room for ends at once: its client connects again. */
static void leave_to_next(struct wispd *daemon)
{
    for (uint32_t i = 0; i < daemon->table.capacity; i++) {
        struct connection *connection = &daemon->table.connections[i];

        if (connection->state == CONNECTION_OPEN && !keep_channel(daemon, connection))
            channels_hang_up(daemon, connection);
    }
    shards_rest(daemon);
}

void stop_begin(struct wispd *daemon)
{
    if (daemon->stopping) {
        daemon->done = true; /* asked twice */
        return;
    }
    log_info("stopping: %u channels, %llu requests under way", daemon->table.open,
             (unsigned long long)shards_count(daemon).under_way);
    sd_notify(0, "STOPPING=1\nSTATUS=finishing what is under way");
    daemon->stopping = true;
    loop_cancel(daemon->loop, daemon->listener.fd);
    listener_close(&daemon->listener);
    if (loop_timer(daemon->loop, clock_ns() + GRACE_NS, event_token(EVENT_STOP_NOW, NULL)))
        daemon->done = true; /* no grace, rather than no end */
    for (uint32_t i = 0; i < daemon->table.capacity; i++) {
        struct connection *connection = &daemon->table.connections[i];

        if (connection->state == CONNECTION_PENDING || connection->state == CONNECTION_MAKING ||
            connection->state == CONNECTION_ASKING)
            channels_hang_up(daemon, connection);
    }
    if (daemon->keep.channels_max)
        leave_to_next(daemon);
    else
        shards_drain(daemon);
}

void stop_now(struct wispd *daemon)
{
    log_warning("stopping with %llu requests unanswered", (unsigned long long)shards_count(daemon).under_way);
    daemon->done = true;
}
