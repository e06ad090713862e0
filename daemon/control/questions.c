/* SPDX-License-Identifier: Apache-2.0
 *
 * Control messages of an open channel: list, describe, status, reload, stats, clients.
 *
 * One at a time: while a reply waits for room in the socket, the next message is not read, so a client that asks and
 * does not listen costs one reply's memory, and little of that is not shared. At most one message a channel is handled
 * per event, and each user has a rate: past it a question has its turn booked and is read when that comes, so that
 * questions take no more than their share of the thread from those who want answers of models.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/control/attach.h"
#include "daemon/control/channels.h"
#include "daemon/control/describe.h"
#include "daemon/control/keep.h"
#include "daemon/control/limited_log.h"
#include "daemon/control/questions.h"
#include "daemon/control/reload.h"

/* Far more than programs ask, which ask when they begin. */
static const struct budget_rate rate = { .every_ns = 1 * NS_PER_MS, .burst = 256 };

/* Of one user's answers that wait to be read, beside the first one and small ones. */
#define ANSWERS_MAX ((uint64_t)WIRE_TEXT_MAX)

enum { SMALL = 4096 };

/* ---- replies ---- */

/* Copies the next piece of the reply behind its head. */
static void copy_piece(const struct outbox *outbox, unsigned char *to, size_t length)
{
    size_t at = outbox->offset;
    size_t shared = at < outbox->shared_length ? MIN(length, outbox->shared_length - at) : 0;

    insist(at + length <= outbox->shared_length + outbox->own_length, "%zu at %zu", length, at);
    if (shared)
        memcpy(to, outbox->shared + at, shared);
    if (length > shared)
        memcpy(to + shared, outbox->own + (at + shared - outbox->shared_length), length - shared);
}

/* Sends what the socket takes. 0 when all is sent, -EAGAIN, -errno. */
static int outbox_send(struct wispd *daemon, struct connection *connection)
{
    struct outbox *outbox = &connection->outbox;
    struct message *message = &daemon->inbox; /* what was in it has been read */

    insist(outbox->busy && outbox->offset <= outbox->length, "%zu of %zu", outbox->offset, outbox->length);
    do {
        size_t piece = MIN(outbox->length - outbox->offset, (size_t)WIRE_CONTROL_MAX);
        size_t length = sizeof outbox->head + piece;
        int result;

        message->control = outbox->head;
        message->control.header.length = (uint32_t)length;
        message->control.offset = (uint32_t)outbox->offset;
        copy_piece(outbox, message->bytes + sizeof outbox->head, piece);
        result = message_send(connection->socket, message->bytes, length, NULL, 0, MSG_DONTWAIT);
        if (result)
            return result;
        outbox->offset += piece;
    } while (outbox->offset < outbox->length);
    connection_drop_reply(connection);
    return 0;
}

/* Takes the text over. A user whose channels hold too much that he does not read is told so instead. */
static int reply(struct wispd *daemon, struct connection *connection, const struct wire_control *request, int status,
                 uint32_t route, struct description text)
{
    struct user *user = connection->user;
    size_t shared = text.shared ? strlen(text.shared) : 0, own = text.own ? strlen(text.own) : 0;

    insist(!connection->outbox.busy);
    if (own > SMALL && user->answers && !size_within(user->answers, own, ANSWERS_MAX)) {
        free(text.own);
        status = WISP_E_BUSY;
        shared = 0;
        text.own = strdup("too many answers to your questions wait to be read");
        own = text.own ? strlen(text.own) : 0;
    }
    if (!text.own)
        return -ENOMEM;
    user->answers += own;
    daemon->questions++;
    connection->outbox = (struct outbox){
        .busy = true,
        .shared = text.shared,
        .own = text.own,
        .shared_length = shared,
        .own_length = own,
        .length = MIN(shared + own, (size_t)WIRE_TEXT_MAX),
    };
    connection->outbox.head = (struct wire_control){
        .header = { .magic = WIRE_MAGIC, .type = request->header.type | WIRE_REPLY },
        .status = status,
        .id = request->id,
        .route = route,
        .total = (uint32_t)connection->outbox.length,
    };
    return outbox_send(daemon, connection);
}

/* ---- questions ---- */

static int answer_list(struct wispd *daemon, struct connection *connection, const struct wire_control *request)
{
    return reply(daemon, connection, request, WISP_OK, 0, describe_models(daemon));
}

static int answer_status(struct wispd *daemon, struct connection *connection, const struct wire_control *request)
{
    return reply(daemon, connection, request, WISP_OK, 0, describe_daemon(daemon));
}

