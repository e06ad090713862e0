/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "daemon/control/limited_log.h"

enum { LINE_MAX_BYTES = 512 };

static const struct budget_rate rate = { .every_ns = NS_PER_S / 10, .burst = 10 };

static bool may_say(struct user *user)
{
    if (!budget_take(&user->lines, &rate, clock_ns())) {
        user->lines_left_out++;
        return false;
    }
    if (user->lines_left_out)
        log_notice("%u more lines about user %u were left out", user->lines_left_out, (unsigned)user->uid);
    user->lines_left_out = 0;
    return true;
}

void log_limited(const struct connection *connection, enum log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;

    if (level > log_get_level() || (level < LOG_LEVEL_DEBUG && !may_say(connection->user)))
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_at(level, "client %s (pid %d, user %u): %s", *connection->name ? connection->name : "without a name",
           (int)connection->pid, (unsigned)connection->uid, line);
}
