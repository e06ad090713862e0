/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon says of its time, and to whom: counted right, each user his own, in forms that other programs read.
 */
#include "support/test.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/command.h"
#include "system/alpha.h"

static struct outcome said;

static int setup(void **state)
{
    (void)state;
    bed_start(NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return daemon_stop(&bed.daemon);
}

/* ---- asking ---- */

static void run_as(bool nobody, const char *const *words)
{
    struct command command = { .words = { "wisp" }, .nobody = nobody };
    char socket[160];

    snprintf(socket, sizeof socket, "WISP_SOCKET=%s", bed.daemon.socket);
    for (size_t i = 0; words[i]; i++)
        command.words[i + 1] = words[i];
    command.environment[0] = socket;
    command_run(&command, &said);
}

#define RUN(nobody, ...) run_as(nobody, (const char *const[]){ __VA_ARGS__, NULL })

/* What a verb prints with --json; json_decref() is the caller's. */
static json_t *ask(bool nobody, const char *verb)
{
    json_t *json;

    RUN(nobody, verb, "--json");
    assert_string_equal(said.err, "");
    assert_int_equal(said.status, 0);
    json = json_loads(said.out, 0, NULL);
    assert_non_null(json);
    return json;
}

static json_int_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* The member of a list whose `key` is this number; NULL: there is none. */
static const json_t *find(const json_t *list, const char *key, json_int_t value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (number(json_array_get(list, i), key) == value)
            return json_array_get(list, i);
    }
    return NULL;
}

static unsigned count_named(const json_t *list, const char *name)
{
    unsigned count = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        count += !strcmp(json_string_value(json_object_get(json_array_get(list, i), "name")), name);
    return count;
}

/* ---- what was counted ---- */

static void check_histogram(const json_t *tally, const char *name, json_int_t count)
{
    const json_t *histogram = json_object_get(tally, name), *buckets = json_object_get(histogram, "buckets");
    json_int_t sum = 0, end = 0;

    assert_int_equal(number(histogram, "count"), count);
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *pair = json_array_get(buckets, i);

        assert_true(json_integer_value(json_array_get(pair, 0)) > end);
        end = json_integer_value(json_array_get(pair, 0));
        sum += json_integer_value(json_array_get(pair, 1));
    }
    assert_int_equal(sum, count);
    assert_int_equal(number(histogram, "max_ns"), end - 1);
    assert_true(number(histogram, "p50_ns") <= number(histogram, "p99_ns"));
    assert_true(number(histogram, "p99_ns") <= number(histogram, "max_ns"));
    assert_true(number(histogram, "sum_ns") <= count * end);
}

/* Nine requests of two samples, one that makes no sense, and one that is late. */
static void ask_for_something(void)
{
    struct wire_submission bad, late;
    struct wire_completion completion;
    uint32_t route;

    alpha_open(&bed.client, bed.daemon.socket);
    route = raw_route(&bed.client, "alpha");
    for (uint64_t i = 0; i < 9; i++)
        alpha_round(bed.reference, &bed.client, route, 2, i);
    bad = late = alpha_request(route, 1, 0);
    bad.in_length += 4;
    assert_int_equal(raw_run(&bed.client, &bad, &completion), WISP_E_SHAPE);
    late.deadline_us = 1;
    late.rows = 600; /* takes longer than a microsecond */
    late.in_length = 600 * ALPHA_IN_BYTES;
    late.out_length = 600 * ALPHA_OUT_BYTES;
    assert_int_equal(raw_run(&bed.client, &late, &completion), WISP_E_DEADLINE);
}

