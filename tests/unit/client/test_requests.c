/* SPDX-License-Identifier: Apache-2.0
 *
 * libwisp with a real daemon: finding models, asking them in every way, and what happens when something runs out.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "served.h"
#include "support/model.h"
#include "support/resources.h"

/* ---- models ---- */

static void test_models_are_found_by_every_name(void **state)
{
    static const char *const names[] = { "small", "image.classification", "image" };
    wisp_client *client = served_connect(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        wisp_model *model = served_find(client, names[i]);
        uint32_t shape[4];

        assert_string_equal(wisp_model_name(model), "small");
        assert_string_equal(wisp_model_processing(model), "image.classification");
        assert_int_equal(wisp_model_input_size(model), SMALL_INPUTS);
        assert_int_equal(wisp_model_output_size(model), SMALL_OUTPUTS);
        assert_int_equal(wisp_model_input_shape(model, shape, 4), 1);
        assert_int_equal(shape[0], SMALL_INPUTS);
        assert_int_equal(wisp_model_output_shape(model, NULL, 0), 1);
        assert_int_equal(wisp_model_label_count(model), SMALL_OUTPUTS);
        assert_string_equal(wisp_model_label(model, 3), "label 3");
        assert_null(wisp_model_label(model, SMALL_OUTPUTS));
        assert_true(wisp_model_threshold(model, 3) == 0.123f);
        assert_true(wisp_model_threshold(model, SMALL_OUTPUTS) == 0);
        assert_non_null(strstr(wisp_model_json(model), "\"layers\""));
        assert_null(wisp_model_free(model));
    }
    wisp_close(client);
}

static void test_an_unknown_model_names_those_there_are(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = (wisp_model *)client;
    char name[300];

    (void)state;
    assert_int_equal(wisp_find(client, "smalk", &model), WISP_E_NO_MODEL);
    assert_null(model);
    assert_says("\"smalk\"");
    assert_says("text.classification");
    assert_says("did you mean small?");
    assert_int_equal(wisp_find(client, "image.clasification", &model), WISP_E_NO_MODEL);
    assert_says("did you mean image.classification?");
    assert_int_equal(wisp_find(client, "zzzzzzzzzzzz", &model), WISP_E_NO_MODEL);
    assert_null(strstr(wisp_last_error(), "did you mean"));
    assert_int_equal(wisp_find(client, "", &model), WISP_E_INVALID);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(wisp_find(client, name, &model), WISP_E_NO_MODEL);
    wisp_close(client);
}

static void test_list_and_status_are_json(void **state)
{
    wisp_client *client = served_connect(NULL);
    char *json;

    (void)state;
    assert_int_equal(wisp_list(client, &json), 0);
    assert_true(json[0] == '[' && strstr(json, "\"large\""));
    free(json);
    assert_int_equal(wisp_status(client, &json), 0);
    assert_true(json[0] == '{' && strstr(json, "\"uptime_s\""));
    free(json);
    assert_non_null(strstr(wisp_server(client), "wispd "));
    wisp_close(client);
}

/* ---- answers ---- */

static void test_answers_are_right_to_the_bit(void **state)
{
    static const uint32_t rows[] = { 1, 2, 7, 64 };
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct wisp_timings timings;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wisp_request *request = served_request(client, model, rows[i]);

        for (uint64_t seed = 0; seed < 3; seed++) { /* a request is used again */
            served_fill(request, rows[i], seed);
            assert_int_equal(wisp_submit(request), 0);
            assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
            served_check(request, rows[i], seed);
            assert_int_equal(wisp_poll(request), 0);
            wisp_request_timings(request, &timings);
            assert_true(timings.batch >= 1);
            assert_true(timings.compute_ns > 0 && timings.total_ns >= timings.compute_ns);
            assert_int_equal(timings.resubmitted, 0);
            assert_true(wisp_request_wake_ns(request) > 0 &&
                        wisp_request_wake_ns(request) + timings.queue_ns + timings.compute_ns <= timings.total_ns);
        }
        wisp_request_free(request);
    }
    wisp_model_free(model);
    wisp_close(client);
}

