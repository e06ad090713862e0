/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon answers: the same bits as the scalar forward pass, whatever the kernels, the batch, the neighbours.
 */
#include "support/test.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "libipc/wake.h"
#include "sparse/kernels/kernels.h"
#include "support/both_loops.h"
#include "support/daemon.h"
#include "support/model.h"
#include "support/raw_client.h"
#include "system/alpha.h"

static const struct model_recipe beta = {
    .name = "beta", .processing = "text.classification", .sizes = { 33, 50, 5 }, .density = 0.3, .seed = 8
};

static struct {
    const char *folder;
    char alpha[256], beta[256];
    struct reference *reference; /* of alpha */
    struct test_daemon daemon;
} the;

/* Replies to one client at a time in the main thread; a worker thread has a reference of its own. */
static struct raw_client main_client;

static void start(const char *kernels, const char *model_yaml)
{
    const char *models[] = { the.alpha, the.beta };

    daemon_start(
        &the.daemon,
        &(struct daemon_setup){
            .models = models, .model_count = 2, .model_yaml = model_yaml, .loop = loop_now, .kernels = kernels });
}

static int group_setup(void **state)
{
    (void)state;
    the.folder = scratch_make();
    snprintf(the.alpha, sizeof the.alpha, "%s", scratch_path(the.folder, "alpha.safetensors"));
    snprintf(the.beta, sizeof the.beta, "%s", scratch_path(the.folder, "beta.safetensors"));
    model_make(the.alpha, &alpha_recipe);
    model_make(the.beta, &beta);
    the.reference = reference_new(the.alpha);
    start(NULL, NULL);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    the.reference = reference_free(the.reference);
    scratch_remove(the.folder);
    return daemon_stop(&the.daemon);
}

/* ---- answers ---- */

static void one_request(void **state)
{
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    struct wire_submission submission;

    (void)state;
    alpha_open(client, the.daemon.socket);
    submission = alpha_request(raw_route(client, "alpha"), 1, 0);
    alpha_fill(client, &submission, 1);
    assert_int_equal(raw_run(client, &submission, &completion), 0);
    assert_int_equal(completion.out_length, ALPHA_OUT_BYTES);
    assert_int_equal(completion.batch, 1);
    assert_true(completion.compute_ns > 0);
    alpha_check(the.reference, client, &submission, 1);
    raw_close(client);
}

/* By name, by processing type and by modality one gets to the same model. */
static void every_name_of_a_model_leads_to_it(void **state)
{
    static const char *const names[] = { "alpha", "image.classification", "image" };
    struct raw_client *client = &main_client;
    struct wire_completion completion;

    (void)state;
    alpha_open(client, the.daemon.socket);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct wire_submission submission = alpha_request(raw_route(client, names[i]), 1, (uint32_t)i);

        alpha_fill(client, &submission, 2);
        assert_int_equal(raw_run(client, &submission, &completion), 0);
        alpha_check(the.reference, client, &submission, 2);
    }
    raw_close(client);
}

static void many_rows_run_in_slices(void **state)
{
    static const uint32_t rows[] = { 2, 31, 32, 33, 100, 257 };
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    uint32_t route;

    (void)state;
    alpha_open(client, the.daemon.socket);
    route = raw_route(client, "alpha");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct wire_submission submission = alpha_request(route, rows[i], 0);

        alpha_fill(client, &submission, rows[i]);
        assert_int_equal(raw_run(client, &submission, &completion), 0);
        assert_in_range(completion.batch, 1, MIN(rows[i], 32u)); /* fewer where the thread was thought slow */
        assert_int_equal(completion.out_length, rows[i] * ALPHA_OUT_BYTES);
        alpha_check(the.reference, client, &submission, rows[i]);
    }
    raw_close(client);
}

/* Publishes many, then rings the doorbell once: they run together, and each gets what it gets alone. */
static void batched_answers_are_the_same(void **state)
{
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    uint32_t route, largest = 0;

    (void)state;
    alpha_open(client, the.daemon.socket);
    route = raw_route(client, "alpha");
    for (uint32_t i = 0; i < ALPHA_ENTRIES; i++) {
        struct wire_submission submission = alpha_request(route, 1 + i % 3, i);

        alpha_fill(client, &submission, 3);
        assert_true(submit_ring_push(&client->submit, &submission));
    }
    assert_int_equal(wake_daemon(client->theirs, client->eventfd), 0);
    for (uint32_t i = 0; i < ALPHA_ENTRIES; i++) {
        struct wire_submission submission;

        assert_true(raw_reap(client, &completion, PATIENCE_MS));
        assert_int_equal(completion.status, 0);
        largest = MAX(largest, completion.batch);
        submission = alpha_request(route, 1 + (uint32_t)completion.user_data % 3, (uint32_t)completion.user_data);
        alpha_check(the.reference, client, &submission, 3);
    }
    assert_in_range(largest, 2, 32);
    raw_close(client);
}

