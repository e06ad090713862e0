/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects of libwisp, and what guards them.
 *
 *   client    what the program holds: survives any number of daemons
 *   session   one connection to one daemon: socket, regions, rings
 *   binding   a name and the identity of the model that the program found there, with the daemon's number for it in
 * this session request   a place in both arenas, the same in every session waiter    a thread that sleeps until a
 * request is done, or until there is a session
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
#include "base/export.h"
#include "base/rng.h"
#include "client/deadline.h"
#include "client/fork.h"
#include "client/last_error.h"
#include "client/question.h"
#include "client/request.h"
#include "client/session.h"
#include "client/waiters.h"
#include "libipc/wire.h"

enum { IDENTITY_MAX = 64 }; /* bytes of what tells one model from any other, with its zero */

/* ---- the client ---- */

struct binding {
    struct binding *next; /* bindings live as long as their client */
    char name[WIRE_NAME_MAX];
    char identity[IDENTITY_MAX]; /* immutable, as the name is */
    uint64_t serial;             /* of the session in which the rest holds */
    uint32_t route;
    uint32_t rows_max; /* samples of one request */
    int status;        /* why it cannot be used in this session, or 0 */
};

struct wisp_client {
    pthread_mutex_t lock, asking;
    unsigned forks; /* fork_count() when it was made; immutable, like the options below */
    char *socket_path;
    uint64_t reconnect_ns; /* 0: never */
    uint64_t answer_ns;    /* 0: without limit, but for questions; FOREVER: for them, too */
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
    struct binding *bindings;
    uint64_t expected_ns; /* how long the daemon takes for an answer, averaged */

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
/* When one call that begins now has waited long enough; FOREVER. */
uint64_t client_answer_by(const struct wisp_client *client);
/* Takes over a session, the first or a new one. The lock and the role. -ENOMEM: it is still the caller's. */
int client_adopt(struct wisp_client *client, struct session *session);

/* ---- request.c, submit.c, reap.c: the lock ---- */

/* As client_check(); WISP_E_INVALID on a client that only asks. Without the lock. */
int request_check(const struct wisp_client *client);
/* Frees it: at once, or when the daemon is done with it. */
void request_release(struct wisp_request *request);
int request_explain(const struct wisp_request *request); /* its status, with a sentence in last_error() */

/* Puts a request into a slot, and into the ring if there is one. */
int request_begin(struct wisp_request *request);
/* Sends what is QUEUED and may be: after a new session was adopted, a suspect was answered, the ring got room. */
void requests_resend(struct wisp_client *client);
/* A session was lost: what was SENT is QUEUED again, or given up. */
void requests_lose(struct wisp_client *client);
/* Answers a request: wakes who waits for it. */
void request_end(struct wisp_request *request, int status, const struct wire_completion *completion);
/* cancel.c: gives a request up that is under way. What no daemon has is done, and freed if it was abandoned. */
void request_cancel(struct wisp_request *request);
/* Tells the daemon of the cancellations that it does not know of, as far as its ring has room. */
void cancellations_send(struct wisp_client *client);

/* Wakes the daemon, if it sleeps, after something was put into the ring. */
void client_ring_doorbell(struct wisp_client *client);
/* Fails what is QUEUED and past its deadline. When the next one of them is; FOREVER. */
uint64_t requests_expire(struct wisp_client *client);
/* Takes all completions that are there. The role, too. */
void reap_all(struct wisp_client *client);

/* ---- wait.c ---- */

/* Sleeps until `request` is done, or with NULL until there is a session, or until `deadline_ns`. 0; WISP_E_TIMEOUT;
 * WISP_E_LOST for NULL. Takes the lock by itself. */
int client_wait(struct wisp_client *client, struct wisp_request *request, uint64_t deadline_ns);
/* Reaps and looks after the session without sleeping, unless somebody is at it; for `request`, or NULL. The lock. */
void client_poke(struct wisp_client *client, const struct wisp_request *request);

/* ---- reconnect.c: the lock and the role ---- */

/* Whether the session is still good; if not, requests_lose() was called and client->up is false. `look` asks the socket
 * too, which is a system call. */
bool session_check(struct wisp_client *client, bool look);
/* One step towards a new session: an attempt when its time has come, or its welcome when that is there. Returns when to
 * come back: 0 for at once, else a time of clock_ns(); client->attempt, if not -1, is worth polling until then. When
 * the time for reconnecting is over, what is QUEUED has failed with WISP_E_LOST and FOREVER is returned. Lets go of the
 * lock for a moment while it asks a new daemon for its models. */
uint64_t reconnect_step(struct wisp_client *client);
/* Whether what is queued without a session fails. */
bool reconnect_is_over(const struct wisp_client *client);

/* ---- event.c: the lock ---- */

void event_session(struct wisp_client *client, int socket, bool begin);
void event_ring(struct wisp_client *client);  /* makes wisp_fd() readable, when somebody sleeps on it */
void event_rearm(struct wisp_client *client); /* when the role becomes free */

/* ---- ask.c ---- */

/* A question over restarts of the daemon. Takes the client's locks. WISP_E_LOST, WISP_E_TIMEOUT, WISP_E_INVALID. */
int client_ask(struct wisp_client *client, enum wire_type type, const char *name, struct reply *reply);
/* Reads the notices that have come. Takes client->asking if it is free; not the lock. -ECONNRESET. */
int client_drain(struct wisp_client *client, struct session *session);

/* ---- binding.c ---- */

/* What a binding notes of a DESCRIBE reply. */
struct description {
    char identity[IDENTITY_MAX];
    uint32_t rows_max;
};

/* Notes what a DESCRIBE reply says, unless its session is gone. Takes the lock. -ENOMEM. */
int binding_note(struct wisp_client *client, const char *name, const struct description *description,
                 const struct reply *reply, struct binding **out);
/* The client's binding for a model that was found by `name`, with this client or another. Takes the lock; may ask the
 * daemon. WISP_E_CHANGED. */
int binding_get(struct wisp_client *client, const char *name, const char *identity, struct binding **out);
/* Brings all bindings over to a session that is not in use yet. The role; takes the lock by itself. */
int bindings_renew(struct wisp_client *client, struct session *session, struct reason *why);

/* What its status means, with a sentence in last_error(). */
int binding_explain(const struct binding *binding, int status);

/* ---- model.c ---- */

/* Finds in a DESCRIBE reply what a binding wants. WISP_E_INVALID when it is not there. */
int description_read(const char *text, struct description *out, struct reason *why);
/* From the bytes of a file to one sample; `name` is for the sentence. */
int model_encode(const wisp_model *model, const char *name, const void *bytes, size_t length, float *input);
/* The name that it was asked by, which is what a new daemon is asked for. */
const char *model_asked(const wisp_model *model);

#endif
