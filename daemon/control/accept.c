/* SPDX-License-Identifier: Apache-2.0
 *
 * New connections.
 *
 * A connection has a second for its hello, and nobody can keep others out by holding connections open without one: each
 * user may have some pending, all together some more, and past that the oldest one goes. Each user has a rate: past it
 * his connections have their turns booked and their hellos are read when those come, and when the queue is as long as
 * it may be, they are closed. When descriptors run out the listener rests a while, instead of spinning on an error that
 * does not go away.
 */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "daemon/control/accept.h"
#include "daemon/control/channels.h"
#include "daemon/control/handshake.h"
#include "daemon/users/peer.h"

#define HELLO_NS (1 * NS_PER_S)
#define REST_NS  (100 * NS_PER_MS)

static const struct budget_rate complaint_rate = { .every_ns = 60 * NS_PER_S, .burst = 3 };

/* Shaking hands takes a channel's memory to be made: more than this, and others would wait for it. */
static const struct budget_rate connect_rate = { .every_ns = 2 * NS_PER_MS, .burst = 256 };

#define QUEUE_NS (128 * NS_PER_MS)

enum { ACCEPT_MAX = 16, PENDING_PER_USER = 64 };

int accept_begin(struct wispd *daemon)
{
    if (daemon->listener.fd < 0)
        return 0;
    return loop_ready(daemon->loop, daemon->listener.fd, POLLIN, event_token(EVENT_LISTENER, NULL));
}

/* The oldest pending channel, of one user or of all. */
static struct connection *oldest_pending(struct connection_table *table, const struct user *user)
{
    struct connection *oldest = NULL;

    for (uint32_t i = 0; i < table->capacity; i++) {
        struct connection *connection = &table->connections[i];

        if (connection->state != CONNECTION_PENDING || (user && connection->user != user))
            continue;
        if (!oldest || connection->accepted_ns < oldest->accepted_ns)
            oldest = connection;
    }
    return oldest;
}

static struct connection *slot_for(struct wispd *daemon, int socket, struct user *user)
{
    bool crowded = user->pending >= PENDING_PER_USER;

    if (crowded || daemon->table.used == daemon->table.capacity) {
        struct connection *oldest = oldest_pending(&daemon->table, crowded ? user : NULL);

        insist(oldest || !crowded); /* who has so many pending has an oldest one */
        if (oldest)
            channels_hang_up(daemon, oldest);
    }
    return connection_accept(&daemon->table, socket, user);
}

static void welcome_connection(struct wispd *daemon, int socket)
{
    struct ucred peer = { .pid = 0 };
    socklen_t length = sizeof peer;
    struct connection *connection = NULL;
    struct user *user;
    uint64_t due;
    int result;

    /* Fixed at connect() and not the client's to choose. The pid is for the log only: it may be reused by now. */
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length)) {
        close(socket);
        return;
    }
    user = users_get(&daemon->users, peer.uid);
    if (user && budget_due(&user->connects, &connect_rate, clock_ns()) < clock_ns() + QUEUE_NS)
        connection = slot_for(daemon, socket, user);
    if (!connection) {
        daemon->turned_away++;
        close(socket);
        return;
    }
    (void)peer_refuse_descriptors(socket); /* it may have connected before the listener did */
    connection->uid = peer.uid;
    connection->pid = peer.pid;
    due = budget_book(&user->connects, &connect_rate, connection->accepted_ns);
    result = loop_timer(daemon->loop, due + HELLO_NS, event_token(EVENT_HELLO_LATE, connection));
    if (!result && due > connection->accepted_ns)
        result = loop_timer(daemon->loop, due, event_token(EVENT_HELLO_DUE, connection));
    else if (!result)
        handshake_ready(daemon, connection); /* the hello is usually there already */
    if (result)
        channels_hang_up(daemon, connection);
}

/* It may be so for long, ten times a second. */
static void complain(struct wispd *daemon, int error)
{
    if (budget_take(&daemon->complaints, &complaint_rate, clock_ns()))
        log_warning("accepting a connection: %s; new clients wait until some go", wisp_status_text(-error));
}

int accept_ready(struct wispd *daemon, const struct loop_event *event)
{
    int error = event->result < 0 ? -event->result : 0;

    for (int i = 0; !error && i < ACCEPT_MAX; i++) {
        int socket = accept4(daemon->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (socket >= 0)
            welcome_connection(daemon, socket);
        else if (errno != EINTR && errno != ECONNABORTED)
            error = errno;
    }
    if (!error || error == EAGAIN)
        return accept_begin(daemon);
    complain(daemon, error);
    return loop_timer(daemon->loop, clock_ns() + REST_NS, event_token(EVENT_ACCEPT_AGAIN, NULL));
}
