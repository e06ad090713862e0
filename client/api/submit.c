/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests, for the program: submitted, cancelled, waited for. What they are is in request.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#include <wisp/private.h>

#include "base/export.h"
#include "client/api/request.h"
#include "client/binding.h"
#include "client/client.h"
#include "client/deadline.h"
#include "client/engine.h"
#include "client/last_error.h"
#include "client/reconnect.h"
#include "client/submit.h"

/* A slot may be taken by what was freed under way, and answered since; and who serves another model now may be gone. */
static int begin(struct wisp_request *request)
{
    struct wisp_client *client = request->client;
    int result = request_begin(request);

    if (!result)
        return 0;
    if (result == WISP_E_BUSY)
        engine_poke(client, NULL);
    else if (client->up && !client->reaper)
        (void)engine_check(client, true);
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
    case WISP_E_VERSION:
        return beam_explain(request, result);
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
            engine_poke(client, NULL);
        if (!client->up && reconnect_is_over(client))
            result = last_error_set(WISP_E_LOST, "the connection to wispd was lost: %s", client->lost_why.text);
        else
            result = explain_begin(request, begin(request));
    }
    pthread_mutex_unlock(&client->lock);
    return result;
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

WISP_EXPORT int wisp_wait(wisp_request *request, uint32_t timeout_ms)
{
    uint64_t deadline = deadline_in_ms(timeout_ms);
    int result = client_check(request->client);

    if (result)
        return result;
    if (request_under_way(request) && engine_wait(request->client, request, deadline) == WISP_E_TIMEOUT)
        return last_error_set(WISP_E_TIMEOUT, "no answer within %u ms: the request is still under way", timeout_ms);
    return request_explain(request);
}

WISP_EXPORT int wisp_poll(wisp_request *request)
{
    struct wisp_client *client = request->client;
    int result = client_check(client);

    if (result)
        return result;
    if (request_under_way(request)) {
        pthread_mutex_lock(&client->lock);
        engine_poke(client, request);
        pthread_mutex_unlock(&client->lock);
    }
    return request_under_way(request) ? -EAGAIN : request_explain(request);
}

WISP_EXPORT int wisp_private_run(wisp_request *request, uint64_t deadline_ns)
{
    int result = wisp_submit(request);

    if (!result && engine_wait(request->client, request, deadline_ns) == WISP_E_TIMEOUT)
        return last_error_set(WISP_E_TIMEOUT, "no answer within the %" PRIu64 " ms of answer_ms",
                              (uint64_t)(client_limit_ns(request->client, CLIENT_WAIT_ANSWER) / NS_PER_MS));
    return result ? result : request_explain(request);
}

WISP_EXPORT int wisp_ping(wisp_client *client, uint32_t timeout_ms, uint64_t *ns)
{
    uint64_t deadline = deadline_in_ms(timeout_ms);
    struct wisp_request *request;
    int result = request_check(client);

    if (result)
        return result;
    pthread_mutex_lock(&client->lock);
    request = request_make(&client->requests, client, client->session);
    pthread_mutex_unlock(&client->lock);
    if (!request)
        return refuse_errno(last_error(), -ENOMEM, "a ping");
    result = wisp_submit(request);
    if (!result && engine_wait(client, request, deadline) == WISP_E_TIMEOUT)
        result = last_error_set(WISP_E_TIMEOUT, "wispd did not answer a ping within %u ms", timeout_ms);
    else if (!result)
        result = request_explain(request);
    if (!result && ns)
        *ns = request->timings.total_ns;
    pthread_mutex_lock(&client->lock);
    request_release(request);
    pthread_mutex_unlock(&client->lock);
    return result;
}
