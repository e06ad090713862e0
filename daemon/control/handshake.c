/* SPDX-License-Identifier: Apache-2.0
 *
 * The handshake: hello in, welcome with three descriptors out, or a status and a sentence.
 *
 * What the channel costs is charged to its user before anything of it is allocated. The memory is made by the helper;
 * the welcome follows when it is done. A refusal names numbers, never a path or another user.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/insist.h"
#include "base/size.h"
#include "daemon/control/channels.h"
#include "daemon/control/handshake.h"
#include "daemon/control/keep.h"
#include "daemon/control/limited_log.h"
#include "daemon/control/room.h"
#include "daemon/models/memory_room.h"
#include "daemon/users/peer.h"

#define SPARE (UINT64_C(4) << 20) /* what the daemon takes for itself meanwhile */

enum { TEXT_MAX = 90 }; /* of a reason, in a welcome */

static const char server_name[] = "wispd " WISP_VERSION;

_Static_assert(sizeof server_name <= sizeof((struct wire_welcome *)0)->name, "the name fits the welcome");

/* Says no, in welcome->text, and ends the connection. */
static void refuse_client(struct wispd *daemon, struct connection *connection, struct wire_welcome *welcome, int status)
{
    welcome->header = (struct wire_header){ .magic = WIRE_MAGIC, .type = WIRE_WELCOME, .length = sizeof *welcome };
    welcome->status = status;
    log_limited(connection, LOG_LEVEL_INFO, "refused: %s", welcome->text);
    daemon->turned_away++;
    (void)message_send(connection->socket, welcome, sizeof *welcome, NULL, 0, MSG_DONTWAIT);
    channels_hang_up(daemon, connection);
}

/* For the log: the client may call itself anything. */
static void name_channel(struct connection *connection, const struct wire_hello *hello)
{
    size_t i;

    for (i = 0; i < sizeof connection->name - 1 && hello->name[i]; i++)
        connection->name[i] = hello->name[i] > ' ' && hello->name[i] < 0x7f ? hello->name[i] : '_';
    connection->name[i] = 0;
}

/* Whether there is room for the channel: in what its user may have, which charges it, and then in the daemon; nobody
 * makes room for one who gets no channel all the same. Those whose memory is still being taken apart count: they hold
 * it. */
static int admit(struct wispd *daemon, struct connection *connection, const struct wire_welcome *welcome,
                 struct reason *why)
{
    const struct connection_table *table = &daemon->table;
    uint32_t most = daemon->config->limits.channels;
    int result = connection_agree(&daemon->table, connection, &daemon->users, welcome, why);

    if (result)
        return result;
    if (connection_table_is_crowded(table, most))
        room_make(daemon, connection->user);
    if (connection_table_is_crowded(table, most))
        return refuse(why, WISP_E_BUSY, "all %u channels are taken: try again later", most);
    return 0;
}

/* A client within its quota is not to have the kernel end the daemon, with all that it serves. */
static int check_room(uint64_t cost, struct reason *why)
{
    const uint64_t room = memory_room();

    if (cost + SPARE <= room)
        return 0;
    return refuse(why, WISP_E_BUSY, "%llu KiB, and MemoryMax= leaves %llu: ask for less, or try again later",
                  (unsigned long long)cost >> 10, (unsigned long long)room >> 10);
}

/* On the helper's thread, one after the other: nobody else takes what is seen to be free. */
static void make_memory(struct helper_job *job)
{
    struct connection *connection = connection_of_job(job);
    struct channel *channel = &connection->channel;

    connection->made = check_room(channel_memory_cost(&channel->layout), &connection->why);
    if (!connection->made)
        connection->made = channel_memory_make(&channel->memory, &channel->layout, &connection->why);
}

int handshake_watch(struct wispd *daemon, struct connection *connection, struct reason *why)
{
    int fd = peer_process(connection->socket, connection->pid);

    insist(connection->process < 0);
    if (fd == -ENODATA) {
        if (!daemon->no_processes)
            log_notice(
                "this kernel does not say when a client's process ends: a client that a forked child of it keeps "
                "open stays until that child ends");
        daemon->no_processes = true;
        return 0;
    }
    if (fd == -ESRCH)
        return refuse(why, WISP_E_LOST, "the process that connected has ended");
    if (fd < 0)
        return refuse_errno(why, fd, "watching the client's process");
    connection->process = fd;
    return loop_ready(daemon->loop, fd, POLLIN, event_token(EVENT_GONE, connection));
}

