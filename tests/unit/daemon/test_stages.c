/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages, one by one.
 */
#include "support/test.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "unit/daemon/rig.h"

/* ---- s1 ---- */

static void s1_copies_the_slot(void **state)
{
    struct wire_submission ask = rig_infer(1, 3);
    struct request *request;

    (void)state;
    assert_null(s1_intake(&rig.shard, rig.channels[0], 5));
    ask.deadline_us = 77;
    rig_push(0, &ask);
    request = s1_intake(&rig.shard, rig.channels[0], 5);
    assert_non_null(request);
    assert_int_equal(request->state, REQUEST_TAKEN);
    assert_int_equal(request->taken_ns, 5);
    assert_ptr_equal(request->channel, rig.channels[0]);
    assert_memory_equal(&request->ask, &ask, offsetof(struct wire_submission, seq));
    assert_int_equal(rig.channels[0]->under_way, 1);
    /* What the client writes afterwards changes nothing. */
    memset(rig.peers[0].submit.slots, 0xff, sizeof ask);
    assert_int_equal(request->ask.user_data, 3);
    s6_complete(&rig.shard, request, WISP_OK);
}

static void s1_takes_no_more_than_can_be_answered(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct request *requests[RIG_ENTRIES];
    struct wire_completion completion;

    (void)state;
    for (int i = 0; i < RIG_ENTRIES; i++)
        requests[i] = rig_take(0, &ping);
    rig_push(0, &ping);
    assert_null(s1_intake(&rig.shard, rig.channels[0], 1));
    assert_true(rig.channels[0]->starved);
    for (int i = 0; i < RIG_ENTRIES; i++)
        s6_complete(&rig.shard, requests[i], WISP_OK);
    assert_null(s1_intake(&rig.shard, rig.channels[0], 1)); /* answered, and not reaped */
    assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
    requests[0] = s1_intake(&rig.shard, rig.channels[0], 1);
    assert_non_null(requests[0]);
    s6_complete(&rig.shard, requests[0], WISP_OK);
}

static void s1_marks_a_client_with_an_impossible_index(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct wire_client_control *control = rig.peers[0].request.address;

    (void)state;
    control->cq_head = 12345;
    for (int i = 0; i < RIG_ENTRIES; i++)
        s6_complete(&rig.shard, rig_take(0, &ping), WISP_OK);
    rig_push(0, &ping);
    assert_null(s1_intake(&rig.shard, rig.channels[0], 1));
    assert_non_null(rig.channels[0]->broken);
    assert_ptr_equal(rig.shard.broken, rig.channels[0]);
    assert_null(s1_intake(&rig.shard, rig.channels[0], 1));
    assert_null(rig.channels[0]->next_broken); /* once */
}

/* ---- s2 ---- */

static void s2_refuses_what_reaches_outside(void **state)
{
    struct wire_submission ask = rig_infer(1, 0);
    struct wire_completion completion;

    (void)state;
    ask.in_offset = RIG_ARENA;
    assert_false(s2_admit(&rig.shard, rig_take(0, &ask)));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_INVALID);
    ask = rig_infer(1, 0);
    ask.rows = 4097; /* more than the channel's limit */
    assert_false(s2_admit(&rig.shard, rig_take(0, &ask)));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_INVALID);
    rig_all_requests_are_free(0);
}

static void s2_answers_a_ping_and_refuses_when_draining(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP, .user_data = 42 };
    struct wire_completion completion;

    (void)state;
    assert_false(s2_admit(&rig.shard, rig_take(0, &ping)));
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_int_equal(completion.user_data, 42);
    rig.shard.draining = true;
    assert_false(s2_admit(&rig.shard, rig_take(0, &ping)));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_SHUTDOWN);
}

/* Its client has made a cancellation of it, after it was looked at and before it was copied; or a daemon before has
 * died of one, and left it. */
