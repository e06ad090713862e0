/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon says of itself and its models, as JSON (docs/protocol.md).
 */
#ifndef DAEMON_CONTROL_DESCRIBE_H
#define DAEMON_CONTROL_DESCRIBE_H

#include <stdio.h>

#include "daemon/control/daemon.h"

/* A text in two parts: what is the same for everybody (NULL: nothing), and what is to be freed (NULL: there is no
 * memory). */
struct description {
    const char *shared;
    char *own;
};

/* What a stream in memory gathered behind `shared`, which it closes; nothing when there was no memory for it, or for
 * the stream. */
struct description describe_gathered(FILE *out, char **text, const char *shared);

struct description describe_models(const struct wispd *daemon);
struct description describe_model(const struct wispd *daemon, uint32_t route);
struct description describe_daemon(const struct wispd *daemon);
/* What was counted, and who is connected: as much as a user of this id is told (stats.c, clients.c). */
struct description describe_stats(const struct wispd *daemon, uid_t asker);
struct description describe_clients(const struct wispd *daemon, uid_t asker);
/* Why a name leads nowhere: "no model \"x\"; there are: a (image.classification), b (…)". */
struct description describe_unknown(const struct wispd *daemon, const char *name, size_t length);

#endif
