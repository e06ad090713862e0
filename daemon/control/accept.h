/* SPDX-License-Identifier: Apache-2.0
 *
 * New connections.
 */
#ifndef DAEMON_CONTROL_ACCEPT_H
#define DAEMON_CONTROL_ACCEPT_H

#include "daemon/control/daemon.h"

/* Waits for connections; what the listener brings. -errno: it cannot be listened to any more. */
int accept_begin(struct wispd *daemon);
int accept_ready(struct wispd *daemon, const struct loop_event *event);

#endif
