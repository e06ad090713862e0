/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: from connect() to the mapped rings, and its end.
 *
 * Connecting never blocks: connect() on a Unix socket succeeds or fails at once (a full queue is EAGAIN), the hello
 * fits any socket buffer, and the welcome is polled for by whoever waits. So one thread can wait with its own time
 * limit, and the next one can go on where it stopped.
 *
 * The regions' descriptors are closed once they are mapped: a client costs its program two descriptors.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "libipc/region.h"
#include "libipc/ring.h"
#include "libipc/wire.h"

struct session {
    unsigned references; /* the client's, and one for each request whose bytes are here */
    unsigned talkers;    /* threads that use the socket: it is closed when they have gone */
    bool lost;           /* no longer the client's */
    int socket, eventfd; /* -1 when closed */
    uint64_t serial;     /* 1, 2, … within its client; immutable, like all below but the rings */
    uint64_t features;
    char server[32];
    struct region request, response;
    struct wire_layout layout;
    /* What a session for questions alone has in place of rings: nothing ever stands there. */
    struct {
        struct wire_client_control ours;
        struct wire_daemon_control theirs;
        struct wire_completion entry;
    } nothing;
    struct submit_ring submit; /* client->lock */
    struct reap_ring reap;     /* the role */
    struct wire_client_control *ours;
    const struct wire_daemon_control *theirs;
};

/* Connects without blocking and sends the hello; *socket is then to be polled for the welcome. WISP_E_NO_DAEMON,
 * WISP_E_DENIED, WISP_E_BUSY (its queue is full), -errno. */
int session_begin(const char *path, const struct wire_hello *hello, int *socket, struct reason *why);

/* Takes the welcome and maps the regions. -EAGAIN: it is not there yet, and the socket is still the caller's; in every
 * other case the socket has been consumed. */
int session_finish(int socket, const struct wire_hello *hello, struct session **out, struct reason *why);

/* The rest need client->lock. Dropping the last reference unmaps. */
struct session *session_hold(struct session *session);
void session_drop(struct session *session);
/* Ends the connection; the memory stays for who still has bytes in it. */
void session_lose(struct session *session);
/* For who reads or writes the socket without the lock. */
void session_talk(struct session *session);
void session_talk_end(struct session *session);

unsigned char *session_input(const struct session *session);
const unsigned char *session_output(const struct session *session);

#endif
