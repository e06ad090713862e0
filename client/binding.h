/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings: which number stands for a name in the current session, and whether the model behind it is still the one
 * that the program found there. That is told by its identity, a checksum of the whole file: labels and media are part
 * of what the program relies on, as shapes and weights are.
 *
 * They are looked up by name and identity, made once, and never freed before their client: so requests point to them
 * without counting.
 */
#ifndef CLIENT_BINDING_H
#define CLIENT_BINDING_H

#include <stdint.h>

#include "base/error.h"
#include "client/client.h"
#include "client/model.h"
#include "client/question.h"
#include "libipc/wire.h"

struct binding {
    struct binding *next; /* bindings live as long as their client */
    char name[WIRE_NAME_MAX];
    char identity[IDENTITY_MAX]; /* immutable, as the name is */
    uint64_t serial;             /* of the session in which the rest holds */
    uint32_t route;
    uint32_t rows_max; /* samples of one request */
    int status;        /* why it cannot be used in this session, or 0 */
};

/* The lock. NULL: none yet. */
struct binding *binding_find(const struct wisp_client *client, const char *name, const char *identity);

/* Notes what a DESCRIBE reply says, unless its session is gone. Takes the lock. -ENOMEM. */
int binding_note(struct wisp_client *client, const char *name, const struct description *description,
                 const struct reply *reply, struct binding **out);
/* Brings all bindings over to a session that is not in use yet, by then. WISP_E_TIMEOUT and what else is the session's
 * fault. The role; takes the lock by itself. */
int bindings_renew(struct wisp_client *client, struct session *session, uint64_t until_ns, struct reason *why);

/* No request refers to one any more. */
void bindings_free(struct wisp_client *client);

/* What its status means, with a sentence in last_error(). */
int binding_explain(const struct binding *binding, int status);

#endif
