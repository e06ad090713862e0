/* SPDX-License-Identifier: Apache-2.0
 *
 * A copy of a model's file that is certainly of that model: the file may be another since it was loaded, or become
 * another while it is copied.
 */
#ifndef DAEMON_MODELS_COPY_H
#define DAEMON_MODELS_COPY_H

#include "base/error.h"

/* Makes `to`, whole or not at all. WISP_E_CHANGED: what stands at `from` has not this identity; -errno. */
int copy_of_model(const char *from, const char *to, const char *identity, struct reason *why);

#endif
