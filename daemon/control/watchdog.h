/* SPDX-License-Identifier: Apache-2.0
 *
 * The watchdog of systemd: it hears from us as long as every thread that clients wait for comes round. Not that of the
 * log: whoever does not read it is not to have us restarted.
 */
#ifndef DAEMON_CONTROL_WATCHDOG_H
#define DAEMON_CONTROL_WATCHDOG_H

#include "daemon/control/daemon.h"

/* Asks all of them, and tells it, or says once who is stuck. */
void watchdog_tell(struct wispd *daemon);

#endif
