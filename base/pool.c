/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller publishes a turn; every member runs it and counts itself out; the caller waits for the count. Turns are
 * numbered, so a member that slept through nothing sees exactly the next one. Who meets others within a turn counts its
 * own meetings, where they see them.
 *
 * Who waits spins for a time that it learns (spin_after()), then sleeps; who changes a word makes a system call only
 * when somebody sleeps on it:
 *
 *   waiter                              waker
 *   A  sleepers += 1                    C  change value
 *   B  futex wait: value still seen?    D  sleepers > 0?  futex wake
 *
 * A, C and D are sequentially consistent, and the kernel's comparison in B comes after a full barrier, so B is ordered
 * after A too. If D reads a count without A, then D precedes A, so C precedes B, and B finds the value changed and does
 * not sleep. If D reads A's count, there is a wake after C: it either finds the waiter asleep or, in the kernel's lock,
 * comes before B, which then finds the value changed. So nobody sleeps through a change, whatever the order; the worst
 * is a wake that finds nobody. Data that a turn hands over is published by C and taken by the waiter's acquire loads.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/futex.h"
#include "base/pool.h"
#include "base/spin.h"

enum { SPIN_LOOK = 64 };

/* A value that is waited for, and how many may be asleep on it. */
struct waited {
    _Atomic uint32_t value;
    _Atomic uint32_t sleepers;
};

/* The first is the caller, which is no thread of the pool's. */
struct member {
    _Alignas(64) struct waited met; /* how often it has met the others: released by it, acquired by them */
    _Alignas(64) struct pool *pool;
    uint64_t spin; /* its own, as the rest */
    unsigned part;
    pthread_t thread;
};

struct pool {
    unsigned parts;
    pool_function *function; /* written before `turn` is released, read after it is acquired */
    void *argument;
    bool leaving;
    bool crowded;
    _Alignas(64) struct waited turn; /* released by pool_run(), acquired by member_wait() */
    _Alignas(64) struct waited left; /* members still at it: released by each, acquired by pool_run() */
    struct member members[];
};

/* D of the protocol; the caller has just changed the value, sequentially consistent. */
static void wake(struct waited *word, int count)
{
    if (atomic_load_explicit(&word->sleepers, memory_order_seq_cst))
        futex_wake(&word->value, count, FUTEX_OF_PROCESS);
}

/* A and B. The acquire pairs with the change (C). */
static uint32_t sleep_on(struct waited *word, uint32_t seen)
{
    uint32_t value;

    atomic_fetch_add_explicit(&word->sleepers, 1, memory_order_seq_cst);
    do {
        (void)futex_wait(&word->value, seen, UINT64_MAX, FUTEX_OF_PROCESS);
        value = atomic_load_explicit(&word->value, memory_order_acquire);
    } while (value == seen);
    /* Nothing depends on when this is seen: too late costs a wake that finds nobody. */
    atomic_fetch_sub_explicit(&word->sleepers, 1, memory_order_relaxed);
    return value;
}

/* Returns once the value differs from `seen`; the acquire pairs with the change (C). `spin` is the calling thread's. */
static uint32_t wait_change(struct waited *word, uint32_t seen, uint64_t *spin)
{
    uint64_t begun = clock_ns();
    uint32_t value;

    do {
        for (int i = 0; i < SPIN_LOOK; i++) {
            value = atomic_load_explicit(&word->value, memory_order_acquire);
            if (value != seen)
                return value;
            cpu_pause();
        }
    } while (clock_ns() - begun < *spin);
    value = sleep_on(word, seen);
    *spin = spin_after(*spin, clock_ns() - begun);
    return value;
}

static void *member_main(void *argument)
{
    struct member *member = argument;
    struct pool *pool = member->pool;
    uint32_t seen = 0;

    for (;;) {
        seen = wait_change(&pool->turn, seen, &member->spin);
        if (pool->leaving)
            return NULL;
        pool->function(pool->argument, member->part, pool->parts);
        /* Pairs with the acquire in pool_run(): what this part wrote is visible once the count is zero. */
        if (atomic_fetch_sub_explicit(&pool->left.value, 1, memory_order_seq_cst) == 1)
            wake(&pool->left, 1);
    }
}

static void pool_turn(struct pool *pool)
{
    /* Pairs with wait_change() in the members. */
    atomic_fetch_add_explicit(&pool->turn.value, 1, memory_order_seq_cst);
    wake(&pool->turn, INT_MAX);
}

/* Of the last turn. */
static void wait_for_end(struct pool *pool)
{
    /* Pairs with the members' decrements. */
    uint32_t left = atomic_load_explicit(&pool->left.value, memory_order_acquire);

    while (left)
        left = wait_change(&pool->left, left, &pool->members[0].spin);
}

int pool_new(unsigned parts, struct pool **out)
{
    struct pool *pool;

    if (posix_memalign((void **)&pool, 64, sizeof *pool + parts * sizeof *pool->members))
        return -ENOMEM;
    *pool = (struct pool){ .parts = 1 };
    for (unsigned part = 0; part < parts; part++)
        pool->members[part] = (struct member){ .pool = pool, .spin = SPIN_MIN_NS, .part = part };
    for (unsigned part = 1; part < parts; part++) {
        struct member *member = &pool->members[part];
        int result;

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
    wait_for_end(pool); /* of a turn that roused them */
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

void pool_crowd(struct pool *pool, bool crowded)
{
    pool->crowded = crowded;
}

bool pool_is_crowded(const struct pool *pool)
{
    return pool && pool->crowded;
}

/* ---- turns ---- */

static void begin_turn(struct pool *pool, pool_function *function, void *argument)
{
    wait_for_end(pool); /* the one that roused them */
    pool->function = function;
    pool->argument = argument;
    atomic_store_explicit(&pool->left.value, pool->parts - 1, memory_order_relaxed);
    pool_turn(pool);
}

void pool_run(struct pool *pool, pool_function *function, void *argument)
{
    if (!pool || pool->parts == 1) {
        function(argument, 0, 1);
        return;
    }
    begin_turn(pool, function, argument);
    function(argument, 0, pool->parts);
    wait_for_end(pool);
}

void pool_meet(struct pool *pool, unsigned part)
{
    struct member *own;
    uint32_t times;

    if (pool_parts(pool) == 1)
        return;
    own = &pool->members[part];
    /* C; pairs with the acquire of those who wait for it. */
    times = atomic_fetch_add_explicit(&own->met.value, 1, memory_order_seq_cst) + 1;
    wake(&own->met, INT_MAX);
    for (unsigned other = 0; other < pool->parts; other++) {
        struct waited *met = &pool->members[other].met;
        uint32_t value = atomic_load_explicit(&met->value, memory_order_acquire);

        /* It may be one ahead of us, and never more. */
        while (value != times && value != times + 1)
            value = wait_change(met, value, &own->spin);
    }
}

bool pool_is_awake(const struct pool *pool)
{
    /* Relaxed: what is a moment old costs a wake-up, or spares one. A turn that has not ended is one that roused them.
     */
    return !pool || (!atomic_load_explicit(&pool->left.value, memory_order_relaxed) &&
                     !atomic_load_explicit(&pool->turn.sleepers, memory_order_relaxed));
}

static void do_nothing(void *argument, unsigned part, unsigned parts)
{
    (void)argument, (void)part, (void)parts;
}

void pool_rouse(struct pool *pool)
{
    if (pool && pool->parts > 1 && !atomic_load_explicit(&pool->left.value, memory_order_relaxed))
        begin_turn(pool, do_nothing, NULL);
}
