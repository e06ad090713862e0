/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon says of its time, and of who is there, as JSON (docs/protocol.md, docs/design/sight.md).
 */
#ifndef DAEMON_CONTROL_ANSWERS_ANSWERS_H
#define DAEMON_CONTROL_ANSWERS_ANSWERS_H

#include "daemon/control/describe.h"

/* For somebody of this user id. */
struct description answer_stats(const struct wispd *daemon, uid_t asker);
struct description answer_clients(const struct wispd *daemon, uid_t asker);

#endif
