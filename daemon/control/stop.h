/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopping: from the signal to the last answer.
 */
#ifndef DAEMON_CONTROL_STOP_H
#define DAEMON_CONTROL_STOP_H

#include "daemon/control/daemon.h"

void stop_begin(struct wispd *daemon);
void stop_continue(struct wispd *daemon, bool worked);

#endif
