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

/* Keeps count of those under way. */
void request_set(struct wisp_request *request, enum request_state state)
{
    struct wisp_client *client = request->client;
    enum request_state before = request_state(request);

    client->queued += (state == REQUEST_QUEUED) - (before == REQUEST_QUEUED);
    client->sent += (state == REQUEST_SENT) - (before == REQUEST_SENT);
    __atomic_store_n(&request->state, (uint32_t)state, __ATOMIC_RELEASE);
}

/* ---- slots ---- */

static bool slot_take(struct wisp_client *client, struct wisp_request *request)
{
    struct slot *slot;

    if (client->free_slot == client->entries)
        return false;
    request->slot = client->free_slot;
    slot = &client->slots[request->slot];
    client->free_slot = slot->next_free;
    slot->request = request;
    slot->generation++;
    return true;
}

static void slot_give(struct wisp_client *client, const struct wisp_request *request)
{
    struct slot *slot = &client->slots[request->slot];

    slot->request = NULL;
    slot->next_free = client->free_slot;
    client->free_slot = request->slot;
}

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
    const struct wisp_client *client = request->client;

    return !client->suspects || (request->losses >= SUSPICIONS && !client->sent);
}

uint64_t request_number(const struct wisp_request *request)
{
    return (uint64_t)request->client->slots[request->slot].generation << 32 | request->slot;
}

/* When its deadline is over; FOREVER. */
static uint64_t deadline_ns(const struct wisp_request *request)
{
    return request->deadline_us ? request->submitted_ns + request->deadline_us * NS_PER_US : FOREVER;
}

/* The daemon counts from when it takes the request; what has passed before, with another daemon perhaps, is gone. */
static uint32_t deadline_left_us(const struct wisp_request *request)
{
    uint64_t now = clock_ns(), until = deadline_ns(request);

    return until > now + NS_PER_US ? (uint32_t)((until - now) / NS_PER_US) : 1;
}

uint64_t requests_expire(struct wisp_client *client)
{
    uint64_t now = clock_ns(), next = FOREVER;

    for (uint32_t i = 0; client->queued && i < client->entries; i++) {
        struct wisp_request *request = client->slots[i].request;

        if (!request || request_state(request) != REQUEST_QUEUED)
            continue;
        if (deadline_ns(request) <= now)
            request_finish(request, WISP_E_DEADLINE, NULL);
        else
            next = MIN(next, deadline_ns(request));
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
    if (!slot_take(client, request))
        return WISP_E_BUSY;
    request_set(request, REQUEST_QUEUED);
    request->was_sent = request->cancelled = false;
    request->losses = 0;
    request->timings = (struct wisp_timings){ 0 };
    request->submitted_ns = clock_ns();
    if (client->up && !client->draining && send(request))
        client_ring_doorbell(client);
    return 0;
}

void requests_resend(struct wisp_client *client)
{
    bool sent = false;

    cancellations_send(client);
    if (!client->up || client->draining || !client->queued)
        return;
    (void)requests_expire(client);
    for (uint32_t i = 0; i < client->entries; i++) {
        struct wisp_request *request = client->slots[i].request;

        if (!request || request_state(request) != REQUEST_QUEUED)
            continue;
        if (request->binding && request->binding->status)
            request_finish(request, request->binding->status, NULL);
        else
            sent |= send(request);
    }
    if (sent)
        client_ring_doorbell(client);
}

void requests_lose(struct wisp_client *client)
{
    for (uint32_t i = 0; i < client->entries; i++) {
        struct wisp_request *request = client->slots[i].request;

        if (!request || request_state(request) != REQUEST_SENT)
            continue;
        request_set(request, REQUEST_QUEUED);
        client->suspects += ++request->losses == SUSPICIONS;
        if (request->cancelled)
            request_finish(request, WISP_E_CANCELLED, NULL);
        else if (request->losses == LOSSES_MAX)
            request_finish(request, WISP_E_LOST, NULL);
    }
}

void request_finish(struct wisp_request *request, int status, const struct wire_completion *completion)
{
    struct wisp_client *client = request->client;

    slot_give(client, request);
    client->suspects -= request->losses >= SUSPICIONS;
    client->owed -= request->owed;
    request->owed = false;
    if (request->abandoned) {
        request_set(request, REQUEST_IDLE);
        request_release(request);
        return;
    }
    request->status = status;
    request->timings.total_ns = clock_ns() - request->submitted_ns;
    request->cause = completion ? completion->cause : WIRE_CAUSE_NONE;
    if (completion) {
        memcpy(request->where, completion->where, sizeof request->where);
        request->timings.queue_ns = completion->queue_ns;
        request->timings.compute_ns = completion->compute_ns;
        request->timings.batch = completion->batch;
    }
    request_set(request, REQUEST_DONE);
    if (request->waiter) {
        waiters_wake(client, request);
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
                              client->entries);
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
