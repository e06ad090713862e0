/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions on the socket: list, describe, status.
 *
 * A reply comes in parts, which must follow each other without a gap; between them there may be notices for the event
 * loop, and replies to a question that somebody gave up on, which are told by their number.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/client.h"
#include "libipc/message.h"

#define ASK_NS (10 * NS_PER_S)

void answer_deinit(struct answer *answer)
{
    free(answer->text);
    *answer = (struct answer){ .text = NULL };
}

/* ---- one question ---- */

/* Until the socket is ready. WISP_E_TIMEOUT. */
static int wait_for(int socket, short events, uint64_t deadline_ns, struct reason *why)
{
    struct pollfd wait = { .fd = socket, .events = events };

    if (clock_ns() >= deadline_ns)
        return refuse(why, WISP_E_TIMEOUT, "wispd does not answer: it is stopped, or stuck");
    (void)poll(&wait, 1, deadline_poll_ms(deadline_ns));
    return 0;
}

static int ask(int socket, struct message *message, uint32_t id, enum wire_type type, const char *name,
               uint64_t deadline_ns, struct reason *why)
{
    size_t length = name ? strlen(name) + 1 : 0;
    int result;

    message->control = (struct wire_control){
        .header = { .magic = WIRE_MAGIC,
                    .type = (uint16_t)type,
                    .length = (uint32_t)(sizeof message->control + length) },
        .id = id,
    };
    if (name)
        memcpy(message->bytes + sizeof message->control, name, length);
    for (;;) {
        result = message_send(socket, message->bytes, message->header.length, NULL, 0, MSG_DONTWAIT);
        if (result != -EAGAIN)
            return result ? refuse_errno(why, WISP_E_LOST, "cannot ask wispd") : 0;
        result = wait_for(socket, POLLOUT, deadline_ns, why);
        if (result)
            return result;
    }
}

/* Adds a part to the answer. */
static int join(struct answer *answer, const struct message *message, struct reason *why)
{
    const struct wire_control *part = &message->control;
    size_t payload = message->length - sizeof *part;

    if (part->offset != answer->length || (answer->text && (part->status != answer->status)))
        return refuse(why, WISP_E_INVALID, "wispd's reply has a gap at byte %zu", answer->length);
    if (!answer->text) {
        answer->text = malloc((size_t)part->total + 1);
        if (!answer->text)
            return refuse_errno(why, -ENOMEM, "a reply of %u bytes", part->total);
        answer->status = part->status;
        answer->route = part->route;
    }
    memcpy(answer->text + answer->length, message->bytes + sizeof *part, payload);
    answer->length += payload;
    answer->text[answer->length] = 0;
    return 0;
}

/* -EAGAIN: not the whole reply yet. */
static int hear(int socket, struct message *message, uint32_t id, uint16_t type, struct answer *answer, uint32_t *total,
                struct reason *why)
{
    int result = message_receive(socket, message, false, MSG_DONTWAIT, why);

    if (result == -EAGAIN || result == -ENOMEM || result > 0)
        return result;
    if (result)
        return WISP_E_LOST;
    if (message->header.type == WIRE_NOTIFY)
        answer->noticed = true;
    if (message->header.type != type || message->control.id != id)
        return -EAGAIN;
    if (!answer->text)
        *total = message->control.total;
    else if (*total != message->control.total)
        return refuse(why, WISP_E_INVALID, "wispd's reply changes its length");
    result = join(answer, message, why);
    return result ? result : answer->length == *total ? 0 : -EAGAIN;
}

int session_ask(struct session *session, uint32_t id, enum wire_type type, const char *name, uint64_t deadline_ns,
                struct answer *answer, struct reason *why)
{
    cleanup_free struct message *message = malloc(sizeof *message);
    uint16_t expected = (uint16_t)(type | WIRE_REPLY);
    uint32_t total = 0;
    int result;

    *answer = (struct answer){ .serial = session->serial };
    if (!message)
        return refuse_errno(why, -ENOMEM, "asking wispd");
    result = ask(session->socket, message, id, type, name, deadline_ns, why);
    while (!result) {
        result = hear(session->socket, message, id, expected, answer, &total, why);
        if (!result)
            return 0;
        if (result == -EAGAIN)
            result = wait_for(session->socket, POLLIN, deadline_ns, why);
    }
    free(steal(&answer->text));
    return result;
}

int session_drain(struct wisp_client *client, struct session *session)
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

int client_ask(struct wisp_client *client, enum wire_type type, const char *name, struct answer *answer)
{
    uint64_t deadline = client_answer_by(client);
    int result = client_check(client);

    *answer = (struct answer){ .text = NULL };
    while (!result) {
        struct session *session;

        result = take_session(client, deadline, &session);
        if (result)
            break;
        pthread_mutex_lock(&client->asking);
        result = session_ask(session, ++client->questions, type, name,
                             client->answer_ns ? deadline : clock_ns() + ASK_NS, answer, last_error());
        pthread_mutex_unlock(&client->asking);
        put_session(client, session, result, answer->noticed);
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
    struct answer answer;
    int result = client_ask(client, type, NULL, &answer);

    *json = NULL;
    if (result)
        return result;
    if (answer.status)
        result = last_error_set(answer.status, "%s", *answer.text ? answer.text : wisp_status_text(answer.status));
    else
        *json = steal(&answer.text);
    answer_deinit(&answer);
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
