/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that sleep until a request is done, or until there is a session, or until they are to take the role over
 * (engine.h). Each sleeps on a word of its own, which lies on its stack.
 *
 * All but waiter_sleep() needs the client's lock; a waiter leaves the list under it, and so cannot be gone while
 * somebody who holds it wakes it.
 */
#ifndef CLIENT_WAITERS_H
#define CLIENT_WAITERS_H

#include <stdbool.h>
#include <stdint.h>

struct wisp_request;

struct waiter {
    struct waiter *previous, *next;
    struct wisp_request *request; /* NULL: waits for a session */
    uint32_t word;                /* futex: 0 asleep, 1 look again */
};

struct waiters {
    struct waiter *first, *last; /* in the order in which they came */
};

void waiter_add(struct waiters *waiters, struct waiter *waiter);
/* One that was woken has left already: then nothing happens, and true is returned. */
bool waiter_leave(struct waiters *waiters, struct waiter *waiter);
/* Until it is woken, or the deadline. Without the lock. */
void waiter_sleep(const struct waiter *waiter, uint64_t deadline_ns);

/* Wakes who waits for `request`, or with NULL everybody who waits for a session. */
void waiters_wake(struct waiters *waiters, const struct wisp_request *request);
/* Wakes who has waited longest, whatever for; false when nobody does. */
bool waiters_wake_first(struct waiters *waiters);

#endif
