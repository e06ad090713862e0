/* SPDX-License-Identifier: Apache-2.0 */
#include "client/waiters.h"
#include "base/futex.h"
#include "base/insist.h"
#include "client/deadline.h"
#include "client/request.h"

void waiter_add(struct waiters *waiters, struct waiter *waiter)
{
    insist(!waiters->first == !waiters->last);
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
    insist((waiter->previous ? waiter->previous->next : waiters->first) == waiter);
    insist((waiter->next ? waiter->next->previous : waiters->last) == waiter);
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
    futex_wake(&waiter->word, 1, FUTEX_OF_PROCESS);
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
    while (!__atomic_load_n(&waiter->word, __ATOMIC_ACQUIRE) && (left = deadline_left(deadline_ns)))
        (void)futex_wait(&waiter->word, 0, left, FUTEX_OF_PROCESS);
}
