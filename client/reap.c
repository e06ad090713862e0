/* SPDX-License-Identifier: Apache-2.0
 *
 * Reaping: completions become answers.
 *
 * A completion names a slot and its generation; one that names neither is dropped. A daemon that is stopping refuses
 * what is new with WISP_E_SHUTDOWN: unless reconnecting is off, that is no answer, and the request waits for the next
 * daemon. For an event loop or a poller, what nobody waited for is news.
 */
#include "base/clock.h"
#include "client/client.h"

/* The moving average weighs the last answers, so that one slow batch does not end spinning for long. */
enum { AVERAGE_SHIFT = 3 };

static void note_time(struct wisp_client *client, const struct wire_completion *completion)
{
    uint64_t took = (uint64_t)completion->queue_ns + completion->compute_ns;

    client->expected_ns += (took >> AVERAGE_SHIFT) - (client->expected_ns >> AVERAGE_SHIFT);
}

static void complete(struct wisp_client *client, const struct wire_completion *completion)
{
    struct wisp_request *request = request_by_number(&client->requests, completion->user_data);

    if (!request)
        return;
    if (completion->status == WISP_E_SHUTDOWN && client->reconnect_ns && !request->cancelled) {
        request_set(request, REQUEST_QUEUED);
        client->draining = true;
        return;
    }
    if (completion->batch)
        note_time(client, completion);
    request_end(request, completion->status, completion);
}

void reap_all(struct wisp_client *client)
{
    struct wire_completion completion;

    while (client->up && reap_ring_take(&client->session->reap, &completion))
        complete(client, &completion);
    /* The ring may have room now for what did not fit, and a suspect may be out of the way. */
    requests_resend(client);
}

WISP_EXPORT int wisp_poll(wisp_request *request)
{
    struct wisp_client *client = request->client;
    int result = client_check(client);

    if (result)
        return result;
    if (request_under_way(request)) {
        pthread_mutex_lock(&client->lock);
        client_poke(client, request);
        pthread_mutex_unlock(&client->lock);
    }
    return request_under_way(request) ? -EAGAIN : request_explain(request);
}
