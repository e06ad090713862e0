/* SPDX-License-Identifier: Apache-2.0
 *
 * For programs with an event loop of their own: one descriptor that polls readable.
 *
 * It is an epoll instance over the socket (notices from the daemon, its end, a welcome) and a timer. The timer rings
 * when the next attempt to reconnect is due, and at once when another thread has reaped something for the loop. So the
 * descriptor stays the same from one daemon to the next, and threads that wait in wisp_wait() may use the same client.
 *
 * While the loop sleeps and nobody has the role, the daemon is asked for a notice on the socket.
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/client.h"
#include "libipc/wake.h"

void event_session(struct wisp_client *client, int socket, bool begin)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };

    if (client->poll_fd >= 0)
        (void)epoll_ctl(client->poll_fd, begin ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, socket, &event);
}

/* At a time of clock_ns(), even a past one. */
static void set_timer(const struct wisp_client *client, uint64_t at_ns)
{
    struct itimerspec when = { .it_value = clock_timespec(at_ns ? at_ns : 1) };

    (void)timerfd_settime(client->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void event_ring(struct wisp_client *client)
{
    if (client->armed)
        set_timer(client, 0);
}

/* Asks for what the sleeping loop needs to be woken by. */
static void arm(struct wisp_client *client)
{
    if (client->up)
        (void)wake_client_arm(client->session->ours, client->session->theirs, WIRE_WAIT_SOCKET);
    else if (client->attempt >= 0)
        set_timer(client, client->lost_ns + client->reconnect_ns);
    else if (client->reconnect_ns)
        set_timer(client, client->next_attempt_ns);
}

void event_rearm(struct wisp_client *client)
{
    if (!client->armed)
        return;
    arm(client);
    if (client->up && reap_ring_ready(&client->session->reap))
        event_ring(client);
}

static int open_descriptors(struct wisp_client *client)
{
    cleanup_close int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    cleanup_close int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN };

    if (poll_fd < 0 || timer_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &event))
        return refuse_errno(last_error(), -errno, "cannot make a descriptor to poll");
    client->poll_fd = steal_fd(&poll_fd);
    client->timer_fd = steal_fd(&timer_fd);
    if (client->up)
        event_session(client, client->session->socket, true);
    else if (client->attempt >= 0)
        event_session(client, client->attempt, true);
    return 0;
}

static int ensure_descriptors(struct wisp_client *client)
{
    if (!(client->session->features & WIRE_FEATURE_NOTIFY))
        return last_error_set(WISP_E_VERSION, "this wispd cannot notify an event loop");
    return client->poll_fd < 0 ? open_descriptors(client) : 0;
}

WISP_EXPORT int wisp_fd(const wisp_client *constant)
{
    wisp_client *client = (wisp_client *)constant; /* it is made at the first call */
    int result = client_check(client);

    if (result)
        return -EINVAL;
    pthread_mutex_lock(&client->lock);
    result = ensure_descriptors(client);
    if (!result)
        result = client->poll_fd;
    else if (result > 0)
        result = -EOPNOTSUPP;
    pthread_mutex_unlock(&client->lock);
    return result;
}

/* 1: there is something to dispatch. */
static int arm_or_tell(struct wisp_client *client)
{
    client_poke(client, NULL);
    if (client->news)
        return 1;
    client->armed = true;
    if (client->reaper) /* it rings, and asks for a notice when it leaves */
        return 0;
    arm(client);
    if (!client->up || !reap_ring_ready(&client->session->reap))
        return 0;
    client->armed = false;
    wake_client_disarm(client->session->ours);
    return 1;
}

WISP_EXPORT int wisp_arm(wisp_client *client)
{
    int result = client_check(client);

    if (result)
        return result;
    pthread_mutex_lock(&client->lock);
    result = ensure_descriptors(client);
    if (!result)
        result = arm_or_tell(client);
    pthread_mutex_unlock(&client->lock);
    return result;
}

/* Returns the session, if there is one, with its socket held. */
static struct session *disarm(struct wisp_client *client)
{
    uint64_t expirations;

    client->armed = false;
    if (client->timer_fd >= 0 && read(client->timer_fd, &expirations, sizeof expirations) < 0) {
        /* It had not rung. */
    }
    if (!client->up)
        return NULL;
    if (!client->reaper)
        wake_client_disarm(client->session->ours);
    session_talk(client->session);
    return client->session;
}

WISP_EXPORT int wisp_dispatch(wisp_client *client)
{
    struct session *session;
    int result = client_check(client);

    if (result)
        return result;
    pthread_mutex_lock(&client->lock);
    session = disarm(client);
    pthread_mutex_unlock(&client->lock);
    if (session)
        result = client_drain(client, session);
    pthread_mutex_lock(&client->lock);
    if (session) {
        if (result && client->session == session)
            client->doubted = true;
        session_talk_end(session);
    }
    client_poke(client, NULL);
    client->news = false;
    result = 0;
    if (!client->up && reconnect_is_over(client))
        result = last_error_set(WISP_E_LOST, "the connection to wispd was lost: %s", client->lost_why.text);
    pthread_mutex_unlock(&client->lock);
    return result;
}
