/* SPDX-License-Identifier: Apache-2.0
 *
 * Sleeping and waking. The flags are relaxed: what orders them against the rings is the one fence that stands, on
 * either side, between its own store and its look at the other side's word. Every fence here pairs with the fence of
 * the other side in the same protocol (wake.h draws both), and in nothing else.
 */
#include <errno.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/insist.h"
#include "libipc/wake.h"

#if defined(__SANITIZE_THREAD__)
#define WAKE_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WAKE_UNDER_TSAN 1
#endif
#endif

/* ThreadSanitizer does not know fences. A read-modify-write of a word that nobody else sees is as strong on the
 * machine, and orders nothing in its eyes that the real fence would not. */
static inline void fence(void)
{
#ifdef WAKE_UNDER_TSAN
    uint32_t own = 0;

    __atomic_fetch_add(&own, 1, __ATOMIC_SEQ_CST);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* ---- the daemon sleeps on the eventfd ---- */

int wake_daemon(const struct wire_daemon_control *daemon, int eventfd)
{
    static const uint64_t one = 1;

    fence(); /* between slot_publish() and need_wake; pairs with wake_daemon_arm() */
    if (!__atomic_load_n(&daemon->need_wake, __ATOMIC_RELAXED))
        return 0;
    while (write(eventfd, &one, sizeof one) < 0) {
        if (errno == EAGAIN) /* the counter is full: nobody reads it, and it has been rung often enough */
            return 0;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

void wake_daemon_arm(struct wire_daemon_control *daemon)
{
    __atomic_store_n(&daemon->need_wake, 1, __ATOMIC_RELAXED);
    fence(); /* between need_wake and intake_ring_ready(); pairs with wake_daemon() */
}

void wake_daemon_disarm(struct wire_daemon_control *daemon)
{
    /* A client that still sees 1 rings once in vain; no order is needed. */
    __atomic_store_n(&daemon->need_wake, 0, __ATOMIC_RELAXED);
}

/* ---- the client sleeps on the futex, or polls the socket ---- */

enum wire_wait wake_client(const struct wire_client_control *client, struct wire_daemon_control *daemon)
{
    uint32_t how;

    fence(); /* between slot_publish() and cq_wait; pairs with wake_client_arm() */
    how = __atomic_load_n(&client->cq_wait, __ATOMIC_RELAXED);
    if (how == WIRE_WAIT_SOCKET)
        return WIRE_WAIT_SOCKET;
    if (how != WIRE_WAIT_FUTEX)
        return WIRE_WAIT_NONE;
    /* We are the only writer. Pairs with the acquire in wake_client_arm(), and with the comparison in the kernel. */
    __atomic_store_n(&daemon->cq_futex, daemon->cq_futex + 1, __ATOMIC_RELEASE);
    futex_wake(&daemon->cq_futex, 1, FUTEX_SHARED);
    return WIRE_WAIT_FUTEX;
}

uint32_t wake_client_arm(struct wire_client_control *client, const struct wire_daemon_control *daemon,
                         enum wire_wait how)
{
    insist(how == WIRE_WAIT_FUTEX || how == WIRE_WAIT_SOCKET, "%d", how);
    /* Pairs with the release in wake_client(): a value that is new shows the completions that it announced. */
    uint32_t seen = __atomic_load_n(&daemon->cq_futex, __ATOMIC_ACQUIRE);

    __atomic_store_n(&client->cq_wait, (uint32_t)how, __ATOMIC_RELAXED);
    fence(); /* between cq_wait and reap_ring_ready(); pairs with wake_client() */
    return seen;
}

void wake_client_disarm(struct wire_client_control *client)
{
    /* A daemon that still sees the wish wakes once in vain; no order is needed. */
    __atomic_store_n(&client->cq_wait, (uint32_t)WIRE_WAIT_NONE, __ATOMIC_RELAXED);
}

int wake_client_sleep(const struct wire_daemon_control *daemon, uint32_t seen, uint64_t timeout_ns)
{
    return futex_wait(&daemon->cq_futex, seen, timeout_ns, FUTEX_SHARED);
}