static int answer_describe(struct wispd *daemon, struct connection *connection, const struct wire_control *request)
{
    const char *payload = (const char *)(request + 1);
    size_t length = strnlen(payload, MIN(request->header.length - sizeof *request, (size_t)WIRE_NAME_MAX));
    char name[WIRE_NAME_MAX];
    uint32_t route;

    /* Out of the message, whose memory the reply is put together in. Only printable characters are repeated. */
    insist(length > 0 && length < WIRE_NAME_MAX, "%zu", length);
    memcpy(name, payload, length);
    route = model_set_find(daemon->set, name, length);
    if (route != ROUTE_NONE)
        return reply(daemon, connection, request, WISP_OK, route, describe_model(daemon, route));
    for (size_t i = 0; i < length; i++) {
        if (name[i] < ' ' || name[i] > '~')
            name[i] = '?';
    }
    return reply(daemon, connection, request, WISP_E_NO_MODEL, 0, describe_unknown(daemon, name, length));
}

/* Why it is not begun: in the words of what was asked for. */
static const char *reload_refusal(int result, enum loading_kind kind)
{
    const bool rollback = kind == LOADING_BEFORE;

    switch (result) {
    case WISP_E_DENIED:
        return rollback ? "only root and the user that wispd runs as may have it roll back"
                        : "only root and the user that wispd runs as may have it reload";
    case WISP_E_BUSY:
        return rollback ? "a reload has been asked for and comes first: try again"
                        : "a rollback has been asked for and comes first: try again";
    default:
        return "wispd is stopping";
    }
}

/* Who may not is told so at once; the others when it is done. */
static int answer_reload(struct wispd *daemon, struct connection *connection, const struct wire_control *request)
{
    const enum loading_kind kind = request->header.type == WIRE_ROLLBACK ? LOADING_BEFORE : LOADING_CONFIGURED;
    int result = WISP_E_DENIED;

    if (reload_may(connection)) {
        connection->asked = *request;
        result = daemon->reload ? reload_ask(daemon, kind, connection) : WISP_E_SHUTDOWN;
    }
    if (!result)
        return -EINPROGRESS;
    return reply(daemon, connection, request, result, 0,
                 (struct description){ .own = strdup(reload_refusal(result, kind)) });
}

/* ---- buffers ---- */

static int reply_why(struct wispd *daemon, struct connection *connection, const struct wire_control *request,
                     int status, const struct reason *why)
{
    return reply(daemon, connection, request, status, 0, (struct description){ .own = strdup(why->text) });
}

/* Of a channel with memory, where both ends know of them. */
static bool may_have_buffers(const struct connection *connection)
{
    return connection->state == CONNECTION_OPEN && connection->welcome.features & WIRE_FEATURE_BUFFERS;
}

/* The reply has a descriptor, and no text that could have to wait. */
static int answer_attach(struct wispd *daemon, struct connection *connection, const struct wire_attach *attach,
                         const struct wire_control *request)
{
    struct wire_control head = {
        .header = { .magic = WIRE_MAGIC, .type = WIRE_ATTACH | WIRE_REPLY, .length = sizeof head }, .id = request->id
    };
    struct reason why = { "" };
    int socket, result;

    if (daemon->stopping) /* it is another's, or nobody's, in a moment */
        return reply(daemon, connection, request, WISP_E_SHUTDOWN, 0,
                     (struct description){ .shared = "wispd is stopping" });
    keep_never(daemon, connection); /* another daemon would not have its buffers */
    result = buffer_attach(daemon, connection, attach->size, &head.route, &socket, &why);

    if (result)
        return reply_why(daemon, connection, request, result, &why);
    daemon->questions++;
    result = message_send(connection->socket, &head, sizeof head, &socket, 1, MSG_DONTWAIT);
    close(socket);
    return result == -EAGAIN ? -ENOBUFS : result; /* it reads nothing */
}

static int answer_detach(struct wispd *daemon, struct connection *connection, const struct wire_attach *attach,
                         const struct wire_control *request)
{
    struct reason why = { "detached" };
    int result = buffer_detach(connection, attach->number, &why);

    if (!result)
        channels_unmap(daemon, connection);
    return reply_why(daemon, connection, request, result, &why);
}

static int answer_buffer(struct wispd *daemon, struct connection *connection, const struct message *message)
{
    const struct wire_control request = message->control;
    struct wire_attach attach;

    memcpy(&attach, message->bytes + sizeof request, sizeof attach);
    if (!may_have_buffers(connection)) {
        log_limited(connection, LOG_LEVEL_NOTICE, "speaks of buffers, and can have none: closed");
        return WISP_E_INVALID;
    }
    return request.header.type == WIRE_ATTACH ? answer_attach(daemon, connection, &attach, &request)
                                              : answer_detach(daemon, connection, &attach, &request);
}

