/* SPDX-License-Identifier: Apache-2.0
 *
 * When the daemon goes away, and when another one comes.
 *
 * A session is lost when its socket has hung up, when the daemon has declared the channel closed, or when the daemon
 * is stopping and owes us nothing more. What it had answered by then is reaped; the rest is QUEUED again, and sent to
 * the next daemon: inference is pure, so doing it twice is doing it once. What took three daemons with it is given up.
 *
 * Attempts follow each other after 10 ms, then twice as long, up to a second, each 25 % more or less, so that a
 * machine's clients do not come back in step. An attempt whose connection waits in the listener's queue (a daemon that
 * systemd is just starting) is kept until it is answered.
 *
 * A new daemon is asked about every binding before any request is sent to it, because its numbers for models are its
 * own, and its models may have changed.
 */
#ifndef CLIENT_RECONNECT_H
#define CLIENT_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

/* All of it needs the lock and the role, but for reconnect_is_over(), which needs the lock. */

/* The session has ended: what was SENT is QUEUED again or given up, and client->up is false. */
void client_lose(struct wisp_client *client);

/* One step towards a new session: an attempt when its time has come, or its welcome when that is there. Returns when to
 * come back: 0 for at once, else a time of clock_ns(); client->attempt, if not -1, is worth polling until then. When
 * the time for reconnecting is over, what is QUEUED has failed with WISP_E_LOST and FOREVER is returned. Lets go of the
 * lock for a moment while it asks a new daemon for its models: until the caller's deadline, but for a quarter of a
 * second at least (or who only polls would never get to the next daemon), and for two at most. */
uint64_t reconnect_step(struct wisp_client *client, uint64_t deadline_ns);

/* Whether what is queued without a session fails. */
bool reconnect_is_over(const struct wisp_client *client);

#endif
