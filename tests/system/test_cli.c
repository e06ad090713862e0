/* SPDX-License-Identifier: Apache-2.0
 *
 * The wisp command against a real daemon: what it prints, where, and how it ends. Bad inputs are a table: each ends by
 * itself, with the right exit status and a message that names the fault.
 */
#include "support/test.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_bed.h"
#include "support/model.h"
#include "support/raw_client.h"

static void test_answers(void **state)
{
    static const struct row rows[] = {
        { "picture", { "run", "image", "good.png" }, NULL, 0, "label ", NULL },
        { "by type", { "run", "image.classification", "good.png" }, NULL, 0, "pic", NULL },
        { "by name", { "run", "pic", "good.png", "-k", "1" }, NULL, 0, " %", NULL },
        { "text", { "run", "text", "good.txt" }, NULL, 0, "lang", NULL },
        { "text given", { "run", "text", "--text", "Wo ist der Bahnhof?" }, NULL, 0, "Wo ist der", NULL },
        { "standard input", { "run", "text", "-" }, "good.txt", 0, "standard input", NULL },
        { "picture from standard input", { "run", "image", "-" }, "good.png", 0, "label ", NULL },
        { "sound", { "run", "audio", "good.wav" }, NULL, 0, "digit", NULL },
        { "raw media", { "run", "vector", "good.f32" }, NULL, 0, "6 numbers", NULL },
        { "tensor", { "run", "vector", "--tensor", "good.f32" }, NULL, 0, "6 numbers", NULL },
        { "timings", { "run", "-v", "image", "good.png" }, NULL, 0, "label ", "ms (queue " },
        { "more labels than there are", { "run", "image", "-k", "1000", "good.png" }, NULL, 0, "label 2", NULL },
        { "models", { "models" }, NULL, 0, "image.classification", NULL },
        { "show", { "show", "image" }, NULL, 0, "fc1", NULL },
        { "show of what is long", { "show", "wide" }, NULL, 0, "43692 bytes; --json prints them", NULL },
        { "status", { "status" }, NULL, 0, "wispd", NULL },
        { "ping", { "ping", "-c", "50" }, NULL, 0, "50 round trips", NULL },
        { "version", { "version" }, NULL, 0, "wisp 0.", NULL },
        { "--version", { "--version" }, NULL, 0, "libwisp", NULL },
        { "help", { "help" }, NULL, 0, "usage: wisp", NULL },
        { "help of a verb", { "help", "run" }, NULL, 0, "--top-k", NULL },
        { "help of a forge verb", { "help", "structure" }, NULL, 0, "usage: wisp structure", NULL },
        { "forge verb", { "structure", "show", "-l", "10-5-2", "-s", "0.5" }, NULL, 0, "connections", NULL },
    };

    (void)state;
    RUN_ROWS(rows);
}

