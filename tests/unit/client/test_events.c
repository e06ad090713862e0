/* SPDX-License-Identifier: Apache-2.0
 *
 * libwisp in a program that has an event loop: wisp_fd(), wisp_arm(), wisp_dispatch(), with a real daemon. Every sleep
 * here is long enough to be told from a wake-up.
 */
#include "support/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "served.h"
#include "support/resources.h"

enum { LIMIT_MS = 10000 };

/* One turn of the loop, as the header says it. */
static void turn(wisp_client *client, int loop)
{
    struct epoll_event event;
    int armed = wisp_arm(client);

    if (armed == 0)
        assert_int_equal(epoll_wait(loop, &event, 1, LIMIT_MS), 1);
    else
        assert_int_equal(armed, 1);
    assert_int_equal(wisp_dispatch(client), 0);
}

static int loop_over(wisp_client *client)
{
    struct epoll_event event = { .events = EPOLLIN };
    int loop = epoll_create1(EPOLL_CLOEXEC);

    assert_true(loop >= 0);
    assert_true(wisp_fd(client) >= 0);
    assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, wisp_fd(client), &event), 0);
    return loop;
}

static bool is_readable(const wisp_client *client, int ms)
{
    struct pollfd wait = { .fd = wisp_fd(client), .events = POLLIN };

    return poll(&wait, 1, ms) == 1;
}

static void test_answers_wake_the_loop(void **state)
{
    enum { REQUESTS = 8, ROUNDS = 200 };
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[REQUESTS];
    uint64_t seeds[REQUESTS], next = 0;
    int loop = loop_over(client);
    unsigned answered = 0;

    (void)state;
    for (unsigned i = 0; i < REQUESTS; i++) {
        requests[i] = served_request(client, model, 1);
        served_fill(requests[i], 1, seeds[i] = next++);
        assert_int_equal(wisp_submit(requests[i]), 0);
    }
    while (answered < ROUNDS) {
        turn(client, loop);
        for (unsigned i = 0; i < REQUESTS; i++) {
            int result = wisp_poll(requests[i]);

            if (result == -EAGAIN)
                continue;
            assert_int_equal(result, 0);
            served_check(requests[i], 1, seeds[i]);
            answered++;
            served_fill(requests[i], 1, seeds[i] = next++);
            assert_int_equal(wisp_submit(requests[i]), 0);
        }
    }
    close(loop);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_it_sleeps_until_there_is_something(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);

    (void)state;
    assert_int_equal(wisp_arm(client), 0);
    assert_false(is_readable(client, 50));
    assert_int_equal(wisp_dispatch(client), 0);
    daemon_signal(&served, SIGSTOP);
    served_fill(request, 1, 1);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_arm(client), 0);
    assert_false(is_readable(client, 50));
    daemon_signal(&served, SIGCONT);
    assert_true(is_readable(client, LIMIT_MS));
    assert_int_equal(wisp_dispatch(client), 0);
    assert_int_equal(wisp_poll(request), 0);
    served_check(request, 1, 1);
    assert_int_equal(wisp_arm(client), 0); /* the news is old */
    assert_false(is_readable(client, 20));
    wisp_model_free(model);
    wisp_close(client);
}