static void stats_count_along(void **state)
{
    const json_t *model, *user;
    json_t *stats;

    (void)state;
    ask_for_something();
    stats = ask(false, "stats");
    assert_int_equal(json_array_size(json_object_get(stats, "models")), 1);
    model = json_array_get(json_object_get(stats, "models"), 0);
    user = find(json_object_get(stats, "users"), "uid", getuid());
    assert_non_null(user);
    for (int i = 0; i < 2; i++) {
        const json_t *tally = i ? user : model;

        assert_int_equal(number(tally, "requests"), 9);
        assert_int_equal(number(tally, "refused"), 1);
        assert_int_equal(number(tally, "late"), 1);
        assert_int_equal(number(tally, "cancelled"), 0);
        assert_int_equal(number(tally, "under_way"), 0);
        assert_true(number(tally, "samples") >= 18);
        check_histogram(tally, "waited", 9);
        check_histogram(tally, "computed", 9);
    }
    assert_int_equal(number(user, "channels"), 1);
    assert_int_equal(number(user, "used_ns"), number(model, "used_ns"));
    assert_string_equal(json_string_value(json_object_get(model, "name")), "alpha");
    assert_int_equal(number(json_object_get(stats, "daemon"), "requests"), 11);
    json_decref(stats);
    raw_close(&bed.client);
    stats = ask(false, "stats"); /* outlives the connection */
    assert_int_equal(number(find(json_object_get(stats, "users"), "uid", getuid()), "requests"), 9);
    json_decref(stats);
}

/* ---- who is there ---- */

static void clients_are_listed(void **state)
{
    struct wire_hello hello = raw_hello(ALPHA_ENTRIES, ALPHA_ARENA);
    const json_t *list, *mine = NULL;
    json_t *answer;

    (void)state;
    memcpy(hello.name, "a\"b\\c\x01 d", sizeof "a\"b\\c\x01 d");
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 1, 1);
    answer = ask(false, "clients");
    list = json_object_get(answer, "clients");
    assert_int_equal(json_array_size(list), 2); /* this one, and who asks */
    mine = find(list, "pid", getpid());
    assert_non_null(mine);
    assert_int_equal(number(mine, "uid"), getuid());
    assert_int_equal(number(mine, "weight"), 100);
    assert_string_equal(json_string_value(json_object_get(mine, "name")), "a\"b\\c__d");
    assert_string_equal(json_string_value(json_object_get(mine, "kind")), "channel");
    assert_int_equal(count_named(list, "wisp-clients"), 1);
    assert_int_equal(number(mine, "entries"), ALPHA_ENTRIES);
    assert_true(number(mine, "memory_bytes") > (json_int_t)(2 * ALPHA_ARENA));
    assert_int_equal(number(mine, "requests"), 1);
    assert_int_equal(number(mine, "under_way"), 0);
    assert_true(number(mine, "used_ns") > 0);
    json_decref(answer);
    raw_close(&bed.client);
}

/* A user's weight stands with what he uses, in every place. */
static void weights_are_shown(void **state)
{
    json_t *answer;
    char yaml[64];

    (void)state;
    snprintf(yaml, sizeof yaml, "users:\n  - {user: %u, weight: 250}\n", (unsigned)getuid());
    bed_start(NULL, yaml);
    alpha_open(&bed.client, bed.daemon.socket);
    answer = ask(false, "clients");
    assert_int_equal(number(find(json_object_get(answer, "clients"), "pid", getpid()), "weight"), 250);
    json_decref(answer);
    answer = ask(false, "stats");
    assert_int_equal(number(find(json_object_get(answer, "users"), "uid", getuid()), "weight"), 250);
    json_decref(answer);
    RUN(false, "clients");
    assert_non_null(strstr(said.out, "WEIGHT\n"));
    assert_non_null(strstr(said.out, " 250\n"));
    RUN(false, "top", "--count=1", "--interval=0.1");
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "WEIGHT\n"));
    assert_non_null(strstr(said.out, " 250\n"));
    raw_close(&bed.client);
}

/* Root sees everybody; a user himself, and no trace of others. */
static void a_user_sees_himself(void **state)
{
    const json_t *list;
    json_t *answer;

    (void)state;
    if (getuid())
        skip();
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    ask_for_something();
    answer = ask(true, "clients");
    list = json_object_get(answer, "clients");
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(number(json_array_get(list, 0), "uid"), 65534);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "kind")), "questions");
    json_decref(answer);
    answer = ask(true, "stats");
    assert_int_equal(json_array_size(json_object_get(answer, "users")), 0);
    assert_int_equal(number(answer, "users_left_out"), 0);
    json_decref(answer);
    RUN(true, "ping", "--count=3");
    assert_int_equal(said.status, 0);
    answer = ask(true, "stats");
    assert_int_equal(json_array_size(json_object_get(answer, "users")), 1);
    assert_non_null(find(json_object_get(answer, "users"), "uid", 65534));
    json_decref(answer);
    answer = ask(false, "stats");
    assert_non_null(find(json_object_get(answer, "users"), "uid", 65534));
    assert_non_null(find(json_object_get(answer, "users"), "uid", 0));
    json_decref(answer);
    raw_close(&bed.client);
}

