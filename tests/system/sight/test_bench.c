/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp bench: what it says agrees with what the daemon counted; a daemon that stalls does not look good; and what makes
 * no sense is refused. How fast anything is does not count here.
 */
#include "support/test.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "support/both_loops.h"
#include "support/command.h"
#include "system/alpha.h"

static struct outcome said;
static char socket_name[160];

static int setup(void **state)
{
    (void)state;
    bed_start(NULL, NULL);
    snprintf(socket_name, sizeof socket_name, "WISP_SOCKET=%s", bed.daemon.socket);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return daemon_stop(&bed.daemon);
}

static json_int_t number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static double real(const json_t *object, const char *key)
{
    assert_true(json_is_real(json_object_get(object, key)));
    return json_real_value(json_object_get(object, key));
}

/* The next line of what was said, as JSON; json_decref() is the caller's. */
static json_t *next_line(const char **text)
{
    const size_t length = strcspn(*text, "\n");
    json_t *json = json_loadb(*text, length, 0, NULL);

    assert_non_null(json);
    *text += length + 1;
    return json;
}

static void check_order(const json_t *level)
{
    static const char *const marks[] = { "p50_us", "p90_us", "p95_us", "p99_us", "p999_us", "max_us" };

    for (size_t i = 1; i < ARRAY_SIZE(marks); i++)
        assert_true(real(level, marks[i - 1]) <= real(level, marks[i]));
    assert_true(real(level, "p50_us") > 0);
    assert_true(real(level, "mean_us") <= real(level, "max_us"));
    assert_true(real(level, "queue_us") + real(level, "compute_us") + real(level, "wake_us") <= real(level, "mean_us"));
}

static void levels_are_measured_in_turn(void **state)
{
    const struct command command = { .words = { "wisp", "bench", "-m", "image", "-b", "3", "--concurrency-range",
                                                "1:5:2", "-p", "50", "-r", "1", "--json" },
                                     .environment = { socket_name } };
    const char *text = said.out;

    (void)state;
    command_run(&command, &said);
    assert_string_equal(said.err, "");
    assert_int_equal(said.status, 0);
    for (json_int_t concurrency = 1; concurrency <= 5; concurrency += 2) {
        json_t *level = next_line(&text);

        assert_int_equal(number(level, "concurrency"), concurrency);
        assert_int_equal(number(level, "rows"), 3);
        assert_int_equal(number(level, "failed"), 0);
        assert_true(number(level, "n") > 0);
        assert_true(real(level, "batch") >= 3 && real(level, "batch") <= 3.0 * (double)concurrency);
        assert_true(json_is_false(json_object_get(level, "stable"))); /* of one window */
        check_order(level);
        json_decref(level);
    }
    assert_int_equal(*text, 0);
}

