/* SPDX-License-Identifier: Apache-2.0
 *
 * Doorbells: a client writes its eventfd when it has published something and finds that the daemon sleeps on it.
 */
#ifndef DAEMON_CONTROL_DOORBELL_H
#define DAEMON_CONTROL_DOORBELL_H

#include "daemon/control/daemon.h"

int doorbell_begin(struct wispd *daemon, struct connection *connection);
/* The client rang; a throttled client may do so again. */
void doorbell_arrived(struct wispd *daemon, struct connection *connection, const struct loop_event *event);
void doorbell_again(struct wispd *daemon, struct connection *connection);

#endif
