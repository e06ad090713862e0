/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <wisp/private.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/ask.h"
#include "client/attach.h"
#include "client/buffers.h"
#include "client/last_error.h"

#define PATIENCE_NS  (1 * NS_PER_S)
#define HAND_OVER_NS (10 * NS_PER_S)

/* With the session that is current; -EAGAIN: that has gone meanwhile. */
static int attach(struct wisp_buffer *buffer, uint64_t until_ns)
{
    struct wisp_client *client = buffer->client;
    const struct wire_attach body = { .size = buffer->size };
    struct reply reply;
    int result = client_ask_about(client, WIRE_ATTACH, &body, sizeof body, 0, &reply);

    if (!result)
        result = buffer_hand_over(buffer, &reply, until_ns, last_error());
    if (result == WISP_E_LOST && reply.serial)
        result = -EAGAIN;
    if (!result) {
        pthread_mutex_lock(&client->lock);
        buffer->number = reply.route;
        buffer->serial = reply.serial;
        if (client->up && client->session->serial == reply.serial)
            buffer_link(buffer);
        else
            result = -EAGAIN;
        pthread_mutex_unlock(&client->lock);
    }
    reply_deinit(&reply);
    return result;
}

int buffer_begin(struct wisp_client *client, int fd, uint64_t size, void *address, struct wisp_buffer **out)
{
    struct wisp_buffer *buffer = calloc(1, sizeof *buffer);
    const uint64_t by = wisp_private_answer_by(client), until = MIN(by, clock_ns() + PATIENCE_NS);
    int result;

    insist(fd >= 0 && size > 0 && size % WIRE_PAGE == 0, "%llu", (unsigned long long)size);
    if (!buffer)
        return refuse_errno(last_error(), -ENOMEM, "a buffer");
    *buffer = (struct wisp_buffer){ .client = client, .fd = fd, .size = size, .address = address };
    do
        result = attach(buffer, MIN(by, clock_ns() + HAND_OVER_NS));
    while ((result == -EAGAIN && clock_ns() < until) || buffer_try_again(result, until));
    if (result == -EAGAIN)
        result = last_error_set(WISP_E_LOST, "wispd ends whenever a buffer is attached");
    if (result)
        free(buffer);
    else
        *out = buffer;
    return result;
}

/* What does not succeed the daemon does at the end of the channel. */
static void detach(struct wisp_client *client, uint32_t number, uint64_t serial)
{
    const struct wire_attach body = { .number = number };
    const uint64_t until = clock_ns() + PATIENCE_NS;
    struct reply reply;
    int result;

    do {
        result = client_ask_about(client, WIRE_DETACH, &body, sizeof body, serial, &reply);
        if (!result)
            result = reply.status;
        reply_deinit(&reply);
    } while (buffer_try_again(result, until));
}

int buffer_end(struct wisp_buffer *buffer)
{
    struct wisp_client *client = buffer->client;
    const uint32_t number = buffer->number;
    uint64_t serial;

    pthread_mutex_lock(&client->lock);
    if (buffer->requests) {
        pthread_mutex_unlock(&client->lock);
        return last_error_set(WISP_E_BUSY, "%u requests stand in the buffer, or are not over: free them first",
                              buffer->requests);
    }
    buffer_unlink(buffer);
    serial = client->up && buffer->serial == client->session->serial ? buffer->serial : 0;
    if (client->renewing == buffer)
        buffer->gone = true;
    else
        buffer_destroy(buffer);
    pthread_mutex_unlock(&client->lock);
    if (serial)
        detach(client, number, serial);
    return 0;
}
