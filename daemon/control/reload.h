/* SPDX-License-Identifier: Apache-2.0
 *
 * Reloading: another set of models is loaded beside the one that serves, and takes its place when it is good
 * (docs/design/reload.md). One at a time; who asks while one is under way is answered by the next, which is made once
 * for all of them.
 */
#ifndef DAEMON_CONTROL_RELOAD_H
#define DAEMON_CONTROL_RELOAD_H

#include "daemon/control/daemon.h"
#include "daemon/models/loading.h"

/* -ENOMEM, -EAGAIN, -EMFILE. `source`: the caller's, for as long as the process lives. */
int reload_new(const struct config_source *source, struct reload **out);
/* No more begins, and what is under way is waited for, for a moment. Accepts NULL. */
void reload_end(struct wispd *daemon);

/* An eventfd that is written when something has been loaded; and what is done then. */
int reload_eventfd(const struct reload *reload);
void reload_loaded(struct wispd *daemon);

/* As soon as it can be. `asker` is answered when it is done, with reload_answer(); NULL: nobody. */
void reload_ask(struct wispd *daemon, struct connection *asker);

/* The shard has gone over to these queues. */
void reload_in_use(struct wispd *daemon, const struct queue_set *queues);

/* Whether this connection's user may ask for one. */
bool reload_may(const struct connection *connection);

/* How many sets have taken the place of another, and how many have been refused. */
struct reload_counts {
    uint64_t done, refused;
};
struct reload_counts reload_counts(const struct reload *reload);

#endif