static void test_bad_inputs(void **state)
{
    static const struct row rows[] = {
        { "missing", { "run", "image", "nothere.png" }, NULL, 65, NULL, "nothere.png: No such file" },
        { "empty picture", { "run", "image", "empty" }, NULL, 65, NULL, "empty" },
        { "empty text", { "run", "text", "empty" }, NULL, 65, NULL, "empty" },
        { "empty sound", { "run", "audio", "empty" }, NULL, 65, NULL, "empty" },
        { "empty standard input", { "run", "image", "-" }, NULL, 65, NULL, "standard input" },
        { "huge", { "run", "image", "huge.png" }, NULL, 65, NULL, "huge.png: " },
        { "truncated", { "run", "image", "truncated.png" }, NULL, 65, NULL, "truncated.png: " },
        { "text as picture", { "run", "image", "good.txt" }, NULL, 65, NULL, "good.txt: " },
        { "picture as text", { "run", "text", "good.png" }, NULL, 65, NULL, "good.png: " },
        { "picture as sound", { "run", "audio", "good.png" }, NULL, 65, NULL, "good.png: " },
        { "not UTF-8", { "run", "text", "latin1.txt" }, NULL, 65, NULL, "UTF-8" },
        { "not UTF-8, given", { "run", "text", "--text", "caf\xe9" }, NULL, 65, NULL, "UTF-8" },
        { "no samples", { "run", "audio", "silent.wav" }, NULL, 65, NULL, "silent.wav: " },
        { "folder", { "run", "image", "folder" }, NULL, 65, NULL, "folder" },
        { "short tensor", { "run", "vector", "--tensor", "short.f32" }, NULL, 65, NULL, "7 bytes" },
        { "long tensor", { "run", "vector", "--tensor", "long.f32" }, NULL, 65, NULL, "24 bytes" },
        { "long raw media", { "run", "vector", "long.f32" }, NULL, 65, NULL, "long.f32: " },
        { "tensor of another model", { "run", "image", "--tensor", "good.f32" }, NULL, 65, NULL, "64 bytes" },
        { "NaN in a tensor",
          { "run", "vector", "--tensor", "nan.f32" },
          NULL,
          65,
          NULL,
          "nan.f32: value 3, at byte 12" },
        { "NaN in raw media", { "run", "vector", "nan.f32" }, NULL, 65, NULL, "nan.f32: value 3, at byte 12" },
        { "overflow",
          { "run", "image", "--tensor", "flood.f32" },
          NULL,
          65,
          NULL,
          "flood.f32: the answer of pic has no" },
        { "overflow, JSON", { "run", "-j", "image", "--tensor", "flood.f32" }, NULL, 65, "\"error\":", "no labels" },
        { "unknown type", { "run", "image.nonsense", "good.png" }, NULL, 65, NULL, "image.nonsense" },
        { "unknown model", { "show", "pix" }, NULL, 65, NULL, "pix" },
        { "no daemon", { "run", "image", "good.png", "-s", "nosocket" }, NULL, 69, NULL, "not running on nosocket" },
        { "no daemon to ping", { "ping", "--socket=nosocket" }, NULL, 69, NULL, "wispd --socket nosocket --model" },
        { "socket is a file", { "ping", "--socket=good.png" }, NULL, 69, NULL, "good.png" },
    };

    (void)state;
    RUN_ROWS(rows);
}

static void test_bad_command_lines(void **state)
{
    static const struct row rows[] = {
        { "nothing", { NULL }, NULL, 2, NULL, "usage: wisp" },
        { "unknown verb", { "rnu" }, NULL, 2, NULL, "did you mean 'wisp run'" },
        { "unlike any verb", { "frobnicate" }, NULL, 2, NULL, "'wisp help' lists them" },
        { "a path as a verb", { "../bin/ls" }, NULL, 2, NULL, "is no verb" },
        { "no target", { "run" }, NULL, 2, NULL, "TARGET is missing" },
        { "no input", { "run", "image" }, NULL, 2, NULL, "no input" },
        { "unknown option", { "run", "--jsno" }, NULL, 2, NULL, "did you mean '--json'" },
        { "no labels", { "run", "image", "good.png", "-k", "0" }, NULL, 2, NULL, "--top-k 0" },
        { "not a number", { "run", "image", "good.png", "-k", "three" }, NULL, 2, NULL, "--top-k three" },
        { "both forms", { "run", "image", "good.png", "--json", "--raw" }, NULL, 2, NULL, "exclude" },
        { "show without a model", { "show" }, NULL, 2, NULL, "MODEL is missing" },
        { "show of two", { "show", "pic", "lang" }, NULL, 2, NULL, "'lang' is not expected" },
        { "models of something", { "models", "pic" }, NULL, 2, NULL, "'pic' is not expected" },
        { "no pings", { "ping", "-c", "0" }, NULL, 2, NULL, "--count 0" },
        { "socket's path too long",
          { "ping", "-s",
            "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
            "0123456789" },
          NULL,
          2,
          NULL,
          "at most 107" },
    };

    (void)state;
    RUN_ROWS(rows);
}

/* ---- several inputs ---- */

static void test_one_bad_input_of_three(void **state)
{
    const struct command command = { .words = { "wisp", "run", "image", "good.png", "truncated.png", "nothere.png",
                                                "good.png", "--json" },
                                     .folder = folder };
    const char *keys[] = { "labels", "error", "error", "labels" };
    char *rest = outcome.out, *line;
    size_t count = 0;

    (void)state;
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 65);
    assert_non_null(strstr(outcome.err, "truncated.png"));
    assert_non_null(strstr(outcome.err, "nothere.png"));
    while ((line = strsep(&rest, "\n")) && *line) {
        json_t *object = json_loads(line, 0, NULL);

        assert_non_null(object);
        assert_true(count < 4);
        assert_non_null(json_object_get(object, keys[count]));
        assert_string_equal(json_string_value(json_object_get(object, "input")), command.words[3 + count]);
        json_decref(object);
        count++;
    }
    assert_int_equal(count, 4);
}