/* A channel for questions alone takes no memory, and always finds room. */
static int begin_asking(struct wispd *daemon, struct connection *connection, const struct wire_welcome *welcome)
{
    int result;

    room_make_asking(daemon, connection->user);
    connection_ask_only(&daemon->table, connection, welcome);
    result = message_send(connection->socket, &connection->welcome, sizeof connection->welcome, NULL, 0, MSG_DONTWAIT);
    if (!result)
        result = loop_ready(daemon->loop, connection->socket, POLLIN, event_token(EVENT_SOCKET, connection));
    return result;
}

static void go_on(struct wispd *daemon, struct connection *connection, const struct wire_welcome *welcome)
{
    loop_timer_cancel(daemon->loop, event_token(EVENT_HELLO_LATE, connection));
    if (welcome->entries)
        channels_help(daemon, connection, make_memory);
    else if (begin_asking(daemon, connection, welcome))
        channels_hang_up(daemon, connection);
}

static void greet(struct wispd *daemon, struct connection *connection, const struct wire_hello *hello)
{
    struct wire_welcome welcome = { .status = 0 };
    struct reason why = { "" };
    int result = wire_negotiate(hello, &daemon->offer, &welcome);

    name_channel(connection, hello);
    welcome.epoch = daemon->epoch;
    memcpy(welcome.name, server_name, sizeof server_name);
    if (!result) {
        if (daemon->stopping)
            result = refuse(&why, WISP_E_SHUTDOWN, "the daemon is stopping");
        if (!result)
            result = handshake_watch(daemon, connection, &why);
        if (!result && welcome.entries)
            result = admit(daemon, connection, &welcome, &why);
        snprintf(welcome.text, sizeof welcome.text, "%.*s", (int)sizeof welcome.text - 1, why.text);
    }
    if (result)
        refuse_client(daemon, connection, &welcome, result);
    else
        go_on(daemon, connection, &welcome);
}

/* The descriptor for the client is not needed any more, whatever became of it. */
static int send_welcome(struct connection *connection)
{
    struct channel_memory *memory = &connection->channel.memory;
    const int fds[] = { memory->request.fd, memory->response_fd, memory->eventfd };
    int result = message_send(connection->socket, &connection->welcome, sizeof connection->welcome, fds,
                              ARRAY_SIZE(fds), MSG_DONTWAIT);

    close(memory->response_fd);
    memory->response_fd = -1;
    return result;
}

void handshake_finish(struct wispd *daemon, struct connection *connection)
{
    struct wire_welcome *welcome = &connection->welcome;

    insist(connection->state == CONNECTION_MAKING && !connection->job_out, "is %d", connection->state);
    if (connection->made) {
        log_limited(connection, LOG_LEVEL_ERROR, "no memory: %s", connection->why.text);
        snprintf(welcome->text, sizeof welcome->text, "no memory for the channel: %.*s", TEXT_MAX,
                 connection->made > 0 ? connection->why.text : wisp_status_text(connection->made));
        refuse_client(daemon, connection, welcome, connection->made);
        return;
    }
    channel_attach(&connection->channel, welcome, daemon->config->limits.rows);
    connection->channel.uid = connection->uid;
    connection_open(&daemon->table, connection);
    if (send_welcome(connection) ||
        loop_ready(daemon->loop, connection->socket, POLLIN, event_token(EVENT_SOCKET, connection))) {
        channels_hang_up(daemon, connection);
        return;
    }
    channels_serve(daemon, connection);
    if (keep_soon(daemon, connection))
        log_limited(connection, LOG_LEVEL_DEBUG, "is not kept over a restart: no timer");
    log_limited(connection, LOG_LEVEL_DEBUG, "connected: %u entries, %llu + %llu KiB", welcome->entries,
                (unsigned long long)welcome->request_arena >> 10, (unsigned long long)welcome->response_arena >> 10);
}

void handshake_ready(struct wispd *daemon, struct connection *connection)
{
    struct message *message = &daemon->inbox;
    struct reason why = { "" };
    int result = message_receive(connection->socket, message, false, MSG_DONTWAIT, &why);

    if (result == -EAGAIN)
        result = loop_ready(daemon->loop, connection->socket, POLLIN, event_token(EVENT_SOCKET, connection));
    else if (!result && message->header.type != WIRE_HELLO)
        result = refuse(&why, WISP_E_INVALID, "its first message is no hello");
    else if (!result) {
        greet(daemon, connection, &message->hello);
        return;
    }
    if (!result)
        return;
    if (result > 0)
        log_limited(connection, LOG_LEVEL_DEBUG, "%s", why.text);
    channels_hang_up(daemon, connection);
}
