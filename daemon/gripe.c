/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "daemon/gripe.h"

enum { SAID_MOST = 10, LINE_MAX_BYTES = 512 };

static bool may_say(struct gripes *gripes)
{
    uint64_t now = clock_ns();

    if (now - gripes->window_ns > NS_PER_S) {
        if (gripes->left_out)
            log_notice("%u more lines about clients were left out", gripes->left_out);
        *gripes = (struct gripes){ .window_ns = now };
    }
    if (gripes->said < SAID_MOST) {
        gripes->said++;
        return true;
    }
    gripes->left_out++;
    return false;
}

void gripe(struct gripes *gripes, const struct channel *channel, enum log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;

    if (level < LOG_DEBUG && !may_say(gripes))
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_at(level, "client %s (pid %d, user %u): %s", *channel->name ? channel->name : "without a name",
           (int)channel->pid, (unsigned)channel->uid, line);
}