static void tables_are_for_people(void **state)
{
    (void)state;
    ask_for_something();
    RUN(false, "stats");
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "MODEL"));
    assert_non_null(strstr(said.out, "alpha"));
    assert_non_null(strstr(said.out, getuid() ? "USER" : "root"));
    assert_non_null(strstr(said.out, ", 1 channel\n"));
    RUN(false, "clients");
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "questions"));
    raw_close(&bed.client);
}

/* What happened between two looks, and nothing of before: requests that began and ended meanwhile. */
static void top_shows_what_happens(void **state)
{
    struct command command = { .words = { "wisp", "top", "--json", "--count=2", "--interval=0.3" } };
    char socket[160];
    struct running running;
    const json_t *model, *users, *clients, *mine;
    static struct raw_client idle;
    json_t *object;
    uint64_t rounds = 0;
    uint32_t route;

    (void)state;
    snprintf(socket, sizeof socket, "WISP_SOCKET=%s", bed.daemon.socket);
    command.environment[0] = socket;
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_open(&idle, bed.daemon.socket);
    route = raw_route(&bed.client, "alpha");
    command_start(&command, &running);
    for (uint64_t until = clock_ns() + COMMAND_LIMIT_MS * NS_PER_MS; clock_ns() < until && !command_has_ended(&running);
         rounds++)
        alpha_round(bed.reference, &bed.client, route, 2, rounds);
    command_finish(&running, &said);
    assert_int_equal(said.status, 0);
    assert_non_null(strchr(said.out, '\n'));
    object = json_loads(strchr(said.out, '\n'), 0, NULL);
    assert_non_null(object);
    model = json_array_get(json_object_get(object, "models"), 0);
    assert_string_equal(json_string_value(json_object_get(model, "name")), "alpha");
    assert_true(json_number_value(json_object_get(model, "requests_per_s")) > 0);
    assert_true(json_number_value(json_object_get(model, "requests_per_s")) <= (double)rounds / 0.3);
    assert_true(json_number_value(json_object_get(model, "used")) > 0);
    assert_true(number(model, "compute_p50_ns") > 0);
    users = json_object_get(object, "users");
    assert_int_equal(json_array_size(users), 1);
    assert_non_null(find(users, "uid", getuid()));
    assert_int_equal(number(json_array_get(users, 0), "weight"), 100);
    clients = json_object_get(object, "clients");
    assert_int_equal(json_array_size(clients), 2); /* this process, once, and who asks */
    assert_int_equal(count_named(clients, "wisp-top"), 1);
    mine = find(clients, "pid", getpid());
    assert_int_equal(number(mine, "channels"), 2);
    assert_int_equal(number(mine, "uid"), getuid());
    assert_true(json_number_value(json_object_get(mine, "requests_per_s")) > 0);
    assert_true(json_number_value(json_object_get(mine, "used")) > 0);
    json_decref(object);
    raw_close(&idle);
    raw_close(&bed.client);
}

/* On a terminal it ends with the screen as it was. */
static void top_leaves_the_terminal_as_it_was(void **state)
{
    struct command command = { .words = { "wisp", "top", "--count=1", "--interval=0.1" }, .terminal = true };
    char socket[160];

    (void)state;
    snprintf(socket, sizeof socket, "WISP_SOCKET=%s", bed.daemon.socket);
    command.environment[0] = socket;
    command_run(&command, &said);
    assert_int_equal(said.status, 0);
    assert_memory_equal(said.out, "\033[?1049h", 8);
    assert_non_null(strstr(said.out, "MODEL"));
    assert_true(said.out_size > 8 && !memcmp(said.out + said.out_size - 8, "\033[?1049l", 8));
}

/* ---- one request ---- */

