/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "client/buffers.h"
#include "client/deadline.h"
#include "libipc/message.h"

/* A user's buffers are attached one at a time, so his other clients may be in the way for a moment. */
#define TRY_AGAIN_NS (2 * NS_PER_MS)

/* ---- one attachment ---- */

static int hear(int socket, struct message *message, uint64_t deadline_ns, struct reason *why)
{
    struct pollfd wait = { .fd = socket, .events = POLLIN };
    int result;

    while ((result = message_receive(socket, message, false, MSG_DONTWAIT, why)) == -EAGAIN) {
        if (clock_ns() >= deadline_ns)
            return refuse(why, WISP_E_TIMEOUT, "wispd does not answer: it is stopped, or stuck");
        (void)poll(&wait, 1, deadline_poll_ms(deadline_ns));
    }
    return result;
}

/* By the socket that came with the reply: the memory goes there, and what the daemon makes of it comes back. */
static int hand_over(const struct wisp_buffer *buffer, int socket, uint64_t deadline_ns, struct reason *why)
{
    cleanup_free struct message *message = malloc(sizeof *message);
    const struct wire_attach attach = { .size = buffer->size };
    const size_t length = sizeof message->control + sizeof attach;
    int result;

    if (!message)
        return refuse_errno(why, -ENOMEM, "attaching a buffer");
    message->control =
        (struct wire_control){ .header = { .magic = WIRE_MAGIC, .type = WIRE_ATTACH, .length = (uint32_t)length } };
    memcpy(message->bytes + sizeof message->control, &attach, sizeof attach);
    result = message_send(socket, message->bytes, length, &buffer->fd, 1, MSG_DONTWAIT);
    if (!result)
        result = hear(socket, message, deadline_ns, why);
    if (result < 0)
        return refuse(why, WISP_E_LOST, "wispd ended while a buffer was attached");
    if (!result && message->header.type != (WIRE_ATTACH | WIRE_REPLY))
        result = refuse(why, WISP_E_INVALID, "wispd answers a buffer with something else");
    if (!result && message->control.status)
        result = refuse(why, message->control.status, "%s", (const char *)message->bytes + sizeof message->control);
    return result;
}

int buffer_hand_over(const struct wisp_buffer *buffer, const struct reply *reply, uint64_t deadline_ns,
                     struct reason *why)
{
    if (reply->status)
        return refuse(why, reply->status, "%s", reply->text);
    if (reply->fd < 0 || reply->route >= WIRE_BUFFERS_MAX)
        return refuse(why, WISP_E_INVALID, "wispd's reply about a buffer makes no sense");
    return hand_over(buffer, reply->fd, deadline_ns, why);
}

bool buffer_try_again(int result, uint64_t until_ns)
{
    static const struct timespec pause = { .tv_nsec = TRY_AGAIN_NS };

    if (result != WISP_E_BUSY || clock_ns() >= until_ns)
        return false;
    (void)nanosleep(&pause, NULL);
    return true;
}

/* ---- the list ---- */

void buffer_link(struct wisp_buffer *buffer)
{
    struct wisp_client *client = buffer->client;

    insist(!buffer->next && !buffer->previous && client->buffers != buffer);
    buffer->next = client->buffers;
    if (buffer->next)
        buffer->next->previous = buffer;
    client->buffers = buffer;
}

void buffer_unlink(const struct wisp_buffer *buffer)
{
    insist((buffer->previous ? buffer->previous->next : buffer->client->buffers) == buffer);
    insist(!buffer->next || buffer->next->previous == buffer);
    *(buffer->previous ? &buffer->previous->next : &buffer->client->buffers) = buffer->next;
    if (buffer->next)
        buffer->next->previous = buffer->previous;
}

void buffer_destroy(struct wisp_buffer *buffer)
{
    insist(!buffer->requests, "%u", buffer->requests);
    if (buffer->address)
        munmap(buffer->address, buffer->size);
    close(buffer->fd);
    free(buffer);
}

/* ---- a new daemon ---- */

static struct wisp_buffer *next_of_before(const struct wisp_client *client)
{
    struct wisp_buffer *buffer = client->buffers;

    while (buffer && buffer->serial == client->serials + 1)
        buffer = buffer->next;
    return buffer;
}

static int renew(const struct wisp_buffer *buffer, struct session *session, uint64_t until_ns, uint32_t *number,
                 struct reason *why)
{
    const struct wire_attach body = { .size = buffer->size };
    int result;

    do {
        const struct question question = {
            .type = WIRE_ATTACH, .body = &body, .length = sizeof body, .deadline_ns = until_ns
        };
        struct reply reply;

        result = session_ask(session, &question, &reply, why);
        if (!result)
            result = buffer_hand_over(buffer, &reply, until_ns, why);
        *number = reply.route;
        reply_deinit(&reply);
    } while (buffer_try_again(result, until_ns));
    return result;
}

int buffers_renew(struct wisp_client *client, struct session *session, uint64_t until_ns, struct reason *why)
{
    struct wisp_buffer *buffer;
    int result = 0;

    pthread_mutex_lock(&client->lock);
    /* What a session that came to nothing has given them is of no use. */
    for (buffer = client->buffers; buffer; buffer = buffer->next)
        buffer->serial = 0;
    insist(!client->up && client->reaper && !client->renewing);
    while (result != WISP_E_TIMEOUT && (buffer = next_of_before(client))) {
        uint32_t number = 0;

        *why = (struct reason){ "" };
        client->renewing = buffer;
        pthread_mutex_unlock(&client->lock);
        result = renew(buffer, session, until_ns, &number, why);
        pthread_mutex_lock(&client->lock);
        client->renewing = NULL;
        if (buffer->gone) {
            buffer_destroy(buffer); /* the daemon keeps it until the end of the channel */
            continue;
        }
        buffer->serial = client->serials + 1; /* which client_adopt() will give it */
        buffer->number = number;
        buffer->status = result;
        buffer->why = *why;
    }
    pthread_mutex_unlock(&client->lock);
    return result == WISP_E_TIMEOUT ? refuse_in(why, result, "handing the new wispd a buffer") : 0;
}

void buffers_free(struct wisp_client *client)
{
    while (client->buffers) {
        struct wisp_buffer *buffer = client->buffers;

        buffer_unlink(buffer);
        buffer_destroy(buffer);
    }
}
