/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers: memory of the program's own that the daemon reads, in place of the input arena (docs/design/buffers.md).
 *
 * A buffer has a number with each daemon, which it is given when it is attached there. The descriptor is kept, so that
 * the next daemon can have it, too.
 */
#ifndef CLIENT_BUFFER_H
#define CLIENT_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct wisp_client;

/* What the client's lock guards, but for what is said to be immutable. */
struct wisp_buffer {
    struct wisp_client *client; /* immutable, as the next three are */
    int fd;
    uint64_t size;
    unsigned char *address; /* where the program writes it; NULL: where it likes */
    struct wisp_buffer *previous, *next;
    unsigned requests; /* that stand in it */
    uint64_t serial;   /* of the session in which the rest holds */
    uint32_t number;
    int status; /* why it cannot be used in this session, or 0, */
    struct reason why;
    bool gone; /* freed by whoever attaches it just now */
};

#endif
