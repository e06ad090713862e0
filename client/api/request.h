/* SPDX-License-Identifier: Apache-2.0
 *
 * What the calls of the API about requests share.
 */
#ifndef CLIENT_API_REQUEST_H
#define CLIENT_API_REQUEST_H

#include "client/buffer.h"
#include "client/client.h"

#define BUFFER_IS_ELSEWHERE "the input stands in a buffer that the program has mapped by itself, or not at all"

/* As client_check(); WISP_E_INVALID on a client that only asks. Without the lock. */
int request_check(const struct wisp_client *client);

/* Its status, with a sentence in last_error(). */
int request_explain(const struct wisp_request *request);

/* What is wrong with its beam. */
int beam_explain(const struct wisp_request *request, int status);

#endif