static void s2_refuses_what_became_a_cancellation(void **state)
{
    const struct wire_submission nothing = { .op = WIRE_OP_NOP, .user_data = 9 };
    struct wire_completion completion;
    struct request *request;

    (void)state;
    rig.channels[0]->limits.features |= WIRE_FEATURE_CANCEL;
    request = rig_take(0, &nothing);
    request->ask.op = WIRE_OP_CANCEL;
    assert_int_equal(wire_check_submission(&request->ask, &rig.channels[0]->limits, NULL), 0);
    assert_false(s2_admit(&rig.shard, request));
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_INVALID);
    assert_int_equal(completion.user_data, 9);
}

static void s2_sets_the_deadline(void **state)
{
    struct wire_submission ask = rig_infer(1, 0);
    struct request *request;

    (void)state;
    request = rig_take(0, &ask);
    assert_true(s2_admit(&rig.shard, request));
    assert_int_equal(request->state, REQUEST_ADMITTED);
    assert_true(request->deadline_ns == UINT64_MAX);
    s6_complete(&rig.shard, request, WISP_OK);
    ask.deadline_us = UINT32_MAX;
    request = rig_take(0, &ask);
    assert_true(s2_admit(&rig.shard, request));
    assert_true(request->deadline_ns == request->taken_ns + UINT32_MAX * NS_PER_US);
    s6_complete(&rig.shard, request, WISP_OK);
}

/* A moment by its low bits, wherever these are just now; one that has gone by is refused at once. */
static void s2_knows_moments(void **state)
{
    struct wire_submission ask = rig_infer(1, 0);
    struct wire_completion completion;

    (void)state;
    ask.flags = WIRE_FLAG_UNTIL;
    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t now = (clock_ns() / NS_PER_US + i * 4321987ull) * NS_PER_US;
        const int64_t left = (int64_t)(i % 3 ? i * 2000ull : 1ull << 31) - 1;
        struct request *request;

        ask.deadline_us = (uint32_t)(now / NS_PER_US + (uint64_t)left);
        request = rig_take(0, &ask);
        request->taken_ns = now;
        assert_true(s2_admit(&rig.shard, request));
        assert_true(request->deadline_ns == (left > 0 ? now + (uint64_t)left * NS_PER_US : now));
        s6_complete(&rig.shard, request, WISP_OK);
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
    }
    ask.deadline_us = (uint32_t)(clock_ns() / NS_PER_US) - 5;
    rig_push(0, &ask);
    shard_turn(&rig.shard, clock_ns());
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
}

/* ---- s3 and s4 ---- */

static void s3_knows_its_routes(void **state)
{
    static const char *const names[] = { "small", "image.classification", "image" };
    struct wire_submission ask = rig_infer(1, 0);
    struct wire_completion completion;

    (void)state;
    assert_int_equal(model_set_find(rig.set, "imag", 4), ROUTE_NONE);
    assert_int_equal(model_set_find(rig.set, "", 0), ROUTE_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        ask.route = model_set_find(rig.set, names[i], strlen(names[i]));
        assert_int_equal(ask.route, i + 1);
        rig_into_queue(0, &ask);
    }
    assert_int_equal(rig.queues->queues[0].rows, 3);
    assert_int_equal(rig.shard.under_way, 3);
    ask.route = rig.set->routes.count;
    assert_false(s3_batch(&rig.shard, rig_take(1, &ask)));
    assert_int_equal(rig_only_completion(1, &completion), WISP_E_NO_MODEL);
    rig_turn_until_idle();
}

static void s3_waits_only_as_configured(void **state)
{
    struct queue *queue = &rig.queues->queues[0];
    struct wire_submission ask = rig_infer(1, 0);
    uint64_t begin;

    (void)state;
    assert_true(s3_due_ns(queue) == UINT64_MAX);
    begin = rig_into_queue(0, &ask)->taken_ns;
    assert_true(s3_due_ns(queue) == begin + NS_PER_S);
    assert_false(s3_due(&rig.shard, queue, begin + NS_PER_S - 1));
    assert_true(s3_due(&rig.shard, queue, begin + NS_PER_S));
    ask = rig_infer(RIG_BATCH - 1, 1);
    rig_into_queue(1, &ask); /* enough for a batch */
    assert_true(s3_due(&rig.shard, queue, begin));
    rig_turn_until_idle();
    rig_into_queue(0, &ask);
    assert_false(s3_due(&rig.shard, queue, clock_ns()));
    rig.shard.draining = true;
    assert_true(s3_due(&rig.shard, queue, clock_ns()));
    rig_turn_until_idle();
}

