/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps of sequences that are left in the middle: others have their turn, whoever is given up leaves nothing, and sets
 * of models follow each other meanwhile.
 */
#include "support/test.h"

#include "base/clock.h"
#include "base/rng.h"
#include "unit/daemon/decoding.h"

/* They run on in the queues of the set that follows, however often one does. */
static void sequences_go_over_to_another_set(void **state)
{
    const struct wire_submission wide = search(3, 0, 3), narrow = translate(5, 0);

    (void)state;
    push(0, &wide, 25);
    push(1, &narrow, 25);
    do {
        struct queue_set *old = rig.queues;

        turn();
        assert_int_equal(queue_set_new(rig.set, 0, &rig.queues), 0);
        shard_use(&rig.shard, rig.queues);
        assert_ptr_equal(shard_give_back(&rig.shard), old);
        queue_set_free(old);
    } while (rig.shard.under_way);
    check(0, &wide);
    check(1, &narrow);
    nothing_runs();
}

static void steps_take(uint64_t ns)
{
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue()->cost.ns[i] = ns;
}

/* From now on a step is thought to take so long that it is cut as finely as it can be. */
static void steps_are_long(void)
{
    steps_take(NS_PER_S);
}

static const struct step *left(void)
{
    return queue()->sequences->step.count ? &queue()->sequences->step : NULL;
}

/* Puts these into one step, and leaves it in the middle. */
static void leave_a_step(const struct wire_submission *one, const struct wire_submission *other)
{
    push(0, one, 30);
    push(1, other, 31);
    steps_are_long();
    for (int i = 0; i < 3; i++)
        turn();
    assert_non_null(left());
    assert_ptr_equal(queue()->runner->running, queue());
}

/* Others are answered in the middle of a step, and the words are the same. */
static void a_step_is_left_for_others(void **state)
{
    const struct wire_submission wide = search(3, 0, 2), narrow = translate(2, 0), ping = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    unsigned within = 0;

    (void)state;
    leave_a_step(&wide, &narrow);
    while (!reap_ring_ready(&rig.peers[0].reap) || !reap_ring_ready(&rig.peers[1].reap)) {
        rig_push(2, &ping);
        within += left() != NULL;
        turn();
        assert_int_equal(rig_only_completion(2, &completion), WISP_OK);
    }
    assert_true(within > 2 * RIG_WORDS);
    check(0, &wide);
    check(1, &narrow);
    nothing_runs();
}

static uint64_t charged(int peer)
{
    return rig.channels[peer]->share.charged;
}

/* A look at the input, a beginning and steps that are to take a nanosecond, and take longer, are ones during which the
 * thread was away: four times of each are owed, and the hundred for taking the request. */
static void nobody_owes_what_a_step_was_away(void **state)
{
    const struct wire_submission wide = search(3, 0, 2);

    (void)state;
    push(0, &wide, 30);
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue()->beginning.ns[i] = 1;
    while (!reap_ring_ready(&rig.peers[0].reap)) {
        const uint64_t owed = charged(0), used = rig.channels[0]->used_ns;

        steps_take(1);
        turn();
        assert_true(charged(0) - owed <= 4 + 4 + 4 + 100);
        assert_true(rig.channels[0]->used_ns - used > 4 + 4 + 100);
    }
    check(0, &wide);
    nothing_runs();
}

/* What is given up in the middle of a step is no matter of the others in it; of all of it nothing is left. */
static void a_step_of_which_some_is_given_up(void **state)
{
    const struct wire_submission wide = search(3, 0, 2), narrow = translate(2, 0);
    struct wire_completion completion;

    (void)state;
    for (int gone = 0; gone < 3; gone++) {
        for (int at = 0; at < 2; at++) {
            if (!at)
                leave_a_step(&wide, &narrow);
            if (gone != at && gone < 2)
                continue;
            rig_push(at, &(struct wire_submission){ .op = WIRE_OP_CANCEL, .user_data = 0 });
            assert_true(cancel_take(&rig.shard, rig.channels[at]));
            assert_int_equal(rig_only_completion(at, &completion), WISP_E_CANCELLED);
        }
        if (gone == 2) {
            assert_null(left());
            assert_null(queue()->runner->running);
            nothing_runs();
            continue;
        }
        assert_non_null(left());
        rig_turn_until_idle();
        check(!gone, gone ? &wide : &narrow);
        nothing_runs();
    }
}

/* In the middle of steps, too: whatever is pushed, given up, late or left, and whichever set follows. */
static void anything_in_any_order(void **state)
{
    struct rng rng = rng_make(40, 4);
    uint64_t sent[RIG_CHANNELS] = { 0 }, done[RIG_CHANNELS] = { 0 };
    struct wire_completion completion;
    unsigned within = 0;

    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        const int peer = (int)rng_below(&rng, RIG_CHANNELS);
        struct wire_submission ask =
            search(1 + (uint32_t)rng_below(&rng, 5), (uint32_t)rng_below(&rng, 16), (uint16_t)(1 + rng_below(&rng, 4)));

        if (!rng_below(&rng, 5))
            ask.deadline_us = 1 + (uint32_t)rng_below(&rng, 2000);
        sent[peer] += rig_try_push(peer, &ask);
        if (!rng_below(&rng, 6))
            rig_try_push(peer, &(struct wire_submission){ .op = WIRE_OP_CANCEL, .user_data = ask.user_data });
        if (!rng_below(&rng, 20))
            steps_are_long();
        if (!rng_below(&rng, 200)) {
            rig_close_channel(peer);
            rig_open_channel(peer);
            sent[peer] = done[peer] = 0;
        }
        if (!rng_below(&rng, 50)) {
            struct queue_set *old = rig.queues;

            assert_int_equal(queue_set_new(rig.set, 0, &rig.queues), 0);
            shard_use(&rig.shard, rig.queues);
            assert_ptr_equal(shard_give_back(&rig.shard), old);
            queue_set_free(old);
        }
        for (uint64_t turns = rng_below(&rng, 20); turns; turns--)
            shard_turn(&rig.shard, clock_ns());
        within += left() != NULL;
        while (rng_below(&rng, 4) && reap_ring_take(&rig.peers[peer].reap, &completion))
            done[peer]++;
    }
    for (int i = 0; i < RIG_CHANNELS; i++) {
        do
            rig_turn_until_idle();
        while (reap_ring_take(&rig.peers[i].reap, &completion) && ++done[i]);
        assert_int_equal(sent[i], done[i]);
        rig_all_requests_are_free(i);
    }
    assert_true(within > 100);
    nothing_runs();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST_DECODING(sequences_go_over_to_another_set),
        RIG_TEST_DECODING(a_step_is_left_for_others),
        RIG_TEST_DECODING(nobody_owes_what_a_step_was_away),
        RIG_TEST_DECODING(a_step_of_which_some_is_given_up),
        RIG_TEST_DECODING(anything_in_any_order),
    };

    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
