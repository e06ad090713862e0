/* SPDX-License-Identifier: Apache-2.0
 *
 * The handshake: a connection becomes a channel.
 */
#ifndef DAEMON_CONTROL_HANDSHAKE_H
#define DAEMON_CONTROL_HANDSHAKE_H

#include "daemon/control/daemon.h"

/* A PENDING channel's socket is readable, or may be. */
void handshake_ready(struct wispd *daemon, struct connection *connection);
/* A MAKING channel's memory is made, or could not be. */
void handshake_finish(struct wispd *daemon, struct connection *connection);

/* The channel ends with the process that connected. WISP_E_LOST: it has; -errno. */
int handshake_watch(struct wispd *daemon, struct connection *connection, struct reason *why);

#endif
