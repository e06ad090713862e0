/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's questions, which restarts of the daemon only delay. One at a time, guarded by client->asking. All of it
 * takes the client's locks by itself.
 */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include "client/binding.h"
#include "client/client.h"
#include "client/question.h"

/* WISP_E_LOST, WISP_E_TIMEOUT, WISP_E_INVALID. `serial`: of the one session that is to be asked, or WISP_E_LOST; 0:
 * any.
 */
int client_ask_about(struct wisp_client *client, enum wire_type type, const void *body, size_t length, uint64_t serial,
                     struct reply *reply);
/* About a name; NULL: about none. */
int client_ask(struct wisp_client *client, enum wire_type type, const char *name, struct reply *reply);

/* The client's binding for a model that was found by `name`, with this client or another. May ask the daemon.
 * WISP_E_CHANGED. */
int client_bind(struct wisp_client *client, const char *name, const char *identity, struct binding **out);

/* Reads the notices that have come, unless somebody asks, who reads them too. -ECONNRESET. */
int client_drain(struct wisp_client *client, struct session *session);

#endif