/* Where its time went: no part is more than the whole. */
static void a_run_says_where_its_time_went(void **state)
{
    static const float sample[ALPHA_INPUTS];
    const char *path = scratch_path(bed.folder, "sample.f32");
    FILE *file = fopen(path, "we");
    json_t *line;

    (void)state;
    assert_non_null(file);
    assert_int_equal(fwrite(sample, sizeof sample, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    RUN(false, "run", "--json", "--verbose", "--tensor", "image", path);
    assert_int_equal(said.status, 0);
    line = json_loads(said.out, 0, NULL);
    assert_non_null(line);
    assert_true(number(line, "compute_ns") > 0 && number(line, "wake_ns") > 0);
    assert_true(number(line, "queue_ns") + number(line, "compute_ns") + number(line, "wake_ns") <=
                number(line, "total_ns"));
    assert_non_null(strstr(said.err, ", wake "));
    json_decref(line);
}

/* ---- the log ---- */

/* One that takes longer than the threshold is a line, which says whose it is; others are none. */
static void slow_requests_are_logged(void **state)
{
    uint32_t route;

    (void)state;
    bed_start(NULL, "  slow: 1ns\n"); /* behind the level */
    alpha_open(&bed.client, bed.daemon.socket);
    route = raw_route(&bed.client, "alpha");
    for (uint64_t i = 0; i < 100; i++) /* many more than there are records, and lines a second */
        alpha_round(bed.reference, &bed.client, route, 2, i);
    assert_true(daemon_logged(&bed.daemon, "a request of alpha, 2 samples, took "));
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    bed_start(NULL, "  slow: 3600s\n");
}

/* Forty requests that end together, all of them slow: more than there are records. */
static void submit_a_crowd(uint32_t route)
{
    enum { CROWD = 40 };
    struct wire_completion completion;

    daemon_signal(&bed.daemon, SIGSTOP);
    for (uint32_t i = 0; i < CROWD; i++) {
        struct wire_submission request = alpha_request(route, 1, i);

        alpha_fill(&bed.client, &request, 1);
        assert_true(raw_submit(&bed.client, &request));
    }
    daemon_signal(&bed.daemon, SIGCONT);
    for (uint32_t i = 0; i < CROWD; i++)
        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
}

/* What has no line is counted, and said: what found no record, and what was more than ten a second of one user. */
static void slow_requests_are_held_to_a_rate(void **state)
{
    uint64_t begun = clock_ns();
    json_int_t left_out;
    char metric[64];
    json_t *status;

    (void)state;
    bed_start("    batch:\n      wait: 1s\n", "  slow: 1ns\n");
    alpha_open(&bed.client, bed.daemon.socket);
    submit_a_crowd(raw_route(&bed.client, "alpha"));
    status = ask(false, "status");
    left_out = number(status, "slow_left_out");
    assert_in_range(left_out, 1, 40 - 16);
    json_decref(status);
    assert_true(daemon_logged(&bed.daemon, "more requests that took long were left out"));
    poll(NULL, 0, 250); /* until there is a line again */
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 2, 1);
    assert_true(daemon_logged(&bed.daemon, "more lines about user"));
    assert_true(daemon_log_count(&bed.daemon, "a request of alpha") <= 10 + (clock_ns() - begun) * 10 / NS_PER_S);
    RUN(false, "stats", "--prometheus");
    snprintf(metric, sizeof metric, "\nwisp_slow_requests_left_out_total %lld\n", (long long)left_out);
    assert_non_null(strstr(said.out, metric));
    raw_close(&bed.client);
}

/* A model's own threshold counts, either way. */
static void a_model_may_have_a_threshold_of_its_own(void **state)
{
    static const struct {
        const char *model_yaml, *yaml;
        bool logged;
    } rows[] = { { "    slow: 0\n", "  slow: 1ns\n", false }, { "    slow: 1ns\n", NULL, true } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t route;

        bed_start(rows[i].model_yaml, rows[i].yaml);
        alpha_open(&bed.client, bed.daemon.socket);
        route = raw_route(&bed.client, "alpha");
        for (uint64_t k = 0; k < 20; k++)
            alpha_round(bed.reference, &bed.client, route, 2, k);
        if (rows[i].logged) /* while there is somebody whose it is */
            assert_true(daemon_logged(&bed.daemon, "a request of alpha, 2 samples, took "));
        raw_close(&bed.client);
        RUN(false, "reload");
        assert_true(daemon_logged(&bed.daemon, "reload: serving 1 model")); /* all that there was to say before, too */
        if (!rows[i].logged)
            assert_int_equal(daemon_log_count(&bed.daemon, "a request of alpha"), 0);
        assert_int_equal(daemon_stop(&bed.daemon), 0);
    }
    bed_start(NULL, NULL);
}

/* ---- Prometheus ---- */

/* What became of reloads and rollbacks is worth an alert. */
static void reloads_are_counted(void **state)
{
    (void)state;
    RUN(false, "reload");
    assert_int_equal(said.status, 0);
    RUN(false, "rollback");
    RUN(false, "stats", "--prometheus");
    assert_non_null(strstr(said.out, "\nwisp_reloads_total 1\n"));
    assert_non_null(strstr(said.out, "\nwisp_reloads_refused_total 0\n"));
    assert_non_null(strstr(said.out, "\nwisp_rollbacks_refused_total 1\n"));
    assert_non_null(strstr(said.out, "\nwisp_rolled_back 0\n"));
}

static void http_answers_and_refuses(void **state)
{
    static const struct {
        const char *request, *answer;
        int status;
    } rows[] = {
        { "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4", 0 },
        { "HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.0 200 OK\r\n", 0 },
        { "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.0 405 ", 0 },
        { "GET /metrics HTTP/1.1\r\n", "HTTP/1.0 400 ", 65 },
        { "", "HTTP/1.0 400 ", 65 },
    };
    const char *path = scratch_path(bed.folder, "request");
    char socket[160];

    (void)state;
    snprintf(socket, sizeof socket, "WISP_SOCKET=%s", bed.daemon.socket);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct command command = { .words = { "wisp", "stats", "--http" },
                                         .input = path,
                                         .environment = { socket } };
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        fputs(rows[i].request, file);
        fclose(file);
        command_run(&command, &said);
        assert_int_equal(said.status, rows[i].status);
        assert_memory_equal(said.out, rows[i].answer, strlen(rows[i].answer));
        if (!i)
            assert_non_null(strstr(said.out, "\r\n\r\n# HELP wisp_up "));
        else
            assert_null(strstr(said.out, "wisp_up"));
    }
}

