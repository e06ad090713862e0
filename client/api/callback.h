/* SPDX-License-Identifier: Apache-2.0
 *
 * Callbacks: run by wisp_dispatch(), in the thread that calls it and without the lock, so that they may call what they
 * like.
 */
#ifndef CLIENT_API_CALLBACK_H
#define CLIENT_API_CALLBACK_H

#include <stdbool.h>

#include "client/client.h"

/* Those of requests that have been answered. False: one of them has closed the client, which is now to be done. */
bool callbacks_run(struct wisp_client *client);

/* Whether this thread runs the client's callbacks: then callbacks_run() has been told that it is closed. */
bool callback_closes(const struct wisp_client *client);

#endif
