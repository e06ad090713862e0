/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is, as properties: shares, estimates and the timer wheel, by the thousand, on a clock of their own.
 */
#include "support/test.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "daemon/schedule/accounts.h"
#include "daemon/schedule/cost.h"
#include "daemon/schedule/pace.h"
#include "daemon/schedule/share.h"
#include "daemon/schedule/wheel.h"

/* ---- shares ---- */

enum { USERS = 6, SLICE = 500 };

/* Who wants what: always, or now and then. */
struct user {
    struct share share;
    uint64_t got, wanted_since, longest_wait;
    bool always;
};

static struct user *next_of(struct user *users)
{
    struct user *next = NULL;

    for (unsigned i = 0; i < USERS; i++) {
        if (users[i].share.wants && (!next || users[i].share.charged < next->share.charged))
            next = &users[i];
    }
    return next;
}

static void serve(struct user *user, struct ground *ground, uint64_t ns, uint64_t *now)
{
    share_serve(&user->share, ground);
    share_charge(&user->share, ns);
    user->longest_wait = MAX(user->longest_wait, *now - user->wanted_since);
    *now += ns;
    user->got += ns;
    user->wanted_since = *now;
    if (user->always)
        return;
    share_want_no_more(&user->share, ground);
}

/* Users who always want get time by their weights, to within a slice each, whatever slices each takes. */
static void shares_are_by_weight(void **state)
{
    struct rng rng = rng_make(4, 4);

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct user users[USERS] = { { .always = true } };
        struct ground ground = { .time = rng_below(&rng, 1000000) };
        uint64_t now = 0, weights = 0, most = 0;

        for (unsigned i = 0; i < USERS; i++) {
            users[i].always = true;
            users[i].share.weight = 50 + (uint32_t)rng_below(&rng, 400);
            weights += users[i].share.weight;
            share_want(&users[i].share, &ground);
        }
        while (now < 1000ull * SLICE)
            serve(next_of(users), &ground, 1 + rng_below(&rng, SLICE), &now);
        for (unsigned i = 0; i < USERS; i++)
            most = MAX(most, users[i].got * SHARE_WEIGHT / users[i].share.weight);
        for (unsigned i = 0; i < USERS; i++) {
            const double fair = (double)now * users[i].share.weight / (double)weights;

            assert_true(fabs((double)users[i].got - fair) <= 2.0 * SLICE * users[i].share.weight / 50);
            assert_true(most - users[i].got * SHARE_WEIGHT / users[i].share.weight <= 2 * SLICE * SHARE_WEIGHT / 50);
        }
    }
}

/* One who wants a little now and then is served next, whoever else wants all; and those are not starved by any number
 * of such. */
static void who_wants_little_is_next(void **state)
{
    struct rng rng = rng_make(5, 4);
    struct user users[USERS] = { { .always = false } };
    struct ground ground = { .time = 0 };
    uint64_t now = 0;

    (void)state;
    for (unsigned i = 0; i < USERS; i++) {
        users[i].share.weight = SHARE_WEIGHT;
        users[i].always = i < 2;
        if (i < 2)
            share_want(&users[i].share, &ground);
    }
    while (now < 100000ull * SLICE) {
        const unsigned who = 2 + (unsigned)rng_below(&rng, USERS - 2);
        struct user *user = next_of(users);

        serve(user, &ground, user->always ? SLICE : 1 + rng_below(&rng, 20), &now);
        if (user->always && !users[who].share.wants) {
            share_want(&users[who].share, &ground);
            users[who].wanted_since = now;
        }
    }
    for (unsigned i = 2; i < USERS; i++)
        assert_in_range(users[i].longest_wait, 0, 2 * SLICE + USERS * 20);
    for (unsigned i = 0; i < 2; i++)
        assert_in_range(users[i].longest_wait, 0, USERS * 3 * SLICE);
    assert_true(users[0].got > now * 45 / 100);
    assert_true(users[1].got > now * 45 / 100);
}

