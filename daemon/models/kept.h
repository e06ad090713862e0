/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept on disk of the sets of models that were served, for a rollback (docs/design/reload.md).
 *
 *   FOLDER/files/IDENTITY/NAME.safetensors   a copy of each model of either set
 *   FOLDER/serving.yaml                      the set that serves, as a configuration that names the copies
 *   FOLDER/before.yaml                       the one before; none after a rollback
 *   FOLDER/refused.yaml                      the one that was rolled back from
 *
 * The folder is the daemon's alone. On the thread that loads, one at a time.
 */
#ifndef DAEMON_MODELS_KEPT_H
#define DAEMON_MODELS_KEPT_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "daemon/models/set.h"

enum { KEPT_FOLDER_MAX = 2000 };

/* $STATE_DIRECTORY as systemd sets it, else $XDG_STATE_HOME/wisp, made if it is not there. Both are ignored unless they
 * are absolute. A descriptor that keeps it for this process; -1: nowhere, and the log says why: another daemon keeps
 * its own there, or it is not this user's alone. */
int kept_open(char folder[KEPT_FOLDER_MAX]);

/* The set as it would be kept: equal texts for equal sets. To be freed. -ENOMEM. */
int kept_text(const char *folder, const struct config *config, const struct model_set *set, char **text);

/* The set serves, having been loaded by this configuration: copies what is not there yet, and what served before it is
 * what a rollback goes to. WISP_E_CHANGED: a file is another since, so no rollback will go to this set;
 * -errno.
 */
int kept_serves(const char *folder, const struct config *config, const struct model_set *set, struct reason *why);

/* The set before serves again. -errno. */
int kept_has_gone_back(const char *folder, struct reason *why);

/* The configuration of the set before; of the set that is to serve in place of the one with this text, which was rolled
 * back from. False: there is none. */
bool kept_before(const char *folder, char path[KEPT_FOLDER_MAX]);
bool kept_instead(const char *folder, const char *text, char path[KEPT_FOLDER_MAX]);

#endif
