/* SPDX-License-Identifier: Apache-2.0
 *
 * A model that decodes, in the shard: sequences of several channels, of all lengths and with beams of all widths run
 * together and give the words of the plain forward pass; words are seen as they come; others have their turn between
 * two steps; and what is given up leaves nothing that runs.
 */
#include "support/test.h"

#include <string.h>

#include "base/clock.h"
#include "unit/daemon/decoding.h"

enum { ROWS_MAX = 20, ROWS_MANY = 150 };

/* More rows than run at once, of three channels, one after the other. */
static void sequences_run_together(void **state)
{
    const struct wire_submission asks[] = { translate(ROWS_MAX, 0), translate(1, 0), translate(5, 0) };

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int peer = 0; peer < RIG_CHANNELS; peer++) {
            push(peer, &asks[(peer + round) % 3], UINT64_C(10) * round + peer);
            turn();
        }
        rig_turn_until_idle();
        for (int peer = 0; peer < RIG_CHANNELS; peer++)
            check(peer, &asks[(peer + round) % 3]);
        nothing_runs();
    }
    assert_true(queue()->tally->batches < 3 * 26 * RIG_WORDS / 2); /* together, not one after the other */
}

/* Of all widths, the widest as wide as there is room. */
static void beams_run_together(void **state)
{
    const struct wire_submission asks[] = { search(9, 0, 3), search(2, 0, RIG_BATCH), search(5, 0, 2) };
    const struct wire_submission greedy = search(4, 8, 1);

    (void)state;
    for (int peer = 0; peer < RIG_CHANNELS; peer++) {
        push(peer, &asks[peer], 20 + (uint64_t)peer);
        turn();
    }
    push(0, &greedy, 20);
    rig_turn_until_idle();
    for (int peer = 1; peer < RIG_CHANNELS; peer++)
        check(peer, &asks[peer]);
    for (uint32_t row = 0; row < asks[0].rows; row++)
        check_row(0, &asks[0], row);
    for (uint32_t row = 0; row < greedy.rows; row++)
        check_row(0, &greedy, row);
    nothing_runs();
}

/* One that is asked for by number, or else the model's. */
static void widths_that_there_are(void **state)
{
    struct wire_submission ask = search(1, 0, RIG_BATCH + 1);
    struct wire_completion completion;

    (void)state;
    push(0, &ask, 21);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_INVALID);
    assert_int_equal(completion.cause, WIRE_CAUSE_BEAM);
    assert_int_equal(completion.where[0], RIG_BATCH);
    ask.route = rig.route; /* it does not decode */
    ask.beam = 1;
    rig_push(0, &ask);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_INVALID);
    assert_int_equal(completion.cause, WIRE_CAUSE_BEAM);
    assert_int_equal(completion.where[0], 0);
    ask = search(3, 0, 0);
    rig.set->models[1].model->decoding.beam = 5; /* as its file might have said */
    push(0, &ask, 21);
    turn();
    assert_int_equal(queue()->running, 1);
    rig_turn_until_idle();
    ask.beam = 5;
    check(0, &ask);
    nothing_runs();
}

/* It needs all the room that there is, and there are always others. */
static void a_wide_beam_is_not_kept_out(void **state)
{
    const struct wire_submission narrow = translate(3, 0), wide = search(1, 0, RIG_BATCH);
    uint32_t turns = 0, others = 0;

    (void)state;
    push(0, &narrow, 22);
    turn();
    push(1, &wide, 22);
    push(2, &narrow, 23);
    while (!reap_ring_ready(&rig.peers[1].reap)) {
        turn();
        for (int peer = 0; peer < RIG_CHANNELS; peer += 2) {
            if (!reap_ring_ready(&rig.peers[peer].reap))
                continue;
            check(peer, &narrow);
            push(peer, &narrow, turns);
            others++;
        }
        turns++; /* of which a slow machine needs many for one step */
        assert_true(others < 8);
    }
    check(1, &wide);
    rig_turn_until_idle();
    check(0, &narrow);
    check(2, &narrow);
    nothing_runs();
}

