/* SPDX-License-Identifier: Apache-2.0
 *
 * Submitting: a slot, an entry in the ring, and the doorbell if the daemon sleeps. No allocation, and no system call
 * while the daemon is awake.
 *
 * Without a session, or while its daemon is stopping, a request stays QUEUED; requests_resend() sends it to the next
 * one, and with it its bytes, which until then are in the old session's memory. What ends every daemon that computes it
 * must not come back for ever: after SUSPICIONS losses it is sent alone, after LOSSES_MAX it is given up.
 */
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "client/client.h"
#include "libipc/wake.h"

/* ---- sending ---- */

/* The request's bytes follow it into the current session. */
static void move_in(struct wisp_request *request)
{
    struct session *current = request->client->session;

    if (request->session == current)
        return;
    memcpy(session_input(current) + request->in_offset, session_input(request->session) + request->in_offset,
           request->in_length);
    session_drop(request->session);
    request->session = session_hold(current);
}

/* A suspect goes alone, and before all others. */
static bool may_go(const struct wisp_request *request)
{
    const struct request_table *table = request->table;

    return !table->suspects || (request->losses >= SUSPICIONS && !table->sent);
}

/* The daemon counts from when it takes the request; what has passed before, with another daemon perhaps, is gone. */
static uint32_t deadline_left_us(const struct wisp_request *request)
{
    uint64_t now = clock_ns(), until = request_deadline(request);

    return until > now + NS_PER_US ? (uint32_t)((until - now) / NS_PER_US) : 1;
}

uint64_t requests_expire(struct wisp_client *client)
{
    uint64_t now = clock_ns(), next = FOREVER;
    struct wisp_request *request;
    uint32_t slot = 0;

    if (!client->requests.queued)
        return FOREVER;
    while ((request = request_next(&client->requests, &slot, REQUEST_QUEUED))) {
        if (request_deadline(request) <= now)
            request_end(request, WISP_E_DEADLINE, NULL);
        else
            next = MIN(next, request_deadline(request));
    }
    return next;
}

/* Leaves it QUEUED when the ring is full, which it is only while the daemon is slower than its completions. */
static bool send(struct wisp_request *request)
{
    struct wisp_client *client = request->client;
    const struct binding *binding = request->binding;
    struct wire_submission submission = {
        .op = binding ? WIRE_OP_INFER : WIRE_OP_NOP,
        .route = binding ? binding->route : 0,
        .user_data = request_number(request),
        .in_offset = request->in_offset,
        .in_length = request->in_length,
        .out_offset = request->out_offset,
        .out_length = request->out_length,
        .rows = request->rows,
    };

    if (!may_go(request))
        return false;
    if (request->deadline_us)
        submission.deadline_us = deadline_left_us(request);
    move_in(request);
    if (!submit_ring_push(&client->session->submit, &submission))
        return false;
    if (request->was_sent)
        request->timings.resubmitted++;
    request->was_sent = true;
    request_set(request, REQUEST_SENT);
    return true;
}

void client_ring_doorbell(struct wisp_client *client)
{
    /* A doorbell that fails says that the descriptor is bad, which it is not: nothing to do. */
    (void)wake_daemon(client->session->theirs, client->session->eventfd);
}

int request_begin(struct wisp_request *request)
{
    struct wisp_client *client = request->client;

    if (request->binding && client->up && request->binding->status)
        return request->binding->status;
    if (!request_queue(request))
        return WISP_E_BUSY;
    if (client->up && !client->draining && send(request))
        client_ring_doorbell(client);
    return 0;
}

void requests_resend(struct wisp_client *client)
{
    struct wisp_request *request;
    bool sent = false;
    uint32_t slot = 0;

    cancellations_send(client);
    if (!client->up || client->draining || !client->requests.queued)
        return;
    (void)requests_expire(client);
    while ((request = request_next(&client->requests, &slot, REQUEST_QUEUED))) {
        if (request->binding && request->binding->status)
            request_end(request, request->binding->status, NULL);
        else
            sent |= send(request);
    }
    if (sent)
        client_ring_doorbell(client);
}

void requests_lose(struct wisp_client *client)
{
    struct wisp_request *request;
    uint32_t slot = 0;

    while ((request = request_next(&client->requests, &slot, REQUEST_SENT))) {
        request_lose(request);
        if (request->cancelled)
            request_end(request, WISP_E_CANCELLED, NULL);
        else if (request->losses == LOSSES_MAX)
            request_end(request, WISP_E_LOST, NULL);
    }
}

void request_end(struct wisp_request *request, int status, const struct wire_completion *completion)
{
    struct wisp_client *client = request->client;

    if (!request_finish(request, status, completion))
        return;
    if (request->waiter) {
        waiters_wake(&client->waiters, request);
    } else if (request != client->own) {
        client->news = true;
        event_ring(client);
    }
}

/* ---- for the program ---- */

/* A slot may be taken by what was freed under way, and answered since; and who serves another model now may be gone. */
static int begin(struct wisp_request *request)
{
    struct wisp_client *client = request->client;
    int result = request_begin(request);

    if (!result)
        return 0;
    if (result == WISP_E_BUSY)
        client_poke(client, NULL);
    else if (client->up && !client->reaper)
        (void)session_check(client, true);
    return request_begin(request);
}

static int explain_begin(const struct wisp_request *request, int result)
{
    struct wisp_client *client = request->client;

    switch (result) {
    case WISP_E_BUSY:
        return last_error_set(WISP_E_BUSY,
                              "%u requests are under way, as many as fit: wait for one, or connect with more entries",
                              client->requests.entries);
    default:
        return result ? binding_explain(request->binding, result) : 0;
    }
}

WISP_EXPORT int wisp_submit(wisp_request *request)
{
    struct wisp_client *client = request->client;
    int result = client_check(client);

    if (result)
        return result;
    pthread_mutex_lock(&client->lock);
    if (request_under_way(request)) {
        result = last_error_set(WISP_E_INVALID, "the request is under way already: wait for it first");
    } else {
        if (!client->up)
            client_poke(client, NULL);
        if (!client->up && reconnect_is_over(client))
            result = last_error_set(WISP_E_LOST, "the connection to wispd was lost: %s", client->lost_why.text);
        else
            result = explain_begin(request, begin(request));
    }
    pthread_mutex_unlock(&client->lock);
    return result;
}
