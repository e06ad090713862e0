/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is in the shard, and what becomes of a pass that was left. The three channels are three users'.
 */
#include "support/test.h"

#include <math.h>

#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "unit/daemon/turns.h"

static void cancel(int peer, const struct wire_submission *request)
{
    const struct wire_submission ask = { .op = WIRE_OP_CANCEL, .user_data = request->user_data };

    rig_push(peer, &ask);
    assert_true(cancel_take(&rig.shard, rig.channels[peer]));
}

/* ---- slices ---- */

static void a_pass_is_left_for_others(void **state)
{
    const struct wire_submission ask = rig_infer(RIG_BATCH, 0), ping = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    unsigned turns = 0;

    (void)state;
    leave_in_the_middle(&ask, NULL);
    for (; !reap_ring_ready(&rig.peers[0].reap); turns++) {
        rig_push(1, &ping);
        turn();
        assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    }
    assert_true(turns > 2);
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_true(completion.compute_ns > 0);
    rig_check_answer(0, &ask);
    nothing_is_left();
    assert_true(cost_estimate(&queue()->cost, RIG_BATCH) < NS_PER_S); /* it has been learned */
}

/* Nobody wants the rest: it is not computed. */
static void a_pass_of_which_all_is_given_up_ends(void **state)
{
    const struct wire_submission ask = rig_infer(RIG_BATCH, 0);
    struct wire_completion completion;

    (void)state;
    leave_in_the_middle(&ask, NULL);
    cancel(0, &ask);
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_CANCELLED);
    nothing_is_left();
    rig_into_queue(0, &ask);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    rig_check_answer(0, &ask);
}

static void the_others_of_a_pass_go_on(void **state)
{
    const struct wire_submission ask = rig_infer(3, 0), other = rig_infer(4, 8);
    struct wire_completion completion;
    float before[3 * RIG_OUTPUTS];

    (void)state;
    for (int which = 0; which < 2; which++) {
        const struct wire_submission *gone = which ? &other : &ask, *stays = which ? &ask : &other;
        float *output = (float *)(uintptr_t)(rig.peers[which].output + gone->out_offset / 4);

        leave_in_the_middle(&ask, &other);
        cancel(which, gone);
        assert_int_equal(rig_only_completion(which, &completion), WISP_E_CANCELLED);
        memcpy(before, output, sizeof before);
        rig_turn_until_idle();
        assert_memory_equal(output, before, sizeof before);
        assert_int_equal(rig_only_completion(!which, &completion), WISP_OK);
        rig_check_answer(!which, stays);
        nothing_is_left();
    }
}

static void a_deadline_ends_a_request_in_a_pass(void **state)
{
    struct wire_submission ask = rig_infer(3, 0), other = rig_infer(4, 8);
    struct wire_completion completion;

    (void)state;
    ask.deadline_us = 1000000;
    leave_in_the_middle(&ask, &other);
    rig_make_late(queue()->batch.requests[0]);
    turn();
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    assert_int_equal(queue()->batch.count, 1);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_check_answer(1, &other);
    nothing_is_left();
}

/* Its memory is unmapped, and the pass knows nothing of it any more. */
static void a_client_goes_in_the_middle(void **state)
{
    const struct wire_submission ask = rig_infer(3, 0), other = rig_infer(4, 8);
    struct wire_completion completion;

    (void)state;
    leave_in_the_middle(&ask, &other);
    rig_close_channel(0);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_check_answer(1, &other);
    nothing_is_left();
    rig_open_channel(0);
    leave_in_the_middle(&ask, NULL);
    rig_close_channel(0);
    nothing_is_left();
}

/* The newest is given up first: its rows are read where the next one's are, which is given up then. */
static void a_client_goes_with_several(void **state)
{
    const struct wire_submission first = rig_infer(1, 0), second = rig_infer(2, 8), other = rig_infer(2, 16);
    struct wire_completion completion;
    const struct batch *batch = &queue()->batch;

    (void)state;
    rig_into_queue(0, &first);
    rig_into_queue(0, &second);
    rig_into_queue(1, &other);
    passes_are_long();
    for (int i = 0; i < 4; i++)
        turn();
    assert_int_equal(batch->count, 3);
    rig_close_channel(0);
    assert_int_equal(batch->count, 1);
    for (uint32_t row = 0; row < batch->rows; row++) {
        const struct request *stays = batch->requests[0];
        const bool wanted = row - stays->row < stays->rows_now;

        assert_int_equal(batch->outputs[row] != NULL, wanted);
        if (!wanted)
            assert_ptr_equal(batch->inputs[row], batch->inputs[stays->row]);
    }
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_check_answer(1, &other);
    nothing_is_left();
    rig_open_channel(0);
}