/* ---- several clients ---- */

struct worker {
    pthread_t thread;
    uint64_t seed;
    uint32_t rounds;
    uint32_t largest; /* batch seen */
    struct raw_client client;
};

static void *work(void *argument)
{
    enum { PIPELINE = 8 };
    struct worker *worker = argument;
    struct raw_client *client = &worker->client;
    struct reference *reference = reference_new(the.alpha);
    struct wire_completion completion;
    uint32_t route;

    alpha_open(client, the.daemon.socket);
    route = raw_route(client, "image");
    for (uint32_t round = 0; round < worker->rounds; round++) {
        uint64_t seed = worker->seed * 1000 + round;

        for (uint32_t i = 0; i < PIPELINE; i++) {
            struct wire_submission submission = alpha_request(route, 1, i);

            alpha_fill(client, &submission, seed);
            assert_true(raw_submit(client, &submission));
        }
        for (uint32_t i = 0; i < PIPELINE; i++) {
            struct wire_submission submission;

            assert_true(raw_reap(client, &completion, PATIENCE_MS));
            assert_int_equal(completion.status, 0);
            worker->largest = MAX(worker->largest, completion.batch);
            submission = alpha_request(route, 1, (uint32_t)completion.user_data);
            alpha_check(reference, client, &submission, seed);
        }
    }
    raw_close(client);
    reference_free(reference);
    return NULL;
}

static uint32_t clients_at_once(uint32_t count, uint32_t rounds)
{
    static struct worker workers[16];
    uint32_t largest = 0;

    for (uint32_t i = 0; i < count; i++) {
        workers[i].seed = i;
        workers[i].rounds = rounds;
        workers[i].largest = 0;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        largest = MAX(largest, workers[i].largest);
    }
    return largest;
}

static void two_clients_at_once(void **state)
{
    (void)state;
    clients_at_once(2, 50);
}

static void sixteen_clients_at_once(void **state)
{
    (void)state;
    assert_in_range(clients_at_once(16, 20), 2, 32);
}

/* With a wait in the configuration requests of different channels meet in one batch, for certain: the daemon is held
 * until all are there, since on a busy machine the last may come when the wait is over. */
static void channels_share_a_batch(void **state)
{
    static struct raw_client clients[4];
    struct test_daemon before = the.daemon;
    struct wire_submission submissions[4];
    struct wire_completion completion;

    (void)state;
    if (getenv("WISP_TEST_SHARDS"))
        skip(); /* they are on several */
    start(NULL, "    batch:\n      max: 4\n      wait: 1s\n");
    for (uint32_t i = 0; i < 4; i++) {
        alpha_open(&clients[i], the.daemon.socket);
        submissions[i] = alpha_request(raw_route(&clients[i], "alpha"), 1, i);
        alpha_fill(&clients[i], &submissions[i], 4);
    }
    daemon_signal(&the.daemon, SIGSTOP);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(raw_submit(&clients[i], &submissions[i]));
    daemon_signal(&the.daemon, SIGCONT);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(raw_reap(&clients[i], &completion, PATIENCE_MS));
        assert_int_equal(completion.status, 0);
        assert_int_equal(completion.batch, 4);
        alpha_check(the.reference, &clients[i], &submissions[i], 4);
        raw_close(&clients[i]);
    }
    assert_int_equal(daemon_stop(&the.daemon), 0);
    the.daemon = before;
}

/* A request that waits for company gets its answer without any, in the end. */
static void a_lone_request_waits_no_longer_than_configured(void **state)
{
    struct test_daemon before = the.daemon;
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    struct wire_submission submission;
    uint64_t begin;

    (void)state;
    start(NULL, "    batch:\n      max: 4\n      wait: 30ms\n");
    alpha_open(client, the.daemon.socket);
    submission = alpha_request(raw_route(client, "alpha"), 1, 0);
    alpha_fill(client, &submission, 5);
    begin = clock_ns();
    assert_int_equal(raw_run(client, &submission, &completion), 0);
    assert_true(clock_ns() - begin >= 30 * NS_PER_MS);
    assert_true(completion.queue_ns >= 30 * NS_PER_MS);
    assert_int_equal(completion.batch, 1);
    raw_close(client);
    assert_int_equal(daemon_stop(&the.daemon), 0);
    the.daemon = before;
}

