/* SPDX-License-Identifier: Apache-2.0
 *
 * wispd: from a configuration to a daemon that serves, and to its end.
 *
 * The thread that calls wispd_run() is the control thread: it handles connections, handshakes, questions, hang-ups,
 * timers and signals. Requests are the shard's, on a thread of its own (shard/worker.h). The memory of channels is made
 * and taken apart by a third one (helper.h), and log lines are written by a fourth (base/log_writer.h). Why there are
 * two, and who owns what: docs/design/shards.md. A fifth loads models while others serve (reload.h).
 */
#ifndef DAEMON_CONTROL_WISPD_H
#define DAEMON_CONTROL_WISPD_H

#include "base/error.h"
#include "config/config.h"
#include "daemon/models/loading.h"

struct wispd;

/* Loads and warms the models, then listens. The configuration is the caller's and outlives the daemon, which changes it
 * when it is read again, from the source; that lasts as long as the process. NULL: it is never read again. */
int wispd_new(struct config *config, const struct config_source *source, struct wispd **out, struct reason *why);
struct wispd *wispd_free(struct wispd *daemon); /* accepts NULL; returns NULL */

/* Serves until SIGTERM or SIGINT arrives on `signals`, a signalfd of the caller's. 0, or -errno. */
int wispd_run(struct wispd *daemon, int signals);

#endif
