/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon is killed, stopped and exchanged under clients that wait. They are to see latency, and the same answer; or
 * one clear error when that was asked for.
 */
#include "support/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "served.h"
#include "support/resources.h"

/* ---- a thread that waits, while this one, whose child the daemon has to be, exchanges it ---- */

enum { REQUESTS_MAX = 16 };

struct waiting {
    wisp_request *requests[REQUESTS_MAX];
    unsigned count;
    int results[REQUESTS_MAX];
    char text[400]; /* the last error */
};

static void *wait_for_all(void *argument)
{
    struct waiting *waiting = argument;

    for (unsigned i = 0; i < waiting->count; i++)
        waiting->results[i] = wisp_wait(waiting->requests[i], PATIENCE_MS);
    strncpy(waiting->text, wisp_last_error(), sizeof waiting->text - 1);
    return NULL;
}

static pthread_t wait_in_thread(struct waiting *waiting)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, wait_for_all, waiting), 0);
    usleep(20000); /* asleep by now */
    return thread;
}

static void kill_and_restart(void)
{
    daemon_kill(&served);
    usleep(50000);
    daemon_restart(&served);
}

static void stop_and_restart(void)
{
    daemon_signal(&served, SIGTERM);
    daemon_signal(&served, SIGCONT);
    assert_int_equal(daemon_wait(&served, PATIENCE_MS), 0);
    daemon_restart(&served);
}

/* ---- */

static void test_a_waiter_sees_latency_only(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    unsigned fds = resources_fds();

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        wisp_request *request = served_request(client, model, 5);
        struct waiting waiting = { .requests = { request }, .count = 1 };
        struct wisp_timings timings;
        pthread_t thread;

        daemon_signal(&served, SIGSTOP); /* so that it is certainly under way */
        served_fill(request, 5, i);
        assert_int_equal(wisp_submit(request), 0);
        thread = wait_in_thread(&waiting);
        kill_and_restart();
        pthread_join(thread, NULL);
        if (waiting.results[0])
            fail_msg("%s", waiting.text);
        served_check(request, 5, i);
        wisp_request_timings(request, &timings);
        assert_int_equal(timings.resubmitted, 1);
        wisp_request_free(request);
    }
    assert_int_equal(resources_fds(), fds);
    assert_int_equal(resources_maps("memfd:"), 2);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_a_question_finds_the_next_daemon(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model;
    char *json;

    (void)state;
    daemon_kill(&served);
    daemon_restart(&served);
    assert_int_equal(wisp_list(client, &json), 0); /* nobody had noticed yet */
    assert_non_null(strstr(json, "small"));
    free(json);
    daemon_kill(&served);
    daemon_restart(&served);
    model = served_find(client, "small");
    wisp_model_free(model);
    wisp_close(client);
}

/* A client that only asks: no shared memory, from one daemon to the next; what needs a channel says so. */
static void test_who_only_asks_takes_no_memory(void **state)
{
    const struct wisp_options options = { .entries = UINT32_MAX };
    unsigned fds = resources_fds(), maps = resources_maps("memfd:");
    wisp_client *client = served_connect(&options);
    wisp_request *request = NULL;

    (void)state;
    assert_int_equal(wisp_entries(client), 0);
    assert_int_equal(resources_fds(), fds + 1);
    assert_int_equal(resources_maps("memfd:"), maps);
    for (int round = 0; round < 2; round++) {
        wisp_model *model = served_find(client, "small");
        char *text = NULL;

        assert_int_equal(wisp_status(client, &text), 0);
        assert_non_null(strstr(text, "\"channels\":"));
        free(text);
        assert_int_equal(wisp_list(client, &text), 0);
        free(text);
        assert_int_equal(wisp_request_new(client, model, 1, &request), WISP_E_INVALID);
        assert_non_null(strstr(wisp_last_error(), "can only ask"));
        assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), WISP_E_INVALID);
        assert_true(daemon_settles(&served, 1024, 0)); /* those of the test before may still be going */
        wisp_model_free(model);
        kill_and_restart();
    }
    assert_null(wisp_close(client));
    assert_int_equal(resources_fds(), fds);
}