static void every_kernel_gives_the_same_bits(void **state)
{
    struct test_daemon before = the.daemon;
    struct raw_client *client = &main_client;
    struct wire_completion completion;

    (void)state;
    for (size_t i = 0; kernels_at(i); i++) {
        start(kernels_at(i)->name, NULL);
        alpha_open(client, the.daemon.socket);
        for (uint32_t rows = 1; rows <= 70; rows += 23) {
            struct wire_submission submission = alpha_request(raw_route(client, "alpha"), rows, 0);

            alpha_fill(client, &submission, rows);
            assert_int_equal(raw_run(client, &submission, &completion), 0);
            alpha_check(the.reference, client, &submission, rows);
        }
        raw_close(client);
        assert_int_equal(daemon_stop(&the.daemon), 0);
    }
    the.daemon = before;
}

/* ---- refusals that are answers ---- */

static void wrong_shapes_and_routes_are_refused(void **state)
{
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    struct wire_submission good, bad;

    (void)state;
    alpha_open(client, the.daemon.socket);
    good = alpha_request(raw_route(client, "alpha"), 2, 0);

    bad = good;
    bad.in_length -= 4;
    assert_int_equal(raw_run(client, &bad, &completion), WISP_E_SHAPE);
    bad = good;
    bad.out_length += 4;
    assert_int_equal(raw_run(client, &bad, &completion), WISP_E_SHAPE);
    bad = good;
    bad.rows = 1;
    assert_int_equal(raw_run(client, &bad, &completion), WISP_E_SHAPE);
    bad = good;
    bad.route = 0;
    assert_int_equal(raw_run(client, &bad, &completion), WISP_E_NO_MODEL);
    bad.route = 9999;
    assert_int_equal(raw_run(client, &bad, &completion), WISP_E_NO_MODEL);
    bad.route = UINT32_MAX;
    assert_int_equal(raw_run(client, &bad, &completion), WISP_E_NO_MODEL);
    alpha_fill(client, &good, 6);
    assert_int_equal(raw_run(client, &good, &completion), 0);
    alpha_check(the.reference, client, &good, 6);
    raw_close(client);
}

static void a_deadline_that_passed_is_said(void **state)
{
    struct test_daemon before = the.daemon;
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    struct wire_submission submission;

    (void)state;
    start(NULL, "    batch:\n      max: 4\n      wait: 30ms\n");
    alpha_open(client, the.daemon.socket);
    submission = alpha_request(raw_route(client, "alpha"), 1, 0);
    alpha_fill(client, &submission, 5);
    submission.deadline_us = 1000;
    assert_int_equal(raw_run(client, &submission, &completion), WISP_E_DEADLINE);
    submission.deadline_us = 20000000;
    assert_int_equal(raw_run(client, &submission, &completion), 0);
    alpha_check(the.reference, client, &submission, 5);
    raw_close(client);
    assert_int_equal(daemon_stop(&the.daemon), 0);
    the.daemon = before;
}

static void pings_need_no_model(void **state)
{
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    struct wire_submission ping = { .op = WIRE_OP_NOP };

    (void)state;
    alpha_open(client, the.daemon.socket);
    for (uint64_t i = 0; i < 1000; i++) {
        ping.user_data = i;
        assert_int_equal(raw_run(client, &ping, &completion), 0);
        assert_int_equal(completion.out_length, 0);
    }
    raw_close(client);
}

/* A client that polls its socket gets a message when an answer is there. */
static void a_poll_loop_is_woken(void **state)
{
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct pollfd poller;
    struct reason why;

    (void)state;
    alpha_open(client, the.daemon.socket);
    poller = (struct pollfd){ .fd = client->socket, .events = POLLIN };
    for (int i = 0; i < 100; i++) {
        wake_client_arm(client->ours, client->theirs, WIRE_WAIT_SOCKET);
        assert_false(reap_ring_ready(&client->reap));
        assert_true(raw_submit(client, &ping));
        assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
        assert_ok(message_receive(client->socket, &client->message, false, 0, &why), why);
        assert_int_equal(client->message.header.type, WIRE_NOTIFY);
        wake_client_disarm(client->ours);
        assert_true(reap_ring_take(&client->reap, &completion));
    }
    raw_close(client);
}

/* ---- what it says of itself ---- */

static json_t *ask(struct raw_client *client, enum wire_type type, const char *name)
{
    char *text = NULL;
    json_t *value;

    assert_int_equal(raw_ask(client, type, name, &text, NULL), 0);
    value = json_loads(text, 0, NULL);
    assert_non_null(value);
    /* No path of this machine. */
    assert_null(strstr(text, the.folder));
    free(text);
    return value;
}

static const char *text_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    assert_non_null(text);
    return text;
}

