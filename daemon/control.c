/* SPDX-License-Identifier: Apache-2.0
 *
 * Control messages of an open channel: list, describe, status.
 *
 * One at a time: while a reply waits for room in the socket, the next message is not read, so a client that asks and
 * does not listen costs one reply's memory. At most one message a channel is handled per event.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/size.h"
#include "daemon/gripe.h"
#include "daemon/wispd.h"

/* ---- replies ---- */

/* Sends what the socket takes. 0 when all is sent, -EAGAIN, -errno. */
static int outbox_send(struct wispd *daemon, struct channel *channel)
{
    struct outbox *outbox = &channel->outbox;
    struct message *message = &daemon->inbox; /* what was in it has been read */

    do {
        size_t piece = MIN(outbox->length - outbox->offset, (size_t)WIRE_CONTROL_MAX);
        size_t length = sizeof outbox->head + piece;
        int result;

        message->control = outbox->head;
        message->control.header.length = (uint32_t)length;
        message->control.offset = (uint32_t)outbox->offset;
        memcpy(message->bytes + sizeof outbox->head, outbox->text + outbox->offset, piece);
        result = message_send(channel->socket, message->bytes, length, NULL, 0, MSG_DONTWAIT);
        if (result)
            return result;
        outbox->offset += piece;
    } while (outbox->offset < outbox->length);
    free(outbox->text);
    *outbox = (struct outbox){ .text = NULL };
    return 0;
}

/* Takes `text` over. */
static int reply(struct wispd *daemon, struct channel *channel, const struct wire_control *request, int status,
                 uint32_t route, char *text)
{
    size_t length;

    if (!text)
        return -ENOMEM;
    length = MIN(strlen(text), (size_t)WIRE_TEXT_MAX);
    channel->outbox = (struct outbox){
        .text = text,
        .length = length,
        .head = { .header = { .magic = WIRE_MAGIC, .type = request->header.type | WIRE_REPLY },
                  .status = status,
                  .id = request->id,
                  .route = route,
                  .total = (uint32_t)length },
    };
    return outbox_send(daemon, channel);
}

/* ---- questions ---- */

static int answer_list(struct wispd *daemon, struct channel *channel, const struct wire_control *request)
{
    return reply(daemon, channel, request, WISP_OK, 0, describe_models(daemon));
}

static int answer_status(struct wispd *daemon, struct channel *channel, const struct wire_control *request)
{
    return reply(daemon, channel, request, WISP_OK, 0, describe_daemon(daemon));
}

/* "no model \"x\"; there are: a (image.classification), b (…)" */
static char *unknown_model(const struct registry *registry, const char *name, size_t length)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fprintf(out, "no model or processing type \"%.*s\"; ", (int)length, name);
    fputs(registry->model_count ? "there are: " : "none is loaded", out);
    for (uint32_t i = 0; i < registry->model_count; i++)
        fprintf(out, "%s%s (%s)", i ? ", " : "", registry->models[i].name, registry->models[i].processing);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

static int answer_describe(struct wispd *daemon, struct channel *channel, const struct wire_control *request)
{
    const char *payload = (const char *)(request + 1);
    size_t length = strnlen(payload, MIN(request->header.length - sizeof *request, (size_t)WIRE_NAME_MAX));
    char name[WIRE_NAME_MAX];
    uint32_t route;

    /* Out of the message, whose memory the reply is put together in. Only printable characters are repeated. */
    memcpy(name, payload, length);
    route = registry_find(&daemon->registry, name, length);
    if (route != ROUTE_NONE)
        return reply(daemon, channel, request, WISP_OK, route, describe_model(daemon, route));
    for (size_t i = 0; i < length; i++) {
        if (name[i] < ' ' || name[i] > '~')
            name[i] = '?';
    }
    return reply(daemon, channel, request, WISP_E_NO_MODEL, 0, unknown_model(&daemon->registry, name, length));
}

static int answer(struct wispd *daemon, struct channel *channel, const struct message *message)
{
    struct wire_control request = message->control;

    switch (message->header.type) {
    case WIRE_LIST:
        return answer_list(daemon, channel, &request);
    case WIRE_STATUS:
        return answer_status(daemon, channel, &request);
    case WIRE_DESCRIBE:
        return answer_describe(daemon, channel, &message->control);
    default:
        gripe(channel, LOG_NOTICE, "sent a message of type %u: closed", message->header.type);
        return WISP_E_INVALID;
    }
}

static int receive(struct wispd *daemon, struct channel *channel)
{
    struct reason why = { "" };
    int result = message_receive(channel->socket, &daemon->inbox, false, MSG_DONTWAIT, &why);

    if (!result)
        return answer(daemon, channel, &daemon->inbox);
    if (result > 0)
        gripe(channel, LOG_NOTICE, "%s: closed", why.text);
    return result;
}

void control_ready(struct wispd *daemon, struct channel *channel)
{
    int result = channel->outbox.text ? outbox_send(daemon, channel) : receive(daemon, channel);

    if (!result || result == -EAGAIN)
        result = loop_ready(daemon->loop, channel->socket, channel->outbox.text ? POLLOUT : POLLIN,
                            event_token(EVENT_SOCKET, channel));
    if (result)
        wispd_hang_up(daemon, channel);
}
