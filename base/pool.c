/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller publishes a turn; every member runs it and counts itself out; the caller waits for the count. Turns are
 * numbered, so a member that slept through nothing sees exactly the next one.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/pool.h"

enum { SPIN_NS = 20000, SPIN_LOOK = 64 };

struct member {
    struct pool *pool;
    unsigned part;
    pthread_t thread;
};

struct pool {
    unsigned parts;
    pool_function *function; /* written before `turn` is released, read after it is acquired */
    void *argument;
    bool leaving;
    _Alignas(64) _Atomic uint32_t turn; /* released by pool_run(), acquired by member_wait() */
    _Alignas(64) _Atomic uint32_t left; /* members still at it: released by each, acquired by pool_run() */
    struct member members[];
};

static void futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
    syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Returns once *word differs from `seen`; pairs with the release that changed it. */
static uint32_t wait_change(_Atomic uint32_t *word, uint32_t seen)
{
    uint64_t until = clock_ns() + SPIN_NS;
    uint32_t value;

    do {
        for (int i = 0; i < SPIN_LOOK; i++) {
            value = atomic_load_explicit(word, memory_order_acquire);
            if (value != seen)
                return value;
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
    } while (clock_ns() < until);
    while ((value = atomic_load_explicit(word, memory_order_acquire)) == seen)
        futex(word, FUTEX_WAIT, seen);
    return value;
}

static void *member_main(void *argument)
{
    struct member *member = argument;
    struct pool *pool = member->pool;
    uint32_t seen = 0;

    for (;;) {
        seen = wait_change(&pool->turn, seen);
        if (pool->leaving)
            return NULL;
        pool->function(pool->argument, member->part, pool->parts);
        /* Pairs with the acquire in pool_run(): what this part wrote is visible once the count is zero. */
        if (atomic_fetch_sub_explicit(&pool->left, 1, memory_order_acq_rel) == 1)
            futex(&pool->left, FUTEX_WAKE, 1);
    }
}

static void pool_turn(struct pool *pool)
{
    /* Pairs with wait_change() in the members. */
    atomic_fetch_add_explicit(&pool->turn, 1, memory_order_release);
    futex(&pool->turn, FUTEX_WAKE, INT_MAX);
}

int pool_new(unsigned parts, struct pool **out)
{
    struct pool *pool;

    if (posix_memalign((void **)&pool, 64, sizeof *pool + parts * sizeof *pool->members))
        return -ENOMEM;
    *pool = (struct pool){ .parts = 1 };
    for (unsigned part = 1; part < parts; part++) {
        struct member *member = &pool->members[part];
        int result;

        *member = (struct member){ .pool = pool, .part = part };
        result = pthread_create(&member->thread, NULL, member_main, member);
        if (result) {
            pool_free(pool);
            return -result;
        }
        pool->parts++;
    }
    *out = pool;
    return 0;
}

struct pool *pool_free(struct pool *pool)
{
    if (!pool)
        return NULL;
    pool->leaving = true;
    pool_turn(pool);
    for (unsigned part = 1; part < pool->parts; part++)
        pthread_join(pool->members[part].thread, NULL);
    free(pool);
    return NULL;
}

unsigned pool_parts(const struct pool *pool)
{
    return pool ? pool->parts : 1;
}

void pool_run(struct pool *pool, pool_function *function, void *argument)
{
    uint32_t left;

    if (!pool || pool->parts == 1) {
        function(argument, 0, 1);
        return;
    }
    pool->function = function;
    pool->argument = argument;
    atomic_store_explicit(&pool->left, pool->parts - 1, memory_order_relaxed);
    pool_turn(pool);
    function(argument, 0, pool->parts);
    /* Pairs with the members' acq_rel decrements. */
    left = atomic_load_explicit(&pool->left, memory_order_acquire);
    while (left)
        left = wait_change(&pool->left, left);
}
