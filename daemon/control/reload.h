/* SPDX-License-Identifier: Apache-2.0
 *
 * Reloading: another set of models is loaded beside the one that serves, and takes its place when it is good
 * (docs/design/reload.md). One at a time; who asks while one is under way is answered by the next, which is made once
 * for all of them. When it serves it is kept on disk, and only then the next begins.
 */
#ifndef DAEMON_CONTROL_RELOAD_H
#define DAEMON_CONTROL_RELOAD_H

#include "daemon/control/daemon.h"
#include "daemon/models/loading.h"

/* -ENOMEM, -EAGAIN, -EMFILE. `source`: the caller's, for as long as the process lives. */
int reload_new(const struct config_source *source, struct reload **out);

/* At the start: goes back, where what was configured and loaded was rolled back from. */
void reload_instead(struct wispd *daemon, struct model_set **set);
/* The daemon serves what it was started with. */
void reload_started(struct wispd *daemon);
/* No more begins, and what is under way is waited for, for a moment. Accepts NULL. */
void reload_end(struct wispd *daemon);

/* An eventfd that is written when something has been loaded; and what is done then. */
int reload_eventfd(const struct reload *reload);
void reload_loaded(struct wispd *daemon);

/* As soon as it can be. `asker` waits for its answer; NULL: nobody. WISP_E_BUSY: something else has been asked
 * for meanwhile; WISP_E_SHUTDOWN. */
int reload_ask(struct wispd *daemon, enum loading_kind kind, struct connection *asker);

/* What those connections are to hear that wait for the one of this number (connection->reload); false: nothing new. The
 * text is to be freed; NULL: no memory. */
struct reload_answer {
    uint32_t number;
    int status;
    char *text;
};
bool reload_take_answer(struct reload *reload, struct reload_answer *out);

/* All shards have gone over to this. */
void reload_in_use(struct wispd *daemon, const struct serving *serving);

/* Whether this connection's user may ask for one. */
bool reload_may(const struct connection *connection);

/* How many sets have taken the place of another, how many that were configured have been refused, and how often there
 * was nothing to go back to; and whether the one that serves is not
 * what is configured, because that was rolled back from. */
struct reload_counts {
    uint64_t done, refused, rollbacks_refused;
    bool rolled_back;
};
struct reload_counts reload_counts(const struct reload *reload);

#endif
