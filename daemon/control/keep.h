/* SPDX-License-Identifier: Apache-2.0
 *
 * Which channels the service manager keeps, so that another daemon can go on with them (docs/design/restart.md).
 *
 * One that has been open for a second: who connects for a question is not worth two messages to the service manager,
 * and cannot make the daemon send any. With them the routes that clients were given, of the set that serves.
 */
#ifndef DAEMON_CONTROL_KEEP_H
#define DAEMON_CONTROL_KEEP_H

#include "daemon/control/daemon.h"

/* How many channels there is room for, besides the routes. */
void keep_begin(struct wispd *daemon);

/* The set that is in use now has other routes. Where they cannot be kept, nothing is. */
void keep_routes(struct wispd *daemon);

/* An open channel is to be kept when it is old enough; now (false: it cannot be). */
int keep_soon(struct wispd *daemon, struct connection *connection);
bool keep_channel(struct wispd *daemon, struct connection *connection);
/* It is to be kept no more, because it has what another daemon would not: its client is to come anew. */
void keep_never(struct wispd *daemon, struct connection *connection);
/* No longer, because it is over. */
void keep_forget(struct wispd *daemon, struct connection *connection);

/* A question was read of this channel, or none is without an answer any more. */
void keep_asking(const struct connection *connection, bool asking);

#endif
