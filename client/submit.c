/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/binding.h"
#include "client/buffer.h"
#include "client/deadline.h"
#include "client/event.h"
#include "client/submit.h"
#include "client/waiters.h"
#include "libipc/wake.h"

void request_end(struct wisp_request *request, int status, const struct wire_completion *completion)
{
    struct wisp_client *client = request->client;

    if (!request_finish(request, status, completion))
        return;
    /* Who waits for a request has its answer; its callback is the loop's all the same. */
    if (request->callback || (!request->waiter && request != client->own)) {
        client->news = true;
        event_ring(client);
    }
    if (request->waiter)
        waiters_wake(&client->waiters, request);
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

/* ---- sending ---- */

/* The request's bytes follow it into the current session. */
static void move_in(struct wisp_request *request)
{
    struct session *current = request->client->session;

    if (request->session == current)
        return;
    insist(request->session->layout.request_arena == current->layout.request_arena);
    if (!request->buffer)
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

/* As the moment at which it is over, be it that the request waits in the ring; where the daemon is older, or the moment
 * far away, as what is left when the daemon takes it: what has passed before, with another daemon perhaps, is gone. */
static void set_deadline(const struct wisp_request *request, struct wire_submission *submission)
{
    const uint64_t now = clock_ns(), until = request_deadline(request);
    const uint64_t left = until > now + NS_PER_US ? (until - now) / NS_PER_US : 1;

    if (request->client->session->features & WIRE_FEATURE_UNTIL && left < INT32_MAX) {
        submission->flags |= WIRE_FLAG_UNTIL;
        submission->deadline_us = (uint32_t)(until / NS_PER_US);
    } else {
        submission->deadline_us = (uint32_t)left;
    }
}

static void ring_doorbell(struct wisp_client *client)
{
    /* A doorbell that fails says that the descriptor is bad, which it is not: nothing to do. */
    (void)wake_daemon(client->session->theirs, client->session->eventfd);
}

/* ---- giving up ---- */

/* Tells the daemon of the cancellations that it does not know of, as far as its ring has room. */
static void cancellations_send(struct wisp_client *client)
{
    struct request_table *table = &client->requests;
    struct wisp_request *request;
    uint32_t slot = 0;
    bool sent = false;

    while (client->up && table->owed && (request = request_next(table, &slot, REQUEST_SENT))) {
        if (!request->owed)
            continue;
        if (!submit_ring_push(&client->session->submit,
                              &(struct wire_submission){ .op = WIRE_OP_CANCEL, .user_data = request_number(request) }))
            break;
        insist(table->owed > 0);
        request->owed = false;
        table->owed--;
        sent = true;
    }
    if (sent)
        ring_doorbell(client);
}

void request_cancel(struct wisp_request *request)
{
    struct wisp_client *client = request->client;

    insist(request_under_way(request));
    if (request_state(request) == REQUEST_QUEUED) {
        request_end(request, WISP_E_CANCELLED, NULL);
        return;
    }
    if (request->cancelled)
        return;
    request->cancelled = true;
    if (!(client->session->features & WIRE_FEATURE_CANCEL))
        return; /* this daemon finishes what it has */
    insist(!request->owed);
    request->owed = true;
    client->requests.owed++;
    cancellations_send(client);
}

void request_release(struct wisp_request *request)
{
    insist(!request->abandoned); /* freed twice */
    if (request_under_way(request)) {
        request->abandoned = true;
        request_cancel(request);
    } else {
        request_remove(request);
    }
}

/* ---- submitting, to this session and the next ---- */

/* Another each time, and never 0, so that words of before are not taken for those that come. */
static uint32_t next_mark(const struct wisp_request *request)
{
    struct wisp_client *client = request->client;

    if (!request->words_max || !(client->session->features & WIRE_FEATURE_MARKS))
        return 0;
    client->marks += client->marks == UINT32_MAX ? 2 : 1;
    return client->marks;
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
        .beam = request->beam,
    };

    insist_debug(client->up && request_state(request) == REQUEST_QUEUED);
    if (!may_go(request))
        return false;
    if (binding && client->session->features & WIRE_FEATURE_CLASSES)
        submission.flags = (uint8_t)(request->priority << WIRE_CLASS_SHIFT);
    if (request->buffer) {
        submission.flags |= WIRE_FLAG_BUFFER;
        submission.in_offset |= (uint64_t)request->buffer->number << WIRE_BUFFER_SHIFT;
    }
    if (request->deadline_us)
        set_deadline(request, &submission);
    insist_debug(request->buffer ||
                 size_within(request->in_offset, request->in_length, client->session->layout.request_arena));
    insist_debug(size_within(request->out_offset, request->out_length, client->session->layout.response_arena));
    move_in(request);
    submission.mark = request->mark = next_mark(request);
    if (!submit_ring_push(&client->session->submit, &submission))
        return false;
    if (request->was_sent)
        request->timings.resubmitted++;
    request->was_sent = true;
    request_set(request, REQUEST_SENT);
    return true;
}

/* Why this daemon cannot have it. */
static int refusal(const struct wisp_request *request)
{
    if (request->binding && request->binding->status)
        return request->binding->status;
    if (request->buffer && request->buffer->status)
        return request->buffer->status;
    return request->beam && !(request->client->session->features & WIRE_FEATURE_BEAMS) ? WISP_E_VERSION : 0;
}

int request_begin(struct wisp_request *request)
{
    struct wisp_client *client = request->client;
    const int refused = client->up ? refusal(request) : 0;

    if (refused)
        return refused;
    if (!request_queue(request))
        return WISP_E_BUSY;
    if (client->up && !client->draining && send(request))
        ring_doorbell(client);
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
    insist(client->requests.queued <= client->requests.entries, "%u", client->requests.queued);
    (void)requests_expire(client);
    while ((request = request_next(&client->requests, &slot, REQUEST_QUEUED))) {
        const int refused = refusal(request);

        if (refused)
            request_end(request, refused, NULL);
        else
            sent |= send(request);
    }
    if (sent)
        ring_doorbell(client);
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