static void s4_takes_in_order_up_to_a_batch(void **state)
{
    struct wire_submission asks[3] = { rig_infer(3, 0), rig_infer(4, 1), rig_infer(5, 2) };
    struct batch *batch = &rig.queues->queues[0].batch;
    struct request *requests[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        requests[i] = rig_into_queue(i, &asks[i]);
    assert_true(s4_dispatch(&rig.shard, &rig.queues->queues[0], clock_ns()));
    assert_int_equal(batch->count, 3);
    assert_int_equal(batch->rows, RIG_BATCH);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(batch->requests[i], requests[i]);
    assert_int_equal(requests[2]->rows_now, 1); /* 3 + 4, and one of five */
    assert_int_equal(rig.queues->queues[0].rows, 0);
    s5_begin(&rig.shard, &rig.queues->queues[0]);
    s5_run(&rig.shard, &rig.queues->queues[0]);
    assert_int_equal(batch->count, 0);
    assert_int_equal(rig.queues->queues[0].rows, 4); /* the rest comes back */
    assert_int_equal(requests[2]->rows_done, 1);
    rig_turn_until_idle();
    for (int i = 0; i < 3; i++) {
        struct wire_completion completion;

        assert_int_equal(rig_only_completion(i, &completion), WISP_OK);
        assert_int_equal(completion.batch, RIG_BATCH);
        rig_check_answer(i, &asks[i]);
    }
}

static void s4_refuses_what_does_not_fit_and_goes_on(void **state)
{
    struct wire_submission good = rig_infer(1, 0), bad = rig_infer(1, 1);
    struct wire_completion completion;

    (void)state;
    bad.in_length += 4;
    rig_into_queue(0, &bad);
    rig_into_queue(1, &good);
    assert_true(s4_dispatch(&rig.shard, &rig.queues->queues[0], clock_ns()));
    assert_int_equal(rig.queues->queues[0].batch.count, 1);
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_SHAPE);
    rig_no_completion(1);
    s5_begin(&rig.shard, &rig.queues->queues[0]);
    s5_run(&rig.shard, &rig.queues->queues[0]);
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_check_answer(1, &good);
    rig_into_queue(0, &bad);
    assert_false(s4_dispatch(&rig.shard, &rig.queues->queues[0], clock_ns())); /* nothing is left to run */
}

/* ---- s5 ---- */

static void s5_drops_what_is_late(void **state)
{
    struct wire_submission late = rig_infer(2, 0), good = rig_infer(2, 1);
    struct wire_completion completion;
    uint64_t samples = rig.queues->queues[0].tally->samples;

    (void)state;
    late.deadline_us = 1000000;
    rig_into_queue(0, &late)->deadline_ns = clock_ns() - 1;
    rig_into_queue(1, &good);
    rig_run_batch(&rig.queues->queues[0]);
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_DEADLINE);
    assert_int_equal(completion.out_length, 0);
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    assert_int_equal(completion.batch, 2);
    assert_int_equal(rig.queues->queues[0].tally->samples, samples + 2);
    rig_check_answer(1, &good);
}

/* Wherever it stands, in whatever slice: the request is refused, and says where; its neighbours do not notice. What was
 * answered before stands in its own place, and nothing anywhere else. */
