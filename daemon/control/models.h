/* SPDX-License-Identifier: Apache-2.0
 *
 * Which set of models is served. One gives way to the next: what is new goes to the new one at once, the old one goes
 * when the shard has finished what it had begun on it.
 */
#ifndef DAEMON_CONTROL_MODELS_H
#define DAEMON_CONTROL_MODELS_H

#include "daemon/control/daemon.h"

/* Has the shard go over to this set, which the caller goes on holding. WISP_E_BUSY: too many old ones are still at
 * work; -ENOMEM. Then all is as it was. */
int models_use(struct wispd *daemon, struct model_set *set, struct reason *why);

/* The shard has: questions are answered from it from now on. Not before, or a client could learn a route that the shard
 * does not know yet. */
void models_in_use(struct wispd *daemon, struct queue_set *queues);

/* The shard is done with these queues. */
void models_done_with(struct wispd *daemon, struct queue_set *queues);

/* The shard has ended. */
void models_end(struct wispd *daemon);

#endif
