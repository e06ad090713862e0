/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving requests up.
 *
 * What no daemon has is done at once. What a daemon has is done when it says so, because until then it may write the
 * answer: it is told by an entry in the ring, behind the submission, and completes the request with WISP_E_CANCELLED,
 * or with the answer if that was there before. When the ring is full the entry is owed, and put there when answers have
 * made room. A session that is lost has nothing to complete any more.
 */
#include "client/client.h"

void cancellations_send(struct wisp_client *client)
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
        request->owed = false;
        table->owed--;
        sent = true;
    }
    if (sent)
        client_ring_doorbell(client);
}

void request_cancel(struct wisp_request *request)
{
    struct wisp_client *client = request->client;

    if (request_state(request) == REQUEST_QUEUED) {
        request_end(request, WISP_E_CANCELLED, NULL);
        return;
    }
    if (request->cancelled)
        return;
    request->cancelled = true;
    if (!(client->session->features & WIRE_FEATURE_CANCEL))
        return; /* this daemon finishes what it has */
    request->owed = true;
    client->requests.owed++;
    cancellations_send(client);
}

WISP_EXPORT int wisp_cancel(wisp_request *request)
{
    struct wisp_client *client = request->client;
    int result = client_check(client);

    if (result)
        return result;
    pthread_mutex_lock(&client->lock);
    if (request_under_way(request))
        request_cancel(request);
    pthread_mutex_unlock(&client->lock);
    return 0;
}
