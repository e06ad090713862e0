/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions: list, describe, status.
 */
#ifndef DAEMON_CONTROL_QUESTIONS_H
#define DAEMON_CONTROL_QUESTIONS_H

#include "daemon/control/daemon.h"

/* An OPEN channel's socket is readable or writable, or that of one for questions alone. */
void questions_ready(struct wispd *daemon, struct connection *connection, const struct loop_event *event);
/* Its question's turn has come. */
void questions_answer(struct wispd *daemon, struct connection *connection);
/* A reload may be done: those who wait for it are answered. */
void questions_answer_reload(struct wispd *daemon);

#endif
