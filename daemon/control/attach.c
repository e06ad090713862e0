/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "daemon/control/attach.h"
#include "daemon/control/limited_log.h"

enum { ATTACHERS = 8, PATIENCE_MS = 1000 };
#define END_NS (100 * NS_PER_MS)

/* What it has under way is its thread's, from helper_ask() to helper_done(). */
struct attacher {
    struct helper *helper; /* NULL: not needed yet */
    struct helper_job job;
    bool busy;
    bool told; /* it is the answer that is under way */
    uid_t uid;
    uint32_t index, generation; /* of the connection */
    uint32_t number;            /* of the buffer */
    uint64_t size;
    int socket; /* its end of the pair */
    int result;
    struct reason why;
    struct region region;
    struct message message;
};

struct attachers {
    struct attacher list[ATTACHERS];
};

static struct attacher *attacher_of(struct helper_job *job)
{
    return (struct attacher *)((char *)job - offsetof(struct attacher, job));
}

/* ---- on an attacher's thread ---- */

static int receive(struct attacher *attacher)
{
    struct message *message = &attacher->message;
    struct pollfd wait = { .fd = attacher->socket, .events = POLLIN };
    struct reason *why = &attacher->why;
    int result;

    if (poll(&wait, 1, PATIENCE_MS) <= 0)
        return refuse(why, WISP_E_TIMEOUT, "no buffer came within %d ms", PATIENCE_MS);
    result = message_receive(attacher->socket, message, true, MSG_DONTWAIT, why);
    if (result)
        return result;
    if (message->header.type != WIRE_ATTACH || message->fd_count != 1)
        result = refuse(why, WISP_E_INVALID, "%u descriptors where one buffer was to come", message->fd_count);
    if (!result)
        result = region_map_theirs(&attacher->region, steal_fd(&message->fds[0]), attacher->size, why);
    message_deinit(message);
    return result;
}

static void map(struct helper_job *job)
{
    struct attacher *attacher = attacher_of(job);

    attacher->result = receive(attacher);
}

/* What else the client has sent goes with the socket. */
static void tell(struct helper_job *job)
{
    struct attacher *attacher = attacher_of(job);
    struct message *message = &attacher->message;
    const size_t length = attacher->result ? strlen(attacher->why.text) : 0;

    message->control = (struct wire_control){
        .header = { .magic = WIRE_MAGIC,
                    .type = WIRE_ATTACH | WIRE_REPLY,
                    .length = (uint32_t)(sizeof message->control + length) },
        .status = attacher->result,
        .route = attacher->number,
        .total = (uint32_t)length,
    };
    insist(length < sizeof attacher->why.text, "%zu", length);
    memcpy(message->bytes + sizeof message->control, attacher->why.text, length);
    (void)message_send(attacher->socket, message->bytes, message->header.length, NULL, 0, MSG_DONTWAIT);
    close(attacher->socket);
    region_deinit(&attacher->region); /* where the channel has gone meanwhile */
}

static void ask(struct attacher *attacher, void (*run)(struct helper_job *job))
{
    attacher->job.run = run;
    helper_ask(attacher->helper, &attacher->job);
}

/* ---- whose turn it is ---- */

/* One that is free and has its thread; a user has one at a time. */
static int choose(struct wispd *daemon, uid_t uid, struct attacher **out, struct reason *why)
{
    struct attacher *found = NULL;

    if (!daemon->attachers)
        daemon->attachers = calloc(1, sizeof *daemon->attachers);
    if (!daemon->attachers)
        return refuse_errno(why, -ENOMEM, "attaching a buffer");
    for (int i = 0; i < ATTACHERS; i++) {
        struct attacher *attacher = &daemon->attachers->list[i];

        if (attacher->busy && attacher->uid == uid)
            return refuse(why, WISP_E_BUSY, "another buffer of user %u is being attached: try again", (unsigned)uid);
        if (!attacher->busy && !found)
            found = attacher;
    }
    if (!found)
        return refuse(why, WISP_E_BUSY, "%d buffers of other users are being attached: try again", ATTACHERS);
    if (!found->helper) {
        int result = helper_new("wispd-attacher", &found->helper);

        if (result)
            return refuse_thread(why, result, "attaching a buffer");
        result = loop_edge(daemon->loop, helper_eventfd(found->helper), event_token(EVENT_ATTACHER, NULL));
        if (result) {
            found->helper = helper_free(found->helper); /* one that nobody listens to would never be done */
            return refuse_errno(why, result, "attaching a buffer");
        }
    }
    *out = found;
    return 0;
}