static void test_requests_keep_their_buffers(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *filled = served_request(client, model, 3), *done = served_request(client, model, 2);

    (void)state;
    served_fill(filled, 3, 1); /* before, to be submitted after */
    served_fill(done, 2, 2);
    assert_int_equal(wisp_submit(done), 0);
    assert_int_equal(wisp_wait(done, PATIENCE_MS), 0);
    daemon_kill(&served);
    daemon_restart(&served);
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), 0);
    assert_int_equal(wisp_submit(filled), 0);
    assert_int_equal(wisp_wait(filled, PATIENCE_MS), 0);
    served_check(filled, 3, 1);
    served_check(done, 2, 2); /* its answer is still there */
    assert_int_equal(wisp_submit(done), 0);
    assert_int_equal(wisp_wait(done, PATIENCE_MS), 0); /* and so is its input */
    served_check(done, 2, 2);
    assert_int_equal(resources_maps("memfd:"), 2); /* the old memory has gone when nobody has bytes there */
    wisp_model_free(model);
    wisp_close(client);
}

static void test_a_stopping_daemon_loses_nothing(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct waiting waiting = { .count = REQUESTS_MAX };
    pthread_t thread;

    (void)state;
    for (unsigned i = 0; i < REQUESTS_MAX; i++) {
        waiting.requests[i] = served_request(client, model, 4);
        served_fill(waiting.requests[i], 4, i);
    }
    daemon_signal(&served, SIGSTOP);
    for (unsigned i = 0; i < REQUESTS_MAX; i++)
        assert_int_equal(wisp_submit(waiting.requests[i]), 0);
    thread = wait_in_thread(&waiting);
    stop_and_restart();
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < REQUESTS_MAX; i++) {
        if (waiting.results[i])
            fail_msg("%u: %d: %s", i, waiting.results[i], waiting.text);
        served_check(waiting.requests[i], 4, i);
    }
    wisp_model_free(model);
    wisp_close(client);
}

/* It stops while something large is under way: what comes meanwhile is sent away, and goes to the next daemon. */
static void test_what_comes_late_goes_to_the_next(void **state)
{
    enum { LATE = 40, ROWS = 1000 };
    wisp_client *client = served_connect(&(struct wisp_options){ .input_bytes = 8 << 20 });
    wisp_model *small = served_find(client, "small"), *large = served_find(client, "large");
    wisp_request *long_one = served_request(client, large, ROWS), *late[LATE];

    (void)state;
    memset(wisp_request_input(long_one), 0, (size_t)ROWS * LARGE_INPUTS * sizeof(float));
    for (unsigned i = 0; i < LATE; i++) {
        late[i] = served_request(client, small, 1);
        served_fill(late[i], 1, i);
    }
    assert_int_equal(wisp_submit(long_one), 0);
    daemon_signal(&served, SIGTERM);
    for (unsigned i = 0; i < LATE; i++) { /* before it knows that it is to stop, while it stops, and when it has gone */
        assert_int_equal(wisp_submit(late[i]), 0);
        usleep(1000);
    }
    assert_int_equal(daemon_wait(&served, PATIENCE_MS), 0);
    daemon_restart(&served);
    assert_int_equal(wisp_wait(long_one, PATIENCE_MS), 0);
    for (unsigned i = 0; i < LATE; i++) {
        assert_int_equal(wisp_wait(late[i], PATIENCE_MS), 0);
        served_check(late[i], 1, i);
    }
    wisp_model_free(large);
    wisp_model_free(small);
    wisp_close(client);
}

/* ---- several threads ---- */

struct worker {
    wisp_client *client;
    const wisp_model *model;
    unsigned number;
    int stop; /* atomic; pairs with the load in work() */
    unsigned answers;
    const char *fault;
    char text[400];
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    wisp_request *request;

    if (wisp_request_new(worker->client, worker->model, 1, &request)) {
        worker->fault = "new";
        return NULL;
    }
    while (!__atomic_load_n(&worker->stop, __ATOMIC_RELAXED) && !worker->fault) {
        uint64_t seed = worker->number * 100000 + worker->answers++;

        served_fill(request, 1, seed);
        if (wisp_submit(request))
            worker->fault = "submit";
        else if (wisp_wait(request, PATIENCE_MS))
            worker->fault = "wait";
        else if (!served_is_right(wisp_request_output(request), 1, seed))
            worker->fault = "wrong answer";
    }
    strncpy(worker->text, wisp_last_error(), sizeof worker->text - 1);
    wisp_request_free(request);
    return NULL;
}

