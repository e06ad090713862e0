/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's questions, which restarts of the daemon only delay. One at a time, guarded by client->asking.
 */
#include <pthread.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "client/client.h"

#define ASK_NS (10 * NS_PER_S)

int client_drain(struct wisp_client *client, struct session *session)
{
    char notice[sizeof(struct wire_control)];
    ssize_t got;

    if (pthread_mutex_trylock(&client->asking))
        return 0; /* who asks reads the notices too */
    do
        got = recv(session->socket, notice, sizeof notice, MSG_DONTWAIT);
    while (got > 0 || (got < 0 && errno == EINTR));
    got = got < 0 && errno == EAGAIN ? 0 : -ECONNRESET;
    pthread_mutex_unlock(&client->asking);
    return (int)got;
}

/* ---- over restarts ---- */

/* The current session, when there is one, with its socket held. */
static int take_session(struct wisp_client *client, uint64_t deadline_ns, struct session **out)
{
    for (;;) {
        int result = client_wait(client, NULL, deadline_ns);

        if (result == WISP_E_TIMEOUT)
            return last_error_set(result, "no wispd to ask within the time");
        if (result) {
            pthread_mutex_lock(&client->lock);
            (void)last_error_set(WISP_E_LOST, "the connection to wispd was lost: %s", client->lost_why.text);
            pthread_mutex_unlock(&client->lock);
            return WISP_E_LOST;
        }
        pthread_mutex_lock(&client->lock);
        *out = client->up ? client->session : NULL;
        if (*out)
            session_talk(*out);
        pthread_mutex_unlock(&client->lock);
        if (*out)
            return 0;
    }
}

static void put_session(struct wisp_client *client, struct session *session, int result, bool noticed)
{
    pthread_mutex_lock(&client->lock);
    if (result == WISP_E_LOST && client->session == session)
        client->doubted = true;
    if (noticed)
        event_ring(client);
    session_talk_end(session);
    pthread_mutex_unlock(&client->lock);
}

int client_ask(struct wisp_client *client, enum wire_type type, const char *name, struct reply *reply)
{
    uint64_t deadline = client_answer_by(client);
    int result = client_check(client);

    *reply = (struct reply){ .text = NULL };
    while (!result) {
        struct session *session;

        result = take_session(client, deadline, &session);
        if (result)
            break;
        pthread_mutex_lock(&client->asking);
        result = session_ask(session, ++client->questions, type, name,
                             client->answer_ns ? deadline : clock_ns() + ASK_NS, reply, last_error());
        pthread_mutex_unlock(&client->asking);
        put_session(client, session, result, reply->noticed);
        if (!result)
            return 0;
        if (result == WISP_E_LOST)
            result = 0; /* once more, with the next daemon */
    }
    return result;
}

/* ---- for the program ---- */

static int ask_json(wisp_client *client, enum wire_type type, char **json)
{
    struct reply reply;
    int result = client_ask(client, type, NULL, &reply);

    *json = NULL;
    if (result)
        return result;
    if (reply.status)
        result = last_error_set(reply.status, "%s", *reply.text ? reply.text : wisp_status_text(reply.status));
    else
        *json = steal(&reply.text);
    reply_deinit(&reply);
    return result;
}

WISP_EXPORT int wisp_list(wisp_client *client, char **json)
{
    return ask_json(client, WIRE_LIST, json);
}

WISP_EXPORT int wisp_status(wisp_client *client, char **json)
{
    return ask_json(client, WIRE_STATUS, json);
}
