/* SPDX-License-Identifier: Apache-2.0
 *
 * What the shards say (shard/worker.h), and what the control thread does about it.
 */
#ifndef DAEMON_CONTROL_REPORTS_H
#define DAEMON_CONTROL_REPORTS_H

#include "daemon/control/daemon.h"

/* All that have come. -errno: a shard's loop has ended with it. */
int reports_take(struct wispd *daemon);

#endif
