/* SPDX-License-Identifier: Apache-2.0
 *
 * A model that decodes, in the shard: sequences of several channels and of all lengths run together and give the words
 * of the plain forward pass; words are seen as they come; others have their turn between two steps; and what is given
 * up leaves nothing that runs.
 */
#include "support/test.h"

#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "unit/daemon/rig.h"

enum { ROWS_MAX = 20, ROWS_MANY = 150, SLOT = 4096 /* bytes of either arena */ };

static struct wire_submission translate(uint32_t rows, uint32_t at)
{
    const uint64_t in = sizeof(int32_t) * RIG_SOURCE, words = sizeof(int32_t) * RIG_WORDS;

    return (struct wire_submission){ .op = WIRE_OP_INFER,
                                     .route = rig.translator_route,
                                     .user_data = at,
                                     .in_offset = (uint64_t)at * SLOT,
                                     .in_length = rows * in,
                                     .out_offset = (uint64_t)at * SLOT,
                                     .out_length = (rows * words + 63) / 64 * 64 + rows * sizeof(struct wire_progress),
                                     .rows = rows,
                                     .mark = 1000 + at };
}

static int32_t *source_of(int peer, const struct wire_submission *ask, uint32_t row)
{
    return (int32_t *)(void *)rig.peers[peer].input + ask->in_offset / 4 + row * RIG_SOURCE;
}

static const int32_t *words_of(int peer, const struct wire_submission *ask, uint32_t row)
{
    return (const int32_t *)(const void *)rig.peers[peer].output + ask->out_offset / 4 + row * RIG_WORDS;
}

static struct wire_progress progress_of(int peer, const struct wire_submission *ask, uint32_t row)
{
    const uint64_t words = (ask->rows * RIG_WORDS * sizeof(int32_t) + 63) / 64 * 64;
    struct wire_progress progress;

    memcpy(&progress,
           (const char *)rig.peers[peer].output + ask->out_offset + words + row * sizeof(struct wire_progress),
           sizeof progress);
    return progress;
}

static void push(int peer, const struct wire_submission *ask, uint64_t seed)
{
    struct rng rng = rng_make(seed, ask->user_data);

    for (uint32_t i = 0; i < ask->rows * RIG_SOURCE; i++)
        source_of(peer, ask, 0)[i] = (int32_t)rng_below(&rng, 15);
    rig_push(peer, ask);
}

/* The words of a row, and behind them the one that ends. */
static void check_row(int peer, const struct wire_submission *ask, uint32_t row)
{
    const struct wire_progress progress = progress_of(peer, ask, row);
    int32_t right[RIG_WORDS] = { 0 };
    const uint32_t count = translator_decode(rig.translator, source_of(peer, ask, row), right);

    assert_int_equal(progress.mark, ask->mark);
    assert_int_equal(progress.count, count);
    assert_memory_equal(words_of(peer, ask, row), right, sizeof right);
}

static void check(int peer, const struct wire_submission *ask)
{
    struct wire_completion completion;

    assert_int_equal(rig_only_completion(peer, &completion), WISP_OK);
    assert_int_equal(completion.user_data, ask->user_data);
    assert_int_equal(completion.out_length, ask->out_length);
    for (uint32_t row = 0; row < ask->rows; row++)
        check_row(peer, ask, row);
}

static struct queue *queue(void)
{
    return &rig.queues->queues[1];
}

static void turn(void)
{
    assert_true(shard_turn(&rig.shard, clock_ns()));
}

static void nothing_runs(void)
{
    assert_int_equal(queue()->running, 0);
    assert_int_equal(queue()->rows, 0);
    assert_null(queue()->head);
    assert_int_equal(rig.queues->held, 0);
    assert_int_equal(rig.shard.under_way, 0);
    for (uint32_t i = 0; i < queue()->sequences->capacity; i++)
        assert_null(queue()->sequences->slots[i].request);
}

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
    assert_true(queue()->batches < 3 * 26 * RIG_WORDS / 2); /* together, not one after the other */
}

/* Whatever is seen is right, and the count never goes back. */
static void words_are_seen_as_they_come(void **state)
{
    const struct wire_submission ask = translate(1, 3);
    int32_t right[RIG_WORDS];
    uint32_t count, seen = 0, turns = 0;

    (void)state;
    push(0, &ask, 1);
    count = translator_decode(rig.translator, source_of(0, &ask, 0), right);
    assert_true(count > 3);
    while (!reap_ring_ready(&rig.peers[0].reap)) {
        struct wire_progress progress;

        turn();
        progress = progress_of(0, &ask, 0);
        assert_int_equal(progress.mark, ask.mark);
        assert_true(progress.count >= seen && progress.count <= seen + 1);
        seen = progress.count;
        assert_memory_equal(words_of(0, &ask, 0), right, seen * sizeof *right);
        turns++;
    }
    assert_true(turns >= count);
    check(0, &ask);
}

/* A request of another model is answered in the pass that takes it, however long sequences run. */
static void others_have_their_turn(void **state)
{
    const struct wire_submission ask = translate(ROWS_MAX, 0);
    struct wire_submission small = rig_infer(1, 0);
    struct wire_completion completion;

    (void)state;
    push(0, &ask, 2);
    turn();
    while (!reap_ring_ready(&rig.peers[0].reap)) {
        rig_fill(1, &small);
        rig_push(1, &small);
        turn();
        assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
        rig_check_answer(1, &small);
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
    const struct wire_submission ask = translate(12, 0), other = translate(4, 0);
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
    struct wire_submission ask = translate(12, 0), other = translate(4, 0);
    struct wire_completion completion;

    (void)state;
    ask.deadline_us = 1000000;
    push(0, &ask, 5);
    push(1, &other, 5);
    turn();
    rig.channels[0]->newest->deadline_ns = 1; /* it has gone by */
    turn();
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    rig_turn_until_idle();
    check(1, &other);
    nothing_runs();
}

static void a_client_that_goes_leaves_nothing(void **state)
{
    const struct wire_submission asks[] = { translate(12, 0), translate(1, 8), translate(4, 0) };

    (void)state;
    push(0, &asks[0], 6);
    push(0, &asks[1], 6);
    push(1, &asks[2], 6);
    turn();
    turn();
    shard_leave(&rig.shard, rig.channels[0]);
    rig_turn_until_idle();
    check(1, &asks[2]);
    nothing_runs();
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
        RIG_TEST_DECODING(words_are_seen_as_they_come),
        RIG_TEST_DECODING(others_have_their_turn),
        RIG_TEST_DECODING(rows_take_turns),
        RIG_TEST_DECODING(a_cancellation_ends_them),
        RIG_TEST_DECODING(a_deadline_counts_between_steps),
        RIG_TEST_DECODING(a_client_that_goes_leaves_nothing),
        RIG_TEST_DECODING(draining_finishes_them),
        RIG_TEST_DECODING(hostile_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