static void test_infer_in_one_call(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "image");
    float input[3 * SMALL_INPUTS], output[3 * SMALL_OUTPUTS];
    struct wisp_timings timings;

    (void)state;
    floats_make(input, 3 * SMALL_INPUTS, 5, 1);
    assert_int_equal(wisp_infer(client, model, input, 3, output, &timings), 0);
    assert_true(served_is_right(output, 3, 5));
    assert_int_equal(wisp_infer(client, model, input, 1, output, NULL), 0);
    assert_int_equal(wisp_infer(client, model, input, 0, output, NULL), WISP_E_INVALID);
    assert_int_equal(wisp_infer(client, model, input, 65537, output, NULL), WISP_E_INVALID);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_a_model_serves_another_client(void **state)
{
    wisp_client *first = served_connect(NULL), *second = served_connect(NULL);
    wisp_model *model = served_find(first, "small");
    wisp_request *request;

    (void)state;
    wisp_close(first);
    request = served_request(second, model, 1);
    wisp_model_free(model); /* its requests stay */
    served_fill(request, 1, 8);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    served_check(request, 1, 8);
    wisp_close(second); /* and with it the request */
}

static void test_top_is_sorted_and_cut(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    const float output[SMALL_OUTPUTS] = { 0.1F, 0.3F, -3.0F, 0.3F, 0.0F, 0.9F, -1.0F, 0.2F, -3.0F, 0.05F };
    static const uint32_t order[] = { 5, 1, 3, 7, 0, 9, 4, 6, 2, 8 };
    struct wisp_label top[20];

    (void)state;
    for (size_t wanted = 0; wanted <= 20; wanted++) {
        size_t count = wanted;

        assert_int_equal(wisp_top(model, output, top, &count), 0);
        assert_int_equal(count, wanted < SMALL_OUTPUTS ? wanted : SMALL_OUTPUTS);
        for (size_t i = 0; i < count; i++) {
            char name[32];

            snprintf(name, sizeof name, "label %u", order[i]);
            assert_int_equal(top[i].index, order[i]);
            assert_string_equal(top[i].name, name);
        }
    }
    wisp_model_free(model);
    wisp_close(client);
}

static void test_a_long_label_is_whole(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "large");
    const float output[LARGE_OUTPUTS] = { 1 };
    struct wisp_label top;
    size_t count = 1;

    (void)state;
    assert_int_equal(wisp_top(model, output, &top, &count), 0);
    assert_int_equal(strlen(top.name), WISP_LABEL_MAX);
    assert_string_equal(top.name, long_label);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_a_request_carries_a_pointer(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    int job;

    (void)state;
    assert_null(wisp_request_user(request));
    wisp_request_set_user(request, &job);
    served_fill(request, 1, 1);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    assert_ptr_equal(wisp_request_user(request), &job);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_calls_end_at_their_limit(void **state)
{
    const struct wisp_options options = { .answer_ms = 60 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small"), *found;
    float input[SMALL_INPUTS], output[SMALL_OUTPUTS];
    char *json;

    (void)state;
    floats_make(input, SMALL_INPUTS, 5, 1);
    daemon_signal(&served, SIGSTOP);
    for (int i = 0; i < 10; i++) { /* what it gave up on is in the way of nothing */
        if (wisp_infer(client, model, input, 1, output, NULL) != WISP_E_TIMEOUT)
            fail_msg("%d: %s", i, wisp_last_error());
        assert_says("60 ms");
    }
    assert_int_equal(wisp_find(client, "small", &found), WISP_E_TIMEOUT);
    assert_int_equal(wisp_list(client, &json), WISP_E_TIMEOUT);
    assert_int_equal(wisp_status(client, &json), WISP_E_TIMEOUT);
    daemon_signal(&served, SIGCONT);
    for (int i = 0; i < 100 && wisp_infer(client, model, input, 1, output, NULL) == WISP_E_TIMEOUT; i++)
        continue;
    assert_true(served_is_right(output, 1, 5));
    wisp_model_free(model);
    wisp_close(client);
}

static void test_ping(void **state)
{
    wisp_client *client = served_connect(NULL);
    uint64_t ns = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(wisp_ping(client, PATIENCE_MS, &ns), 0);
    assert_true(ns > 0);
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), 0);
    wisp_close(client);
}

