/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that the program gives up, or that nobody can answer in time: each ends once, and nobody waits for a daemon
 * that stands still.
 */
#include "support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"
#include "served.h"

enum { COUNT = 6 };

/* The daemon finds a submission and its cancellation side by side in the ring. */
static void test_what_is_cancelled_is_not_answered(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[COUNT];

    (void)state;
    for (int round = 0; round < 3; round++) { /* a request is used again */
        daemon_signal(&served, SIGSTOP);
        for (unsigned i = 0; i < COUNT; i++) {
            if (!round)
                requests[i] = served_request(client, model, 2);
            served_fill(requests[i], 2, i);
            assert_int_equal(wisp_submit(requests[i]), 0);
        }
        for (unsigned i = 0; i < COUNT; i += 2) {
            assert_int_equal(wisp_cancel(requests[i]), 0);
            assert_int_equal(wisp_cancel(requests[i]), 0); /* once more is no more */
        }
        assert_int_equal(wisp_wait(requests[0], 10), WISP_E_TIMEOUT); /* its memory is the daemon's still */
        daemon_signal(&served, SIGCONT);
        for (unsigned i = 0; i < COUNT; i++) {
            assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), i % 2 ? 0 : WISP_E_CANCELLED);
            if (i % 2)
                served_check(requests[i], 2, i);
            else
                assert_says("the request of small was cancelled");
            assert_int_equal(wisp_cancel(requests[i]), 0); /* too late */
            assert_int_equal(wisp_poll(requests[i]), i % 2 ? 0 : WISP_E_CANCELLED);
        }
    }
    wisp_model_free(model);
    wisp_close(client);
}

/* The ring has no room for the cancellations: they are owed. */
static void test_a_full_ring_is_cancelled(void **state)
{
    const struct wisp_options options = { .entries = 4 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[4];

    (void)state;
    for (int round = 0; round < 20; round++) {
        daemon_signal(&served, SIGSTOP);
        for (unsigned i = 0; i < 4; i++) {
            if (!round)
                requests[i] = served_request(client, model, 1);
            served_fill(requests[i], 1, i);
            assert_int_equal(wisp_submit(requests[i]), 0);
        }
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(wisp_cancel(requests[i]), 0);
        daemon_signal(&served, SIGCONT);
        for (unsigned i = 0; i < 4; i++) {
            int result = wisp_wait(requests[i], PATIENCE_MS);

            assert_true(result == 0 || result == WISP_E_CANCELLED);
            if (!result)
                served_check(requests[i], 1, i);
        }
    }
    wisp_model_free(model);
    wisp_close(client);
}

static void test_freeing_does_not_wait(void **state)
{
    const struct wisp_options options = { .entries = 8, .input_bytes = 64 << 10, .output_bytes = 64 << 10 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *request;
    int result = WISP_E_NO_SPACE;

    (void)state;
    daemon_signal(&served, SIGSTOP);
    request = served_request(client, model, 170); /* all of the memory */
    served_fill(request, 170, 1);
    assert_int_equal(wisp_submit(request), 0);
    assert_null(wisp_request_free(request));
    assert_int_equal(wisp_request_new(client, model, 170, &request), WISP_E_NO_SPACE);
    daemon_signal(&served, SIGCONT);
    for (int i = 0; i < PATIENCE_MS && result == WISP_E_NO_SPACE; i++) {
        usleep(1000);
        result = wisp_request_new(client, model, 170, &request);
    }
    assert_int_equal(result, 0);
    served_fill(request, 170, 2);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    served_check(request, 170, 2);
    wisp_model_free(model);
    wisp_close(client);
}

/* Nobody has them, or nobody has them any more. */
static void test_without_a_daemon_it_is_done_at_once(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *sent = served_request(client, model, 1), *queued = served_request(client, model, 1);

    (void)state;
    served_fill(sent, 1, 1);
    served_fill(queued, 1, 2);
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(sent), 0);
    assert_int_equal(wisp_cancel(sent), 0);
    daemon_kill(&served);
    assert_int_equal(wisp_wait(sent, PATIENCE_MS), WISP_E_CANCELLED);
    assert_int_equal(wisp_submit(queued), 0);
    assert_int_equal(wisp_cancel(queued), 0);
    assert_int_equal(wisp_poll(queued), WISP_E_CANCELLED);
    assert_int_equal(wisp_submit(queued), 0);
    daemon_restart(&served);
    assert_int_equal(wisp_wait(queued, PATIENCE_MS), 0);
    served_check(queued, 1, 2);
    wisp_model_free(model);
    wisp_close(client);
}

/* Over a restart, the deadline goes on from where it was. */
static void test_a_deadline_does_not_begin_anew(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    struct wisp_timings timings;

    (void)state;
    served_fill(request, 1, 1);
    wisp_request_set_deadline(request, 30000);
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    daemon_kill(&served); /* and none comes: it is not kept for the time that reconnecting has */
    assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_DEADLINE);
    daemon_restart(&served);
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), 0);
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    usleep(40000);
    daemon_kill(&served);
    daemon_restart(&served);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_DEADLINE);
    wisp_request_timings(request, &timings);
    assert_int_equal(timings.resubmitted, 0);
    wisp_model_free(model);
    wisp_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_cancelled_is_not_answered),
        cmocka_unit_test(test_a_full_ring_is_cancelled),
        cmocka_unit_test(test_freeing_does_not_wait),
        cmocka_unit_test(test_without_a_daemon_it_is_done_at_once),
        cmocka_unit_test(test_a_deadline_does_not_begin_anew),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
