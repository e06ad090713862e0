/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "client/event.h"
#include "client/last_error.h"
#include "libipc/wake.h"

int event_session(struct wisp_client *client, int socket, struct reason *why)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };

    insist(socket >= 0);
    if (client->poll_fd < 0 || !epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, socket, &event))
        return 0;
    return refuse_errno(why, -errno, "cannot watch the connection to wispd");
}

void event_session_end(struct wisp_client *client, int socket)
{
    if (client->poll_fd >= 0)
        (void)epoll_ctl(client->poll_fd, EPOLL_CTL_DEL, socket, NULL);
}

/* At a time of clock_ns(), even a past one. */
static void set_timer(const struct wisp_client *client, uint64_t at_ns)
{
    struct itimerspec when = { .it_value = clock_timespec(at_ns ? at_ns : 1) };

    insist(client->timer_fd >= 0);
    (void)timerfd_settime(client->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void event_ring(struct wisp_client *client)
{
    if (client->armed)
        set_timer(client, 0);
}

void event_arm(struct wisp_client *client)
{
    insist(client->armed && !client->reaper); /* who reaps is asked for nothing */
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
    event_arm(client);
    if (client->up && reap_ring_ready(&client->session->reap))
        event_ring(client);
}

static int open_descriptors(struct wisp_client *client)
{
    cleanup_close int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    cleanup_close int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN };
    int result = 0;

    if (poll_fd < 0 || timer_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &event))
        return refuse_errno(last_error(), -errno, "cannot make a descriptor to poll");
    insist(client->poll_fd < 0 && client->timer_fd < 0);
    client->poll_fd = steal_fd(&poll_fd);
    client->timer_fd = steal_fd(&timer_fd);
    if (client->up)
        result = event_session(client, client->session->socket, last_error());
    else if (client->attempt >= 0)
        result = event_session(client, client->attempt, last_error());
    if (result) { /* who polls it would never wake up */
        close(steal_fd(&client->poll_fd));
        close(steal_fd(&client->timer_fd));
    }
    return result;
}

int event_open(struct wisp_client *client)
{
    if (!(client->session->features & WIRE_FEATURE_NOTIFY))
        return last_error_set(WISP_E_VERSION, "this wispd cannot notify an event loop");
    return client->poll_fd < 0 ? open_descriptors(client) : 0;
}

void event_disarm(struct wisp_client *client)
{
    uint64_t expirations;

    client->armed = false;
    if (client->timer_fd >= 0 && read(client->timer_fd, &expirations, sizeof expirations) < 0) {
        /* It had not rung. */
    }
    if (client->up && !client->reaper)
        wake_client_disarm(client->session->ours);
}
