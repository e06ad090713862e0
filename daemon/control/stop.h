/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopping: from the signal to the last answer.
 */
#ifndef DAEMON_CONTROL_STOP_H
#define DAEMON_CONTROL_STOP_H

#include "daemon/control/daemon.h"

/* At the signal: nothing is accepted any more, and the shard finishes what it has. At a second one: the end. */
void stop_begin(struct wispd *daemon);
/* The grace is over. */
void stop_now(struct wispd *daemon);

#endif