static void test_threads_work_through_restarts(void **state)
{
    enum { THREADS = 3 };
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct worker workers[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .client = client, .model = model, .number = i };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        char *json;

        usleep(50000);
        daemon_kill(&served);
        daemon_restart(&served);
        assert_int_equal(wisp_list(client, &json), 0); /* a question waits for the next daemon, too */
        free(json);
    }
    usleep(50000);
    for (unsigned i = 0; i < THREADS; i++)
        __atomic_store_n(&workers[i].stop, 1, __ATOMIC_RELAXED); /* pairs with the load in work() */
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (workers[i].fault)
            fail_msg("thread %u, request %u: %s: %s", i, workers[i].answers, workers[i].fault, workers[i].text);
        assert_true(workers[i].answers > 10);
    }
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- a program with an interval timer: no sleep of it lasts as long as the library's own slices ---- */

static void ignore_tick(int signal)
{
    (void)signal;
}

/* Faster than the first slice. SA_RESTART or not, a futex wait ends with EINTR. */
static void tick(bool on)
{
    const struct itimerval often = { { .tv_usec = 3000 }, { .tv_usec = 3000 } }, never = { { 0 }, { 0 } };
    const struct sigaction action = { .sa_handler = ignore_tick, .sa_flags = SA_RESTART };

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, on ? &often : &never, NULL), 0);
}

static void test_signals_do_not_hide_a_dead_daemon(void **state)
{
    const struct wisp_options options = { .reconnect_ms = 150 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    int waited, pinged, asked;
    char *json;

    (void)state;
    served_fill(request, 1, 3);
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    tick(true);
    assert_int_equal(wisp_wait(request, 200), WISP_E_TIMEOUT); /* so that it sleeps its longest slices by now */
    daemon_kill(&served);
    waited = wisp_wait(request, PATIENCE_MS);
    pinged = wisp_ping(client, PATIENCE_MS, NULL);
    asked = wisp_list(client, &json);
    tick(false);
    assert_int_equal(waited, WISP_E_LOST);
    assert_int_equal(pinged, WISP_E_LOST);
    assert_int_equal(asked, WISP_E_LOST);
    daemon_restart(&served);
    wisp_model_free(model);
    wisp_close(client);
}

/* Nor that one is silent. */
static void test_signals_do_not_stretch_limits(void **state)
{
    const struct wisp_options patient = { .answer_ms = 150 };
    const struct wisp_options options = { .connect_ms = 150, .socket_path = served.socket };
    wisp_client *client = served_connect(&patient), *second;
    int asked, connected;
    char *json;

    (void)state;
    daemon_signal(&served, SIGSTOP);
    tick(true);
    asked = wisp_list(client, &json);
    connected = wisp_connect(&second, &options);
    tick(false);
    daemon_signal(&served, SIGCONT);
    assert_int_equal(asked, WISP_E_TIMEOUT);
    assert_int_equal(connected, WISP_E_TIMEOUT);
    wisp_close(client);
}

static void test_signals_do_not_hide_the_next_daemon(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    int waited;

    (void)state;
    served_fill(request, 1, 4);
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    kill_and_restart();
    tick(true);
    waited = wisp_wait(request, PATIENCE_MS);
    tick(false);
    assert_int_equal(waited, 0);
    served_check(request, 1, 4);
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- a request that ends every daemon that has it ---- */

enum { HEAVY_ROWS = 4096 }; /* of "large": longer under way than it takes to see that it is */

static uint32_t resubmitted(const wisp_request *request)
{
    struct wisp_timings timings;

    wisp_request_timings(request, &timings);
    return timings.resubmitted;
}

/* Kills the daemon as soon as it has the request for the n-th time more. Returns the request's state. */
static int kill_when_sent_again(wisp_request *request, uint32_t times)
{
    int result;

    while ((result = wisp_poll(request)) == -EAGAIN && resubmitted(request) < times)
        usleep(200);
    if (result == -EAGAIN)
        kill_and_restart();
    return result;
}

/* With a harmless one beside it, before or behind it in the library's table. */
static void poison(bool harmless_first)
{
    const struct wisp_options options = { .input_bytes = 20 << 20 };
    wisp_client *client = served_connect(&options);
    wisp_model *small = served_find(client, "small"), *large = served_find(client, "large");
    wisp_request *harmless = served_request(client, small, 1), *poisonous = served_request(client, large, HEAVY_ROWS);

    served_fill(harmless, 1, 5);
    memset(wisp_request_input(poisonous), 0, HEAVY_ROWS * LARGE_INPUTS * sizeof(float));
    daemon_signal(&served, SIGSTOP); /* so that it has both */
    assert_int_equal(wisp_submit(harmless_first ? harmless : poisonous), 0);
    assert_int_equal(wisp_submit(harmless_first ? poisonous : harmless), 0);
    kill_and_restart();
    for (uint32_t times = 1; times < 3; times++)
        assert_int_equal(kill_when_sent_again(poisonous, times), -EAGAIN);
    assert_int_equal(wisp_wait(poisonous, PATIENCE_MS), WISP_E_LOST);
    assert_says("ended 3 times");
    assert_int_equal(resubmitted(poisonous), 2);
    assert_int_equal(wisp_wait(harmless, PATIENCE_MS), 0);
    served_check(harmless, 1, 5);
    assert_int_equal(wisp_submit(poisonous), 0); /* who asks again gets a fresh start */
    assert_int_equal(wisp_submit(harmless), 0);
    assert_int_equal(wisp_wait(harmless, PATIENCE_MS), 0);
    assert_int_equal(wisp_wait(poisonous, PATIENCE_MS), 0);
    wisp_model_free(small);
    wisp_model_free(large);
    wisp_close(client);
}

static void test_a_request_that_kills_daemons_is_given_up(void **state)
{
    (void)state;
    poison(true);
    poison(false);
}

/* ---- when there is no other daemon ---- */

static void test_without_reconnecting_it_is_lost(void **state)
{
    const struct wisp_options options = { .reconnect_ms = UINT32_MAX };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small"), *found;
    wisp_request *request = served_request(client, model, 1);
    char *json;

    (void)state;
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    daemon_kill(&served);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_LOST);
    assert_says("reconnecting is off");
    assert_int_equal(wisp_submit(request), WISP_E_LOST);
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), WISP_E_LOST);
    assert_int_equal(wisp_list(client, &json), WISP_E_LOST);
    assert_null(json);
    assert_int_equal(wisp_find(client, "small", &found), WISP_E_LOST);
    daemon_restart(&served);
    assert_int_equal(wisp_submit(request), WISP_E_LOST); /* for good */
    wisp_model_free(model);
    wisp_close(client);
}