/* The daemon's answers are those of the scalar reference, through the whole command. */
static void test_raw_output_is_the_reference(void **state)
{
    const struct command command = { .words = { "wisp", "run", "vector", "--raw", "--tensor", "good.f32", "good.f32" },
                                     .folder = folder };
    const float input[NUMBERS] = { 1, -1, 0.5f, 2, 0 };
    struct reference *reference = reference_new(scratch_path(folder, "vector.safetensors"));
    size_t size = reference_outputs(reference) * sizeof(float);
    float expected[8];

    (void)state;
    reference_run(reference, input, 1, expected);
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(outcome.out_size, 2 * size);
    assert_memory_equal(outcome.out, expected, size);
    assert_memory_equal(outcome.out + size, expected, size);
    reference_free(reference);
}

static void test_json_is_json(void **state)
{
    static const char *const commands[][4] = {
        { "models", "--json" }, { "show", "--json", "image" }, { "status", "--json" }, { "ping", "--json" }
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct command command = { .words = { "wisp" } };
        json_error_t error;
        json_t *json;

        for (size_t j = 0; commands[i][j]; j++)
            command.words[j + 1] = commands[i][j];
        command_run(&command, &outcome);
        assert_int_equal(outcome.status, 0);
        assert_string_equal(outcome.err, "");
        json = json_loads(outcome.out, 0, &error);
        if (!json)
            fail_msg("wisp %s: %s in %s", commands[i][0], error.text, outcome.out);
        json_decref(json);
    }
}

/* ---- the other end of the output ---- */

static void test_output_that_goes_nowhere(void **state)
{
    static const char *const forge[][8] = {
        { "wisp", "build", "-l", "784-300-10", "-s", "0.5" },
        { "wisp", "build", "-l", "784-300-10", "-s", "0.5", "--json" },
        { "wisp", "structure", "show", "-l", "784-300-10", "-s0.5", "--json" },
        { "wisp", "structure", "show", "-l", "784-300-10", "-s0.5" },
    };
    struct command command = { .words = { "wisp", "models" }, .output = "/dev/full" };

    (void)state;
    command_run(&command, &outcome);
    expect("full disk", 1, NULL, "cannot write");
    command = (struct command){ .words = { "wisp", "run", "image", "good.png", "good.png" }, .folder = folder };
    command.deaf = true;
    command_run(&command, &outcome);
    expect("reader gone", 128 + SIGPIPE, NULL, NULL);
    for (size_t i = 0; i < sizeof forge / sizeof *forge; i++) {
        command = (struct command){ .deaf = true };
        memcpy(command.words, forge[i], sizeof forge[i]);
        command_run(&command, &outcome);
        expect(forge[i][1], 128 + SIGPIPE, NULL, NULL);
        assert_string_equal(outcome.err, "");
    }
}

/* Not ended by SIGXFSZ, which would leave a part of the file behind. */
static void test_limit_to_the_size_of_files(void **state)
{
    static const char *const lines[] = {
        "\"$WISP_BINARY_DIR/bin/wisp\" help",
        "\"$WISP_BINARY_DIR/bin/wisp-forge\" build -l 784-300-10 -s 0.5 --no-history -o limited",
        "\"$WISP_BINARY_DIR/bin/wisp\" run --model pic.safetensors good.png",
    };
    static const char *const said[] = { "cannot write to standard output", "cannot write limited: File too large",
                                        "File too large" };
    struct rlimit before, limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
    write_file("limited.txt", "", 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        command_run(&(struct command){ .words = { "/bin/sh", "-c", lines[i] },
                                       .folder = folder,
                                       .output = scratch_path(folder, "limited.txt") },
                    &outcome);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        expect(lines[i], 1, NULL, said[i]);
    }
    command_run(&(struct command){ .words = { "/bin/sh", "-c", "ls | grep '^limited'" }, .folder = folder }, &outcome);
    assert_string_equal(outcome.out, "limited.txt\n");
}