static json_int_t number_at(json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static void lists_and_describes(void **state)
{
    struct raw_client *client = &main_client;
    json_t *list, *model;

    (void)state;
    alpha_open(client, the.daemon.socket);
    list = ask(client, WIRE_LIST, NULL);
    assert_int_equal(json_array_size(list), 2);
    model = json_array_get(list, 0);
    assert_string_equal(text_at(model, "name"), "alpha");
    assert_string_equal(text_at(model, "processing"), "image.classification");
    assert_string_equal(text_at(model, "file"), "alpha.safetensors");
    assert_true(json_is_true(json_object_get(model, "default")));
    assert_int_equal(number_at(json_object_get(model, "input"), "elements"), ALPHA_INPUTS);
    assert_int_equal(number_at(json_object_get(model, "output"), "elements"), ALPHA_OUTPUTS);
    assert_int_equal(number_at(model, "potential"), 96 * 120 + 120 * 70 + 70 * 10);
    assert_true(number_at(model, "connections") > 0);
    assert_true(json_real_value(json_object_get(model, "sparsity")) > 0.7);
    json_decref(list);

    model = ask(client, WIRE_DESCRIBE, "text");
    assert_string_equal(text_at(model, "name"), "beta");
    assert_in_range(number_at(model, "batch_most"), 1, 32); /* as many as are thought to take no longer than that */
    assert_int_equal(number_at(model, "time_us"), 500);
    assert_int_equal(json_array_size(json_object_get(model, "labels")), 5);
    assert_int_equal(json_array_size(json_object_get(model, "layers")), 4);
    json_decref(model);
    raw_close(client);
}

static void counts_what_it_did(void **state)
{
    struct raw_client *client = &main_client;
    struct wire_completion completion;
    struct wire_submission submission;
    json_t *before, *after, *status;

    (void)state;
    alpha_open(client, the.daemon.socket);
    before = ask(client, WIRE_DESCRIBE, "alpha");
    submission = alpha_request((uint32_t)number_at(before, "route"), 40, 0);
    alpha_fill(client, &submission, 1);
    assert_int_equal(raw_run(client, &submission, &completion), 0);
    submission.in_length -= 4;
    assert_int_equal(raw_run(client, &submission, &completion), WISP_E_SHAPE);
    after = ask(client, WIRE_DESCRIBE, "alpha");
    assert_int_equal(number_at(after, "requests"), number_at(before, "requests") + 1);
    assert_int_equal(number_at(after, "samples"), number_at(before, "samples") + 40);
    assert_in_range(number_at(after, "batches"), number_at(before, "batches") + 2, number_at(before, "batches") + 40);
    assert_int_equal(number_at(after, "refused"), number_at(before, "refused") + 1);
    status = ask(client, WIRE_STATUS, NULL);
    assert_int_equal(number_at(status, "pid"), the.daemon.pid);
    assert_int_equal(number_at(status, "channels"), 1);
    assert_int_equal(number_at(status, "models"), 2);
    assert_string_equal(text_at(status, "loop"), loop_now);
    assert_int_equal(strncmp(text_at(status, "server"), "wispd ", 6), 0);
    json_decref(before);
    json_decref(after);
    json_decref(status);
    raw_close(client);
}

static void an_unknown_name_is_told_what_there_is(void **state)
{
    struct raw_client *client = &main_client;
    char *text = NULL;

    (void)state;
    alpha_open(client, the.daemon.socket);
    assert_int_equal(raw_ask(client, WIRE_DESCRIBE, "imagee\t", &text, NULL), WISP_E_NO_MODEL);
    assert_non_null(strstr(text, "\"imagee?\""));
    assert_non_null(strstr(text, "alpha (image.classification), beta (text.classification)"));
    free(text);
    raw_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request),
        cmocka_unit_test(every_name_of_a_model_leads_to_it),
        cmocka_unit_test(many_rows_run_in_slices),
        cmocka_unit_test(batched_answers_are_the_same),
        cmocka_unit_test(two_clients_at_once),
        cmocka_unit_test(sixteen_clients_at_once),
        cmocka_unit_test(channels_share_a_batch),
        cmocka_unit_test(a_lone_request_waits_no_longer_than_configured),
        cmocka_unit_test(every_kernel_gives_the_same_bits),
        cmocka_unit_test(wrong_shapes_and_routes_are_refused),
        cmocka_unit_test(a_deadline_that_passed_is_said),
        cmocka_unit_test(pings_need_no_model),
        cmocka_unit_test(a_poll_loop_is_woken),
        cmocka_unit_test(lists_and_describes),
        cmocka_unit_test(counts_what_it_did),
        cmocka_unit_test(an_unknown_name_is_told_what_there_is),
    };

    return run_over_both_loops(tests, group_setup, group_teardown);
}
