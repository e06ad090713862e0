/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/socket_path.h"
#include "client/fork.h"
#include "client/session.h"
#include "libipc/message.h"
#include "libipc/wire_check.h"

/* What to say and do about an errno of connect(). */
static int explain_connect(const char *path, int error, struct reason *why)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED:
        if (!socket_is_of_service(path))
            return refuse(why, WISP_E_NO_DAEMON,
                          "wispd is not running on %s: wispd --socket %s --model FILE starts one", path, path);
        return refuse(why, WISP_E_NO_DAEMON, "wispd is not running on %s: systemctl start wispd", path);
    case EACCES:
    case EPERM:
        return refuse(
            why, WISP_E_DENIED,
            "permission denied on %s: add yourself to the group wisp (usermod -aG wisp USER) and log in again", path);
    case EAGAIN:
        return refuse(why, WISP_E_BUSY, "too many programs wait for wispd on %s: try again", path);
    case EPROTOTYPE:
    case ENOTSOCK:
    case ENOTDIR:
        return refuse(why, WISP_E_NO_DAEMON, "%s is not the socket of wispd", path);
    default:
        return refuse_errno(why, -error, "cannot connect to wispd on %s", path);
    }
}

int session_begin(const char *path, const struct wire_hello *hello, int *out, struct reason *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);
    cleanup_close int fd = -1;
    int result;

    if (length >= sizeof address.sun_path)
        return refuse(why, -ENAMETOOLONG, "the socket's path has %zu characters, at most %zu are possible: %s", length,
                      sizeof address.sun_path - 1, path);
    memcpy(address.sun_path, path, length);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return refuse_errno(why, -errno, "cannot make a socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return explain_connect(path, errno, why);
    result = message_send(fd, hello, sizeof *hello, NULL, 0, 0);
    if (result)
        return refuse_errno(why, result, "cannot greet wispd on %s", path);
    socket_note(fd);
    *out = steal_fd(&fd);
    return 0;
}

/* ---- the welcome ---- */

/* Takes the three descriptors out of the message. */
static int map_regions(struct session *session, struct message *message, struct reason *why)
{
    int result;

    if (message->fd_count != MESSAGE_FDS_MAX)
        return refuse(why, WISP_E_INVALID, "wispd sent %u descriptors, not %d", message->fd_count, MESSAGE_FDS_MAX);
    session->eventfd = steal_fd(&message->fds[2]);
    result = region_map(&session->request, steal_fd(&message->fds[0]), session->layout.request_size, true, why);
    if (!result)
        result = region_seal(&session->request, why);
    if (!result)
        result = region_map(&session->response, steal_fd(&message->fds[1]), session->layout.response_size, false, why);
    if (result)
        return refuse_in(why, result, "the memory that wispd sent");
    close(steal_fd(&session->request.fd));
    close(steal_fd(&session->response.fd));
    return 0;
}

static void attach_to_nothing(struct session *session)
{
    session->ours = &session->nothing.ours;
    session->theirs = &session->nothing.theirs;
    session->reap = (struct reap_ring){ .slots = &session->nothing.entry, .head = &session->nothing.ours.cq_head };
}

static int build(struct session *session, const struct wire_hello *hello, struct message *message, struct reason *why)
{
    const struct wire_welcome *welcome = &message->welcome;
    int result = wire_check_welcome(welcome, hello, why);

    if (result)
        return refuse_in(why, result, "wispd refused");
    session->features = welcome->features;
    memcpy(session->server, welcome->name, sizeof session->server);
    if (!welcome->entries) {
        attach_to_nothing(session);
        return 0;
    }
    result = wire_layout(welcome->entries, welcome->request_arena, welcome->response_arena, &session->layout, NULL);
    insist(!result); /* wire_check_welcome() has seen to it */
    result = map_regions(session, message, why);
    if (result)
        return result;
    session->ours = session->request.address;
    session->theirs = session->response.address;
    if (session->theirs->magic != WIRE_MAGIC || session->theirs->epoch != welcome->epoch)
        return refuse(why, WISP_E_INVALID, "the memory that wispd sent is not a channel");
    ring_attach_client(&session->submit, &session->reap, session->request.address, session->response.address,
                       &session->layout, 0);
    return 0;
}

static void session_free(struct session *session)
{
    region_deinit(&session->request);
    region_deinit(&session->response);
    if (session->eventfd >= 0)
        close(session->eventfd);
    if (session->socket >= 0)
        socket_close(session->socket);
    free(session);
}

int session_finish(int socket, const struct wire_hello *hello, struct session **out, struct reason *why)
{
    cleanup_free struct message *message = malloc(sizeof *message);
    struct session *session = malloc(sizeof *session);
    int result;

    if (!message || !session) {
        socket_close(socket);
        free(session);
        return refuse_errno(why, -ENOMEM, "connecting to wispd");
    }
    *session = (struct session){
        .references = 1, .socket = socket, .eventfd = -1, .request = REGION_NULL, .response = REGION_NULL
    };
    result = message_receive(socket, message, true, MSG_DONTWAIT, why);
    if (result == -EAGAIN) {
        session->socket = -1;
        session_free(session);
        return -EAGAIN;
    }
    if (!result && message->header.type != WIRE_WELCOME)
        result =
            refuse(why, WISP_E_INVALID, "wispd answered the hello with a message of type %u", message->header.type);
    if (!result)
        result = build(session, hello, message, why);
    message_deinit(message);
    if (result) {
        session_free(session);
        return result == -EAGAIN ? -ENOMEM : result; /* of mmap() and madvise(); here it would mean "not yet" */
    }
    *out = session;
    return 0;
}

/* ---- its life ---- */

struct session *session_hold(struct session *session)
{
    insist(session->references > 0);
    session->references++;
    return session;
}

void session_drop(struct session *session)
{
    if (!session)
        return;
    insist(session->references > 0);
    if (--session->references)
        return;
    insist(!session->talkers, "%u", session->talkers);
    session_free(session);
}

void session_lose(struct session *session)
{
    if (session->lost)
        return;
    session->lost = true;
    close(steal_fd(&session->eventfd));
    shutdown(session->socket, SHUT_RDWR); /* whoever polls it looks up */
    if (!session->talkers)
        socket_close(steal_fd(&session->socket));
}

void session_talk(struct session *session)
{
    insist(!session->lost && session->socket >= 0);
    session_hold(session);
    session->talkers++;
}

void session_talk_end(struct session *session)
{
    insist(session->talkers > 0);
    session->talkers--;
    if (session->lost && !session->talkers)
        socket_close(steal_fd(&session->socket));
    session_drop(session);
}

unsigned char *session_input(const struct session *session)
{
    return (unsigned char *)session->request.address + session->layout.arena_offset;
}

const unsigned char *session_output(const struct session *session)
{
    return (const unsigned char *)session->response.address + session->layout.arena_offset;
}