/* A daemon that is gone is something to know as well; and a file is there whole or as it was. */
static void a_daemon_that_is_gone_is_down(void **state)
{
    const char *path = scratch_path(bed.folder, "wisp.prom");
    static char text[65536];
    FILE *file;

    (void)state;
    RUN(false, "stats", "--prometheus", "--output", path);
    assert_int_equal(said.status, 0);
    assert_string_equal(said.out, "");
    file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "\nwisp_up 1\n"));
    assert_non_null(strstr(text, "wisp_model_wait_seconds_bucket{model=\"alpha\",le=\"+Inf\"}"));
    daemon_kill(&bed.daemon);
    RUN(false, "stats", "--prometheus");
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "\nwisp_up 0\n"));
    assert_null(strstr(said.out, "wisp_model"));
    RUN(false, "stats");
    assert_int_equal(said.status, 69);
    daemon_restart(&bed.daemon);
}

static void options_that_do_not_go_together(void **state)
{
    (void)state;
    RUN(false, "stats", "--json", "--prometheus");
    assert_int_equal(said.status, 2);
    RUN(false, "stats", "--output", "x");
    assert_int_equal(said.status, 2);
    RUN(false, "stats", "--prometheus", "--output", "/nonexistent/x");
    assert_int_equal(said.status, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stats_count_along, setup, teardown),
        cmocka_unit_test_setup_teardown(clients_are_listed, setup, teardown),
        cmocka_unit_test_teardown(weights_are_shown, teardown),
        cmocka_unit_test_setup_teardown(a_user_sees_himself, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_are_for_people, setup, teardown),
        cmocka_unit_test_setup_teardown(top_shows_what_happens, setup, teardown),
        cmocka_unit_test_setup_teardown(top_leaves_the_terminal_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_says_where_its_time_went, setup, teardown),
        cmocka_unit_test_teardown(slow_requests_are_logged, teardown),
        cmocka_unit_test_teardown(slow_requests_are_held_to_a_rate, teardown),
        cmocka_unit_test_teardown(a_model_may_have_a_threshold_of_its_own, teardown),
        cmocka_unit_test_setup_teardown(reloads_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(http_answers_and_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(a_daemon_that_is_gone_is_down, setup, teardown),
        cmocka_unit_test_setup_teardown(options_that_do_not_go_together, setup, teardown),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