/* An hour of wanting nothing is no credit. */
static void idling_earns_nothing(void **state)
{
    struct user users[USERS] = { { .always = true } };
    struct ground ground = { .time = 0 };
    uint64_t now = 0, before;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        users[i].always = true;
        users[i].share.weight = SHARE_WEIGHT;
    }
    share_want(&users[0].share, &ground);
    while (now < 10000ull * SLICE)
        serve(next_of(users), &ground, SLICE, &now);
    share_want(&users[1].share, &ground);
    before = users[0].got;
    for (unsigned i = 0; i < 100; i++)
        serve(next_of(users), &ground, SLICE, &now);
    assert_in_range(users[0].got - before, 49ull * SLICE, 51ull * SLICE);
}

/* Of any span of time a user who is held to a part of it has that part, and a burst; and he has it, if he wants it. */
static void limits_are_of_time(void **state)
{
    static const uint32_t percents[] = { 1, 20, 50, 99 };
    struct rng rng = rng_make(8, 4);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(percents); i++) {
        struct allowance allowance = { .paid_ns = 0 };
        struct account account = { .policy = { SHARE_WEIGHT, percents[i], 1 },
                                   .percent = percents[i],
                                   .allowance = &allowance };
        uint64_t now = 1000 * NS_PER_S, begun = now, had = 0;

        for (unsigned step = 0; step < 20000; step++) {
            const uint64_t slice = 1 + rng_below(&rng, 500 * NS_PER_US);

            if (account_is_held(&account, now)) {
                now += 1 + rng_below(&rng, NS_PER_MS); /* others have it */
                continue;
            }
            account_pay(&account, slice);
            had += slice;
            now += slice;
            if (!rng_below(&rng, 1000)) { /* he wants nothing for an hour, and that is no credit */
                now += 3600 * NS_PER_S;
                begun = now;
                had = 0;
            }
            assert_true(had <= (now - begun) * percents[i] / 100 + ALLOWANCE_BURST_NS + 500 * NS_PER_US);
        }
        assert_true(had + ALLOWANCE_BURST_NS + NS_PER_MS >= (now - begun) * percents[i] / 100 * 9 / 10);
    }
}

/* A weight that changes counts from then on, and what was not had under another one is no credit. */
static void weights_change(void **state)
{
    struct policies policies = { .usual = { SHARE_WEIGHT, 100, 1 } };
    struct accounts accounts;
    struct account *one, *other;

    (void)state;
    assert_int_equal(accounts_init(&accounts, 4, 1), 0);
    one = accounts_get(&accounts, 1, NULL, &policies);
    other = accounts_get(&accounts, 2, NULL, &policies);
    share_want(&one->share, &accounts.ground);
    share_want(&other->share, &accounts.ground);
    assert_int_equal(accounts.ground.weights, 2 * SHARE_WEIGHT);
    share_charge(&one->share, 1000);
    share_serve(&one->share, &accounts.ground);
    policies.users = &(struct user_policy){ 2, { 400, 50, 3 } };
    policies.count = 1;
    accounts_apply(&accounts, &policies);
    assert_int_equal(accounts.ground.weights, 5 * SHARE_WEIGHT);
    assert_int_equal(other->share.charged, 1000);
    assert_int_equal(other->policy.under_way, 3);
    share_charge(&other->share, 1000);
    assert_int_equal(other->share.charged, 1250);
    share_want_no_more(&other->share, &accounts.ground);
    share_want_no_more(&one->share, &accounts.ground);
    assert_int_equal(accounts.ground.weights, 0);
    accounts_deinit(&accounts);
}

/* As many users as there are channels have an account each; the next has that of whoever is gone and was charged least.
 */