/* Whatever is pushed, given up, late or left: one completion each, the right one, and nothing is left. */
static void anything_in_any_order(void **state)
{
    struct rng rng = rng_make(21, 4);
    uint64_t sent[RIG_CHANNELS] = { 0 }, done[RIG_CHANNELS] = { 0 }, right = 0;

    (void)state;
    for (unsigned round = 0; round < 6000; round++) {
        const int peer = (int)rng_below(&rng, RIG_CHANNELS);
        struct wire_submission ask = rig_infer(1 + (uint32_t)rng_below(&rng, 20), (uint32_t)rng_below(&rng, 8) * 4);
        struct wire_completion completion;

        ask.flags = (uint8_t)(rng_below(&rng, 3) << WIRE_CLASS_SHIFT);
        if (!rng_below(&rng, 5))
            ask.deadline_us = 1 + (uint32_t)rng_below(&rng, 3000);
        if (rig_try_push(peer, &ask))
            sent[peer]++;
        if (!rng_below(&rng, 20) &&
            rig_try_push(peer, &(struct wire_submission){ .op = WIRE_OP_CANCEL, .user_data = ask.user_data }))
            continue;
        if (!rng_below(&rng, 50))
            (rng_below(&rng, 3) ? passes_are_short : passes_are_long)();
        if (!rng_below(&rng, 300)) {
            rig_close_channel(peer);
            rig_open_channel(peer);
            sent[peer] = done[peer] = 0;
        }
        for (uint64_t turns = rng_below(&rng, 20); turns; turns--)
            turn();
        while (rng_below(&rng, 4) && reap_ring_take(&rig.peers[peer].reap, &completion)) {
            done[peer]++;
            right += completion.status == WISP_OK;
        }
    }
    for (int i = 0; i < RIG_CHANNELS; i++) {
        struct wire_completion completion;

        do
            rig_turn_until_idle();
        while (reap_ring_take(&rig.peers[i].reap, &completion) && ++done[i]);
        assert_int_equal(sent[i], done[i]);
        rig_all_requests_are_free(i);
    }
    assert_true(right > 300);
    nothing_is_left();
}

/* ---- whose turn ---- */

/* One user has everything full of large requests; another's small one, who was charged nothing of late, is in the next
 * batch, whatever is before it. */
static void a_flood_stands_in_nobodys_way(void **state)
{
    const struct wire_submission small = rig_infer(1, 200);
    struct wire_completion completion;

    (void)state;
    for (uint32_t i = 0; i < RIG_ENTRIES; i++) {
        const struct wire_submission large = rig_infer(40, 0);

        rig_into_queue(0, &large);
    }
    for (unsigned i = 0; i < 50; i++) {
        turn();
        rig.channels[1]->account->share.charged = 0;
        rig_into_queue(1, &small);
        turn();
        assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
        rig_check_answer(1, &small);
    }
    rig_turn_until_idle();
    while (reap_ring_take(&rig.peers[0].reap, &completion))
        assert_int_equal(completion.status, WISP_OK);
    nothing_is_left();
}

/* What its channel was charged: the passes, and what was taken. */
static uint64_t charged(int peer)
{
    return rig.channels[peer]->share.charged;
}

/* Two who both want all have as much of the time, however they ask for it, and of two channels of one user each has
 * half of his: to within two turns, of which one may be long where the machine has something else to do. */
static void who_want_all_share_it(void **state)
{
    uint64_t longest = 0;

    (void)state;
    two_are_one_users();
    for (unsigned i = 0; i < 5000; i++) {
        const uint64_t before = charged(0) + charged(1) + charged(2);

        fill_with(0, 1);
        fill_with(1, 40);
        fill_with(2, 3);
        turn();
        longest = MAX(longest, charged(0) + charged(1) + charged(2) - before);
    }
    assert_true(apart(charged(0), charged(1) + charged(2)) <= 2 * longest);
    assert_true(apart(charged(1), charged(2)) <= 2 * longest);
    assert_true(used(0) > NS_PER_MS / 10);
}

