/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages with descriptors over a SEQPACKET socket: one send, one receive, each whole or not at all.
 */
#ifndef LIBIPC_MESSAGE_H
#define LIBIPC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "libipc/wire.h"

enum { MESSAGE_FDS_MAX = 3, MESSAGE_MAX = sizeof(struct wire_control) + WIRE_CONTROL_MAX };

/* A received message; 8-aligned. Descriptors received are owned by it until taken out (set to -1). */
struct message {
    union {
        struct wire_header header;
        struct wire_hello hello;
        struct wire_welcome welcome;
        struct wire_control control;
        unsigned char bytes[MESSAGE_MAX + 1]; /* one more, to see that a message was too long */
    } __attribute__((aligned(8)));
    size_t length;
    int fds[MESSAGE_FDS_MAX];
    unsigned fd_count;
};

/* Sends `length` bytes and `count` descriptors (not consumed). MSG_NOSIGNAL | flags. 0, -EAGAIN, -errno. */
int message_send(int socket, const void *bytes, size_t length, const int *fds, unsigned count, int flags);

/* Receives one message and checks it by wire_check_message(). 0; -EAGAIN; -ECONNRESET when the peer has closed;
 * WISP_E_INVALID (descriptors, if any came, are closed). `want_fds` false: no control buffer, the kernel drops them. */
int message_receive(int socket, struct message *out, bool want_fds, int flags, struct reason *why);

/* Closes the descriptors still in it. */
void message_deinit(struct message *message);

#endif
