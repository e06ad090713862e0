/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/deadline.h"
#include "client/request.h"
#include "client/waiters.h"

void waiter_add(struct waiters *waiters, struct waiter *waiter)
{
    waiter->previous = waiters->last;
    if (waiter->previous)
        waiter->previous->next = waiter;
    else
        waiters->first = waiter;
    waiters->last = waiter;
    if (waiter->request)
        waiter->request->waiter = waiter;
}

static void waiter_remove(struct waiters *waiters, struct waiter *waiter)
{
    if (waiter->previous)
        waiter->previous->next = waiter->next;
    else
        waiters->first = waiter->next;
    if (waiter->next)
        waiter->next->previous = waiter->previous;
    else
        waiters->last = waiter->previous;
    if (waiter->request)
        waiter->request->waiter = NULL;
}

bool waiter_leave(struct waiters *waiters, struct waiter *waiter)
{
    if (waiter->word) /* written under the lock, which we hold */
        return true;
    waiter_remove(waiters, waiter);
    return false;
}

/* The waiter lives on its thread's stack, and cannot leave before it gets the lock that we hold. */
static void waiter_wake(struct waiters *waiters, struct waiter *waiter)
{
    waiter_remove(waiters, waiter);
    __atomic_store_n(&waiter->word, 1, __ATOMIC_RELEASE); /* pairs with waiter_sleep() */
    (void)syscall(SYS_futex, &waiter->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void waiters_wake(struct waiters *waiters, const struct wisp_request *request)
{
    struct waiter *next;

    for (struct waiter *waiter = waiters->first; waiter; waiter = next) {
        next = waiter->next;
        if (waiter->request == request)
            waiter_wake(waiters, waiter);
    }
}

bool waiters_wake_first(struct waiters *waiters)
{
    if (!waiters->first)
        return false;
    waiter_wake(waiters, waiters->first);
    return true;
}

void waiter_sleep(const struct waiter *waiter, uint64_t deadline_ns)
{
    uint64_t left;

    /* Pairs with waiter_wake(). */
    while (!__atomic_load_n(&waiter->word, __ATOMIC_ACQUIRE) && (left = deadline_left(deadline_ns))) {
        struct timespec limit = clock_timespec(left);

        (void)syscall(SYS_futex, &waiter->word, FUTEX_WAIT_PRIVATE, 0, left == FOREVER ? NULL : &limit, NULL, 0);
    }
}
