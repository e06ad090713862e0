/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "base/size.h"
#include "daemon/control/keep.h"
#include "daemon/models/routes_file.h"

#define AFTER_NS (1 * NS_PER_S)

enum { ROUTES_FDS = 2 }; /* those that are in use, and for a moment the next */

void keep_begin(struct wispd *daemon)
{
    unsigned capacity = store_capacity();

    daemon->keep.channels_max = capacity > ROUTES_FDS ? (capacity - ROUTES_FDS) / BUNDLE_FDS : 0;
}

/* ---- routes ---- */

void keep_routes(struct wispd *daemon)
{
    struct keep *keep = &daemon->keep;
    char name[STORE_NAME_MAX];
    int fd, result;

    if (!keep->channels_max)
        return;
    snprintf(name, sizeof name, STORE_ROUTES "%016" PRIx64 ".%u", daemon->epoch, ++keep->routes_number);
    fd = routes_write(&daemon->set->routes);
    result = fd < 0 ? fd : store_put(name, &fd, 1);
    if (fd >= 0)
        close(fd);
    if (result) {
        log_notice("channels are not kept over a restart: routes: %s", wisp_status_text(result));
        keep->channels_max = 0;
        return;
    }
    if (*keep->routes)
        (void)store_remove(keep->routes);
    memcpy(keep->routes, name, sizeof name);
}

/* ---- channels ---- */

int keep_soon(struct wispd *daemon, struct connection *connection)
{
    if (!daemon->keep.channels_max)
        return 0;
    return loop_timer(daemon->loop, clock_ns() + AFTER_NS, event_token(EVENT_KEEP, connection));
}

static void put(struct wispd *daemon, struct connection *connection)
{
    const struct channel *channel = &connection->channel;
    const struct channel_memory *memory = &channel->memory;
    const int fds[BUNDLE_FDS] = { connection->socket, memory->eventfd, memory->request.fd, memory->response.fd,
                                  memory->pages.fd };
    int result;

    insist(connection->state == CONNECTION_OPEN && !connection->never_kept, "is %d", connection->state);
    insist(memory->journal->magic == JOURNAL_MAGIC); /* who comes after a death can read it */
    memcpy(memory->journal->name, connection->name, sizeof memory->journal->name);
    snprintf(connection->stored, sizeof connection->stored, STORE_CHANNEL "%016" PRIx64 ".%u.%u", daemon->epoch,
             channel->index, channel->generation);
    result = store_put(connection->stored, fds, BUNDLE_FDS);
    if (result) {
        log_debug("a channel is not kept over a restart: %s", wisp_status_text(result));
        *connection->stored = 0;
        return;
    }
    daemon->keep.channels++;
}

bool keep_channel(struct wispd *daemon, struct connection *connection)
{
    if (connection->state == CONNECTION_OPEN && !*connection->stored && !connection->never_kept &&
        daemon->keep.channels < daemon->keep.channels_max)
        put(daemon, connection);
    return *connection->stored;
}

static void take_out(struct wispd *daemon, struct connection *connection)
{
    insist(daemon->keep.channels > 0);
    (void)store_remove(connection->stored);
    *connection->stored = 0;
    daemon->keep.channels--;
}

void keep_never(struct wispd *daemon, struct connection *connection)
{
    connection->never_kept = true;
    if (*connection->stored)
        take_out(daemon, connection);
}

void keep_forget(struct wispd *daemon, struct connection *connection)
{
    if (!*connection->stored)
        return;
    /* The service manager has the socket, too: closing it is no end. */
    shutdown(connection->socket, SHUT_RDWR);
    take_out(daemon, connection);
}

void keep_asking(const struct connection *connection, bool asking)
{
    struct journal *journal = connection->channel.memory.journal;

    if (journal)
        __atomic_store_n(&journal->asking, asking, __ATOMIC_RELEASE); /* for whoever comes after a death */
}
