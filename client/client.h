/* SPDX-License-Identifier: Apache-2.0
 *
 * The client, what it is made of, and what guards it.
 *
 *   client    what the program holds: survives any number of daemons
 *   session   one connection to one daemon: socket, regions, rings (session.h)
 *   binding   a name, and the model that the program found there, with the daemon's number for it (binding.h)
 *   request   a place in both arenas, the same in every session (request.h)
 *   waiter    a thread that sleeps until a request is done, or until there is a session (waiters.h)
 *
 * Guards:
 *   client->lock    every field below that does not say otherwise. Never held while sleeping.
 *   the role        client->reaper: at most one thread reaps completions, watches the daemon, and exchanges the
 *                   session. It takes the role under the lock and may then let the lock go, to spin or sleep; nobody
 *                   else reaps meanwhile. Who finds the role free while holding the lock may do the same work without
 *                   taking it. Completing a request, and everything else, still needs the lock.
 *   client->asking  the socket's reading side, one question at a time. Taken before client->lock, never under it.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wisp/wisp.h>

#include "base/error.h"
#include "base/rng.h"
#include "client/request.h"
#include "client/session.h"
#include "client/waiters.h"
#include "libipc/wire.h"

/* ---- the client ---- */

struct binding;

struct wisp_client {
    pthread_mutex_t lock, asking;
    struct wisp_client *self; /* from the const handle that wisp_fd() has; immutable */
    unsigned forks;           /* fork_count() when it was made; immutable, like the options below */
    char *socket_path;
    uint64_t reconnect_ns; /* 0: never */
    uint64_t answer_ns;    /* 0: what is usual (client_limit_ns()); FOREVER: without limit */
    uint64_t spin_ns;
    struct wire_hello hello; /* what every daemon is told; sizes as the first one granted them */

    struct session *session; /* the current one, or the last; never NULL once connected */
    bool up;                 /* it can be used */
    bool draining;           /* its daemon takes nothing new */
    bool doubted;            /* a talker found its socket dead; for whoever has the role */
    uint64_t checked_ns;     /* when its socket was last looked at */
    uint64_t serials;

    /* Without a session (reconnect.c). */
    uint64_t lost_ns, next_attempt_ns, backoff_ns;
    int attempt; /* a socket that waits for its welcome, or -1 */
    struct reason lost_why;
    struct rng jitter;

    struct request_table requests;
    uint32_t marks; /* the last one that was given */
    struct binding *bindings;
    struct wisp_buffer *buffers;
    const struct wisp_buffer *renewing; /* of them, the one that is being attached to a new session */
    uint64_t expected_ns;               /* how long the daemon takes for an answer, averaged */

    bool reaper;                    /* the role is taken */
    const struct wisp_request *own; /* whom it was taken for, or who polls: its answer is no news */
    struct waiters waiters;

    int poll_fd, timer_fd; /* event.c; -1 until asked for */
    bool armed;            /* an event loop sleeps, or is about to */
    bool news;             /* a request that nobody waited for was completed since the last dispatch */

    uint32_t questions; /* client->asking */
    const char *server; /* points into a name that lives as long as the client; atomic */
    struct server_name {
        struct server_name *next;
        char text[32];
    } * server_names;
};

/* ---- client.c ---- */

/* WISP_E_LOST, with a sentence, in a child of the process that made the client. */
int client_check(const struct wisp_client *client);

/* What a call waits for that is given no time itself. */
enum client_wait { CLIENT_WAIT_QUESTION, CLIENT_WAIT_ANSWER, CLIENT_WAIT_LOAD };

/* For how long at most: what the program said, or what only a fault makes longer; FOREVER. And the time of clock_ns()
 * when that is over. */
uint64_t client_limit_ns(const struct wisp_client *client, enum client_wait what);
uint64_t client_limit_from_now(const struct wisp_client *client, enum client_wait what);

/* Takes over a session, the first or a new one. The lock and the role. -ENOMEM: it is still the caller's. */
int client_adopt(struct wisp_client *client, struct session *session);

#endif