/* A pass that is to take a nanosecond, and takes longer, is one during which the thread was away. */
static void nobody_owes_what_a_pass_was_away(void **state)
{
    const struct wire_submission ask = rig_infer(8, 0);

    (void)state;
    rig_into_queue(0, &ask);
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue()->cost.ns[i] = 1;
    rig_run_batch(queue());
    assert_int_equal(charged(0), 4);
    assert_true(used(0) > 4);
    rig_check_answer(0, &ask);
}

/* ---- classes ---- */

static struct wire_submission of_class(enum wire_class class, uint32_t rows, uint32_t at)
{
    struct wire_submission ask = rig_infer(rows, at);

    ask.flags = (uint8_t)(class << WIRE_CLASS_SHIFT);
    return ask;
}

/* What the next batch begins with. */
static const struct request *leader(void)
{
    struct queue *next = s4_choose(&rig.shard, clock_ns());

    assert_ptr_equal(next, queue());
    assert_true(s4_dispatch(&rig.shard, next, clock_ns()));
    return next->batch.requests[0];
}

static void run_it(void)
{
    s5_begin(&rig.shard, queue());
    while (queue()->batch.count)
        s5_run(&rig.shard, queue());
}

/* Before its user's others, in one channel and in the other, and before no other user's who was charged less. */
static void what_is_first_is_so_for_its_user(void **state)
{
    const struct wire_submission usual = of_class(WIRE_CLASS_USUAL, RIG_BATCH, 0);
    const struct wire_submission first = of_class(WIRE_CLASS_FIRST, RIG_BATCH, 100);
    const struct request *request;

    (void)state;
    rig_into_queue(0, &usual);
    rig_into_queue(0, &usual);
    request = rig_into_queue(0, &first);
    assert_ptr_equal(leader(), request);
    run_it();
    rig.channels[0]->account->share.charged += NS_PER_S;
    rig_into_queue(0, &first);
    request = rig_into_queue(1, &usual);
    assert_ptr_equal(leader(), request);
    run_it();
    rig_turn_until_idle();
    nothing_is_left();
}

/* Behind everybody's, whatever they were charged; and no longer when it has waited. */
static void what_is_last_is_so_for_everybody(void **state)
{
    const struct wire_submission usual = of_class(WIRE_CLASS_USUAL, RIG_BATCH, 0);
    const struct wire_submission last = of_class(WIRE_CLASS_LAST, RIG_BATCH, 100);
    struct request *patient;
    const struct request *request;

    (void)state;
    rig.channels[1]->account->share.charged = NS_PER_S; /* much more than the other */
    patient = rig_into_queue(0, &last);
    request = rig_into_queue(1, &usual);
    assert_ptr_equal(leader(), request);
    run_it();
    rig_into_queue(1, &usual);
    patient->taken_ns -= FLOW_AGE_NS;
    assert_int_equal(request_rank(patient, clock_ns()), RANK_USUAL);
    assert_ptr_equal(leader(), patient);
    run_it();
    rig_turn_until_idle();
    nothing_is_left();
}

/* What is refused costs its user a turn, as what is computed does: with nothing but refusals nobody keeps others out.
 */
static void others_come_beside_refusals(struct wire_submission *bad)
{
    struct wire_submission good = rig_infer(1, 8);
    struct wire_completion completion;
    unsigned turns = 0;

    rig_fill(1, &good);
    while (rig_try_push(0, bad))
        continue;
    rig_push(1, &good);
    while (!reap_ring_ready(&rig.peers[1].reap)) {
        turn();
        while (reap_ring_take(&rig.peers[0].reap, &completion))
            rig_try_push(0, bad);
        assert_true(++turns < 1000);
    }
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    assert_true(used(0) > 0);
}

