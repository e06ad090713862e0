/* SPDX-License-Identifier: Apache-2.0
 *
 * Who gives to a batch, and for how long. The third channel is made the second's user's.
 */
#include "support/test.h"

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "daemon/shard/serve.h"
#include "unit/daemon/turns.h"

static bool comes_before(const struct flow *one, const struct flow *other)
{
    if (one->rank != other->rank)
        return one->rank < other->rank;
    return one->charged != other->charged ? one->charged < other->charged : one->head->taken_ns < other->head->taken_ns;
}

/* Whatever comes and goes in whatever order, the first is never behind one that is there. */
static void flows_come_in_their_order(void **state)
{
    enum { FLOWS = 200 };
    static struct flow flows[FLOWS];
    static struct request heads[FLOWS];
    static bool there[FLOWS];
    struct rng rng = rng_make(22, 4);
    struct flow *heap = NULL;
    unsigned count = 0;

    (void)state;
    for (unsigned step = 0; step < 20000; step++) {
        const unsigned i = (unsigned)rng_below(&rng, FLOWS);

        if (!there[i] && rng_below(&rng, 1000) < 400 + 300 * (step / 2000 % 2)) {
            heads[i].taken_ns = step;
            flows[i] = (struct flow){ .rank = (unsigned)rng_below(&rng, 3),
                                      .charged = rng_below(&rng, 50),
                                      .head = &heads[i] };
            heap = flow_heap_add(heap, &flows[i]);
            there[i] = true;
            count++;
        } else if (heap) {
            for (unsigned k = 0; k < FLOWS; k++)
                assert_false(there[k] && comes_before(&flows[k], heap));
            there[heap - flows] = false;
            heap = flow_heap_rest(heap);
            count--;
        }
        assert_int_equal(!heap, !count);
    }
    assert_true(count > 0);
}

/* How many of the next batch's requests are the peer's, which then runs. */
static unsigned gives(int peer)
{
    struct queue *next = s4_choose(&rig.shard, clock_ns());
    unsigned count = 0;

    assert_true(next && s4_dispatch(&rig.shard, next, clock_ns()));
    for (uint32_t i = 0; i < next->batch.count; i++)
        count += next->batch.requests[i]->channel == rig.channels[peer];
    s5_begin(&rig.shard, next);
    while (next->batch.count)
        s5_run(&rig.shard, next);
    return count;
}

/* Of two channels of one user each is given a batch while that takes no longer than a turn, so that one client is woken
 * for it; and half of one, request by request, where one takes as long. */
static void a_channel_gives_for_a_turn(void **state)
{
    static const struct {
        uint64_t row_ns;
        unsigned most, least; /* of a channel in a batch */
    } cases[] = { { NS_PER_US, RIG_BATCH, 0 }, { 20 * NS_PER_US, 5, 3 }, { NS_PER_MS, RIG_BATCH / 2, RIG_BATCH / 2 } };
    const struct wire_submission one = rig_infer(1, 0);
    struct wire_completion completion;

    (void)state;
    two_are_one_users();
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned first;

        for (unsigned k = 0; k < RIG_BATCH; k++) {
            rig_into_queue(1, &one);
            rig_into_queue(2, &one);
        }
        for (unsigned point = 0; point < COST_POINTS; point++)
            queue()->cost.ns[point] = cases[i].row_ns << point;
        rig.channels[1]->share.charged = rig.channels[2]->share.charged = NS_PER_S;
        first = gives(1);
        assert_true(first == cases[i].most || first == cases[i].least);
        rig_turn_until_idle();
        nothing_is_left();
        for (int peer = 1; peer < RIG_CHANNELS; peer++) {
            while (reap_ring_take(&rig.peers[peer].reap, &completion))
                assert_int_equal(completion.status, WISP_OK);
        }
    }
}

/* What took far longer than estimated is charged no more than a few times the estimate, be it said of the pass, or of a
 * slice of it; what was used is what it took. */