static void test_a_stopping_daemon_without_reconnecting(void **state)
{
    const struct wisp_options options = { .reconnect_ms = UINT32_MAX };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    struct waiting waiting = { .requests = { served_request(client, model, 1) }, .count = 1 };
    pthread_t thread;

    (void)state;
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(waiting.requests[0]), 0);
    thread = wait_in_thread(&waiting);
    stop_and_restart();
    pthread_join(thread, NULL);
    /* Refused, or taken before the daemon began to stop. */
    assert_true(waiting.results[0] == 0 || (waiting.results[0] == WISP_E_SHUTDOWN && strstr(waiting.text, "stopping")));
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), WISP_E_LOST);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_patience_ends_and_may_begin_again(void **state)
{
    const struct wisp_options options = { .reconnect_ms = 150 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    uint64_t before;

    (void)state;
    served_fill(request, 1, 3);
    daemon_signal(&served, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    daemon_kill(&served);
    before = clock_ns();
    assert_int_equal(wisp_wait(request, 20), WISP_E_TIMEOUT); /* the caller's own limit comes first */
    assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_LOST);
    assert_says("not running on");
    assert_in_range((clock_ns() - before) / NS_PER_MS, 140, 5000);
    assert_int_equal(wisp_submit(request), WISP_E_LOST); /* at once */
    daemon_restart(&served);
    for (int i = 0; i < 200 && wisp_submit(request) == WISP_E_LOST; i++)
        usleep(10000);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    served_check(request, 1, 3);
    wisp_model_free(model);
    wisp_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_waiter_sees_latency_only),
        cmocka_unit_test(test_a_question_finds_the_next_daemon),
        cmocka_unit_test(test_who_only_asks_takes_no_memory),
        cmocka_unit_test(test_requests_keep_their_buffers),
        cmocka_unit_test(test_a_stopping_daemon_loses_nothing),
        cmocka_unit_test(test_what_comes_late_goes_to_the_next),
        cmocka_unit_test(test_threads_work_through_restarts),
        cmocka_unit_test(test_signals_do_not_hide_a_dead_daemon),
        cmocka_unit_test(test_signals_do_not_stretch_limits),
        cmocka_unit_test(test_signals_do_not_hide_the_next_daemon),
        cmocka_unit_test(test_a_request_that_kills_daemons_is_given_up),
        cmocka_unit_test(test_without_reconnecting_it_is_lost),
        cmocka_unit_test(test_a_stopping_daemon_without_reconnecting),
        cmocka_unit_test(test_patience_ends_and_may_begin_again),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
