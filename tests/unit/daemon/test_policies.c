/* SPDX-License-Identifier: Apache-2.0
 *
 * What users may have of the shard: their weights, how much of the time, and how much at once. The three channels are
 * three users', where a test does not say otherwise.
 */
#include "support/test.h"

#include <time.h>

#include "base/clock.h"
#include "base/size.h"
#include "unit/daemon/turns.h"

/* Of the peer's user from now on; the others have what is usual. */
static void allow(int peer, const struct policy *policy)
{
    struct user_policy one = { rig.channels[peer]->uid, *policy };
    const struct policies policies = { { SHARE_WEIGHT, 100, 65536 }, &one, 1 };

    accounts_apply(&rig.shard.accounts, &policies);
}

/* By weight, and without the time that nobody had. */
static uint64_t charged(int peer)
{
    return rig.channels[peer]->account->share.charged;
}

static uint64_t samples(int peer)
{
    return rig.channels[peer]->tally->samples;
}

/* To within two turns, of which one may be long. Of the time that was used one may have had the less: a pass during
 * which the thread was away, which nobody is charged for. */
static void time_goes_by_weight(void **state)
{
    uint64_t longest = 0;

    (void)state;
    allow(1, &(struct policy){ 300, 100, 65536 });
    for (unsigned i = 0; i < 5000; i++) {
        const uint64_t before = charged(0) + charged(1);

        fill_with(0, 3);
        fill_with(1, 3);
        turn();
        longest = MAX(longest, charged(0) + charged(1) - before);
    }
    assert_true(apart(charged(0), charged(1)) <= 2 * longest);
    assert_true(samples(1) > 2 * samples(0));
}

/* Of this thread, and of the shard's turns here: it stands still while another thread has the processor, which on a
 * busy machine is longer than a limit looks back. */
static uint64_t own_ns(void)
{
    struct timespec own;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own), 0);
    return (uint64_t)own.tv_sec * NS_PER_S + (uint64_t)own.tv_nsec;
}

/* Who may have a fifth has no more, though nobody else asks; and the shard can sleep meanwhile. */
static void time_is_limited(void **state)
{
    enum { PERCENT = 20 };
    const uint64_t begun = clock_ns(), began = own_ns(), span = 200 * NS_PER_MS;
    uint64_t longest = 0, slept = 0, now = begun;

    (void)state;
    allow(0, &(struct policy){ SHARE_WEIGHT, PERCENT, 65536 });
    for (; now < begun + span; now = begun + own_ns() - began) {
        const uint64_t before = used(0);
        uint64_t until = UINT64_MAX;
        bool idle;

        fill_with(0, 40);
        idle = !shard_turn(&rig.shard, now);
        longest = MAX(longest, used(0) - before);
        if (idle && shard_arm(&rig.shard, now, &until)) {
            assert_true(until <= now + longest * 100 / PERCENT);
            slept++;
        }
    }
    assert_true(slept > 0);
    assert_true(used(0) > NS_PER_MS);
    assert_true(used(0) <= (now - begun) * PERCENT / 100 + ALLOWANCE_BURST_NS + longest);
    shard_drain(&rig.shard, now); /* then it counts no more */
    rig_turn_until_idle();
    nothing_is_left();
}

/* Who is held keeps nobody else's pass, nor the model, from others. */
static void who_is_held_holds_nobody(void **state)
{
    const struct wire_submission ask = rig_infer(3, 0), other = rig_infer(4, 8), third = rig_infer(2, 20);
    struct wire_completion completion;

    (void)state;
    for (int both = 0; both < 2; both++) {
        rig_fill(2, &third);
        leave_in_the_middle(&ask, both ? &other : NULL);
        allow(0, &(struct policy){ SHARE_WEIGHT, 50, 65536 });
        rig.channels[0]->allowance->paid_ns = clock_ns() + 3600 * NS_PER_S;
        if (!both) {
            turn();
            assert_int_equal(queue()->batch.count, 1); /* it stays as it is */
            rig_push(2, &third);
        }
        for (unsigned turns = 0; !reap_ring_ready(&rig.peers[both ? 1 : 2].reap); turns++) {
            assert_true(turns < 10000);
            turn();
        }
        assert_int_equal(rig_only_completion(both ? 1 : 2, &completion), WISP_OK);
        rig_check_answer(both ? 1 : 2, both ? &other : &third);
        assert_int_equal(rig_only_completion(0, &completion), WISP_OK); /* of the same pass */
        rig.channels[0]->allowance->paid_ns = 0;
        nothing_is_left();
    }
}

/* Whether each has had so many answers. */
static bool all_have(const uint64_t done[static RIG_CHANNELS], uint64_t count)
{
    for (int peer = 0; peer < RIG_CHANNELS; peer++) {
        if (done[peer] < count)
            return false;
    }
    return true;
}

/* Of all of a user's channels no more are under way than he may have, but that each has one; and each goes on. How many
 * turns that takes depends on how long passes seem, which on a busy machine is long. */
static void what_is_under_way_is_limited(void **state)
{
    enum { MOST = 4 };
    uint64_t done[RIG_CHANNELS] = { 0 };

    (void)state;
    rig_close_channel(2);
    rig_make_channel(2);
    rig.channels[2]->uid = rig.channels[1]->uid;
    rig.channels[2]->allowance = rig.channels[1]->allowance;
    shard_serve(&rig.shard, rig.channels[2]);
    assert_true(channel_is_sealed(rig.channels[2]));
    active_add(&rig.shard, rig.channels[2], clock_ns());
    allow(1, &(struct policy){ SHARE_WEIGHT, 100, MOST });
    for (unsigned i = 0; i < 2000 || !all_have(done, 100); i++) {
        struct wire_completion completion;

        assert_true(i < 500000);

        for (int peer = 0; peer < RIG_CHANNELS; peer++) {
            const struct wire_submission ask = rig_infer(RIG_BATCH, 0);

            while (reap_ring_take(&rig.peers[peer].reap, &completion))
                done[peer]++;
            while (rig_try_push(peer, &ask))
                continue;
        }
        turn();
        assert_in_range(rig.channels[1]->under_way + rig.channels[2]->under_way, 0, MOST + 1);
    }
    rig_turn_until_idle();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(time_goes_by_weight),
        RIG_TEST(time_is_limited),
        RIG_TEST(who_is_held_holds_nobody),
        RIG_TEST(what_is_under_way_is_limited),
    };

    return cmocka_run_group_tests_name("policies", tests, NULL, NULL);
}
