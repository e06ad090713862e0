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
/* What it asked for has been done, or refused with this status: the text (taken over; NULL: no memory) is its answer.
 */
void questions_answer_late(struct wispd *daemon, struct connection *connection, int status, char *text);

#endif