static void each_user_has_an_account(void **state)
{
    const struct policies policies = { .usual = { SHARE_WEIGHT, 100, 1 } };
    struct account *taken[4];
    struct accounts accounts;

    (void)state;
    assert_int_equal(accounts_init(&accounts, ARRAY_SIZE(taken), 1), 0);
    for (uid_t uid = 0; uid < ARRAY_SIZE(taken); uid++) {
        taken[uid] = accounts_get(&accounts, uid, NULL, &policies);
        assert_non_null(taken[uid]);
        assert_int_equal(taken[uid]->uid, uid);
        for (uid_t other = 0; other < uid; other++)
            assert_ptr_not_equal(taken[uid], taken[other]);
    }
    taken[0]->share.charged = 2;
    taken[3]->share.charged = 1;
    accounts_put(taken[0]);
    accounts_put(taken[3]);
    assert_ptr_equal(accounts_get(&accounts, 9, NULL, &policies), taken[3]);
    assert_ptr_equal(accounts_get(&accounts, 0, NULL, &policies), taken[0]);
    accounts_deinit(&accounts);
}

/* ---- costs ---- */

static uint64_t straight(const void *argument, uint32_t rows)
{
    const uint64_t *line = argument;

    return line[0] + line[1] * rows;
}

static void costs_are_learned(void **state)
{
    const uint64_t said[] = { 10000, 1000 }, right[] = { 30000, 2000 };
    struct rng rng = rng_make(6, 4);
    struct cost cost;

    (void)state;
    cost_seed(&cost, straight, said);
    for (uint32_t rows = 1; rows < 1000; rows++)
        assert_in_range(cost_estimate(&cost, rows), straight(said, rows) - 2, straight(said, rows));
    for (unsigned i = 0; i < 4000; i++) {
        const uint32_t rows = 1 + (uint32_t)rng_below(&rng, 64);

        /* Now and then the thread was away for a while. */
        cost_learn(&cost, rows, straight(right, rows) + (rng_below(&rng, 100) ? 0 : 50000000));
    }
    for (uint32_t rows = 1; rows <= 64; rows++)
        assert_in_range(cost_estimate(&cost, rows), straight(right, rows) * 8 / 10, straight(right, rows) * 2);
}

static uint64_t nearly_nothing(const void *argument, uint32_t rows)
{
    (void)rows;
    return *(const uint64_t *)argument;
}

/* However small one is, and however large the other: none stays where it is not right. */
static void no_estimate_sticks(void **state)
{
    static const uint64_t times[] = { 1, 3, 7, 8, 1000, 123456789 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(times); k++) {
            struct cost cost;

            cost_seed(&cost, nearly_nothing, &times[i]);
            for (unsigned pass = 0; pass < 400; pass++)
                cost_learn(&cost, 3, times[k]);
            assert_in_range(cost_estimate(&cost, 3), times[k], times[k]);
        }
    }
}

static void rows_fit_a_time(void **state)
{
    const uint64_t line[] = { 10000, 1000 };
    struct cost cost;

    (void)state;
    cost_seed(&cost, straight, line);
    for (uint64_t ns = 1; ns < 200000; ns += 777) {
        const uint32_t rows = cost_rows(&cost, ns, 64);

        assert_in_range(rows, 1, 64);
        assert_true(rows == 1 || cost_estimate(&cost, rows) <= ns);
        assert_true(rows == 64 || cost_estimate(&cost, rows + 1) > ns);
    }
    assert_int_equal(cost_estimate_all(&cost, 64 * 3 + 5, 64), 3 * cost_estimate(&cost, 64) + cost_estimate(&cost, 5));
    assert_int_equal(cost_estimate_all(&cost, 64, 64), cost_estimate(&cost, 64));
}

/* An estimate that lets nobody in does not last. */
static void doubt_wears_it_down(void **state)
{
    const uint64_t line[] = { 0, 1000000 };
    struct cost cost;
    unsigned turned_away = 0;

    (void)state;
    cost_seed(&cost, straight, line);
    for (; cost_estimate(&cost, 3) > 300000; turned_away++)
        cost_doubt(&cost, 3);
    assert_in_range(turned_away, 256, 1000);
    for (unsigned i = 0; i < 100000; i++)
        cost_doubt(&cost, 3);
    assert_int_equal(cost_estimate(&cost, 3), 0);
}

