/* SPDX-License-Identifier: Apache-2.0
 *
 * For programs with an event loop of their own.
 */
#include <errno.h>
#include <pthread.h>

#include "base/export.h"
#include "client/api/callback.h"
#include "client/ask.h"
#include "client/client.h"
#include "client/engine.h"
#include "client/event.h"
#include "client/last_error.h"
#include "client/reconnect.h"
#include "libipc/wake.h"

WISP_EXPORT int wisp_fd(const wisp_client *handle)
{
    wisp_client *client = handle->self; /* the descriptors are made at the first call */
    int result = client_check(client);

    if (result)
        return -EINVAL;
    pthread_mutex_lock(&client->lock);
    result = event_open(client);
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
    engine_poke(client, NULL);
    if (client->news || client->requests.done.first || client->requests.calls.first)
        return 1;
    client->armed = true;
    if (client->reaper) /* it rings, and asks for a notice when it leaves */
        return 0;
    event_arm(client);
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
    result = event_open(client);
    if (!result)
        result = arm_or_tell(client);
    pthread_mutex_unlock(&client->lock);
    return result;
}

WISP_EXPORT wisp_request *wisp_next(wisp_client *client)
{
    struct wisp_request *request;

    if (client_check(client))
        return NULL;
    pthread_mutex_lock(&client->lock);
    engine_poke(client, NULL);
    request = client->requests.done.first;
    if (request)
        request_unlist(request);
    pthread_mutex_unlock(&client->lock);
    return request;
}

WISP_EXPORT int wisp_dispatch(wisp_client *client)
{
    struct session *session;
    int result = client_check(client);

    if (result)
        return result;
    pthread_mutex_lock(&client->lock);
    event_disarm(client);
    session = client->up ? client->session : NULL;
    if (session)
        session_talk(session);
    pthread_mutex_unlock(&client->lock);
    if (session)
        result = client_drain(client, session);
    pthread_mutex_lock(&client->lock);
    if (session) {
        if (result && client->session == session)
            client->doubted = true;
        session_talk_end(session);
    }
    engine_poke(client, NULL);
    client->news = false;
    result = 0;
    if (!client->up && reconnect_is_over(client))
        result = last_error_set(WISP_E_LOST, "the connection to wispd was lost: %s", client->lost_why.text);
    pthread_mutex_unlock(&client->lock);
    if (callbacks_run(client))
        return result;
    wisp_close(client);
    return last_error_set(WISP_E_CANCELLED, "the client was closed by one of its callbacks");
}