static void s5_refuses_what_is_not_finite(void **state)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    struct wire_submission poor = rig_infer(20, 0), good = rig_infer(2, 100);
    const char *const beyond = (const char *)rig.peers[0].output + poor.out_offset + poor.out_length;
    const size_t rest = RIG_ARENA - poor.out_offset - poor.out_length;
    char *const before = test_malloc(rest);
    struct wire_completion completion;

    (void)state;
    memcpy(before, beyond, rest);
    for (uint32_t at = 0; at < 20 * RIG_INPUTS; at += 37) {
        rig_into_queue(0, &poor);
        rig_into_queue(1, &good);
        rig.peers[0].input[at] = bad[at % ARRAY_SIZE(bad)];
        rig_turn_until_idle();
        assert_int_equal(rig_only_completion(0, &completion), WISP_E_INVALID);
        assert_int_equal(completion.out_length, 0);
        assert_int_equal(completion.cause, WIRE_CAUSE_NOT_FINITE);
        assert_int_equal(completion.where[0], at / RIG_INPUTS);
        assert_int_equal(completion.where[1], at % RIG_INPUTS);
        assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
        assert_int_equal(completion.cause, WIRE_CAUSE_NONE);
        rig_check_answer(1, &good);
        assert_memory_equal(beyond, before, rest);
    }
    test_free(before);
    rig_all_requests_are_free(0);
}

/* ---- cancellations ---- */

static void rig_cancel(int peer, uint64_t user_data)
{
    const struct wire_submission ask = { .op = WIRE_OP_CANCEL, .user_data = user_data };

    rig_push(peer, &ask);
    assert_true(cancel_take(&rig.shard, rig.channels[peer]));
}

/* One may be published between the look for it and the look for a request: it waits for the next pass. */
static void a_cancellation_is_no_request(void **state)
{
    const struct wire_submission ask = { .op = WIRE_OP_CANCEL, .user_data = 7 };

    (void)state;
    rig_push(0, &ask);
    assert_null(s1_intake(&rig.shard, rig.channels[0], clock_ns()));
    assert_true(cancel_take(&rig.shard, rig.channels[0]));
    assert_false(cancel_take(&rig.shard, rig.channels[0]));
}

/* The first, the last, and one in between leave the queue; the others run as if these had never been. */
static void a_cancelled_request_leaves_its_queue(void **state)
{
    enum { COUNT = 7 };
    static const bool given_up[COUNT] = { true, false, false, true, false, true, true };
    struct wire_submission asks[COUNT];
    struct wire_completion completion;
    uint64_t samples = rig.queues->queues[0].tally->samples;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        asks[i] = rig_infer(2, 4 * i);
        rig_into_queue(0, &asks[i]);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        if (!given_up[i])
            continue;
        rig_cancel(0, asks[i].user_data);
        assert_int_equal(rig_only_completion(0, &completion), WISP_E_CANCELLED); /* at once */
        assert_int_equal(completion.user_data, asks[i].user_data);
    }
    assert_int_equal(rig.queues->queues[0].rows, 6);
    rig_turn_until_idle();
    for (uint32_t i = 0; i < COUNT; i++) {
        if (given_up[i])
            continue;
        assert_true(reap_ring_take(&rig.peers[0].reap, &completion));
        assert_int_equal(completion.user_data, asks[i].user_data);
        assert_int_equal(completion.status, WISP_OK);
        rig_check_answer(0, &asks[i]);
    }
    rig_no_completion(0);
    rig_all_requests_are_free(0);
    assert_int_equal(rig.queues->queues[0].tally->samples, samples + 6);
    assert_int_equal(rig.shard.cancelled, 4);
    assert_int_equal(rig.shard.refused, 0);
}

/* Between its slices, too; and not those of others, or what has been answered. */
static void a_cancellation_meets_its_own_requests_alone(void **state)
{
    struct wire_submission large = rig_infer(40, 0), other = rig_infer(3, 0);
    struct wire_completion completion;

    (void)state;
    rig_into_queue(0, &large);
    rig_into_queue(1, &other); /* with the same number */
    rig_run_batch(&rig.queues->queues[0]);
    rig_cancel(0, 0);
    assert_int_equal(rig_only_completion(0, &completion), WISP_E_CANCELLED);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(1, &completion), WISP_OK);
    rig_check_answer(1, &other);
    rig_cancel(1, 0);
    rig_cancel(0, 12345);
    rig_no_completion(0);
    rig_no_completion(1);
    rig_all_requests_are_free(0);
    rig_all_requests_are_free(1);
}

