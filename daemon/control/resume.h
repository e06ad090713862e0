/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on with what another daemon has left (docs/design/restart.md): its routes, which the first set of models takes
 * its numbers from, and its channels, which are served before anybody new is.
 */
#ifndef DAEMON_CONTROL_RESUME_H
#define DAEMON_CONTROL_RESUME_H

#include "daemon/control/daemon.h"

/* The newest routes that were left; false: none, and then no channel can be gone on with. */
bool resume_routes(struct wispd *daemon, struct routes *out);

/* All channels that can be; the clients of the others see their sockets closed, and connect again. */
void resume_channels(struct wispd *daemon);

#endif
