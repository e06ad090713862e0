/* SPDX-License-Identifier: Apache-2.0
 *
 * A callback that dispatches its client runs no other of that client's: the stack does not grow with the number of
 * answers. One that closes the client leaves that to the wisp_dispatch() that runs it.
 */
#include <pthread.h>

#include "base/export.h"
#include "base/insist.h"
#include "client/api/callback.h"
#include "client/api/request.h"

/* The clients whose callbacks this thread is running, the innermost first. */
struct calling {
    struct calling *outer;
    const struct wisp_client *client;
    bool closed;
};

static _Thread_local struct calling *calling;

static struct calling *find(const struct wisp_client *client)
{
    struct calling *at = calling;

    while (at && at->client != client)
        at = at->outer;
    return at;
}

static struct wisp_request *take_first(struct wisp_client *client)
{
    struct wisp_request *request;

    pthread_mutex_lock(&client->lock);
    request = client->requests.calls.first;
    if (request)
        request_unlist(request);
    pthread_mutex_unlock(&client->lock);
    return request;
}

bool callbacks_run(struct wisp_client *client)
{
    struct calling here = { .outer = calling, .client = client };

    if (find(client))
        return true;
    calling = &here;
    /* No more than there can be requests under way: what a callback submits may be answered before it returns, and the
     * program has other things to do than wisp's. */
    for (uint32_t i = 0; i < client->requests.entries && !here.closed; i++) {
        struct wisp_request *request = take_first(client);
        wisp_callback call;

        if (!request)
            break;
        call = request->callback; /* which the program may have taken back meanwhile */
        if (call)
            call(request, request_explain(request), request->user);
    }
    insist(calling == &here); /* callbacks return in the order in which they were called */
    calling = here.outer;
    return !here.closed;
}

bool callback_closes(const struct wisp_client *client)
{
    struct calling *at = find(client);

    if (at)
        at->closed = true;
    return at;
}

WISP_EXPORT void wisp_request_set_callback(wisp_request *request, wisp_callback callback)
{
    request->callback = callback;
    request->noted = callback != NULL;
}
