/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions on the socket of one session: list, describe, status, stats, clients.
 *
 * A reply comes in parts, which must follow each other without a gap; between them there may be notices for the event
 * loop, and replies to a question that somebody gave up on, which are told by their number.
 */
#ifndef CLIENT_QUESTION_H
#define CLIENT_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "client/session.h"
#include "libipc/wire.h"

struct question {
    uint32_t id; /* another one for each question on a session */
    enum wire_type type;
    const void *body; /* what goes with it, `length` bytes */
    size_t length;
    uint64_t deadline_ns;
};

struct reply {
    int status;
    uint32_t route;
    uint64_t serial; /* of the session that replied */
    bool noticed;    /* a notice for the event loop came in between */
    char *text;      /* zero-terminated; freed by reply_deinit() */
    size_t length;   /* of what has come, of `total` bytes */
    size_t total;
    int fd; /* a descriptor that came with it; -1: none. Closed by reply_deinit() */
};

void reply_deinit(struct reply *reply);

/* One question on one session; the caller is the only one who asks there. WISP_E_LOST, WISP_E_TIMEOUT, WISP_E_INVALID
 * (a reply that makes no sense), WISP_E_VERSION (a question that this daemon does not know), -errno. */
int session_ask(struct session *session, const struct question *question, struct reply *reply, struct reason *why);

#endif
