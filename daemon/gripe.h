/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines that a client can cause. At most ten a second, so that none can fill the journal; how many were left out is
 * said afterwards. Lines for debugging are not counted: they are off unless asked for.
 */
#ifndef DAEMON_GRIPE_H
#define DAEMON_GRIPE_H

#include <stdint.h>

#include "base/log.h"
#include "daemon/channel.h"

struct gripes {
    uint64_t window_ns;
    uint32_t said, left_out;
};

/* "client NAME (pid P, user U): …" */
void gripe(struct gripes *gripes, const struct channel *channel, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