/* ---- misuse, and what runs out ---- */

static void test_misuse_is_told(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    float input[SMALL_INPUTS];

    (void)state;
    assert_int_equal(wisp_wait(request, 0), WISP_E_INVALID);
    assert_int_equal(wisp_poll(request), WISP_E_INVALID);
    assert_says("not submitted");
    daemon_signal(&served, SIGSTOP);
    served_fill(request, 1, 1);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_submit(request), WISP_E_INVALID);
    assert_says("under way");
    assert_int_equal(wisp_poll(request), -EAGAIN);
    assert_int_equal(wisp_wait(request, 30), WISP_E_TIMEOUT);
    assert_int_equal(wisp_ping(client, 10, NULL), WISP_E_TIMEOUT);
    daemon_signal(&served, SIGCONT);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    served_check(request, 1, 1);
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), 0);
    assert_int_equal(wisp_encode_file(model, "/dev/null", input), WISP_E_FORMAT); /* it has no media */
    assert_says("small takes no files: it does not say how they become tensors, which wisp train adds");
    wisp_model_free(model);
    wisp_close(client);
}

static void test_the_arena_runs_out(void **state)
{
    const struct wisp_options options = { .input_bytes = 64 << 10, .output_bytes = 64 << 10 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[400], *more = NULL;
    unsigned count = 0;
    int result = 0;

    (void)state;
    while (!result && count < 400) {
        result = wisp_request_new(client, model, 1, &requests[count]);
        count += !result;
    }
    assert_int_equal(result, WISP_E_NO_SPACE);
    assert_says("input_bytes");
    assert_int_equal(count, (64 << 10) / (SMALL_INPUTS * 4));
    assert_int_equal(wisp_request_new(client, model, 200, &more), WISP_E_NO_SPACE);
    assert_null(more);
    requests[3] = wisp_request_free(requests[3]);
    assert_int_equal(wisp_request_new(client, model, 1, &requests[3]), 0);
    for (unsigned i = 0; i < count; i++)
        wisp_request_free(requests[i]);
    assert_int_equal(wisp_request_new(client, model, 170, &more), 0); /* all of it in one piece again */
    wisp_model_free(model);
    wisp_close(client);
}

static void test_the_ring_is_full(void **state)
{
    const struct wisp_options options = { .entries = 4 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[5];

    (void)state;
    assert_int_equal(wisp_entries(client), 4);
    for (unsigned i = 0; i < 5; i++) {
        requests[i] = served_request(client, model, 1);
        served_fill(requests[i], 1, i);
    }
    daemon_signal(&served, SIGSTOP);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(wisp_submit(requests[i]), 0);
    assert_int_equal(wisp_submit(requests[4]), WISP_E_BUSY);
    assert_says("4 requests");
    daemon_signal(&served, SIGCONT);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
        served_check(requests[i], 1, i);
    }
    assert_int_equal(wisp_submit(requests[4]), 0);
    assert_int_equal(wisp_wait(requests[4], PATIENCE_MS), 0);
    served_check(requests[4], 1, 4);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_freed_and_closed_while_under_way(void **state)
{
    const struct wisp_options little = { .input_bytes = 65536, .output_bytes = 65536, .entries = 8 };
    wisp_client *client = served_connect(&little), *other = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request, *again = NULL;

    (void)state;
    daemon_signal(&served, SIGSTOP);
    /* The ring is full of some and of their cancellations; what finds no room there is given up where it is. */
    for (int i = 0; i < 16; i++) {
        request = served_request(client, model, 20);
        assert_int_equal(wisp_submit(request), 0);
        wisp_request_free(request); /* does not wait */
    }
    assert_int_equal(wisp_request_new(client, model, 170, &again), WISP_E_NO_SPACE);
    daemon_signal(&served, SIGCONT);
    /* Nobody waits for an answer, and yet all of the memory, and the ring, come back. */
    for (int i = 0; i < 2000 && wisp_request_new(client, model, 170, &again); i++)
        usleep(10000);
    assert_non_null(again);
    assert_int_equal(wisp_submit(again), 0);
    assert_int_equal(wisp_wait(again, PATIENCE_MS), 0);
    wisp_request_free(again);
    again = served_request(client, model, 1);
    served_fill(again, 1, 2);
    assert_int_equal(wisp_submit(again), 0);
    assert_int_equal(wisp_wait(again, PATIENCE_MS), 0);
    served_check(again, 1, 2);
    for (int i = 0; i < 20; i++) {
        request = served_request(other, model, 64);
        assert_int_equal(wisp_submit(request), 0);
    }
    wisp_close(other); /* does not wait */
    wisp_model_free(model);
    wisp_close(client);
}

static void test_deadlines(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "text");
    wisp_request *first = served_request(client, model, 512), *late = served_request(client, model, 1);

    (void)state;
    /* Both are there when the daemon goes on; the second one's microsecond is over when its turn comes. */
    daemon_signal(&served, SIGSTOP);
    wisp_request_set_deadline(late, 1);
    assert_int_equal(wisp_submit(first), 0);
    assert_int_equal(wisp_submit(late), 0);
    daemon_signal(&served, SIGCONT);
    assert_int_equal(wisp_wait(first, PATIENCE_MS), 0);
    assert_int_equal(wisp_wait(late, PATIENCE_MS), WISP_E_DEADLINE);
    assert_says("deadline of 1 us");
    assert_int_equal(wisp_poll(late), WISP_E_DEADLINE);
    wisp_request_set_deadline(late, 10000000);
    assert_int_equal(wisp_submit(late), 0);
    assert_int_equal(wisp_wait(late, PATIENCE_MS), 0);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_a_refused_request_takes_nothing(void **state)
{
    const struct wisp_options options = { .input_bytes = 1 << 20, .output_bytes = 64 << 10 };
    wisp_client *client = served_connect(&options);
    wisp_model *model = served_find(client, "small");
    wisp_request *request;

    (void)state;
    for (int i = 0; i < 10; i++) /* its input fits once, its output never */
        assert_int_equal(wisp_request_new(client, model, 2000, &request), WISP_E_NO_SPACE);
    assert_int_equal(wisp_request_new(client, model, 1600, &request), 0);
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- several threads on one client ---- */

struct worker {
    wisp_client *client;
    const wisp_model *model;
    unsigned number, rounds;
    const char *fault;
    char text[400];
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    wisp_request *request;

    if (wisp_request_new(worker->client, worker->model, 1 + worker->number, &request))
        worker->fault = "new";
    for (unsigned i = 0; i < worker->rounds && !worker->fault; i++) {
        uint64_t seed = worker->number * 1000 + i;
        int result = 0;

        served_fill(request, 1 + worker->number, seed);
        if (wisp_submit(request))
            worker->fault = "submit";
        else if (i % 3 == 0)
            while ((result = wisp_poll(request)) == -EAGAIN)
                sched_yield();
        else
            result = wisp_wait(request, i % 3 == 1 ? UINT32_MAX : PATIENCE_MS);
        if (result)
            worker->fault = "wait";
        else if (!worker->fault && !served_is_right(wisp_request_output(request), 1 + worker->number, seed))
            worker->fault = "wrong answer";
    }
    snprintf(worker->text, sizeof worker->text, "%s", wisp_last_error());
    wisp_request_free(request);
    return NULL;
}

static void test_several_threads_on_one_client(void **state)
{
    enum { THREADS = 4, ROUNDS = 300 };
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct worker workers[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .client = client, .model = model, .number = i, .rounds = ROUNDS };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 50; i++) { /* and questions on the socket in between */
        char *json;

        assert_int_equal(wisp_list(client, &json), 0);
        free(json);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (workers[i].fault)
            fail_msg("thread %u: %s: %s", i, workers[i].fault, workers[i].text);
    }
    wisp_model_free(model);
    wisp_close(client);
}

struct waiting {
    wisp_request *request;
    int result;
};

static void *wait_long(void *argument)
{
    struct waiting *waiting = argument;

    waiting->result = wisp_wait(waiting->request, PATIENCE_MS);
    return NULL;
}

static void *wait_shortly(void *argument)
{
    struct waiting *waiting = argument;

    waiting->result = wisp_wait(waiting->request, 100);
    return NULL;
}

/* The first who waits sleeps for both, gives up, and leaves: the second has to take its place. */
static void test_the_role_is_handed_over(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    struct waiting first = { .request = served_request(client, model, 1) };
    struct waiting second = { .request = served_request(client, model, 1) };
    pthread_t threads[2];
    uint64_t before;

    (void)state;
    daemon_signal(&served, SIGSTOP);
    served_fill(first.request, 1, 1);
    served_fill(second.request, 1, 2);
    assert_int_equal(wisp_submit(first.request), 0);
    assert_int_equal(wisp_submit(second.request), 0);
    assert_int_equal(pthread_create(&threads[0], NULL, wait_shortly, &first), 0);
    usleep(30000);
    assert_int_equal(pthread_create(&threads[1], NULL, wait_long, &second), 0);
    pthread_join(threads[0], NULL);
    assert_int_equal(first.result, WISP_E_TIMEOUT);
    before = clock_ns();
    daemon_signal(&served, SIGCONT);
    pthread_join(threads[1], NULL);
    assert_int_equal(second.result, 0);
    assert_true(clock_ns() - before < PATIENCE_MS / 2 * NS_PER_MS);
    assert_int_equal(wisp_wait(first.request, PATIENCE_MS), 0);
    served_check(first.request, 1, 1);
    served_check(second.request, 1, 2);
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- what is left ---- */

static void test_nothing_is_left_over(void **state)
{
    unsigned fds = resources_fds(), maps = resources_maps("memfd:");

    (void)state;
    for (int i = 0; i < 200; i++) {
        wisp_client *client = served_connect(NULL);
        wisp_model *model = served_find(client, "small");
        wisp_request *request = served_request(client, model, 1);

        assert_int_equal(resources_fds(), fds + 2); /* a socket and an eventfd */
        assert_true(wisp_fd(client) >= 0);
        served_fill(request, 1, 1);
        assert_int_equal(wisp_submit(request), 0);
        if (i % 2)
            assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
        wisp_model_free(model);
        wisp_close(client);
    }
    assert_int_equal(resources_fds(), fds);
    assert_int_equal(resources_maps("memfd:"), maps);
    assert_true(daemon_settles(&served, daemon_descriptors(&served), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models_are_found_by_every_name),
        cmocka_unit_test(test_an_unknown_model_names_those_there_are),
        cmocka_unit_test(test_list_and_status_are_json),
        cmocka_unit_test(test_answers_are_right_to_the_bit),
        cmocka_unit_test(test_infer_in_one_call),
        cmocka_unit_test(test_a_model_serves_another_client),
        cmocka_unit_test(test_top_is_sorted_and_cut),
        cmocka_unit_test(test_a_long_label_is_whole),
        cmocka_unit_test(test_a_request_carries_a_pointer),
        cmocka_unit_test(test_calls_end_at_their_limit),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_misuse_is_told),
        cmocka_unit_test(test_the_arena_runs_out),
        cmocka_unit_test(test_a_refused_request_takes_nothing),
        cmocka_unit_test(test_the_ring_is_full),
        cmocka_unit_test(test_freed_and_closed_while_under_way),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_several_threads_on_one_client),
        cmocka_unit_test(test_the_role_is_handed_over),
        cmocka_unit_test(test_nothing_is_left_over),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
