/* SPDX-License-Identifier: Apache-2.0
 *
 * `wispd -t` checks as the service would see it: as its user, and within its sandbox. What it calls good does start.
 *
 * Root reads everything and is in no sandbox, so a check by root would say nothing. The process becomes the user, for
 * good, before it reads anything; there is no way back and nothing is kept.
 */
#ifndef DAEMON_MODELS_IMPERSONATE_H
#define DAEMON_MODELS_IMPERSONATE_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"

/* As systemd/wispd.service says; a test compares the two. */
#define SERVICE_USER "wisp"

struct hidden_folder {
    const char *folder;
    const char *directive; /* of the unit, that hides it */
};
extern const struct hidden_folder hidden_folder[]; /* the end has no folder */

struct impersonation {
    const char *user; /* NULL: whoever runs this */
    bool sandbox;     /* the service's sandbox counts */
};

/* Becomes `user`; NULL: the service's user, where this is root and there is such a user, and then the sandbox counts.
 * WISP_E_DENIED, -errno. */
int impersonate_begin(struct impersonation *impersonation, const char *user, struct reason *why);

/* Logs an error for each model that the sandbox hides; how many. */
unsigned impersonate_hidden(const struct config *config);

/* Whether the file cannot be read for lack of permission; the reason then names what stands in the way, for whom, and
 * what to do. */
bool impersonate_denied(const char *path, struct reason *why);

#endif