/* Who searches widely computes more, and pays for it: not the one beside him. */
static void a_wide_beam_pays_for_its_width(void **state)
{
    const struct wire_submission wide = search(1, 0, RIG_BATCH - 1), narrow = search(1, 0, 1);
    uint64_t before[2], wide_ns = 0, narrow_ns = 0;

    (void)state;
    push(0, &wide, 24);
    push(1, &narrow, 24);
    steps_are_short(); /* both begin in one turn */
    turn();
    while (queue()->running == 2) {
        const struct running *slots = queue()->sequences->slots;
        const bool is_wide = slots[0].beam.live == RIG_BATCH - 1 || slots[1].beam.live == RIG_BATCH - 1;

        for (int peer = 0; peer < 2; peer++)
            before[peer] = rig.channels[peer]->used_ns;
        turn();
        if (!is_wide)
            continue; /* it widens as it goes on */
        wide_ns += rig.channels[0]->used_ns - before[0];
        narrow_ns += rig.channels[1]->used_ns - before[1];
    }
    assert_true(narrow_ns > 0);
    assert_true(wide_ns >= narrow_ns * (RIG_BATCH - 2));
    rig_turn_until_idle();
    check(0, &wide);
    check(1, &narrow);
    nothing_runs();
}

/* Whatever is seen is right, and the count never goes back; `leap`: by how many words at once it may go on. */
static void see_words_come(const struct wire_submission *of, uint64_t seed, uint32_t leap)
{
    const struct wire_submission ask = *of;
    int32_t right[RIG_WORDS];
    uint32_t count, seen = 0, turns = 0;

    push(0, &ask, seed);
    count = right_words(0, &ask, 0, right);
    assert_true(count > 3);
    while (!reap_ring_ready(&rig.peers[0].reap)) {
        struct wire_progress progress;

        turn();
        progress = progress_of(0, &ask, 0);
        assert_int_equal(progress.mark, ask.mark);
        assert_true(progress.count >= seen && progress.count <= seen + leap);
        seen = progress.count;
        assert_memory_equal(words_of(0, &ask, 0), right, seen * sizeof *right);
        turns++;
    }
    assert_true(turns >= count);
    check(0, &ask);
}

static void words_are_seen_as_they_come(void **state)
{
    const struct wire_submission greedy = translate(1, 3), wide = search(1, 3, 4);

    (void)state;
    see_words_come(&greedy, 1, 1);
    see_words_come(&wide, 1, RIG_WORDS);
    nothing_runs();
}

/* Until what the peer has asked is answered; its user is charged nothing of late, however long a turn took of a thread
 * that lost its processor. */
static void turn_for(int peer)
{
    for (unsigned turns = 0; !reap_ring_ready(&rig.peers[peer].reap); turns++) {
        assert_true(turns < 1000);
        rig.channels[peer]->account->share.charged = 0;
        turn();
    }
}

/* A request of another model, whose user was charged nothing of late, is answered before the next step, however long
 * sequences run. */
static void others_have_their_turn(void **state)
{
    const struct wire_submission ask = translate(ROWS_MAX, 0);
    struct wire_submission small = rig_infer(1, 0);
    struct wire_completion completion;

    (void)state;
    push(0, &ask, 2);
    steps_are_short();
    turn();
    while (!reap_ring_ready(&rig.peers[0].reap)) {
        const uint64_t used = rig.channels[0]->used_ns;

        rig_fill(1, &small);
        rig_push(1, &small);
        turn_for(1);
        assert_int_equal(rig.channels[0]->used_ns, used);
        assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
        rig_check_answer(1, &small);
        steps_are_short();
        turn(); /* a step */
    }
    check(0, &ask);
}

/* One that asks for many rows does not keep out one that came later. */
static void rows_take_turns(void **state)
{
    const struct wire_submission large = translate(ROWS_MANY, 0), one = translate(1, 0);

    (void)state;
    push(0, &large, 3);
    turn();
    push(1, &one, 3);
    while (!reap_ring_ready(&rig.peers[1].reap)) {
        turn();
        rig_no_completion(0);
    }
    assert_true(rig.channels[0]->newest->rows_now < ROWS_MANY);
    check(1, &one);
    rig_turn_until_idle();
    check(0, &large);
}

static void a_cancellation_ends_them(void **state)
{
    const struct wire_submission ask = search(12, 0, 2), other = translate(4, 0);
    const struct wire_submission cancel = { .op = WIRE_OP_CANCEL, .user_data = ask.user_data };
    struct wire_completion completion;

    (void)state;
    push(0, &ask, 4);
    push(1, &other, 4);
    turn();
    turn();
    assert_true(queue()->running > 0);
    rig_push(0, &cancel);
    turn();
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_CANCELLED);
    rig_turn_until_idle();
    check(1, &other);
    nothing_runs();
}

static void a_deadline_counts_between_steps(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) { /* it runs, or waits until the other has left room */
        struct wire_submission late = search(2, 0, RIG_BATCH), other = search(2, 0, RIG_BATCH);
        struct wire_completion completion;

        late.deadline_us = 1000000;
        push(first, first ? &other : &late, 5);
        turn();
        push(!first, first ? &late : &other, 5);
        turn();
        rig_make_late(rig.channels[0]->newest);
        turn();
        assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
        rig_turn_until_idle();
        check(1, &other);
        nothing_runs();
    }
}

