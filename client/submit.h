/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests under way: sent, sent again, given up, answered. A slot, an entry in the ring, and the doorbell if the
 * daemon sleeps: no allocation, and no system call while the daemon is awake. The lock, for all of it.
 *
 * Without a session, or while its daemon is stopping, a request stays QUEUED; requests_resend() sends it to the next
 * one, and with it its bytes, which until then are in the old session's memory. What ends every daemon that computes it
 * must not come back for ever: after SUSPICIONS losses it is sent alone, after LOSSES_MAX it is given up.
 *
 * Given up, what no daemon has is done at once. What a daemon has is done when it says so, because until then it may
 * write the answer: it is told by an entry in the ring, behind the submission, and completes the request with
 * WISP_E_CANCELLED, or with the answer if that was there before. When the ring is full the entry is owed, and put there
 * when answers have made room. A session that is lost has nothing to complete any more.
 */
#ifndef CLIENT_SUBMIT_H
#define CLIENT_SUBMIT_H

#include <stdint.h>

#include "client/client.h"
#include "client/request.h"

/* Puts a request into a slot, and into the ring if there is one. WISP_E_BUSY; what makes its binding unusable. */
int request_begin(struct wisp_request *request);
/* Gives a request up that is under way. What no daemon has is done, and freed if it was abandoned. */
void request_cancel(struct wisp_request *request);
/* Frees it: at once, or when the daemon is done with it. */
void request_release(struct wisp_request *request);
/* Answers a request, and tells who is to hear of it. */
void request_end(struct wisp_request *request, int status, const struct wire_completion *completion);

/* Sends what is QUEUED and may be: after a new session was adopted, a suspect was answered, the ring got room. */
void requests_resend(struct wisp_client *client);
/* A session was lost: what was SENT is QUEUED again, or given up. */
void requests_lose(struct wisp_client *client);
/* Fails what is QUEUED and past its deadline. When the next one of them is; FOREVER. */
uint64_t requests_expire(struct wisp_client *client);

#endif