static void what_nobody_had_is_not_charged(void **state)
{
    const struct wire_submission ask = rig_infer(RIG_BATCH, 0);
    struct wire_completion completion;
    const struct share *share = &rig.channels[0]->share, *user = &rig.channels[0]->account->share;

    (void)state;
    for (unsigned point = 0; point < COST_POINTS; point++)
        queue()->cost.ns[point] = 1;
    rig_into_queue(0, &ask);
    gives(0);
    assert_true(used(0) > 100);
    assert_in_range(share->charged, 1, 4);
    assert_in_range(user->charged, 1, 4);
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    rig_into_queue(0, &ask);
    passes_are_long();
    gives(0);
    assert_true(share->charged > 100); /* and what is believed is charged whole */
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
}

/* Whether one more row of the first peer's is taken, that has 500 ms, behind so much. */
static bool is_taken_behind(uint64_t ahead_ns)
{
    const struct wire_submission large = rig_infer(40, 0);
    struct wire_submission small = rig_infer(1, 200);
    struct wire_completion completion;
    struct request *request;
    bool taken;

    rig_into_queue(0, &large);
    rig.channels[0]->ahead_ns = rig.channels[0]->newest->alone_ns = ahead_ns;
    small.deadline_us = 500000;
    request = rig_take(0, &small);
    assert_true(s2_admit(&rig.shard, request));
    taken = s3_batch(&rig.shard, request);
    if (!taken) {
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
        assert_int_equal(completion.status, WISP_E_DEADLINE);
    }
    rig_turn_until_idle();
    while (reap_ring_take(&rig.peers[0].reap, &completion))
        assert_int_equal(completion.status, WISP_OK);
    nothing_is_left();
    return taken;
}

/* What stands before a request takes what it was said to, a part more that nobody knows, and what is done beside it:
 * much of that is a sign of short passes, and of long ones there are few. */
static void who_would_just_be_in_time_is_not_taken(void **state)
{
    static const struct {
        struct pace pace;
        uint64_t ahead_ns;
        bool taken;
    } cases[] = {
        { { .began_ns = 0 }, 390 * NS_PER_MS, true },
        { { .began_ns = 0 }, 410 * NS_PER_MS, false },
        { { .turns_ns = 2 * NS_PER_MS, .computing_ns = NS_PER_MS }, 390 * NS_PER_MS, false },
        { { .turns_ns = 2 * NS_PER_MS, .computing_ns = NS_PER_MS }, 190 * NS_PER_MS, true },
        { { .turns_ns = 8 * NS_PER_US, .computing_ns = NS_PER_US }, 380 * NS_PER_MS, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        passes_are_short();
        rig.shard.pace = cases[i].pace;
        assert_true(is_taken_behind(cases[i].ahead_ns) == cases[i].taken);
    }
}

/* A daemon that stops leaves what was in the middle as if it had waited: its engine is free, and nobody is said to have
 * died. */
static void what_is_left_behind_is_in_no_pass(void **state)
{
    const struct wire_submission one = rig_infer(2, 0), other = rig_infer(2, 200);
    struct wire_completion completion;
    struct request *request;

    (void)state;
    passes_are_long();
    leave_in_the_middle(&one, &other);
    request = rig.channels[0]->newest;
    assert_int_equal(request->state, REQUEST_DISPATCHED);
    assert_non_null(queue()->runner->running);
    shard_leave_behind(rig.channels[0]);
    assert_int_equal(request->state, REQUEST_BATCHED);
    assert_int_equal(request->rows_now, 0);
    assert_ptr_equal(rig.channels[0]->newest, request);
    assert_non_null(queue()->runner->running); /* the other's */
    shard_leave_behind(rig.channels[1]);
    assert_null(queue()->runner->running);
    assert_int_equal(queue()->batch.count, 0);
    passes_are_short();
    for (int peer = 0; peer < 2; peer++) { /* as whoever comes next has them */
        request = rig.channels[peer]->newest;
        request->state = REQUEST_RUN;
        s3_again(&rig.shard, request);
    }
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    nothing_is_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_come_in_their_order), RIG_TEST(a_channel_gives_for_a_turn),
        RIG_TEST(what_nobody_had_is_not_charged),    RIG_TEST(who_would_just_be_in_time_is_not_taken),
        RIG_TEST(what_is_left_behind_is_in_no_pass),
    };

    return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