/* It needs no request and no credit, so that who has everything under way can give up any of it. */
static void a_full_channel_can_cancel(void **state)
{
    struct wire_completion completion;

    (void)state;
    for (uint32_t i = 0; i < RIG_ENTRIES; i++) {
        struct wire_submission ask = rig_infer(1, i);

        rig_into_queue(0, &ask);
    }
    assert_null(rig.channels[0]->free);
    for (uint32_t i = RIG_ENTRIES; i-- > 0;) {
        rig_cancel(0, i);
        assert_int_equal(rig_only_completion(0, &completion), WISP_E_CANCELLED);
        assert_int_equal(completion.user_data, i);
    }
    rig_all_requests_are_free(0);
    assert_int_equal(rig.shard.under_way, 0);
    assert_null(rig.queues->queues[0].first);
    assert_null(rig.queues->queues[0].last);
}

/* What is counted as what. */
static void counters_tell_pings_refusals_and_the_rest_apart(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP }, bad = rig_infer(1, 0), late = rig_infer(1, 1);
    struct wire_submission many = rig_infer(1, 2);
    struct wire_completion completion;

    (void)state;
    bad.out_offset = 3;
    many.rows = 4097;
    s2_admit(&rig.shard, rig_take(0, &ping));
    s2_admit(&rig.shard, rig_take(1, &bad));
    s2_admit(&rig.shard, rig_take(2, &many));
    assert_int_equal(rig_only_completion(2, &completion), WISP_E_INVALID);
    assert_int_equal(completion.cause, WIRE_CAUSE_ROWS);
    assert_int_equal(completion.where[0], 4096);
    late.deadline_us = 1000000;
    rig_into_queue(0, &late)->deadline_ns = 0;
    rig_turn_until_idle();
    rig_into_queue(2, &late);
    rig_close_channel(2); /* leaves a request behind */
    rig_turn_until_idle();
    assert_int_equal(rig.shard.pings, 1);
    assert_int_equal(rig.shard.requests, 4);
    assert_int_equal(rig.shard.refused, 2);
    assert_int_equal(rig.shard.late, 1);
    assert_int_equal(rig.shard.cancelled, 1);
}

/* ---- s6 ---- */

static void s6_fills_in_the_timings(void **state)
{
    struct wire_submission ask = rig_infer(3, 2);
    struct wire_completion completion;

    (void)state;
    rig_into_queue(0, &ask);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_int_equal(completion.user_data, 2);
    assert_int_equal(completion.out_length, ask.out_length);
    assert_int_equal(completion.batch, 3);
    assert_true(completion.compute_ns > 0);
    rig.channels[0]->timings = false;
    rig_into_queue(0, &ask);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_int_equal(completion.batch, 0);
    assert_int_equal(completion.compute_ns, 0);
}

/* When it was done lies between before and after, on this clock; and nothing is said to who does not know it. */
static void s6_says_when_it_was_done(void **state)
{
    struct wire_submission ask = rig_infer(3, 2);
    struct wire_completion completion;
    uint64_t before, done;

    (void)state;
    before = clock_ns();
    rig_into_queue(0, &ask);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    done = (uint64_t)completion.done[1] << 32 | completion.done[0];
    assert_true(done >= before + completion.compute_ns && done <= clock_ns());
    rig.channels[0]->done = false;
    rig_into_queue(0, &ask);
    rig_turn_until_idle();
    assert_int_equal(rig_only_completion(0, &completion), WISP_OK);
    assert_int_equal(completion.done[0] | completion.done[1], 0);
}

/* ---- tallies ---- */

