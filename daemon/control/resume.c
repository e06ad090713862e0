/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/control/channels.h"
#include "daemon/control/handshake.h"
#include "daemon/control/keep.h"
#include "daemon/control/limited_log.h"
#include "daemon/control/resume.h"
#include "daemon/models/routes_file.h"
#include "daemon/service/bundle.h"
#include "daemon/shard/serve.h"

/* ---- routes ---- */

static bool is_named(const struct passed_fd *kept, const char *prefix)
{
    return !strncmp(kept->name, prefix, strlen(prefix));
}

bool resume_routes(struct wispd *daemon, struct routes *out)
{
    struct reason why = { "" };
    bool found = false;

    *out = (struct routes){ .entries = NULL };
    for (unsigned i = 0; i < daemon->passed.kept_count; i++) {
        struct passed_fd *kept = &daemon->passed.kept[i];
        struct routes routes;

        if (!is_named(kept, STORE_ROUTES))
            continue;
        if (routes_read(&routes, kept->fd, &why)) {
            log_notice("routes of a daemon before: %s", why.text);
        } else if (!found || routes.table > out->table) {
            routes_deinit(out);
            *out = routes;
            found = true;
        } else {
            routes_deinit(&routes);
        }
    }
    daemon->keep.known = found;
    return found;
}

/* ---- channels ---- */

static int agree(struct wispd *daemon, struct connection *connection, const struct bundle *bundle, struct reason *why)
{
    int result = connection_agree(&daemon->table, connection, &daemon->users, &bundle->welcome, why);

    if (!result && connection_table_is_crowded(&daemon->table, daemon->config->limits.channels))
        result = refuse(why, WISP_E_BUSY, "there is room for %u channels", daemon->config->limits.channels);
    return result ? result : handshake_watch(daemon, connection, why);
}

static uint32_t count_given_up(const struct channel *channel)
{
    uint32_t count = 0;

    for (const struct request *request = channel->again; request; request = request->next)
        count += request->deaths >= DEATHS_MAX;
    return count;
}

/* Where it fails the connection is to be hung up. */
static int go_on(struct wispd *daemon, struct connection *connection, struct bundle *bundle, struct reason *why)
{
    struct channel *channel = &connection->channel;
    uint32_t given_up;
    int result;

    memcpy(connection->name, bundle->name, sizeof connection->name);
    result = agree(daemon, connection, bundle, why);
    channel->memory = bundle->memory;
    if (result)
        return result;
    channel->uid = connection->uid;
    if (!channel_resume(channel, daemon->config->limits.rows))
        return refuse(why, WISP_E_INVALID, "its rings cannot be gone on with");
    given_up = count_given_up(channel);
    connection_open(&daemon->table, connection);
    result = loop_ready(daemon->loop, connection->socket, POLLIN, event_token(EVENT_SOCKET, connection));
    if (result)
        return refuse_errno(why, result, "listening to it");
    channels_serve(daemon, connection);
    if (given_up)
        log_limited(connection, LOG_LEVEL_WARNING, "%u requests that %d daemons died with are given up", given_up,
                    DEATHS_MAX);
    return 0;
}

/* A slot of the table for the client at the other end of the socket; NULL: there is none, and the bundle is gone. */
static struct connection *connect_again(struct wispd *daemon, struct bundle *bundle)
{
    struct ucred peer = { .pid = 0 };
    socklen_t length = sizeof peer;
    struct connection *connection = NULL;

    if (!getsockopt(bundle->socket, SOL_SOCKET, SO_PEERCRED, &peer, &length))
        connection = connection_accept(&daemon->table, bundle->socket, users_get(&daemon->users, peer.uid));
    if (connection) {
        connection->uid = peer.uid;
        connection->pid = peer.pid;
        return connection;
    }
    shutdown(bundle->socket, SHUT_RDWR);
    close(bundle->socket);
    channel_memory_unmake(&bundle->memory);
    return NULL;
}

static int resume(struct wispd *daemon, struct passed_fd *fds, unsigned count, struct reason *why)
{
    struct connection *connection;
    struct bundle bundle;
    int result = bundle_open(&bundle, fds, count, why);

    if (result)
        return result;
    connection = connect_again(daemon, &bundle);
    if (!connection)
        return refuse(why, WISP_E_BUSY, "there is no room");
    memcpy(connection->stored, fds->name, sizeof connection->stored);
    daemon->keep.channels++;
    result = go_on(daemon, connection, &bundle, why);
    if (result)
        channels_hang_up(daemon, connection);
    return result;
}

/* The service manager has all of it, too: its client is to see the end of it, and connect again. */
static void drop(struct passed_fd *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (fds[i].fd >= 0)
            shutdown(fds[i].fd, SHUT_RDWR); /* nothing, but to a socket */
    }
    (void)store_remove(fds->name);
}

static int resume_or_drop(struct wispd *daemon, struct passed_fd *fds, unsigned count)
{
    struct reason why = { "" };
    int result = daemon->keep.known && daemon->keep.channels_max ? resume(daemon, fds, count, &why)
                                                                 : refuse(&why, WISP_E_CONFIG, "nothing is kept");

    if (!result)
        return 0;
    log_debug("a channel of a daemon before is given up: %s", why.text);
    drop(fds, count);
    return result;
}

void resume_channels(struct wispd *daemon)
{
    struct passed *passed = &daemon->passed;
    uint64_t began = clock_ns();
    unsigned lost = 0;

    for (unsigned i = 0, next; i < passed->kept_count; i = next) {
        struct passed_fd *fds = &passed->kept[i];

        for (next = i + 1; next < passed->kept_count; next++) {
            if (strcmp(passed->kept[next].name, fds->name) != 0)
                break;
        }
        if (!is_named(fds, STORE_CHANNEL))
            (void)store_remove(fds->name); /* routes, and this daemon's own are there */
        else if (resume_or_drop(daemon, fds, next - i))
            lost++;
        else
            daemon->keep.resumed++;
    }
    if (daemon->keep.resumed || lost)
        log_notice("%u channels of a daemon before go on, after %llu us; %u could not", daemon->keep.resumed,
                   (unsigned long long)((clock_ns() - began) / NS_PER_US), lost);
    passed_deinit(passed);
}
