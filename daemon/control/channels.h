/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a channel: what the daemon does when one ends, and when its memory has been made or taken apart.
 */
#ifndef DAEMON_CONTROL_CHANNELS_H
#define DAEMON_CONTROL_CHANNELS_H

#include "daemon/control/daemon.h"

/* Ends a connection, whatever its state; its client learns of it when the shard has left its channel. */
void channels_hang_up(struct wispd *daemon, struct connection *connection);

/* Hands its channel, which has been attached, over to its shard; the shard has left it again. */
void channels_serve(struct wispd *daemon, struct connection *connection);
void channels_left(struct wispd *daemon, struct connection *connection);

/* Moves a DEAD channel on, when nothing uses it any more. */
void channels_retire(struct wispd *daemon, struct connection *connection);

/* Has the helper run something on the channel's memory; it comes back with helper_done(). */
void channels_help(struct wispd *daemon, struct connection *connection, void (*run)(struct helper_job *job));

/* Has the helper unmap the buffer that has been detached. */
void channels_unmap(struct wispd *daemon, struct connection *connection);

/* Ends all of them, and the threads that have to do with them: the shards' and the helper. */
void channels_end(struct wispd *daemon);

#endif