static void what_is_no_number_costs_a_turn(void **state)
{
    struct wire_submission bad = rig_infer(8, 0);

    (void)state;
    rig_fill(0, &bad);
    rig.peers[0].input[bad.in_offset / 4 + 8 * RIG_INPUTS - 1] = NAN;
    others_come_beside_refusals(&bad);
}

/* Who looks at it for a second has not been there: that is no more than it may take to compute. */
static void nobody_owes_what_a_look_takes(void **state)
{
    const struct wire_submission bad = rig_infer(8, 0);
    struct wire_completion completion;
    const struct request *request;
    uint64_t before;

    (void)state;
    passes_are_short();
    request = rig_into_queue(0, &bad);
    rig.peers[0].input[bad.in_offset / 4 + 8 * RIG_INPUTS - 1] = NAN;
    before = charged(0);
    s5_charge_refusal(request, NS_PER_S);
    assert_true(used(0) >= NS_PER_S);
    assert_true(charged(0) - before <= 4 * NS_PER_US);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_INVALID);
    nothing_is_left();
}

static void what_has_another_shape_costs_a_turn(void **state)
{
    struct wire_submission bad = rig_infer(8, 0);

    (void)state;
    bad.out_length += 64;
    rig_fill(0, &bad);
    others_come_beside_refusals(&bad);
}

/* How many submissions of the peer a turn takes that finds its ring full of them. */
static uint64_t taken_in_a_turn(int peer, const struct wire_submission *ask)
{
    const uint64_t before = rig.channels[peer]->taken;
    struct wire_completion completion;

    while (rig_try_push(peer, ask))
        continue;
    turn();
    while (reap_ring_take(&rig.peers[peer].reap, &completion))
        continue;
    return rig.channels[peer]->taken - before;
}

/* Who asks for nothing but what is answered at once is charged for that: to a limit, or he would have nothing for ever
 * when he wants something. While others want something he is taken from at the pace of their time. */
static void what_is_answered_at_once_is_charged(void **state)
{
    enum { TURNS = 3000, TAKE_NS = 100 /* as pass.c has it */ };
    const struct wire_submission ping = { .op = WIRE_OP_NOP }, small = rig_infer(1, 0);
    const struct ground *ground = &rig.shard.accounts.ground;
    const struct share *share = &rig.channels[0]->account->share;
    uint64_t time, before, taken = 0;
    unsigned turns = 0;

    (void)state;
    for (; !share_is_ahead(share, ground); turns++)
        assert_int_equal(taken_in_a_turn(0, &ping), INTAKE_MAX);
    assert_in_range(turns, 2, SHARE_AHEAD_MAX / INTAKE_MAX / TAKE_NS + 2);
    assert_true(share->charged > 0);
    assert_int_equal(used(0), 0); /* which is what passes took */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(taken_in_a_turn(0, &ping), INTAKE_MAX); /* nobody wants anything */
    assert_true(share->charged < ground->time + SHARE_AHEAD_MAX + NS_PER_MS);
    time = ground->time;
    before = share->charged;
    for (unsigned i = 0; i < TURNS; i++) {
        struct wire_completion completion;

        rig_push(1, &small);
        taken += taken_in_a_turn(0, &ping);
        while (reap_ring_take(&rig.peers[1].reap, &completion))
            continue;
    }
    assert_true(share->charged - before <= ground->time - time + NS_PER_MS / 10);
    assert_true(taken * TAKE_NS <= share->charged - before + TURNS * TAKE_NS);
    for (turns = 0; !reap_ring_ready(&rig.peers[0].reap); turns++) { /* one that has to be computed */
        if (!turns)
            rig_push(0, &small);
        assert_true(turns < 1000000);
        fill_with(1, 40);
        turn();
    }
}

/* ---- deadlines ---- */

static void what_cannot_be_in_time_is_refused_at_once(void **state)
{
    struct wire_submission ask = rig_infer(2, 0);
    struct wire_completion completion;
    struct request *request;

    (void)state;
    passes_are_long();
    ask.deadline_us = 900000;
    request = rig_take(0, &ask);
    assert_true(s2_admit(&rig.shard, request));
    assert_false(s3_batch(&rig.shard, request));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    /* Deadlines are refused for a little less from now on; passes are cut as before. */
    assert_true(queue()->hoped.ns[1] < NS_PER_S);
    assert_int_equal(queue()->cost.ns[1], NS_PER_S);
    ask.deadline_us = 1100000;
    rig_into_queue(0, &ask);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    nothing_is_left();
}

