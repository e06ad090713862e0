/* SPDX-License-Identifier: Apache-2.0
 *
 * `wispd -t` judges as the service would see it: as its user, and within its sandbox. What it calls good does start.
 *
 * Root reads everything and is in no sandbox, so a check by root would say nothing. The process becomes the user, for
 * good, before it reads anything; there is no way back and nothing is kept.
 */
#ifndef DAEMON_JUDGE_H
#define DAEMON_JUDGE_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"

/* As systemd/wispd.service says; a test compares the two. */
#define JUDGE_SERVICE_USER "wisp"

struct judge_hidden {
    const char *folder;
    const char *directive; /* of the unit, that hides it */
};
extern const struct judge_hidden judge_hidden[]; /* the end has no folder */

struct judge {
    const char *user; /* NULL: whoever runs this */
    bool sandbox;     /* the service's sandbox counts */
};

/* Becomes `user`; NULL: the service's user, where this is root and there is such a user, and then the sandbox counts.
 * WISP_E_DENIED, -errno. */
int judge_begin(struct judge *judge, const char *user, struct reason *why);

/* Logs an error for each model that the sandbox hides; how many. */
unsigned judge_sandbox(const struct config *config);

/* Whether the file cannot be read for lack of permission; the reason then names what stands in the way, for whom, and
 * what to do. */
bool judge_is_denied(const char *path, struct reason *why);

#endif
