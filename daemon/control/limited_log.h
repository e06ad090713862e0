/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines that a client can cause. Each user may cause ten at once and ten a second, so that he can neither fill the
 * journal nor keep others out of it; how many were left out is said with the next. Lines for debugging are not counted:
 * they are off unless asked for.
 */
#ifndef DAEMON_CONTROL_LIMITED_LOG_H
#define DAEMON_CONTROL_LIMITED_LOG_H

#include "base/log.h"
#include "daemon/control/connection.h"

/* "client NAME (pid P, user U): …" */
void log_limited(const struct connection *connection, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