static void test_an_answer_that_is_there_needs_no_sleep(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    uint64_t before = clock_ns();

    (void)state;
    served_fill(request, 1, 1);
    assert_int_equal(wisp_submit(request), 0);
    while (wisp_arm(client) == 0)
        assert_true(clock_ns() - before < LIMIT_MS * NS_PER_MS);
    assert_int_equal(wisp_dispatch(client), 0);
    assert_int_equal(wisp_poll(request), 0);
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- beside threads that wait ---- */

struct neighbour {
    wisp_client *client;
    wisp_model *model;
    int stop; /* atomic; pairs with the load in neighbour_run() */
    unsigned answers;
    const char *fault;
};

static void *neighbour_run(void *argument)
{
    struct neighbour *neighbour = argument;
    wisp_request *request;

    if (wisp_request_new(neighbour->client, neighbour->model, 2, &request)) {
        neighbour->fault = "new";
        return NULL;
    }
    while (!__atomic_load_n(&neighbour->stop, __ATOMIC_RELAXED) && !neighbour->fault) {
        served_fill(request, 2, neighbour->answers);
        if (wisp_submit(request) || wisp_wait(request, LIMIT_MS))
            neighbour->fault = "wait";
        else if (!served_is_right(wisp_request_output(request), 2, neighbour->answers))
            neighbour->fault = "wrong answer";
        neighbour->answers++;
    }
    wisp_request_free(request);
    return NULL;
}

static void test_a_loop_and_a_waiting_thread(void **state)
{
    struct neighbour neighbour = { .client = served_connect(NULL) };
    wisp_client *client = neighbour.client;
    wisp_request *request;
    pthread_t thread;
    int loop = loop_over(client);

    (void)state;
    neighbour.model = served_find(client, "small");
    request = served_request(client, neighbour.model, 1);
    assert_int_equal(pthread_create(&thread, NULL, neighbour_run, &neighbour), 0);
    for (uint64_t i = 0; i < 300; i++) {
        served_fill(request, 1, i);
        assert_int_equal(wisp_submit(request), 0);
        while (wisp_poll(request) == -EAGAIN)
            turn(client, loop); /* the other thread may reap for us, and must ring */
        assert_int_equal(wisp_poll(request), 0);
        served_check(request, 1, i);
        if (i % 10 == 0) { /* replies and notices share the socket */
            char *json;

            assert_int_equal(wisp_list(client, &json), 0);
            free(json);
        }
    }
    __atomic_store_n(&neighbour.stop, 1, __ATOMIC_RELAXED); /* pairs with the load in neighbour_run() */
    pthread_join(thread, NULL);
    if (neighbour.fault)
        fail_msg("%s", neighbour.fault);
    close(loop);
    wisp_model_free(neighbour.model);
    wisp_close(client);
}

struct waiting {
    wisp_request *request;
    int result;
};

static void *wait_shortly(void *argument)
{
    struct waiting *waiting = argument;

    waiting->result = wisp_wait(waiting->request, 100);
    return NULL;
}

/* While a thread has the role, the daemon wakes that; when it leaves, the sleeping loop has to be woken again. */
static void test_a_thread_leaves_the_loop_behind(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *ours = served_request(client, model, 1);
    struct waiting theirs = { .request = served_request(client, model, 1) };
    pthread_t thread;

    (void)state;
    served_fill(ours, 1, 1);
    for (int i = 0; i < 2; i++) {
        daemon_signal(&served, SIGSTOP);
        assert_int_equal(wisp_submit(ours), 0);
        assert_int_equal(wisp_submit(theirs.request), 0);
        if (i) /* before the other has the role, and after */
            assert_int_equal(wisp_arm(client), 0);
        assert_int_equal(pthread_create(&thread, NULL, wait_shortly, &theirs), 0);
        usleep(30000);
        if (!i)
            assert_int_equal(wisp_arm(client), 0);
        pthread_join(thread, NULL);
        assert_int_equal(theirs.result, WISP_E_TIMEOUT);
        assert_false(is_readable(client, 20));
        daemon_signal(&served, SIGCONT);
        assert_true(is_readable(client, LIMIT_MS));
        assert_int_equal(wisp_dispatch(client), 0);
        assert_int_equal(wisp_wait(theirs.request, LIMIT_MS), 0);
        assert_int_equal(wisp_wait(ours, LIMIT_MS), 0);
        served_check(ours, 1, 1);
        assert_int_equal(wisp_dispatch(client), 0);
    }
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- restarts ---- */

static void test_the_loop_outlives_the_daemon(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    struct wisp_timings timings;
    int loop = loop_over(client), fd = wisp_fd(client);

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        daemon_signal(&served, SIGSTOP);
        served_fill(request, 1, i);
        assert_int_equal(wisp_submit(request), 0);
        assert_int_equal(wisp_arm(client), 0);
        daemon_kill(&served);
        assert_true(is_readable(client, LIMIT_MS)); /* its end */
        assert_int_equal(wisp_dispatch(client), 0);
        assert_int_equal(wisp_poll(request), -EAGAIN);
        daemon_restart(&served);
        while (wisp_poll(request) == -EAGAIN)
            turn(client, loop);
        assert_int_equal(wisp_poll(request), 0);
        served_check(request, 1, i);
        wisp_request_timings(request, &timings);
        assert_int_equal(timings.resubmitted, 1);
        assert_int_equal(wisp_fd(client), fd);
    }
    close(loop);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_the_loop_hears_that_it_is_over(void **state)
{
    const struct wisp_options options = { .reconnect_ms = 200 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    uint64_t before;
    unsigned turns = 0;
    int result = 0;

    (void)state;
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    daemon_kill(&served);
    before = clock_ns();
    while (!result) {
        if (wisp_arm(client) == 0)
            assert_true(is_readable(client, LIMIT_MS));
        result = wisp_dispatch(client);
        assert_true(++turns < 100); /* sleeping, not spinning */
    }
    assert_int_equal(result, WISP_E_LOST);
    assert_says("not running on");
    assert_int_equal(wisp_poll(request), WISP_E_LOST);
    assert_in_range((clock_ns() - before) / NS_PER_MS, 190, 5000);
    wisp_model_free(model);
    wisp_close(client);
    daemon_restart(&served);
}

static void test_no_descriptor_is_left(void **state)
{
    unsigned fds = resources_fds();

    (void)state;
    for (int i = 0; i < 10; i++) {
        wisp_client *client = served_connect(NULL);

        assert_true(wisp_fd(client) >= 0);
        assert_int_equal(resources_fds(), fds + 4);
        wisp_close(client);
    }
    assert_int_equal(resources_fds(), fds);
}

/* Each answer once, in the order of answers; nothing of those that are not noted, or that are freed or sent again. */
static void test_answers_are_handed_out(void **state)
{
    enum { REQUESTS = 16, ROUNDS = 50 };
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[REQUESTS], *quiet = served_request(client, model, 1), *got;
    int loop = loop_over(client);

    (void)state;
    for (int i = 0; i < REQUESTS; i++) {
        requests[i] = served_request(client, model, 1);
        wisp_request_set_noted(requests[i], 1);
    }
    assert_null(wisp_next(client));
    for (uint64_t round = 0; round < ROUNDS; round++) {
        bool seen[REQUESTS] = { false };
        int left = REQUESTS;

        served_fill(quiet, 1, round);
        assert_int_equal(wisp_submit(quiet), 0);
        for (int i = 0; i < REQUESTS; i++) {
            served_fill(requests[i], 1, round * REQUESTS + (uint64_t)i);
            wisp_request_set_user(requests[i], &seen[i]);
            assert_int_equal(wisp_submit(requests[i]), 0);
        }
        while (left) {
            turn(client, loop);
            while ((got = wisp_next(client))) {
                bool *mine = wisp_request_user(got);

                assert_false(*mine);
                *mine = true;
                assert_int_equal(wisp_poll(got), 0);
                served_check(got, 1, round * REQUESTS + (uint64_t)(mine - seen));
                left--;
            }
        }
        assert_int_equal(wisp_wait(quiet, PATIENCE_MS), 0);
        assert_null(wisp_next(client));
    }
    close(loop);
    wisp_model_free(model);
    wisp_close(client);
}

/* Of three that were waited for, one is freed, and one sent again: it is behind the other then. */
static void test_what_is_freed_is_not_handed_out(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        requests[i] = served_request(client, model, 1);
        wisp_request_set_noted(requests[i], 1);
        served_fill(requests[i], 1, (uint64_t)i);
        assert_int_equal(wisp_submit(requests[i]), 0);
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
    }
    assert_int_equal(wisp_arm(client), 1); /* they are there, though somebody waited for them */
    requests[1] = wisp_request_free(requests[1]);
    assert_int_equal(wisp_submit(requests[0]), 0);
    assert_int_equal(wisp_wait(requests[0], PATIENCE_MS), 0);
    assert_ptr_equal(wisp_next(client), requests[2]);
    assert_ptr_equal(wisp_next(client), requests[0]);
    assert_null(wisp_next(client));
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- callbacks ---- */

struct called {
    uint64_t seed;
    unsigned times, again; /* how often it is submitted again */
    wisp_client *client;
};

/* Checks, and submits again; in between it dispatches, which is to run no callback. */
static void on_answer(wisp_request *request, int status, void *user)
{
    static int depth;
    struct called *called = user;

    assert_int_equal(depth++, 0);
    assert_int_equal(status, 0);
    served_check(request, 1, called->seed);
    called->times++;
    if (called->again) {
        called->again--;
        served_fill(request, 1, ++called->seed);
        assert_int_equal(wisp_submit(request), 0);
        assert_int_equal(wisp_dispatch(called->client), 0);
    }
    depth--;
}

static void test_callbacks_run_in_dispatch(void **state)
{
    enum { REQUESTS = 16, AGAIN = 50 };
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct called called[REQUESTS];
    int loop = loop_over(client);
    unsigned times = 0;

    (void)state;
    for (unsigned i = 0; i < REQUESTS; i++) {
        wisp_request *request = served_request(client, model, 1);

        called[i] = (struct called){ .seed = i * 1000, .again = AGAIN, .client = client };
        served_fill(request, 1, called[i].seed);
        wisp_request_set_user(request, &called[i]);
        wisp_request_set_callback(request, on_answer);
        assert_int_equal(wisp_submit(request), 0);
    }
    while (times < REQUESTS * (AGAIN + 1)) {
        turn(client, loop);
        assert_null(wisp_next(client));
        times = 0;
        for (unsigned i = 0; i < REQUESTS; i++)
            times += called[i].times;
    }
    assert_int_equal(times, REQUESTS * (AGAIN + 1));
    assert_int_equal(wisp_arm(client), 0);
    close(loop);
    wisp_model_free(model);
    wisp_close(client);
}

/* Waiting takes nothing from a callback; submitting again, taking it back and freeing do. */
static void test_waiting_leaves_the_callback(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct called called[4] = { { .seed = 0 }, { .seed = 1 }, { .seed = 2 }, { .seed = 3 } };
    wisp_request *requests[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        requests[i] = served_request(client, model, 1);
        served_fill(requests[i], 1, called[i].seed);
        wisp_request_set_user(requests[i], &called[i]);
        wisp_request_set_callback(requests[i], on_answer);
        assert_int_equal(wisp_submit(requests[i]), 0);
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
    }
    assert_int_equal(called[0].times + called[1].times + called[2].times + called[3].times, 0);
    wisp_request_set_callback(requests[3], NULL);
    requests[1] = wisp_request_free(requests[1]);
    assert_int_equal(wisp_submit(requests[2]), 0);
    assert_int_equal(wisp_wait(requests[2], PATIENCE_MS), 0);
    assert_int_equal(wisp_arm(client), 1);
    assert_int_equal(wisp_dispatch(client), 0);
    assert_int_equal(called[0].times, 1);
    assert_int_equal(called[1].times, 0);
    assert_int_equal(called[2].times, 1);
    assert_int_equal(called[3].times, 0);
    assert_int_equal(wisp_dispatch(client), 0);
    assert_int_equal(called[0].times, 1);
    wisp_model_free(model);
    wisp_close(client);
}

/* The thread that sleeps in the loop is to run it, whoever waits for the answer. */
static void test_a_callback_rings_while_another_waits(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct called called = { .seed = 7 };
    wisp_request *request = served_request(client, model, 1);

    (void)state;
    served_fill(request, 1, called.seed);
    wisp_request_set_user(request, &called);
    wisp_request_set_callback(request, on_answer);
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_arm(client), 0);
    daemon_signal(&served, SIGCONT);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    assert_true(is_readable(client, LIMIT_MS));
    assert_int_equal(wisp_dispatch(client), 0);
    assert_int_equal(called.times, 1);
    wisp_model_free(model);
    wisp_close(client);
}

static void on_answer_free(wisp_request *request, int status, void *user)
{
    assert_int_equal(status, 0);
    ++*(int *)user;
    wisp_request_free(request);
}

static void on_answer_close(wisp_request *request, int status, void *user)
{
    (void)request;
    assert_int_equal(status, 0);
    assert_null(wisp_close(user));
    assert_int_equal(wisp_ping(user, PATIENCE_MS, NULL), 0); /* until the outer dispatch returns it is there */
}

static void test_callbacks_may_free_and_close(void **state)
{
    const int fds = resources_fds();
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[4];
    int freed = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        requests[i] = served_request(client, model, 1);
        served_fill(requests[i], 1, 1);
        wisp_request_set_user(requests[i], i == 2 ? (void *)client : &freed);
        wisp_request_set_callback(requests[i], i == 2 ? on_answer_close : on_answer_free);
        assert_int_equal(wisp_submit(requests[i]), 0);
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
    }
    assert_int_equal(wisp_dispatch(client), WISP_E_CANCELLED);
    assert_says("closed by one of its callbacks");
    assert_int_equal(freed, 2); /* the last one's came after the end */
    assert_int_equal(resources_fds(), fds);
    wisp_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_wake_the_loop),
        cmocka_unit_test(test_answers_are_handed_out),
        cmocka_unit_test(test_what_is_freed_is_not_handed_out),
        cmocka_unit_test(test_it_sleeps_until_there_is_something),
        cmocka_unit_test(test_an_answer_that_is_there_needs_no_sleep),
        cmocka_unit_test(test_a_loop_and_a_waiting_thread),
        cmocka_unit_test(test_a_thread_leaves_the_loop_behind),
        cmocka_unit_test(test_the_loop_outlives_the_daemon),
        cmocka_unit_test(test_the_loop_hears_that_it_is_over),
        cmocka_unit_test(test_callbacks_run_in_dispatch),
        cmocka_unit_test(test_waiting_leaves_the_callback),
        cmocka_unit_test(test_a_callback_rings_while_another_waits),
        cmocka_unit_test(test_callbacks_may_free_and_close),
        cmocka_unit_test(test_no_descriptor_is_left),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
