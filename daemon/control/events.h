/* SPDX-License-Identifier: Apache-2.0
 *
 * What the control thread's event loop brings, and who takes care of it.
 */
#ifndef DAEMON_CONTROL_EVENTS_H
#define DAEMON_CONTROL_EVENTS_H

#include "daemon/control/daemon.h"

/* Sleeps until something happens, or until then, and handles what has. -errno: the daemon would be deaf from here on.
 */
int events_handle(struct wispd *daemon, uint64_t until_ns);

#endif