/* A file is as perf_analyzer's readers have it. */
static void csv_has_the_columns_of_perf_analyzer(void **state)
{
    const char *path = scratch_path(bed.folder, "levels.csv");
    const struct command command = { .words = { "wisp", "bench", "-m", "alpha", "--request-rate-range", "500:1000:500",
                                                "-p", "50", "-r", "2", "-f", path },
                                     .environment = { socket_name } };
    char line[512];
    FILE *file;

    (void)state;
    command_run(&command, &said);
    assert_int_equal(said.status, 0);
    assert_non_null(strstr(said.out, "500/s"));
    file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "Request Rate,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,Server "
                              "Compute Input,Server Compute Infer,Server Compute Output,Client Recv,p50 latency,p90 "
                              "latency,p95 latency,p99 latency\n");
    for (int i = 1; i <= 2; i++) {
        int commas = 0;

        assert_non_null(fgets(line, sizeof line, file));
        for (const char *at = line; *at; at++)
            commas += *at == ',';
        assert_int_equal(commas, 12);
        assert_int_equal(strtol(line, NULL, 10), 500 * i);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

/* A daemon that stands still for half of a window: whoever was due meanwhile has waited. */
static void a_stall_is_everybodys(void **state)
{
    const struct command command = { .words = { "wisp", "bench", "-m", "image", "--request-rate-range", "1000",
                                                "--max-under-way", "16", "-p", "1000", "-r", "1", "--json" },
                                     .environment = { socket_name } };
    const char *text = said.out;
    struct running running;
    json_t *level;

    (void)state;
    command_start(&command, &running);
    poll(NULL, 0, 500); /* 200 ms of warming up, and some of the window */
    daemon_signal(&bed.daemon, SIGSTOP);
    poll(NULL, 0, 400);
    daemon_signal(&bed.daemon, SIGCONT);
    command_finish(&running, &said);
    assert_int_equal(said.status, 0);
    level = next_line(&text);
    /* 1000 are due in the window, of them 300 in the first 300 ms of the stall: each has waited for 100 ms or more. */
    assert_true(real(level, "p90_us") >= 100000);
    assert_true(number(level, "delayed") > 0); /* 16 slots were full */
    json_decref(level);
}

/* What the daemon has been asked by now. */
static json_int_t requests_taken(void)
{
    const struct command command = { .words = { "wisp", "status", "--json" }, .environment = { socket_name } };
    const char *text = said.out;
    json_int_t taken;
    json_t *state;

    command_run(&command, &said);
    assert_int_equal(said.status, 0);
    state = json_loads(text, 0, NULL);
    taken = number(state, "requests");
    json_decref(state);
    return taken;
}

/* With these options: of the one level that there is. */
static json_t *only_level(const char *const *words)
{
    struct command command = { .words = { "wisp", "bench", "-m", "image", "--json" }, .environment = { socket_name } };
    const char *text = said.out;
    json_t *level;

    for (size_t i = 0; words[i]; i++)
        command.words[5 + i] = words[i];
    command_run(&command, &said);
    assert_string_equal(said.err, "");
    assert_int_equal(said.status, 0);
    level = next_line(&text);
    assert_int_equal(*text, 0);
    return level;
}

/* So many are answered, whatever was before. */
static void requests_are_counted(void **state)
{
    static const char *const loops[][2] = { { "--concurrency-range", "3" }, { "--request-rate-range", "2000" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(loops); i++) {
        json_t *level = only_level((const char *const[]){ loops[i][0], loops[i][1], "--request-count", "50",
                                                          "--warmup-request-count", "7", NULL });

        assert_int_equal(number(level, "n"), 50);
        assert_int_equal(number(level, "failed"), 0);
        json_decref(level);
    }
    assert_int_equal(requests_taken(), 2 * 57);
}

/* The first level that is too slow is the last one. */
static void a_latency_ends_the_levels(void **state)
{
    (void)state;
    json_decref(only_level((const char *const[]){ "--concurrency-range", "1:4", "--request-count", "20",
                                                  "--latency-threshold", "0.000001", NULL }));
}

/* Of a file requests take one sample after the other: of two, of which the second is none, every other request fails.
 */
static void inputs_come_from_a_file(void **state)
{
    static const uint32_t not_a_number = 0x7fc00000;
    const char *path = scratch_path(bed.folder, "samples.f32");
    float samples[2 * ALPHA_INPUTS] = { 0 };
    FILE *file = fopen(path, "we");
    json_t *level;

    (void)state;
    memcpy(&samples[2 * ALPHA_INPUTS - 1], &not_a_number, sizeof not_a_number);
    assert_non_null(file);
    assert_int_equal(fwrite(samples, sizeof samples, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    {
        const struct command command = { .words = { "wisp", "bench", "-m", "image", "--json", "--concurrency-range",
                                                    "2", "--request-count", "40", "--input-data", path },
                                         .environment = { socket_name } };
        const char *text = said.out;

        command_run(&command, &said);
        assert_int_equal(said.status, 0);
        assert_non_null(strstr(said.err, "some requests failed"));
        level = next_line(&text);
    }
    assert_true(number(level, "failed") > 0 && number(level, "n") > 0);
    assert_int_equal(number(level, "failed") + number(level, "n"), 40);
    json_decref(level);
    assert_int_equal(truncate(path, 5), 0);
    {
        const struct command command = { .words = { "wisp", "bench", "-m", "image", "--input-data", path },
                                         .environment = { socket_name } };

        command_run(&command, &said);
        assert_int_equal(said.status, 65);
        assert_non_null(strstr(said.err, "5 bytes, and a sample of alpha has 384"));
    }
}

static unsigned count_lines(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned lines = 0;
    int c;

    assert_non_null(file);
    while ((c = getc(file)) != EOF)
        lines += c == '\n';
    fclose(file);
    return lines;
}

/* The daemon goes away after some levels. */
static void what_was_measured_is_kept(void **state)
{
    const char *path = scratch_path(bed.folder, "kept.csv");
    const struct command command = { .words = { "wisp", "bench", "-m", "alpha", "--concurrency-range", "1:1000", "-p",
                                                "50", "-r", "1", "-t", "300", "-f", path },
                                     .environment = { socket_name } };
    struct running running;

    (void)state;
    command_start(&command, &running);
    poll(NULL, 0, 500);
    daemon_kill(&bed.daemon);
    command_finish(&running, &said);
    daemon_restart(&bed.daemon);
    assert_int_equal(said.status, 69);
    assert_true(count_lines(path) >= 2 && count_lines(path) < 30);
}

static void an_interrupted_bench_keeps_what_it_has(void **state)
{
    const char *path = scratch_path(bed.folder, "interrupted.csv");
    const struct command command = { .words = { "wisp", "bench", "-m", "alpha", "--concurrency-range", "1:1000", "-p",
                                                "50", "-r", "1", "-f", path },
                                     .environment = { socket_name } };
    struct running running;

    (void)state;
    command_start(&command, &running);
    poll(NULL, 0, 500);
    assert_int_equal(kill(running.pid, SIGINT), 0);
    command_finish(&running, &said);
    assert_int_equal(said.status, 130);
    assert_true(count_lines(path) >= 2 && count_lines(path) < 30);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *words[8], *err;
        int status;
    } rows[] = {
        { { "bench" }, "which model", 2 },
        { { "bench", "-m", "nope" }, "no model or processing type \"nope\"", 65 },
        { { "bench", "-m", "image", "--concurrency-range", "0" }, "is no range", 2 },
        { { "bench", "-m", "image", "--concurrency-range", "5:3" }, "is no range", 2 },
        { { "bench", "-m", "image", "--concurrency-range", "1:2:3:4" }, "is no range", 2 },
        { { "bench", "-m", "image", "--concurrency-range", "5000" }, "at most 4096", 2 },
        { { "bench", "-m", "image", "--concurrency-range", "2000" }, "gives a connection 1024 requests", 77 },
        { { "bench", "-m", "image", "--concurrency-range", "0.5" }, "whole numbers", 2 },
        { { "bench", "-m", "image", "--concurrency-range", "1:4:1.5" }, "whole numbers", 2 },
        { { "bench", "-m", "image", "--concurrency-range", "1e300" }, "at most 4096", 2 },
        { { "bench", "-m", "image", "--request-rate-range", "1e-300" }, "a rate is from", 2 },
        { { "bench", "-m", "image", "--request-rate-range", "1e300" }, "a rate is from", 2 },
        { { "bench", "-m", "image", "--concurrency-range", "1", "--request-rate-range", "1" }, "either", 2 },
        { { "bench", "-m", "image", "--request-distribution", "even" }, "constant or poisson", 2 },
        { { "bench", "-m", "image", "--input-data", "/nonexistent/x" }, "/nonexistent/x", 65 },
        { { "bench", "-m", "image", "--request-count", "0" }, "request-count", 2 },
        { { "bench", "-m", "image", "-l", "-1" }, "latency-threshold", 2 },
        { { "bench", "-m", "image", "-f", "/nonexistent/x" }, "/nonexistent/x", 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct command command = { .words = { "wisp" }, .environment = { socket_name } };

        for (size_t k = 0; rows[i].words[k]; k++)
            command.words[k + 1] = rows[i].words[k];
        command_run(&command, &said);
        assert_int_equal(said.status, rows[i].status);
        assert_non_null(strstr(said.err, rows[i].err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(levels_are_measured_in_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(csv_has_the_columns_of_perf_analyzer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stall_is_everybodys, setup, teardown),
        cmocka_unit_test_setup_teardown(requests_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_latency_ends_the_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(inputs_come_from_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_measured_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(an_interrupted_bench_keeps_what_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, setup, teardown),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