/* ---- the wheel ---- */

enum { TIMERS = 2000 };

/* Each is told of once, not before its time, and less than two ticks after it; those that were taken out, never. */
static void time_is_over_once(void **state)
{
    static struct timer timers[TIMERS];
    static uint64_t due[TIMERS], since[TIMERS];
    static struct wheel wheel;
    struct rng rng = rng_make(7, 4);
    uint64_t now = 1000 * NS_PER_S, told = 0, taken_out = 0, added = 0;
    struct timer *timer;

    (void)state;
    for (unsigned turn = 0; turn < 200000; turn++) {
        const unsigned i = (unsigned)rng_below(&rng, TIMERS);
        /* Steps of a slice, and sometimes of a long sleep. */
        now += rng_below(&rng, 1000) ? rng_below(&rng, 600 * NS_PER_US) : rng_below(&rng, 200 * NS_PER_MS);
        while ((timer = wheel_expire(&wheel, now))) {

            assert_true(due[timer - timers] <= now);
            assert_true(!timer->link);
            due[timer - timers] = 0;
            told++;
        }
        for (unsigned k = 0; k < TIMERS; k += 97)
            assert_true(!timers[k].link || (MAX(due[k], since[k]) >> WHEEL_SHIFT) >= now >> WHEEL_SHIFT);
        if (timers[i].link && !rng_below(&rng, 2)) {
            wheel_remove(&wheel, &timers[i]);
            wheel_remove(&wheel, &timers[i]);
            taken_out++;
        } else if (!timers[i].link) {
            due[i] = now - MIN(now, NS_PER_MS) + rng_below(&rng, rng_below(&rng, 4) ? 3 * NS_PER_MS : NS_PER_S);
            since[i] = now;
            wheel_add(&wheel, &timers[i], due[i]);
            added++;
        }
        assert_int_equal(wheel.count, added - told - taken_out);
    }
    assert_true(told > 1000 && taken_out > 1000);
    assert_true(wheel.count == 0 || wheel_next_ns(&wheel) <= now + 2 * WHEEL_TICK_NS);
}

/* ---- one user on several shards ---- */

enum { SHARDS = 3, MOST = 4, TAKES = 20000, PERCENT = 10 };

/* What all of a user's accounts are of, and what was seen of them. */
struct together {
    struct allowance allowance;
    uint32_t taken, most; /* atomic */
    uint64_t had;         /* atomic */
    uint64_t until;
};

static struct account account_on_one(struct together *together, uint32_t time, uint32_t under_way)
{
    return (struct account){ .policy = { SHARE_WEIGHT, time, under_way },
                             .percent = time * SHARDS,
                             .allowance = &together->allowance };
}