/* The lowest that is not there. None is on its way: a user has one attacher at a time. */
static int choose_number(const struct connection *connection, uint32_t *number, struct reason *why)
{
    for (uint32_t i = 0; i < WIRE_BUFFERS_MAX; i++) {
        if (buffer_size(&connection->channel.memory.buffers[i]))
            continue;
        *number = i;
        return 0;
    }
    return refuse(why, WISP_E_NO_SPACE, "this client has %d buffers, and may have no more: free one", WIRE_BUFFERS_MAX);
}

int buffer_attach(struct wispd *daemon, struct connection *connection, uint64_t size, uint32_t *number, int *socket,
                  struct reason *why)
{
    struct attacher *attacher = NULL;
    int pair[2];
    int result = choose_number(connection, number, why);

    if (!result)
        result = choose(daemon, connection->uid, &attacher, why);
    if (!result)
        result = users_charge_more(&daemon->users, connection->user, size, why);
    if (result)
        return result;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        result = -errno;
        users_charge_less(connection->user, size);
        return refuse_errno(why, result, "attaching a buffer");
    }
    insist(!attacher->busy && *number < WIRE_BUFFERS_MAX && !attacher->region.address, "%u", *number);
    connection->charged += size;
    attacher->busy = true;
    attacher->told = false;
    attacher->uid = connection->uid;
    attacher->index = connection->channel.index;
    attacher->generation = connection->channel.generation;
    attacher->number = *number;
    attacher->size = size;
    attacher->socket = pair[0];
    attacher->region = REGION_NULL;
    attacher->why = (struct reason){ "" };
    ask(attacher, map);
    *socket = pair[1];
    return 0;
}

static void give_back(struct connection *connection, uint64_t size)
{
    insist(size <= connection->charged);
    users_charge_less(connection->user, size);
    connection->charged -= size;
}

/* It is mapped, or is not: then the channel has it, and its client is told; then the attacher is free. A channel that
 * has gone is charged for nothing any more. */
static void go_on(struct wispd *daemon, struct attacher *attacher)
{
    struct connection *connection = connection_find(&daemon->table, attacher->index, attacher->generation);

    insist(attacher->busy);
    if (attacher->told) {
        attacher->busy = false;
        return;
    }
    attacher->told = true;
    if (connection && attacher->result) {
        log_limited(connection, LOG_LEVEL_INFO, "refused: %s", attacher->why.text);
        give_back(connection, attacher->size);
    } else if (connection) {
        buffer_open(&connection->channel.memory.buffers[attacher->number], &attacher->region);
    }
    ask(attacher, tell);
}

void attachers_ready(struct wispd *daemon)
{
    for (int i = 0; daemon->attachers && i < ATTACHERS; i++) {
        struct attacher *attacher = &daemon->attachers->list[i];

        if (attacher->helper && helper_done(attacher->helper))
            go_on(daemon, attacher);
    }
}

/* ---- back ---- */

int buffer_detach(struct connection *connection, uint32_t number, struct reason *why)
{
    struct channel_memory *memory = &connection->channel.memory;
    struct buffer *buffer = &memory->buffers[number];

    insist(number < WIRE_BUFFERS_MAX, "%u", number); /* wire_check_message() has seen to it */
    if (!buffer_size(buffer))
        return refuse(why, WISP_E_INVALID, "buffer %" PRIu32 " is not there", number);
    if (connection->job_out)
        return refuse(why, WISP_E_BUSY, "the buffer before it is still being taken apart: try again");
    if (!buffer_close(buffer, &memory->detached))
        return refuse(why, WISP_E_BUSY, "a request uses buffer %" PRIu32 ": wait for it", number);
    give_back(connection, memory->detached.size);
    return 0;
}

void attachers_end(struct wispd *daemon)
{
    struct attachers *attachers = daemon->attachers;
    bool ended = true;

    for (int i = 0; attachers && i < ATTACHERS; i++) {
        struct attacher *attacher = &attachers->list[i];

        if (!attacher->helper)
            continue;
        if (!helper_end(attacher->helper, END_NS))
            ended = false;
        else if (attacher->busy && !attacher->told)
            tell(&attacher->job); /* what it has received and nobody has taken */
    }
    if (ended)
        free(attachers);
    daemon->attachers = NULL;
}