static void test_terminal(void **state)
{
    struct command command = { .words = { "wisp", "run", "image", "good.png" },
                               .folder = folder,
                               .environment = { "TERM=xterm", "NO_COLOR=" },
                               .terminal = true };

    (void)state;
    command_run(&command, &outcome);
    expect("bars", 0, "█", NULL);
    expect("time", 0, " ms (queue ", NULL);
    expect("colour", 0, "\033[1m", NULL);
    command.environment[1] = "NO_COLOR=1";
    command_run(&command, &outcome);
    expect("bars without colour", 0, "█", NULL);
    assert_null(strstr(outcome.out, "\033"));
    command.environment[1] = "LC_ALL=C";
    command_run(&command, &outcome);
    expect("plain bars", 0, "#", NULL);
    command.words[4] = "--raw";
    command.words[5] = "good.png";
    command_run(&command, &outcome);
    expect("binary on a terminal", 2, "not a terminal", NULL);
}

/* A file's name cannot send commands to the terminal. */
static void test_control_characters(void **state)
{
    struct command command = { .words = { "wisp", "run", "image", "a\033]0;b\a.png" }, .folder = folder };

    (void)state;
    write_file("a\033]0;b\a.png", picture, picture_size);
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_null(strpbrk(outcome.out, "\033\a"));
    command.words[3] = "nothere\033]0;b\a.png";
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 65);
    assert_null(strpbrk(outcome.err, "\033\a"));
}

/* ---- a daemon that refuses, sleeps, or goes ---- */

static void test_no_permission(void **state)
{
    struct command command = { .words = { "wisp", "version" }, .nobody = true };

    (void)state;
    command_run(&command, &outcome);
    if (outcome.status)
        skip(); /* nobody cannot load libwisp from here */
    assert_int_equal(chmod(daemon_.socket, getuid() ? 0 : 0600), 0);
    command.words[1] = "ping";
    command_run(&command, &outcome);
    assert_int_equal(chmod(daemon_.socket, 0666), 0);
    expect("denied", 77, NULL, daemon_.socket);
}

static void test_busy(void **state)
{
    const struct wire_hello hello = raw_hello(0, 0);
    struct command command = { .words = { "wisp", "run", "image", "good.png", "-t", "300" }, .folder = folder };
    char variable[160];
    struct test_daemon full;
    static struct raw_client holder;

    (void)state;
    daemon_start(&full, &(struct daemon_setup){ .models = daemon_.setup.models,
                                                .model_count = daemon_.setup.model_count,
                                                .yaml = "limits:\n  channels: 1\n" });
    snprintf(variable, sizeof variable, "WISP_SOCKET=%s", full.socket);
    command.environment[0] = variable;
    assert_int_equal(raw_open(&holder, full.socket, &hello), 0);
    command_run(&command, &outcome);
    expect("no channel left", 75, NULL, "channel");
    raw_close(&holder);
    assert_int_equal(daemon_stop(&full), 0);
}

/* Starts a run of three inputs, and returns when the first is answered and it waits for the second on `input`. */
static void start_and_stop_at_second(const char *socket, const char *patience_ms, char variable[static 160],
                                     struct running *running, int *input)
{
    int ends[2];

    snprintf(variable, 160, "WISP_SOCKET=%s", socket);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    *input = ends[1];
    command_start(&(struct command){ .words = { "wisp", "run", "text", "-t", patience_ms, "good.txt", "-", "good.txt" },
                                     .folder = folder,
                                     .environment = { variable },
                                     .input_fd = ends[0] },
                  running);
    assert_int_equal(poll(&(struct pollfd){ .fd = running->out, .events = POLLIN }, 1, PATIENCE_MS), 1);
}

static void go_on(struct running *running, int input)
{
    assert_int_equal(write(input, "bonjour", 7), 7);
    close(input);
    command_finish(running, &outcome);
}

static void test_daemon_that_does_not_answer(void **state)
{
    const struct command command = { .words = { "wisp", "run", "image", "-t", "200", "good.png" }, .folder = folder };
    struct running running;
    char variable[160];
    int input;

    (void)state;
    start_and_stop_at_second(daemon_.socket, "400", variable, &running, &input);
    daemon_signal(&daemon_, SIGSTOP);
    go_on(&running, input);
    expect("stopped under way", 124, "good.txt", "no answer within 400 ms");
    command_run(&command, &outcome);
    expect("stopped before", 124, NULL, "does not answer: it loads its models");
    daemon_signal(&daemon_, SIGCONT);
    command_run(&command, &outcome);
    expect("woken", 0, "label ", NULL);
}