static int answer(struct wispd *daemon, struct connection *connection, const struct message *message)
{
    struct wire_control request = message->control;

    switch (message->header.type) {
    case WIRE_LIST:
        return answer_list(daemon, connection, &request);
    case WIRE_STATUS:
        return answer_status(daemon, connection, &request);
    case WIRE_RELOAD:
    case WIRE_ROLLBACK:
        return answer_reload(daemon, connection, &request);
    case WIRE_STATS:
        return reply(daemon, connection, &request, WISP_OK, 0, describe_stats(daemon, connection->uid));
    case WIRE_CLIENTS:
        return reply(daemon, connection, &request, WISP_OK, 0, describe_clients(daemon, connection->uid));
    case WIRE_ATTACH:
    case WIRE_DETACH:
        return answer_buffer(daemon, connection, message);
    case WIRE_DESCRIBE:
        return answer_describe(daemon, connection, &message->control);
    default:
        log_limited(connection, LOG_LEVEL_NOTICE, "sent a message of type %u: closed", message->header.type);
        return WISP_E_INVALID;
    }
}

static int receive(struct wispd *daemon, struct connection *connection)
{
    struct reason why = { "" };
    int result;

    keep_asking(connection, true);
    result = message_receive(connection->socket, &daemon->inbox, false, MSG_DONTWAIT, &why);
    if (!result)
        return answer(daemon, connection, &daemon->inbox);
    if (result > 0)
        log_limited(connection, LOG_LEVEL_NOTICE, "%s: closed", why.text);
    return result;
}

/* Meanwhile nothing is read. */
static bool is_being_answered(const struct connection *connection)
{
    return connection->outbox.busy || connection->reload;
}

/* What it listens for next: room for the rest of an answer, the end alone while an answer is being found, or the next
 * question. That a client sends nothing more is its end, too, and io_uring says so unasked: as long as nothing is read,
 * again and again. */
static unsigned awaited(const struct connection *connection)
{
    if (!is_being_answered(connection))
        return POLLIN;
    return POLLRDHUP | (connection->outbox.busy ? POLLOUT : 0);
}

static void go_on(struct wispd *daemon, struct connection *connection, int result)
{
    keep_asking(connection, is_being_answered(connection));
    if (!result || result == -EAGAIN || result == -EINPROGRESS)
        result =
            loop_ready(daemon->loop, connection->socket, awaited(connection), event_token(EVENT_SOCKET, connection));
    if (result)
        channels_hang_up(daemon, connection);
}

void questions_answer(struct wispd *daemon, struct connection *connection)
{
    insist(connection->state == CONNECTION_OPEN || connection->state == CONNECTION_ASKING, "is %d", connection->state);
    insist(!is_being_answered(connection)); /* one at a time */
    go_on(daemon, connection, receive(daemon, connection));
}

static void answer_late(struct wispd *daemon, struct connection *connection, const struct reload_answer *done)
{
    struct description text = { .own = done->text ? strdup(done->text) : NULL };

    connection->reload = 0;
    loop_cancel(daemon->loop, connection->socket); /* which has listened for its end */
    go_on(daemon, connection, reply(daemon, connection, &connection->asked, done->status, 0, text));
}

void questions_answer_reload(struct wispd *daemon)
{
    struct reload_answer done;

    if (!daemon->reload || !reload_take_answer(daemon->reload, &done))
        return;
    for (uint32_t i = 0; i < daemon->table.capacity; i++) {
        if (daemon->table.connections[i].reload == done.number)
            answer_late(daemon, &daemon->table.connections[i], &done);
    }
    free(done.text);
}

void questions_ready(struct wispd *daemon, struct connection *connection, const struct loop_event *event)
{
    const int gone = POLLHUP | POLLERR | (is_being_answered(connection) ? POLLRDHUP : 0);
    uint64_t now = clock_ns(), due;

    /* Nobody is there any more to hear an answer. */
    if (event->result < 0 || event->result & gone) {
        channels_hang_up(daemon, connection);
        return;
    }
    if (connection->outbox.busy) {
        go_on(daemon, connection, outbox_send(daemon, connection));
        return;
    }
    connection->asked_ns = now;
    due = budget_book(&connection->user->questions, &rate, now);
    if (due <= now)
        questions_answer(daemon, connection);
    else if (loop_timer(daemon->loop, due, event_token(EVENT_QUESTION, connection)))
        channels_hang_up(daemon, connection);
}
