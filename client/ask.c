/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include <wisp/private.h>

#include "base/clock.h"
#include "client/ask.h"
#include "client/deadline.h"
#include "client/engine.h"
#include "client/event.h"
#include "client/last_error.h"

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
        int result = engine_wait(client, NULL, deadline_ns);

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

static enum client_wait waits_for(enum wire_type type)
{
    return type == WIRE_RELOAD || type == WIRE_ROLLBACK ? CLIENT_WAIT_LOAD : CLIENT_WAIT_QUESTION;
}

int client_ask(struct wisp_client *client, enum wire_type type, const char *name, struct reply *reply)
{
    return client_ask_about(client, type, name, name ? strlen(name) + 1 : 0, 0, reply);
}

int client_ask_about(struct wisp_client *client, enum wire_type type, const void *body, size_t length, uint64_t serial,
                     struct reply *reply)
{
    const enum client_wait what = waits_for(type);
    /* A question's usual limit begins when the daemon gets it: until then reconnect_ms is the limit. */
    const bool later = !client->answer_ns && what == CLIENT_WAIT_QUESTION;
    const uint64_t deadline = later ? FOREVER : client_limit_from_now(client, what);
    struct question question = { .type = type, .body = body, .length = length, .deadline_ns = deadline };
    int result = client_check(client);

    *reply = (struct reply){ .fd = -1 };
    while (!result) {
        struct session *session;

        result = take_session(client, deadline, &session);
        if (result)
            break;
        if (serial && session->serial != serial) {
            put_session(client, session, 0, false);
            return last_error_set(WISP_E_LOST, "wispd is another one meanwhile");
        }
        pthread_mutex_lock(&client->asking);
        question.id = ++client->questions;
        if (later)
            question.deadline_ns = client_limit_from_now(client, what);
        result = session_ask(session, &question, reply, last_error());
        pthread_mutex_unlock(&client->asking);
        put_session(client, session, result, reply->noticed);
        if (!result)
            return 0;
        if (result == WISP_E_LOST)
            result = 0; /* once more, with the next daemon */
    }
    return result;
}

int client_bind(struct wisp_client *client, const char *name, const char *identity, struct binding **out)
{
    pthread_mutex_lock(&client->lock);
    *out = binding_find(client, name, identity);
    pthread_mutex_unlock(&client->lock);
    /* A model that was found with another client; or the daemon was exchanged in between. */
    while (!*out) {
        struct description has;
        struct reply reply;
        int result = client_ask(client, WIRE_DESCRIBE, name, &reply);

        if (!result && reply.status)
            result = last_error_set(reply.status, "%s", reply.text);
        if (!result)
            result = description_read(reply.text, &has, last_error());
        if (!result && strcmp(has.identity, identity) != 0)
            result = last_error_set(
                WISP_E_CHANGED, "wispd now serves another model as %s than the one that was found: find it anew", name);
        if (!result)
            result = binding_note(client, name, &has, &reply, out);
        reply_deinit(&reply);
        if (result)
            return result;
    }
    return 0;
}