/* Words take as many steps as they are usually, each as long as was measured: who asks for less is told at once, and
 * nothing of it begins. */
static void a_deadline_that_cannot_be_met_is_refused_at_once(void **state)
{
    struct wire_submission ask = translate(RIG_BATCH, 0);
    struct wire_completion completion;
    uint32_t usual;

    (void)state;
    for (int round = 0; round < 8; round++) {
        push(0, &ask, 40 + (uint64_t)round);
        rig_turn_until_idle();
        check(0, &ask);
    }
    usual = queue()->sequences->usual_steps;
    assert_true(usual > 256 && usual <= 256 * RIG_WORDS);
    assert_true(sequences_steps(queue()->sequences, 2 * RIG_BATCH, 1) >= 2 * (usual / 256));
    assert_int_equal(sequences_places(queue()->sequences, 2 * RIG_BATCH, 1), RIG_BATCH);
    queue()->sequences->usual_steps = 256 * 10;
    for (unsigned i = 0; i < COST_POINTS; i++) {
        queue()->hoped.ns[i] = NS_PER_S;
        queue()->beginning.ns[i] = NS_PER_US;
    }
    ask.deadline_us = 9000000;
    push(0, &ask, 50);
    turn();
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    assert_int_equal(completion.compute_ns, 0);
    nothing_runs();
    assert_true(queue()->hoped.ns[3] < NS_PER_S); /* and is a little less sure of it */
    ask.deadline_us = 11000000;
    push(0, &ask, 51);
    rig_turn_until_idle();
    check(0, &ask);
    nothing_runs();
}

static void a_client_that_goes_leaves_nothing(void **state)
{
    (void)state;
    for (uint16_t beam = 1; beam <= 4; beam += 3) {
        const struct wire_submission asks[] = { search(2, 0, beam), translate(1, 8), search(4, 0, beam) };

        push(0, &asks[0], 6);
        push(0, &asks[1], 6);
        push(1, &asks[2], 6);
        turn();
        turn();
        turn();
        assert_true(queue()->sequences->free_count < RIG_BATCH);
        assert_true(rig.channels[0]->newest != NULL);
        shard_leave(&rig.shard, rig.channels[0]);
        rig_turn_until_idle();
        check(1, &asks[2]);
        nothing_runs();
        rig_drop_channel(0);
        rig_open_channel(0);
    }
}

static void draining_finishes_them(void **state)
{
    const struct wire_submission ask = translate(12, 0);

    (void)state;
    push(0, &ask, 7);
    turn();
    shard_drain(&rig.shard, clock_ns());
    rig_turn_until_idle();
    check(0, &ask);
    nothing_runs();
}

/* Lengths that are not the model's, and words that are none. */
static void hostile_requests(void **state)
{
    struct wire_submission ask = translate(2, 0);
    struct wire_completion completion;

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct wire_submission bad = ask;

        *(i & 1 ? &bad.in_length : &bad.out_length) += i & 2 ? 4 : (uint64_t)-4;
        push(0, &bad, 8);
        rig_turn_until_idle();
        assert_int_equal(rig_only_completion(0, &completion), WISP_E_SHAPE);
    }
    for (int i = 0; i < RIG_SOURCE; i++) {
        source_of(0, &ask, 0)[i] = i % 2 ? INT32_MIN + i : INT32_MAX - i;
        source_of(0, &ask, 1)[i] = -i;
    }
    rig_push(0, &ask);
    rig_turn_until_idle();
    check(0, &ask);
    nothing_runs();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST_DECODING(sequences_run_together),
        RIG_TEST_DECODING(beams_run_together),
        RIG_TEST_DECODING(widths_that_there_are),
        RIG_TEST_DECODING(a_wide_beam_is_not_kept_out),
        RIG_TEST_DECODING(a_wide_beam_pays_for_its_width),
        RIG_TEST_DECODING(words_are_seen_as_they_come),
        RIG_TEST_DECODING(others_have_their_turn),
        RIG_TEST_DECODING(rows_take_turns),
        RIG_TEST_DECODING(a_cancellation_ends_them),
        RIG_TEST_DECODING(a_deadline_counts_between_steps),
        RIG_TEST_DECODING(a_deadline_that_cannot_be_met_is_refused_at_once),
        RIG_TEST_DECODING(a_client_that_goes_leaves_nothing),
        RIG_TEST_DECODING(draining_finishes_them),
        RIG_TEST_DECODING(hostile_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
