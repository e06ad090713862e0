/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine: who waits reaps completions, watches the daemon, and finds another when it has ended. There is no thread
 * of the library's own.
 *
 * A completion names a slot and its generation; one that names neither is dropped. A daemon that is stopping refuses
 * what is new with WISP_E_SHUTDOWN: unless reconnecting is off, that is no answer, and the request waits for the next
 * daemon. For an event loop or a poller, what nobody waited for is news.
 */
#ifndef CLIENT_ENGINE_H
#define CLIENT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

/* Sleeps until `request` is done, or with NULL until there is a session, or until `deadline_ns`. 0; WISP_E_TIMEOUT;
 * WISP_E_LOST for NULL. Takes the lock by itself. */
int engine_wait(struct wisp_client *client, struct wisp_request *request, uint64_t deadline_ns);

/* Reaps and looks after the session without sleeping, unless somebody is at it; for `request`, or NULL. The lock. */
void engine_poke(struct wisp_client *client, const struct wisp_request *request);

/* Whether the session is still good; if not, it was lost, and client->up is false. `look` asks the socket too, which is
 * a system call. The lock and the role. */
bool engine_check(struct wisp_client *client, bool look);

#endif