static void test_daemon_that_dies(void **state)
{
    struct test_daemon mortal;
    struct running running;
    char variable[160];
    int input;

    (void)state;
    daemon_start(&mortal,
                 &(struct daemon_setup){ .models = daemon_.setup.models, .model_count = daemon_.setup.model_count });
    start_and_stop_at_second(mortal.socket, "400", variable, &running, &input);
    daemon_kill(&mortal);
    go_on(&running, input);
    expect("gone", 69, "good.txt", "1 more inputs were not run");
    daemon_stop(&mortal);
}

/* It comes back while the command waits: the person sees latency, not an error. */
static void test_daemon_that_restarts(void **state)
{
    struct test_daemon phoenix;
    struct running running;
    char variable[160];
    int input;

    (void)state;
    daemon_start(&phoenix,
                 &(struct daemon_setup){ .models = daemon_.setup.models, .model_count = daemon_.setup.model_count });
    start_and_stop_at_second(phoenix.socket, "20000", variable, &running, &input);
    daemon_kill(&phoenix);
    daemon_restart(&phoenix);
    go_on(&running, input);
    expect("back again", 0, "standard input", NULL);
    assert_int_equal(daemon_stop(&phoenix), 0);
}

/* ---- verbs that are programs ---- */

static void test_programs_as_verbs(void **state)
{
    static const char hello[] = "#!/bin/sh\necho \"hello $# $1 $2\"\nexit 7\n";
    static const char again[] = "#!/bin/sh\nexec \"$WISP\" again\n";
    struct command command = { .words = { "wisp", "hello", "--big", "world" } };
    char path[512], wisp[512];

    (void)state;
    write_file("wisp-hello", hello, strlen(hello));
    write_file("wisp-again", again, strlen(again));
    assert_int_equal(chmod(scratch_path(folder, "wisp-hello"), 0755), 0);
    assert_int_equal(chmod(scratch_path(folder, "wisp-again"), 0755), 0);
    snprintf(path, sizeof path, "PATH=:relative:%s:/usr/bin:/bin", folder);
    snprintf(wisp, sizeof wisp, "WISP=%s", binary_path("bin/wisp"));
    command.environment[0] = path;
    command.environment[1] = wisp;
    command_run(&command, &outcome);
    expect("a program", 7, "hello 2 --big world", NULL);
    command = (struct command){ .words = { "wisp", "again" }, .environment = { path, wisp } };
    command_run(&command, &outcome);
    expect("a program that calls itself", 1, NULL, "again and again");
    /* Neither an empty nor a relative entry of PATH runs what lies about. */
    command = (struct command){ .words = { "wisp", "hello" }, .folder = folder, .environment = { "PATH=:.:bin" } };
    command_run(&command, &outcome);
    expect("a program in the working folder", 2, NULL, "is no verb");
}

/* Between the end of what a daemon listens on and its own end there is a while, in which one is refused. */
static void test_a_private_daemon_that_ends_slowly(void **state)
{
    static const char wispd[] = "#!/bin/sh\nexec 3>&-\nsleep 0.2\necho it cannot be read >&2\nexit 78\n";
    static const char script[] = "mkdir -p slow && cp \"$WISP_BINARY_DIR/bin/wisp\" slow/ && mv slowly slow/wispd && "
                                 "chmod +x slow/wispd && LD_LIBRARY_PATH=\"$WISP_BINARY_DIR/lib\" exec slow/wisp run "
                                 "--model pic.safetensors good.png";

    (void)state;
    write_file("slowly", wispd, strlen(wispd));
    command_run(&(struct command){ .words = { "/bin/sh", "-c", script }, .folder = folder }, &outcome);
    expect("what it said", 65, NULL, "it cannot be read\nwisp run: wispd does not serve pic.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_bad_inputs),
        cmocka_unit_test(test_bad_command_lines),
        cmocka_unit_test(test_one_bad_input_of_three),
        cmocka_unit_test(test_raw_output_is_the_reference),
        cmocka_unit_test(test_json_is_json),
        cmocka_unit_test(test_output_that_goes_nowhere),
        cmocka_unit_test(test_limit_to_the_size_of_files),
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_daemon_that_does_not_answer),
        cmocka_unit_test(test_daemon_that_dies),
        cmocka_unit_test(test_daemon_that_restarts),
        cmocka_unit_test(test_programs_as_verbs),
        cmocka_unit_test(test_a_private_daemon_that_ends_slowly),
    };

    return cmocka_run_group_tests(tests, cli_begin, cli_end);
}
