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

#include "base/size.h"
#include "daemon/control/channels.h"
#include "daemon/control/doorbell.h"
#include "daemon/control/handshake.h"
#include "daemon/control/limited_log.h"
#include "daemon/control/peer.h"
#include "daemon/control/room.h"

static const char server_name[] = "wispd " WISP_VERSION;

_Static_assert(sizeof server_name <= sizeof((struct wire_welcome *)0)->name, "the name fits the welcome");

/* Says no, in welcome->text, and ends the connection. */
static void refuse_client(struct wispd *daemon, struct channel *channel, struct wire_welcome *welcome, int status)
{
    welcome->header = (struct wire_header){ .magic = WIRE_MAGIC, .type = WIRE_WELCOME, .length = sizeof *welcome };
    welcome->status = status;
    log_limited(channel, LOG_LEVEL_INFO, "refused: %s", welcome->text);
    daemon->turned_away++;
    (void)message_send(channel->socket, welcome, sizeof *welcome, NULL, 0, MSG_DONTWAIT);
    channels_hang_up(daemon, channel);
}

/* For the log: the client may call itself anything. */
static void name_channel(struct channel *channel, const struct wire_hello *hello)
{
    size_t i;

    for (i = 0; i < sizeof channel->name - 1 && hello->name[i]; i++)
        channel->name[i] = hello->name[i] > ' ' && hello->name[i] < 0x7f ? hello->name[i] : '_';
    channel->name[i] = 0;
}

/* Whether there is room for the channel: in what its user may have, which charges it, and then in the daemon; nobody
 * makes room for one who gets no channel all the same. Those whose memory is still being taken apart count: they hold
 * it. */
static int admit(struct wispd *daemon, struct channel *channel, const struct wire_welcome *welcome, struct reason *why)
{
    const struct channel_table *table = &daemon->table;
    uint32_t max = daemon->config->limits.channels;
    int result = channel_agree(&daemon->table, channel, &daemon->users, welcome, why);

    if (result)
        return result;
    if (channel_table_is_crowded(table, max))
        room_make(daemon, channel->user);
    if (channel_table_is_crowded(table, max))
        return refuse(why, WISP_E_BUSY, "all %u channels are taken: try again later", max);
    return 0;
}

/* On the helper's thread. */
static void make_memory(struct helper_job *job)
{
    struct channel *channel = channel_of_job(job);

    channel->made = channel_memory_make(&channel->memory, &channel->layout, &channel->why);
}

/* The channel ends with the process that connected. */
static int watch_process(struct wispd *daemon, struct channel *channel, struct reason *why)
{
    int fd = peer_process(channel->socket, channel->pid);

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
    channel->process = fd;
    return loop_ready(daemon->loop, fd, POLLIN, event_token(EVENT_GONE, channel));
}

/* A channel for questions alone takes no memory, and always finds room. */
static int begin_asking(struct wispd *daemon, struct channel *channel, const struct wire_welcome *welcome)
{
    int result;

    room_make_asking(daemon, channel->user);
    channel_ask_only(&daemon->table, channel, welcome);
    result = message_send(channel->socket, &channel->welcome, sizeof channel->welcome, NULL, 0, MSG_DONTWAIT);
    if (!result)
        result = loop_ready(daemon->loop, channel->socket, POLLIN, event_token(EVENT_SOCKET, channel));
    return result;
}

static void go_on(struct wispd *daemon, struct channel *channel, const struct wire_welcome *welcome)
{
    loop_timer_cancel(daemon->loop, event_token(EVENT_HELLO_LATE, channel));
    if (welcome->entries)
        channels_help(daemon, channel, make_memory);
    else if (begin_asking(daemon, channel, welcome))
        channels_hang_up(daemon, channel);
}

static void greet(struct wispd *daemon, struct channel *channel, const struct wire_hello *hello)
{
    struct wire_welcome welcome = { .status = 0 };
    struct reason why = { "" };
    int result = wire_negotiate(hello, &daemon->offer, &welcome);

    name_channel(channel, hello);
    welcome.epoch = daemon->epoch;
    memcpy(welcome.name, server_name, sizeof server_name);
    if (!result) {
        if (daemon->stopping)
            result = refuse(&why, WISP_E_SHUTDOWN, "the daemon is stopping");
        if (!result)
            result = watch_process(daemon, channel, &why);
        if (!result && welcome.entries)
            result = admit(daemon, channel, &welcome, &why);
        snprintf(welcome.text, sizeof welcome.text, "%.*s", (int)sizeof welcome.text - 1, why.text);
    }
    if (result)
        refuse_client(daemon, channel, &welcome, result);
    else
        go_on(daemon, channel, &welcome);
}

/* The descriptor for the client is not needed any more, whatever became of it. */
static int send_welcome(struct channel *channel)
{
    struct channel_memory *memory = &channel->memory;
    const int fds[] = { memory->request.fd, memory->response_fd, memory->eventfd };
    int result =
        message_send(channel->socket, &channel->welcome, sizeof channel->welcome, fds, ARRAY_SIZE(fds), MSG_DONTWAIT);

    close(memory->response_fd);
    memory->response_fd = -1;
    return result;
}

void handshake_finish(struct wispd *daemon, struct channel *channel)
{
    struct wire_welcome *welcome = &channel->welcome;

    if (channel->made) {
        log_limited(channel, LOG_LEVEL_ERROR, "no memory: %s", channel->why.text);
        snprintf(welcome->text, sizeof welcome->text, "no memory for the channel: %s", wisp_status_text(channel->made));
        refuse_client(daemon, channel, welcome, channel->made);
        return;
    }
    channel_open(&daemon->table, channel, daemon->config->limits.rows);
    if (doorbell_begin(daemon, channel) || send_welcome(channel) ||
        loop_ready(daemon->loop, channel->socket, POLLIN, event_token(EVENT_SOCKET, channel))) {
        channels_hang_up(daemon, channel);
        return;
    }
    log_limited(channel, LOG_LEVEL_DEBUG, "connected: %u entries, %llu + %llu KiB", welcome->entries,
                (unsigned long long)welcome->request_arena >> 10, (unsigned long long)welcome->response_arena >> 10);
}

void handshake_ready(struct wispd *daemon, struct channel *channel)
{
    struct message *message = &daemon->inbox;
    struct reason why = { "" };
    int result = message_receive(channel->socket, message, false, MSG_DONTWAIT, &why);

    if (result == -EAGAIN)
        result = loop_ready(daemon->loop, channel->socket, POLLIN, event_token(EVENT_SOCKET, channel));
    else if (!result && message->header.type != WIRE_HELLO)
        result = refuse(&why, WISP_E_INVALID, "its first message is no hello");
    else if (!result) {
        greet(daemon, channel, &message->hello);
        return;
    }
    if (!result)
        return;
    if (result > 0)
        log_limited(channel, LOG_LEVEL_DEBUG, "%s", why.text);
    channels_hang_up(daemon, channel);
}