static void *take_and_give(void *argument)
{
    struct together *together = argument;
    struct account account = account_on_one(together, POLICY_TIME_MAX, MOST);

    for (unsigned i = 0; i < TAKES; i++) {
        uint32_t taken, most = __atomic_load_n(&together->most, __ATOMIC_RELAXED);
        bool counted;

        if (!account_take(&account, false, &counted))
            continue;
        assert_true(counted);
        taken = __atomic_add_fetch(&together->taken, 1, __ATOMIC_RELAXED);
        while (taken > most &&
               !__atomic_compare_exchange_n(&together->most, &most, taken, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            continue;
        if (!(i % 16))
            sched_yield();
        __atomic_sub_fetch(&together->taken, 1, __ATOMIC_RELAXED);
        account_give_back(&account);
    }
    return NULL;
}

static void *spend(void *argument)
{
    struct together *together = argument;
    struct account account = account_on_one(together, PERCENT, POLICY_UNDER_WAY_MAX);
    const uint64_t slice = 50 * NS_PER_US;

    for (uint64_t now = clock_ns(); now < together->until; now = clock_ns()) {
        if (account_is_held(&account, now)) {
            sched_yield();
            continue;
        }
        account_pay(&account, slice);
        __atomic_add_fetch(&together->had, slice, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void run_on_all(void *(*work)(void *), struct together *together)
{
    pthread_t threads[SHARDS];

    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, together), 0);
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* However many shards ask at once, no request more than he may have is counted, and none stays counted. */
static void requests_are_limited_on_all_shards_together(void **state)
{
    struct together together = { .taken = 0 };

    (void)state;
    run_on_all(take_and_give, &together);
    assert_in_range(together.most, 1, MOST);
    assert_int_equal(together.allowance.under_way, 0);
}

/* A tenth of three threads' time is three tenths of one's, wherever it is had. */
static void time_is_limited_on_all_shards_together(void **state)
{
    const uint64_t begun = clock_ns(), span = 100 * NS_PER_MS;
    struct together together = { .until = begun + span };

    (void)state;
    run_on_all(spend, &together);
    assert_true(together.had > NS_PER_MS);
    assert_true(together.had <=
                (clock_ns() - begun + ALLOWANCE_BURST_NS) * PERCENT * SHARDS / 100 + SHARDS * 50 * NS_PER_US);
}

/* ---- pace ---- */

/* So many turns of `took`, each with a pass of `computed`; the time of the last one's end. */
static uint64_t turns_go(struct pace *pace, uint64_t now, unsigned many, uint64_t took, uint64_t computed)
{
    for (unsigned i = 0; i < many; i++) {
        pace_turn(pace, now);
        pace_compute(pace, computed);
        now += took;
    }
    pace_turn(pace, now);
    return now;
}

static void pace_is_what_turns_take_beside_passes(void **state)
{
    struct pace pace = { .began_ns = 0 };
    uint64_t now = 5000;

    (void)state;
    assert_int_equal(pace_stretch(&pace, 1000, 99), 1000); /* nothing is known */
    now = turns_go(&pace, now, 100, 150000, 100000);
    assert_in_range(pace_stretch(&pace, 1000000, 99), 1490000, 1510000);
    now = turns_go(&pace, now, 100, 70000000, 0); /* nothing was computed */
    assert_in_range(pace_stretch(&pace, 1000000, 99), 1490000, 1510000);
    now = turns_go(&pace, now, 1, 1000 * 150000, 100000); /* the thread was away */
    assert_in_range(pace_stretch(&pace, 1000000, 99), 1490000, 1990000);
    now = turns_go(&pace, now, 200, 200000, 100000); /* more is done beside them */
    assert_in_range(pace_stretch(&pace, 1000000, 99), 1980000, 2020000);
    turns_go(&pace, now, 200, 100, 100000); /* whatever a clock says, no pass takes less than itself */
    assert_in_range(pace_stretch(&pace, 1000000, 99), 1000000, 1001000);
    turns_go(&pace, now, 200, 200000, 100000);
    assert_in_range(pace_stretch(&pace, 1000000, 3), 1290000, 1310000); /* of long passes there are few turns */
    assert_true(pace_stretch(&pace, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_by_weight),
        cmocka_unit_test(who_wants_little_is_next),
        cmocka_unit_test(limits_are_of_time),
        cmocka_unit_test(weights_change),
        cmocka_unit_test(each_user_has_an_account),
        cmocka_unit_test(idling_earns_nothing),
        cmocka_unit_test(costs_are_learned),
        cmocka_unit_test(no_estimate_sticks),
        cmocka_unit_test(rows_fit_a_time),
        cmocka_unit_test(doubt_wears_it_down),
        cmocka_unit_test(pace_is_what_turns_take_beside_passes),
        cmocka_unit_test(time_is_over_once),
        cmocka_unit_test(requests_are_limited_on_all_shards_together),
        cmocka_unit_test(time_is_limited_on_all_shards_together),
    };

    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
