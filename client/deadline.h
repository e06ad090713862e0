/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines: times of clock_ns(), or FOREVER.
 */
#ifndef CLIENT_DEADLINE_H
#define CLIENT_DEADLINE_H

#include <limits.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/size.h"

#define FOREVER UINT64_MAX

/* What a program's time limit means from now on; UINT32_MAX: none. */
static inline uint64_t deadline_in_ms(uint32_t timeout_ms)
{
    return timeout_ms == UINT32_MAX ? FOREVER : clock_ns() + timeout_ms * NS_PER_MS;
}

/* Nanoseconds until then; FOREVER. */
static inline uint64_t deadline_left(uint64_t deadline_ns)
{
    uint64_t now = clock_ns();

    return deadline_ns == FOREVER ? FOREVER : deadline_ns > now ? deadline_ns - now : 0;
}

/* The same for poll(); whoever is woken early looks at the clock, and sleeps again. */
static inline int deadline_poll_ms(uint64_t deadline_ns)
{
    uint64_t now = clock_ns(), left = deadline_ns > now ? (deadline_ns - now) / NS_PER_MS + 1 : 0;

    return (int)MIN(left, INT_MAX);
}

#endif
