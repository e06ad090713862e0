/* SPDX-License-Identifier: Apache-2.0
 *
 * Sleeping on a 32-bit word until another thread wakes who sleeps there. What orders the word against other memory is
 * the caller's to say.
 */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

enum futex_scope {
    FUTEX_OF_PROCESS = FUTEX_PRIVATE_FLAG,
    FUTEX_SHARED = 0, /* the word lies in memory that other processes map */
};

/* Sleeps while the word is `seen`, at most `timeout_ns` (UINT64_MAX: without limit). 0 when it was woken, by chance
 * too, or when the word was another from the beginning; -ETIMEDOUT; -EINTR. */
static inline int futex_wait(const void *word, uint32_t seen, uint64_t timeout_ns, enum futex_scope scope)
{
    struct timespec timeout = clock_timespec(timeout_ns);

    if (!syscall(SYS_futex, word, FUTEX_WAIT | (int)scope, seen, timeout_ns == UINT64_MAX ? NULL : &timeout, NULL, 0))
        return 0;
    return errno == EAGAIN ? 0 : -errno;
}

/* Wakes at most so many threads. */
static inline void futex_wake(const void *word, int threads, enum futex_scope scope)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE | (int)scope, threads, NULL, NULL, 0);
}

/* One turn of a spinning wait, kind to the processor's other thread. */
static inline void cpu_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
