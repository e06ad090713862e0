/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/binding.h"
#include "client/buffers.h"
#include "client/deadline.h"
#include "client/event.h"
#include "client/fork.h"
#include "client/reconnect.h"
#include "client/submit.h"

#define BACKOFF_FIRST_NS (10 * NS_PER_MS)
#define BACKOFF_MOST_NS  (1000 * NS_PER_MS)
#define GRACE_NS         (1000 * NS_PER_MS)
#define RENEW_LEAST_NS   (250 * NS_PER_MS)
#define RENEW_MOST_NS    (2000 * NS_PER_MS)

/* ---- losing one ---- */

void client_lose(struct wisp_client *client)
{
    insist(client->up);
    client->up = false;
    requests_lose(client);
    event_session_end(client, client->session->socket);
    session_lose(client->session);
    client->lost_ns = client->next_attempt_ns = clock_ns();
    client->backoff_ns = 0;
    (void)refuse(&client->lost_why, 0, "wispd has ended%s", client->reconnect_ns ? "" : ", and reconnecting is off");
}

/* ---- finding another ---- */

bool reconnect_is_over(const struct wisp_client *client)
{
    return clock_ns() >= client->lost_ns + client->reconnect_ns;
}

/* Nobody is going to answer these. */
static void fail_queued(struct wisp_client *client)
{
    struct wisp_request *request;
    uint32_t slot = 0;

    while ((request = request_next(&client->requests, &slot, REQUEST_QUEUED)))
        request_end(request, WISP_E_LOST, NULL);
    insist(!client->requests.queued, "%u", client->requests.queued);
    waiters_wake(&client->waiters, NULL);
}

/* When to come back; or it is over. */
static uint64_t later(struct wisp_client *client, uint64_t when_ns)
{
    if (reconnect_is_over(client)) {
        fail_queued(client);
        return FOREVER;
    }
    when_ns = MIN(when_ns, requests_expire(client));
    return MIN(when_ns, client->lost_ns + client->reconnect_ns);
}

static uint64_t failed(struct wisp_client *client, const struct reason *why)
{
    uint64_t wait = client->backoff_ns ? MIN(client->backoff_ns * 2, BACKOFF_MOST_NS) : BACKOFF_FIRST_NS;
    uint64_t jitter = wait / 4;

    insist(wait > 0 && wait <= BACKOFF_MOST_NS);
    client->backoff_ns = wait;
    client->lost_why = *why;
    client->next_attempt_ns = clock_ns() + wait - jitter + rng_below(&client->jitter, 2 * jitter + 1);
    return later(client, client->next_attempt_ns);
}

/* Who listens gets a second to answer, even when the time for reconnecting is over: so a program that tries again long
 * after finds the new daemon. */
static int begin_attempt(struct wisp_client *client, struct reason *why)
{
    int result = session_begin(client->socket_path, &client->hello, &client->attempt, why);
    uint64_t now = clock_ns();

    if (result)
        return result;
    insist(client->attempt >= 0);
    result = event_session(client, client->attempt, why);
    if (result) {
        socket_close(steal_fd(&client->attempt));
        return result;
    }
    if (now + GRACE_NS > client->lost_ns + client->reconnect_ns)
        client->lost_ns = now + GRACE_NS - client->reconnect_ns;
    return 0;
}

/* Requests keep their places, so a daemon that grants less cannot be used. */
static int check_layout(const struct wisp_client *client, const struct session *session, struct reason *why)
{
    const struct wire_layout *layout = &session->layout;

    if (client->hello.entries == WIRE_ENTRIES_NONE)
        return 0;
    if (layout->entries == client->hello.entries && layout->request_arena == client->hello.request_arena &&
        layout->response_arena == client->hello.response_arena)
        return 0;
    return refuse(why, WISP_E_NO_SPACE, "wispd now grants less shared memory than it did: connect anew");
}

/* All that a new daemon is asked before it is used is to be answered by then. */
static uint64_t renew_by(uint64_t deadline_ns)
{
    const uint64_t now = clock_ns();

    return MIN(MAX(deadline_ns, now + RENEW_LEAST_NS), now + RENEW_MOST_NS);
}

/* Consumes the session when it fails. */
static int take_over(struct wisp_client *client, struct session *session, uint64_t deadline_ns, struct reason *why)
{
    const uint64_t until = renew_by(deadline_ns);
    int result = check_layout(client, session, why);

    if (!result) {
        pthread_mutex_unlock(&client->lock);
        result = bindings_renew(client, session, until, why);
        if (!result)
            result = buffers_renew(client, session, until, why);
        pthread_mutex_lock(&client->lock);
    }
    if (!result)
        result = event_session(client, session->socket, why);
    if (!result) {
        result = client_adopt(client, session);
        if (result) {
            event_session_end(client, session->socket);
            (void)refuse_errno(why, result, "connecting to wispd");
        }
    }
    if (result) {
        session_drop(session);
        return result;
    }
    requests_resend(client);
    waiters_wake(&client->waiters, NULL);
    return 0;
}

uint64_t reconnect_step(struct wisp_client *client, uint64_t deadline_ns)
{
    struct reason why = { "" };
    struct session *session;
    int socket, result = 0;

    insist(client->reaper && !client->up);
    if (!client->reconnect_ns)
        return later(client, 0);
    if (client->attempt < 0) {
        if (clock_ns() < client->next_attempt_ns)
            return later(client, client->next_attempt_ns);
        result = begin_attempt(client, &why);
    }
    if (result)
        return failed(client, &why);
    socket = client->attempt;
    event_session_end(client, socket); /* while it is certainly open */
    result = session_finish(socket, &client->hello, &session, &why);
    if (result == -EAGAIN) {
        if (reconnect_is_over(client)) {
            socket_close(steal_fd(&client->attempt));
            (void)refuse(&client->lost_why, 0, "wispd on %s does not answer", client->socket_path);
        } else if (event_session(client, socket, &why)) {
            socket_close(steal_fd(&client->attempt));
            return failed(client, &why);
        }
        return later(client, FOREVER);
    }
    client->attempt = -1;
    if (!result)
        result = take_over(client, session, deadline_ns, &why);
    return result ? failed(client, &why) : 0;
}
