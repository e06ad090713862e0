/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/deadline.h"
#include "client/question.h"
#include "libipc/message.h"

void reply_deinit(struct reply *reply)
{
    free(reply->text);
    if (reply->fd >= 0)
        close(reply->fd);
    *reply = (struct reply){ .fd = -1 };
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

static int ask(int socket, struct message *message, const struct question *question, struct reason *why)
{
    int result;

    insist(question->length <= WIRE_CONTROL_MAX, "%zu", question->length);
    message->control = (struct wire_control){
        .header = { .magic = WIRE_MAGIC,
                    .type = (uint16_t)question->type,
                    .length = (uint32_t)(sizeof message->control + question->length) },
        .id = question->id,
    };
    if (question->length)
        memcpy(message->bytes + sizeof message->control, question->body, question->length);
    for (;;) {
        result = message_send(socket, message->bytes, message->header.length, NULL, 0, MSG_DONTWAIT);
        if (result != -EAGAIN)
            return result ? refuse_errno(why, WISP_E_LOST, "cannot ask wispd") : 0;
        result = wait_for(socket, POLLOUT, question->deadline_ns, why);
        if (result)
            return result;
    }
}

/* Adds a part to the reply. */
static int join(struct reply *reply, const struct message *message, struct reason *why)
{
    const struct wire_control *part = &message->control;
    size_t payload = message->length - sizeof *part;

    if (part->offset != reply->length || (reply->text && (part->status != reply->status)))
        return refuse(why, WISP_E_INVALID, "wispd's reply has a gap at byte %zu", reply->length);
    if (!reply->text) {
        reply->text = malloc((size_t)part->total + 1);
        if (!reply->text)
            return refuse_errno(why, -ENOMEM, "a reply of %u bytes", part->total);
        reply->status = part->status;
        reply->route = part->route;
        reply->total = part->total;
    }
    insist(payload <= reply->total - reply->length, "%zu at %zu of %zu", payload, reply->length, reply->total);
    memcpy(reply->text + reply->length, message->bytes + sizeof *part, payload);
    reply->length += payload;
    reply->text[reply->length] = 0;
    return 0;
}

/* A part of the reply, or something else. -EAGAIN: not the whole reply yet. */
static int take_part(struct message *message, const struct question *question, struct reply *reply, struct reason *why)
{
    int result;

    if (message->header.type == WIRE_NOTIFY)
        reply->noticed = true;
    if (message->header.type != (question->type | WIRE_REPLY) || message->control.id != question->id)
        return -EAGAIN;
    if (reply->text && reply->total != message->control.total)
        return refuse(why, WISP_E_INVALID, "wispd's reply changes its length");
    if (reply->fd < 0)
        reply->fd = steal_fd(&message->fds[0]);
    result = join(reply, message, why);
    return result ? result : reply->length == reply->total ? 0 : -EAGAIN;
}

/* The same; descriptors that belong to no reply that is waited for are closed. */
static int hear(int socket, struct message *message, const struct question *question, struct reply *reply,
                struct reason *why)
{
    int result = message_receive(socket, message, true, MSG_DONTWAIT, why);

    if (result == -EAGAIN || result == -ENOMEM || result > 0)
        return result;
    if (result)
        return WISP_E_LOST;
    result = take_part(message, question, reply, why);
    message_deinit(message);
    return result;
}

/* A question that an older daemon does not know would end the connection. */
static int check_known(const struct session *session, const struct question *question, struct reason *why)
{
    static const struct {
        enum wire_type type;
        uint64_t feature;
    } later[] = {
        { WIRE_STATS, WIRE_FEATURE_SIGHT },    { WIRE_CLIENTS, WIRE_FEATURE_SIGHT },
        { WIRE_RELOAD, WIRE_FEATURE_RELOAD },  { WIRE_ROLLBACK, WIRE_FEATURE_RELOAD },
        { WIRE_ATTACH, WIRE_FEATURE_BUFFERS }, { WIRE_DETACH, WIRE_FEATURE_BUFFERS },
    };

    for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
        if (later[i].type == question->type && !(session->features & later[i].feature))
            return refuse(why, WISP_E_VERSION, "%s is of a version that cannot do that: restart it", session->server);
    }
    return 0;
}

int session_ask(struct session *session, const struct question *question, struct reply *reply, struct reason *why)
{
    cleanup_free struct message *message = malloc(sizeof *message);
    int result;

    *reply = (struct reply){ .serial = session->serial, .fd = -1 };
    insist(session->socket >= 0 && (session->talkers || !session->serial)); /* so that it stays open */
    result = check_known(session, question, why);
    if (result)
        return result;
    if (!message)
        return refuse_errno(why, -ENOMEM, "asking wispd");
    result = ask(session->socket, message, question, why);
    while (!result) {
        result = hear(session->socket, message, question, reply, why);
        if (!result)
            return 0;
        if (result == -EAGAIN)
            result = wait_for(session->socket, POLLIN, question->deadline_ns, why);
    }
    reply_deinit(reply);
    return result;
}
