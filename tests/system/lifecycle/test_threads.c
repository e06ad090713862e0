/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes on several threads: the same answers to the bit as on one, whatever happens in the middle of them: requests
 * that are cancelled or late, models that are loaded again, the end. The helpers sleep when there is nothing to do.
 */
#include "support/test.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/process_threads.h"
#include "system/alpha.h"

enum {
    THREADS = 3,
    ROWS = 29,
#ifdef __SANITIZE_THREAD__ /* a row takes ten times as long, and an end waits a second and a half at most */
    LONG_ROWS = 60,
#else
    LONG_ROWS = 600,
#endif
    ROUNDS = 4
};

/* Wide enough for a batch of it to be worth several threads. */
static const struct model_recipe wide_recipe = { .name = "alpha",
                                                 .processing = "image.classification",
                                                 .sizes = { ALPHA_INPUTS, 3000, 3000, ALPHA_OUTPUTS },
                                                 .density = 0.05,
                                                 .seed = 11 };

static int make_wide(void **state)
{
    bed_make(state);
    reference_free(bed.reference);
    model_make(bed.alpha, &wide_recipe);
    bed.reference = reference_new(bed.alpha);
    return 0;
}

static uint32_t start(unsigned threads)
{
    char yaml[64];

    snprintf(yaml, sizeof yaml, "threads: %u\n", threads);
    bed_start(NULL, yaml);
    alpha_open(&bed.client, bed.daemon.socket);
    return raw_route(&bed.client, "alpha");
}

static void stop(void)
{
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static json_int_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* Of the one model: how many passes several threads ran. */
static json_int_t count_pooled(unsigned threads)
{
    char *text = NULL;
    json_t *answer;
    json_int_t pooled;
    const json_t *model;

    assert_int_equal(raw_ask(&bed.client, WIRE_STATS, NULL, &text, NULL), 0);
    answer = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(answer);
    assert_int_equal(number(json_object_get(answer, "daemon"), "threads"), threads);
    model = json_array_get(json_object_get(answer, "models"), 0);
    pooled = number(model, "pooled");
    assert_in_range(pooled, 0, number(model, "batches"));
    json_decref(answer);
    return pooled;
}

static void add_time(const char *schedstat, void *argument)
{
    *(uint64_t *)argument += strtoull(schedstat, NULL, 10);
}

/* What the helpers have used of processors, in nanoseconds; and how many they are. */
static uint64_t time_of_helpers(unsigned *count)
{
    uint64_t all = 0;

    *count = process_threads(bed.daemon.pid, "wispd-shard-", "schedstat", add_time, &all);
    return all;
}

/* ---- what it answers ---- */

static void answers_are_the_same_on_any_number(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= THREADS; threads++) {
        const uint32_t route = start(threads);
        unsigned helpers;

        (void)time_of_helpers(&helpers);
        assert_int_equal(helpers, threads - 1);
        alpha_round(bed.reference, &bed.client, route, 1, threads);
        for (uint32_t i = 0; i < 3; i++)
            alpha_round(bed.reference, &bed.client, route, ROWS + i, threads);
        assert_int_equal(count_pooled(threads) > 0, threads > 1);
        stop();
    }
}

/* ---- what happens meanwhile ---- */

/* One that takes many slices. */
static struct wire_submission submit_long(uint32_t route, uint64_t number)
{
    struct wire_submission request = alpha_request(route, LONG_ROWS, 0);

    request.user_data = number;
    assert_true(raw_submit(&bed.client, &request));
    return request;
}

static struct wire_completion next_completion(void)
{
    struct wire_completion completion;

    assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
    return completion;
}

/* A request ends by its status in the middle of its passes, and others' answers are none the worse. */
static void who_gives_up_harms_nobody(void **state)
{
    const uint32_t route = start(THREADS);

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct wire_submission request = submit_long(route, round), cancel = { .op = WIRE_OP_CANCEL };
        struct wire_completion completion;

        alpha_round(bed.reference, &bed.honest, route, ROWS, round);
        cancel.user_data = request.user_data;
        assert_true(raw_submit(&bed.client, &cancel));
        completion = next_completion();
        assert_int_equal(completion.user_data, round);
        assert_true(completion.status == WISP_E_CANCELLED || !completion.status);
        request.deadline_us = 1 + 1000 * round;
        assert_true(raw_submit(&bed.client, &request));
        alpha_round(bed.reference, &bed.honest, route, ROWS, round);
        completion = next_completion();
        assert_true(completion.status == WISP_E_DEADLINE || !completion.status);
    }
    /* And whoever goes with all that is his under way. */
    for (uint32_t i = 0; i < 4; i++)
        (void)submit_long(route, i);
    raw_close(&bed.client);
    alpha_round(bed.reference, &bed.honest, route, ROWS, 1);
    raw_close(&bed.honest);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* The set of models changes under a pass, which goes on. */
static void models_are_loaded_again(void **state)
{
    uint32_t route = start(THREADS);

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    for (uint32_t round = 0; round < ROUNDS / 2; round++) {
        (void)submit_long(route, round);
        if (round % 2) /* another file of the same bits, which is a model of its own while both are there */
            model_make(bed.alpha, &wide_recipe);
        daemon_signal(&bed.daemon, SIGHUP);
        alpha_round(bed.reference, &bed.honest, route, ROWS, round);
        assert_int_equal(next_completion().status, 0);
    }
    assert_true(count_pooled(THREADS) > 0);
    raw_close(&bed.honest);
    stop();
}

/* What was accepted is answered, and right. */
static void the_end_waits_for_what_is_under_way(void **state)
{
    const uint32_t route = start(THREADS);
    struct wire_submission request = alpha_request(route, ROWS, 0);

    (void)state;
    (void)submit_long(route, 1);
    request.in_offset = request.out_offset = (uint64_t)LONG_ROWS * ALPHA_IN_BYTES;
    alpha_fill(&bed.client, &request, 9);
    assert_true(raw_submit(&bed.client, &request));
    while (__atomic_load_n(&bed.client.theirs->sq_head, __ATOMIC_ACQUIRE) != 2)
        poll(NULL, 0, 1);
    daemon_signal(&bed.daemon, SIGTERM);
    assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(next_completion().status, 0);
    alpha_check(bed.reference, &bed.client, &request, 9);
    raw_close(&bed.client);
    daemon_stop(&bed.daemon);
}

/* ---- and when nothing does ---- */

static void helpers_sleep(void **state)
{
    const uint32_t route = start(THREADS);
    const uint64_t until = clock_ns() + PATIENCE_MS * NS_PER_MS;
    uint64_t used, before;
    unsigned helpers;

    (void)state;
    alpha_round(bed.reference, &bed.client, route, ROWS, 1);
    do {
        assert_true(clock_ns() < until);
        before = time_of_helpers(&helpers);
        poll(NULL, 0, 100);
        used = time_of_helpers(&helpers);
    } while (used != before);
    assert_int_equal(helpers, THREADS - 1);
    do { /* they may not be trusted at once: a pass that was slow keeps the next ones off them */
        assert_true(clock_ns() < until);
        alpha_round(bed.reference, &bed.client, route, ROWS, 2);
    } while (time_of_helpers(&helpers) == used);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_the_same_on_any_number),
        cmocka_unit_test(who_gives_up_harms_nobody),
        cmocka_unit_test(models_are_loaded_again),
        cmocka_unit_test(helpers_sleep),
        cmocka_unit_test(the_end_waits_for_what_is_under_way),
    };

    return run_over_both_loops(tests, make_wide, bed_remove);
}
