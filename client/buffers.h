/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's buffers, and how one is handed to a daemon.
 */
#ifndef CLIENT_BUFFERS_H
#define CLIENT_BUFFERS_H

#include "client/buffer.h"
#include "client/client.h"
#include "client/question.h"

/* What a reply to WIRE_ATTACH brought is used: the memory goes to the daemon, which says what it makes of it. WISP_E_*.
 */
int buffer_hand_over(const struct wisp_buffer *buffer, const struct reply *reply, uint64_t deadline_ns,
                     struct reason *why);
/* Whether it is worth another try, after a while. */
bool buffer_try_again(int result, uint64_t until_ns);

/* The lock. */
void buffer_link(struct wisp_buffer *buffer);
void buffer_unlink(const struct wisp_buffer *buffer);
/* Unmaps, closes and frees one that is in no list. */
void buffer_destroy(struct wisp_buffer *buffer);

/* Attaches all of them to a session that is not in use yet; what fails is the buffer's affair, but for WISP_E_TIMEOUT:
 * that not all was answered by then is the session's. The role; takes the lock by itself. */
int buffers_renew(struct wisp_client *client, struct session *session, uint64_t until_ns, struct reason *why);
/* No request refers to one any more, and no thread uses the client. */
void buffers_free(struct wisp_client *client);

#endif
