/* SPDX-License-Identifier: Apache-2.0
 *
 * Which set of models is served. One gives way to the next: what is new goes to the new one at once, the old one goes
 * when every shard has finished what it had begun on it.
 */
#ifndef DAEMON_CONTROL_MODELS_H
#define DAEMON_CONTROL_MODELS_H

#include "daemon/control/daemon.h"

/* Has the shards go over to this set, which the caller goes on holding. WISP_E_BUSY: too many old ones are still at
 * work; -ENOMEM. Then all is as it was. */
int models_use(struct wispd *daemon, struct model_set *set, struct reason *why);

/* One shard has. True: all of them have, and questions are answered from it from now on. Not before, or a client could
 * learn a route that its shard does not know yet. */
bool models_in_use(struct wispd *daemon, struct queue_set *queues);

/* One shard is done with these queues. What others have of the set stays until all are, for who reads the counters. */
void models_done_with(struct wispd *daemon, struct queue_set *queues);

/* All shards have ended. */
void models_end(struct wispd *daemon);

#endif
