/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on the socket. The kernel keeps their borders (SEQPACKET); this keeps descriptors from leaking: whatever
 * arrives is either handed out in the message or closed here. No state of its own; any thread, one a socket end.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/insist.h"
#include "base/size.h"
#include "libipc/message.h"
#include "libipc/wire_check.h"

/* Room for the descriptors of a welcome, and padding. */
union control_buffer {
    struct cmsghdr header;
    unsigned char bytes[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))];
};

static int send_whole(int socket, const struct msghdr *header, int flags)
{
    while (sendmsg(socket, header, MSG_NOSIGNAL | flags) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int message_send(int socket, const void *bytes, size_t length, const int *fds, unsigned count, int flags)
{
    struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    union control_buffer control;
    struct cmsghdr *rights;

    if (count > MESSAGE_FDS_MAX)
        return -EINVAL;
    if (count) {
        memset(&control, 0, sizeof control);
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    }
    return send_whole(socket, &header, flags);
}

/* Takes the descriptors out of the control buffer. The kernel puts at most MESSAGE_FDS_MAX there, in one header; what
 * would be beyond that is closed all the same. */
static void collect_fds(struct msghdr *header, struct message *out)
{
    for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
        size_t count;

        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
            continue;
        count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
            if (out->fd_count < MESSAGE_FDS_MAX)
                out->fds[out->fd_count++] = fd;
            else
                close(fd);
        }
    }
}

static int check(struct message *message, int flags, struct reason *why)
{
    if (flags & MSG_TRUNC || message->length > MESSAGE_MAX)
        return refuse(why, WISP_E_INVALID, "message of more than %d bytes", MESSAGE_MAX);
    if (flags & MSG_CTRUNC)
        return refuse(why, WISP_E_INVALID, "message with descriptors that do not belong there");
    return wire_check_message(message->bytes, message->length, why);
}

int message_receive(int socket, struct message *out, bool want_fds, int flags, struct reason *why)
{
    struct iovec part = { .iov_base = out->bytes, .iov_len = sizeof out->bytes };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    union control_buffer control;
    ssize_t got;
    int result;

    out->length = 0;
    out->fd_count = 0;
    for (int i = 0; i < MESSAGE_FDS_MAX; i++)
        out->fds[i] = -1;
    if (want_fds) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_LEN(MESSAGE_FDS_MAX * sizeof(int)); /* CMSG_SPACE has room for one more */
    }
    do
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | flags);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN ? -EAGAIN : refuse_errno(why, -errno, "cannot receive from the peer");
    if (want_fds)
        collect_fds(&header, out);
    if (got == 0) {
        message_deinit(out);
        return refuse(why, -ECONNRESET, "the peer has closed the connection");
    }
    insist((size_t)got <= sizeof out->bytes, "%zd", got);
    out->length = (size_t)got;
    result = check(out, header.msg_flags, why);
    if (result)
        message_deinit(out);
    else
        out->bytes[out->length] = 0; /* a payload can be printed */
    return result;
}

void message_deinit(struct message *message)
{
    insist(message->fd_count <= MESSAGE_FDS_MAX, "%u", message->fd_count);
    for (unsigned i = 0; i < message->fd_count; i++) {
        if (message->fds[i] >= 0)
            close(message->fds[i]);
        message->fds[i] = -1;
    }
    message->fd_count = 0;
}
