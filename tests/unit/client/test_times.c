/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an answer's time went: the parts never exceed the whole, whatever a daemon says. And for how long one is waited
 * for.
 */
#include "base/rng.h"
#include "base/size.h"
#include "client/client.h"
#include "client/deadline.h"
#include "client/times.h"
#include "support/test.h"

enum { TIMES = 200000, SUBMITTED = 1000000 };

static struct wire_completion completion_of(uint32_t queue, uint32_t compute, uint64_t done)
{
    return (struct wire_completion){
        .queue_ns = queue, .compute_ns = compute, .batch = 3, .done = { (uint32_t)done, (uint32_t)(done >> 32) }
    };
}

static void test_what_fits_is_kept(void **state)
{
    const struct wire_completion completion = completion_of(100, 500, SUBMITTED + 700);
    struct wisp_timings timings = { .total_ns = 1000 };

    (void)state;
    assert_int_equal(times_take(&timings, SUBMITTED, &completion), 300);
    assert_int_equal(timings.queue_ns, 100);
    assert_int_equal(timings.compute_ns, 500);
    assert_int_equal(timings.batch, 3);
    assert_int_equal(timings.total_ns, 1000);
}

/* The daemon looked at its clock 400 ns before the request was there, and began 100 ns after that. */
static void test_a_wait_from_before_the_request_is_cut(void **state)
{
    const struct wire_completion completion = completion_of(500, 500, SUBMITTED + 600);
    struct wisp_timings timings = { .total_ns = 1000 };

    (void)state;
    assert_int_equal(times_take(&timings, SUBMITTED, &completion), 400);
    assert_int_equal(timings.queue_ns, 100);
    assert_int_equal(timings.compute_ns, 500);
}

static void test_another_clock_is_not_believed(void **state)
{
    static const uint64_t done[] = { 0, SUBMITTED - 1, SUBMITTED + 1001, UINT64_MAX };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(done); i++) {
        const struct wire_completion completion = completion_of(100, 500, done[i]);
        struct wisp_timings timings = { .total_ns = 1000 };

        assert_int_equal(times_take(&timings, SUBMITTED, &completion), 0);
        assert_int_equal(timings.queue_ns, 100);
    }
}

static void test_the_parts_never_exceed_the_whole(void **state)
{
    struct rng rng = rng_make(5, 1);

    (void)state;
    for (int i = 0; i < TIMES; i++) {
        const struct wire_completion completion = completion_of(
            rng_u32(&rng) >> rng_u32(&rng) % 32, rng_u32(&rng) >> rng_u32(&rng) % 32, SUBMITTED + rng_u32(&rng) % 2000);
        struct wisp_timings timings = { .total_ns = rng_u32(&rng) % 2000 };
        const uint64_t wake = times_take(&timings, SUBMITTED, &completion);

        assert_true(timings.queue_ns + timings.compute_ns + wake <= timings.total_ns);
        assert_true(timings.queue_ns <= completion.queue_ns && timings.compute_ns <= completion.compute_ns);
    }
}

/* No kind of call waits for ever because a program has not thought of it; one that says so does, and one that gives a
 * limit has that, whatever it calls. */
static void test_every_wait_has_a_limit(void **state)
{
    struct wisp_client client = { .answer_ns = 0 };

    (void)state;
    assert_int_equal(client_limit_ns(&client, CLIENT_WAIT_QUESTION), 10 * NS_PER_S);
    assert_int_equal(client_limit_ns(&client, CLIENT_WAIT_ANSWER), 60 * NS_PER_S);
    assert_int_equal(client_limit_ns(&client, CLIENT_WAIT_LOAD), 600 * NS_PER_S);
    for (enum client_wait what = CLIENT_WAIT_QUESTION; what <= CLIENT_WAIT_LOAD; what++) {
        const uint64_t before = clock_ns();
        uint64_t limit;

        client.answer_ns = 0;
        limit = client_limit_from_now(&client, what);
        assert_in_range(limit, before + 10 * NS_PER_S, clock_ns() + 600 * NS_PER_S);
        client.answer_ns = FOREVER;
        assert_true(client_limit_from_now(&client, what) == FOREVER);
        client.answer_ns = 5;
        assert_int_equal(client_limit_ns(&client, what), 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits_is_kept),
        cmocka_unit_test(test_a_wait_from_before_the_request_is_cut),
        cmocka_unit_test(test_another_clock_is_not_believed),
        cmocka_unit_test(test_the_parts_never_exceed_the_whole),
        cmocka_unit_test(test_every_wait_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