/* Nor what its channel has before it lets it be. */
static void what_stands_behind_too_much_is_refused_at_once(void **state)
{
    struct wire_submission large = rig_infer(40, 0), small = rig_infer(1, 200);
    struct wire_completion completion;
    struct request *request;

    (void)state;
    rig_into_queue(0, &large);
    passes_are_short();
    rig.channels[0]->ahead_ns = NS_PER_S;
    rig.channels[0]->newest->alone_ns = NS_PER_S;
    small.deadline_us = 900000;
    request = rig_take(0, &small);
    assert_true(s2_admit(&rig.shard, request));
    assert_false(s3_batch(&rig.shard, request));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    rig_into_queue(1, &small); /* another channel has nothing before it */
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_int_equal(rig.channels[0]->ahead_ns, 0);
    nothing_is_left();
}

/* What would take longer than time can be said is not taken for something short. */
static void no_sum_of_times_wraps(void **state)
{
    struct wire_submission ask = rig_infer(40, 0);
    struct wire_completion completion;
    struct request *request;

    (void)state;
    ask.deadline_us = 900000;
    for (unsigned i = 0; i < COST_POINTS; i++)
        queue()->cost.ns[i] = queue()->hoped.ns[i] = UINT64_MAX / 4 + 1; /* of five batches: more than there is */
    request = rig_take(0, &ask);
    assert_true(s2_admit(&rig.shard, request));
    assert_false(s3_batch(&rig.shard, request));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    passes_are_short();
    rig_into_queue(0, &ask);
    rig.channels[0]->ahead_ns = rig.channels[0]->newest->alone_ns = UINT64_MAX / 2 + 1;
    rig.shard.accounts.ground.weights = 2 * SHARE_WEIGHT; /* twice that is 0 */
    request = rig_take(0, &ask);
    assert_true(s2_admit(&rig.shard, request));
    assert_false(s3_batch(&rig.shard, request));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    rig.shard.accounts.ground.weights = SHARE_WEIGHT;
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    nothing_is_left();
}

/* In a queue to which nobody comes: it waits for company. */
static void a_deadline_ends_a_request_that_waits(void **state)
{
    struct wire_submission ask = rig_infer(2, 0);
    struct wire_completion completion;
    uint64_t until = UINT64_MAX, now = clock_ns();

    (void)state;
    ask.deadline_us = 1000;
    passes_are_short();
    rig_into_queue(0, &ask);
    while (!reap_ring_ready(&rig.peers[0].reap)) {
        turn();
        until = UINT64_MAX;
        if (!reap_ring_ready(&rig.peers[0].reap) && shard_arm(&rig.shard, clock_ns(), &until))
            assert_true(until < now + 2 * NS_PER_MS); /* it does not oversleep */
    }
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    nothing_is_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_pass_is_left_for_others),
        RIG_TEST(a_pass_of_which_all_is_given_up_ends),
        RIG_TEST(the_others_of_a_pass_go_on),
        RIG_TEST(a_deadline_ends_a_request_in_a_pass),
        RIG_TEST(a_client_goes_in_the_middle),
        RIG_TEST(a_client_goes_with_several),
        RIG_TEST(anything_in_any_order),
        RIG_TEST(a_flood_stands_in_nobodys_way),
        RIG_TEST(who_want_all_share_it),
        RIG_TEST(nobody_owes_what_a_pass_was_away),
        RIG_TEST(what_is_first_is_so_for_its_user),
        RIG_TEST(what_is_last_is_so_for_everybody),
        RIG_TEST(what_is_no_number_costs_a_turn),
        RIG_TEST(nobody_owes_what_a_look_takes),
        RIG_TEST(what_has_another_shape_costs_a_turn),
        RIG_TEST(what_is_answered_at_once_is_charged),
        RIG_TEST(what_cannot_be_in_time_is_refused_at_once),
        RIG_TEST(what_stands_behind_too_much_is_refused_at_once),
        RIG_TEST(no_sum_of_times_wraps),
        RIG_TEST_WAITING(a_deadline_ends_a_request_that_waits),
    };

    return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
