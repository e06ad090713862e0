/* SPDX-License-Identifier: Apache-2.0
 *
 * What is different with a set of models that takes the place of another: for who asked for it, and for the log.
 */
#ifndef DAEMON_MODELS_CHANGES_H
#define DAEMON_MODELS_CHANGES_H

#include "daemon/models/loading.h"

/* A JSON object (docs/protocol.md) for a load that is good and took so long; `can_roll_back`: it is kept on disk. To be
 * freed; NULL: no memory. */
char *changes_text(const struct loading *loading, uint64_t ns, bool can_roll_back);

/* The same as a line of the log, and one more for what a start alone can change. */
void changes_log(const struct loading *loading, uint64_t ns);

#endif