/* Each user's part of what ran together; of one request in slices, once. */
static void users_are_charged_their_part(void **state)
{
    struct wire_submission asks[2] = { rig_infer(2, 0), rig_infer(3 * RIG_BATCH, 10) };
    const struct tally *model = rig.queues->queues[0].tally, *first = rig.channels[0]->tally;
    const struct tally *second = rig.channels[1]->tally;

    (void)state;
    for (int i = 0; i < 2; i++)
        rig_into_queue(i, &asks[i]);
    assert_int_equal(rig.queues->queues[0].under_way, 2);
    rig_turn_until_idle();
    assert_int_equal(rig.queues->queues[0].under_way, 0);
    assert_int_equal(first->samples, 2);
    assert_int_equal(second->samples, 3 * RIG_BATCH);
    assert_int_equal(model->samples, 2 + 3 * RIG_BATCH);
    assert_int_equal(model->batches, 4);
    assert_true(first->used_ns > 0 && first->used_ns < second->used_ns);
    /* A nanosecond is lost where a part is rounded down: one a batch and request. */
    assert_in_range(model->used_ns - first->used_ns - second->used_ns, 0, 8);
    assert_int_equal(first->used_ns, rig.channels[0]->used_ns);
    assert_int_equal(model->answered, 2);
    assert_int_equal(histogram_count(&model->computed), 2);
    assert_int_equal(histogram_count(&model->waited), 2);
    assert_int_equal(histogram_count(&second->computed), 1);
    assert_true(second->computed.sum >= second->used_ns); /* the batch that it shared computed for both */
    assert_int_equal(model->computed.sum, first->computed.sum + second->computed.sum);
}

static void what_has_no_answer_is_in_no_histogram(void **state)
{
    struct wire_submission ping = { .op = WIRE_OP_NOP }, late = rig_infer(1, 1), bad = rig_infer(1, 2);
    const struct tally *model = rig.queues->queues[0].tally, *user = rig.channels[0]->tally;

    (void)state;
    rig_push(0, &ping);
    rig_turn_until_idle();
    rig_into_queue(0, &late)->deadline_ns = 0;
    bad.in_length += 4;
    rig_into_queue(0, &bad);
    rig_turn_until_idle();
    assert_int_equal(user->answered, 0);
    assert_int_equal(user->late, 1);
    assert_int_equal(user->refused, 1);
    assert_int_equal(model->late, 1);
    assert_int_equal(model->refused, 1);
    assert_int_equal(histogram_count(&user->computed) + histogram_count(&model->computed), 0);
    assert_int_equal(histogram_count(&user->waited) + histogram_count(&model->waited), 0);
    assert_int_equal(rig.channels[0]->taken, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(s1_copies_the_slot),
        RIG_TEST(s1_takes_no_more_than_can_be_answered),
        RIG_TEST(s1_marks_a_client_with_an_impossible_index),
        RIG_TEST(s2_refuses_what_reaches_outside),
        RIG_TEST(s2_answers_a_ping_and_refuses_when_draining),
        RIG_TEST(s2_refuses_what_became_a_cancellation),
        RIG_TEST(s2_sets_the_deadline),
        RIG_TEST(s2_knows_moments),
        RIG_TEST(s3_knows_its_routes),
        RIG_TEST_WAITING(s3_waits_only_as_configured),
        RIG_TEST(s4_takes_in_order_up_to_a_batch),
        RIG_TEST(s4_refuses_what_does_not_fit_and_goes_on),
        RIG_TEST(s5_drops_what_is_late),
        RIG_TEST(s5_refuses_what_is_not_finite),
        RIG_TEST(a_cancellation_is_no_request),
        RIG_TEST(a_cancelled_request_leaves_its_queue),
        RIG_TEST(a_cancellation_meets_its_own_requests_alone),
        RIG_TEST(a_full_channel_can_cancel),
        RIG_TEST(counters_tell_pings_refusals_and_the_rest_apart),
        RIG_TEST(s6_fills_in_the_timings),
        RIG_TEST(s6_says_when_it_was_done),
        RIG_TEST(users_are_charged_their_part),
        RIG_TEST(what_has_no_answer_is_in_no_histogram),
    };

    return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
