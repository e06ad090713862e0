/* SPDX-License-Identifier: Apache-2.0
 *
 * A timer wheel: whose time is over, found without looking at those whose time is not. Adding and taking out cost the
 * same however many there are; what is over is found at most a tick late.
 */
#ifndef DAEMON_SCHEDULE_WHEEL_H
#define DAEMON_SCHEDULE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 256, WHEEL_SHIFT = 18 }; /* a tick is 262 us, a turn 67 ms */

#define WHEEL_TICK_NS (UINT64_C(1) << WHEEL_SHIFT)

/* In what it is the timer of; all zero, it is in no wheel. */
struct timer {
    struct timer *next, **link; /* link: what points to it; NULL: nothing */
    uint64_t due_ns;
};

struct wheel {
    struct timer *slots[WHEEL_SLOTS];
    struct timer *over; /* found, and not told yet */
    uint64_t tick;      /* the first that has not been looked through */
    uint32_t count;
};

void wheel_add(struct wheel *wheel, struct timer *timer, uint64_t due_ns);
void wheel_remove(struct wheel *wheel, struct timer *timer); /* idempotent */

/* One whose time is over, which has left the wheel; NULL: there is none any more. To be called until then, with the
 * same time. */
struct timer *wheel_expire(struct wheel *wheel, uint64_t now_ns);
/* When to call that again; UINT64_MAX: there is none. */
uint64_t wheel_next_ns(const struct wheel *wheel);

#endif
