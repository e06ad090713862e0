/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool: every part of every turn runs once, nobody sleeps through a turn, and nobody is woken who is awake.
 */
#include <linux/futex.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/pool.h"
#include "base/spin.h"
#include "support/test.h"

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static _Atomic uint64_t wakes, waits;

/* base/pool.c's futex calls, counted on their way. */
long __wrap_syscall(long number, ...)
{
    va_list rest;
    void *word, *timeout, *word2;
    int operation;
    uint32_t value, value3;

    va_start(rest, number);
    word = va_arg(rest, void *);
    operation = va_arg(rest, int);
    value = va_arg(rest, uint32_t);
    timeout = va_arg(rest, void *);
    word2 = va_arg(rest, void *);
    value3 = va_arg(rest, uint32_t);
    va_end(rest);
    if (number == SYS_futex)
        atomic_fetch_add((operation & FUTEX_CMD_MASK) == FUTEX_WAKE ? &wakes : &waits, 1);
    return __real_syscall(number, word, operation, value, timeout, word2, value3);
}

enum { PARTS = 4 };

struct work {
    uint64_t turns[PARTS]; /* each written by its part alone */
    bool slow;             /* one part takes longer than the others spin */
};

static void work_part(void *argument, unsigned part, unsigned parts)
{
    struct work *work = argument;

    assert_true(part < parts);
    if (work->slow && part + 1 == parts)
        nanosleep(&(struct timespec){ .tv_nsec = 2 * SPIN_MAX_NS }, NULL);
    work->turns[part]++;
}

static void run_turns(unsigned parts, uint64_t turns, long pause_ns, bool slow)
{
    struct work work = { .slow = slow };
    struct pool *pool;

    assert_int_equal(pool_new(parts, &pool), 0);
    for (uint64_t turn = 0; turn < turns; turn++) {
        if (pause_ns)
            nanosleep(&(struct timespec){ .tv_nsec = pause_ns }, NULL);
        pool_run(pool, work_part, &work);
        for (unsigned part = 0; part < parts; part++)
            assert_int_equal(work.turns[part], turn + 1);
    }
    pool_free(pool);
}

static void test_every_part_runs_once_a_turn(void **state)
{
    (void)state;
    for (unsigned parts = 1; parts <= PARTS; parts++)
        run_turns(parts, 5000, 0, false);
}

enum { MEETINGS = 100, TURNS = 4 };

struct meetings {
    struct pool *pool;
    uint32_t counts[PARTS]; /* each written by its part alone, between two meetings that the others read it in */
    bool slow;
};

static void meet_part(void *argument, unsigned part, unsigned parts)
{
    struct meetings *m = argument;

    for (uint32_t i = 1; i <= MEETINGS; i++) {
        if (m->slow && i == MEETINGS / 2 && part == i % parts)
            nanosleep(&(struct timespec){ .tv_nsec = 2 * SPIN_MAX_NS }, NULL);
        m->counts[part]++;
        pool_meet(m->pool, part);
        for (unsigned other = 0; other < parts; other++)
            assert_int_equal(m->counts[other], m->counts[part]);
        pool_meet(m->pool, part);
    }
}

/* Nobody is let on before all are there, nor kept; those who wait for one that is late sleep. */
static void test_meetings(void **state)
{
    (void)state;
    for (unsigned parts = 1; parts <= PARTS; parts++) {
        struct meetings m = { .slow = true };

        assert_int_equal(pool_new(parts, &m.pool), 0);
        for (unsigned turn = 0; turn < TURNS; turn++)
            pool_run(m.pool, meet_part, &m);
        assert_int_equal(m.counts[0], TURNS * MEETINGS);
        pool_free(m.pool);
    }
}

/* Until a member sleeps, after so many had. */
static void wait_for_sleeper(const struct pool *pool, uint64_t before)
{
    for (const time_t end = time(NULL) + 60; waits == before || pool_is_awake(pool);) {
        assert_true(time(NULL) < end);
        nanosleep(&(struct timespec){ .tv_nsec = SPIN_MIN_NS }, NULL);
    }
}

/* Who was roused wakes, without anybody waiting for that, and misses no turn. */
static void test_roused(void **state)
{
    struct work work = { .slow = false };
    struct pool *pool;

    (void)state;
    assert_true(pool_is_awake(NULL));
    pool_rouse(NULL);
    waits = 0;
    assert_int_equal(pool_new(2, &pool), 0);
    for (uint64_t turn = 0; turn < 200; turn++) {
        if (turn % 10 == 0) {
            uint64_t before;

            wait_for_sleeper(pool, 0);
            before = waits;
            wakes = 0;
            pool_rouse(pool);
            assert_int_equal(wakes, 1);
            if (turn % 20 == 0)
                wait_for_sleeper(pool, before);
        }
        pool_rouse(pool);
        pool_run(pool, work_part, &work);
        assert_int_equal(work.turns[0], turn + 1);
        assert_int_equal(work.turns[1], turn + 1);
    }
    pool_rouse(pool);
    pool_free(pool);
}

/* Members that sleep between turns, and a caller that sleeps in them. */
static void test_sleepers_are_woken(void **state)
{
    uint64_t before = waits;

    (void)state;
    run_turns(PARTS, 50, 2 * SPIN_MAX_NS, false);
    run_turns(2, 50, 0, true);
    assert_true(waits > before);
}

/* A wake is somebody's who has gone to sleep, or was about to: a thread that spins costs no system call. Of two threads
 * the caller may get two wakes in one sleep: the member's of this turn, and that of the last one, if it came to look
 * only now. */
static void test_nobody_is_woken_who_is_awake(void **state)
{
    (void)state;
    wakes = waits = 0;
    run_turns(2, 20000, 0, false);
    if (wakes > 2 * waits)
        fail_msg("%llu wakes for %llu sleeps in 20000 turns", (unsigned long long)wakes, (unsigned long long)waits);
}

/* Of any waits the spin stays between its bounds, and many of one sort lead to one of them. */
static void test_a_spin_is_learnt(void **state)
{
    uint64_t spin = SPIN_MIN_NS;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t waited = i * UINT64_C(7919) % (3 * SPIN_MAX_NS), next = spin_after(spin, waited);

        assert_true(next >= SPIN_MIN_NS && next <= SPIN_MAX_NS);
        assert_true(waited <= SPIN_MAX_NS ? next >= spin : next <= spin);
        spin = next;
    }
    for (unsigned i = 0; i < 10; i++)
        spin = spin_after(spin, SPIN_MAX_NS);
    assert_int_equal(spin, SPIN_MAX_NS);
    for (unsigned i = 0; i < 10; i++)
        spin = spin_after(spin, SPIN_MAX_NS + 1);
    assert_int_equal(spin, SPIN_MIN_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_part_runs_once_a_turn),
        cmocka_unit_test(test_meetings),
        cmocka_unit_test(test_roused),
        cmocka_unit_test(test_sleepers_are_woken),
        cmocka_unit_test(test_nobody_is_woken_who_is_awake),
        cmocka_unit_test(test_a_spin_is_learnt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
