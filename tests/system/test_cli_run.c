/* SPDX-License-Identifier: Apache-2.0
 *
 * `wisp run`: the ways in which inputs reach it, what it asks of the daemon, how long it waits for that, and
 * which labels it prints.
 */
#include "support/test.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_bed.h"
#include "sparse/file/model_file.h"
#include "support/model.h"
#include "support/raw_client.h"
#include "support/translator.h"

/* The n-th line of the last command's output as JSON; fails the test when there is none. */
static json_t *line_of(size_t n)
{
    const char *at = outcome.out;
    json_t *json;

    while (n-- && at) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    json = at ? json_loads(at, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    if (!json)
        fail_msg("no such line of JSON in\n%s", outcome.out);
    return json;
}

static void assert_member(size_t line, const char *key, const char *value)
{
    json_t *json = line_of(line);

    assert_string_equal(json_string_value(json_object_get(json, key)), value);
    json_decref(json);
}

/* ---- several sentences, lines ---- */

static void test_every_text_is_answered(void **state)
{
    const struct command command = {
        .words = { "wisp", "run", "text", "--json", "--text", "eins", "good.txt", "--text", "zwei" }, .folder = folder
    };

    (void)state;
    command_run(&command, &outcome);
    expect("three", 0, "labels", NULL);
    assert_member(0, "input", "eins");
    assert_member(1, "input", "zwei");
    assert_member(2, "input", "good.txt");
}

static void test_urgency(void **state)
{
    static const struct row rows[] = {
        { "in time", { "run", "image", "--deadline", "20000000", "good.png" }, NULL, 0, "%", NULL },
        { "too late", { "run", "image", "--deadline", "1", "good.png" }, NULL, 124, NULL, "deadline" },
        { "no time", { "run", "image", "--deadline", "0", "good.png" }, NULL, 2, NULL, "--deadline" },
        { "first", { "run", "image", "--priority", "first", "good.png" }, NULL, 0, "%", NULL },
        { "last", { "run", "image", "--priority=last", "good.png" }, NULL, 0, "%", NULL },
        { "no class", { "run", "image", "--priority", "1", "good.png" }, NULL, 2, NULL, "not first, usual or last" },
        { "to a file", { "run", "image", "--priority", "first", "good.png", "-o", "x" }, NULL, 0, NULL, NULL },
    };

    (void)state;
    RUN_ROWS(rows);
}

static void test_lines(void **state)
{
    static const char lines[] = "eins\n\n  \nzwei\r\n\xff\ndrei";
    static const struct row rows[] = {
        { "of a picture's model", { "run", "image", "--lines", "good.txt" }, NULL, 2, NULL, "takes no text" },
        { "of tensors", { "run", "vector", "--lines", "--tensor", "good.f32" }, NULL, 2, NULL, "exclude" },
        { "of nothing", { "run", "text", "--lines", "nothere" }, NULL, 65, NULL, "nothere: No such file" },
        { "of a folder", { "run", "text", "--lines", "folder" }, NULL, 65, NULL, "no text in .txt" },
        { "of an empty file", { "run", "text", "--lines", "empty" }, NULL, 0, NULL, NULL },
        { "of standard input", { "run", "text", "--lines", "-" }, "good.txt", 0, "Wo ist der Bahnhof?", NULL },
    };
    json_t *last;

    (void)state;
    RUN_ROWS(rows);
    write_file("lines.txt", lines, strlen(lines));
    run_row(&(struct row){
        "one is damaged", { "run", "text", "--lines", "--json", "lines.txt" }, NULL, 65, "labels", "lines.txt:5: " });
    assert_member(0, "input", "eins");
    assert_member(1, "input", "zwei");
    assert_member(2, "status", "WISP_E_FORMAT");
    assert_member(3, "input", "drei");
    last = line_of(3);
    assert_int_equal(json_integer_value(json_object_get(last, "line")), 6);
    assert_string_equal(json_string_value(json_object_get(last, "file")), "lines.txt");
    json_decref(last);
}

/* What is answered is a whole line: not what stands before a zero byte, and no UTF-16, cut where a byte looks like an
 * end. */
static void test_lines_that_are_no_text(void **state)
{
    static const char marked[] = "\xef\xbb\xbf"
                                 "eins\nz\0wei\ndrei\n",
                      utf16[] = "\xff\xfe"
                                "e\0s\0\n\0z\0w\0";

    (void)state;
    write_file("marked.txt", marked, sizeof marked - 1);
    run_row(&(struct row){ "a zero byte",
                           { "run", "text", "--lines", "--json", "marked.txt" },
                           NULL,
                           65,
                           "labels",
                           "marked.txt:2: no text" });
    assert_member(0, "input", "eins");
    assert_member(1, "status", "WISP_E_FORMAT");
    assert_member(2, "input", "drei");
    write_file("utf16.txt", utf16, sizeof utf16 - 1);
    run_row(&(struct row){ "UTF-16",
                           { "run", "text", "--lines", "--json", "utf16.txt" },
                           NULL,
                           65,
                           "WISP_E_FORMAT",
                           "utf16.txt:1: no text, or UTF-16" });
    assert_member(0, "status", "WISP_E_FORMAT");
    assert_member(1, "status", "WISP_E_FORMAT");
}

/* Each is answered before the next one is there. */
static void test_lines_are_answered_as_they_come(void **state)
{
    struct running running;
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    command_start(
        &(struct command){ .words = { "wisp", "run", "text", "--lines", "--json", "-" }, .input_fd = ends[0] },
        &running);
    for (int i = 0; i < 3; i++) {
        char answer[4096];

        assert_int_equal(write(ends[1], "bonjour\n", 8), 8);
        assert_int_equal(poll(&(struct pollfd){ .fd = running.out, .events = POLLIN }, 1, PATIENCE_MS), 1);
        assert_true(read(running.out, answer, sizeof answer) > 0);
    }
    close(ends[1]);
    command_finish(&running, &outcome);
    assert_int_equal(outcome.status, 0);
}

static void test_a_line_without_end(void **state)
{
    const struct command command = { .words = { "/bin/bash", "-c",
                                                "{ head -c 3000000 /dev/zero | tr '\\0' x; printf '\\nkurz\\n'; } | "
                                                "\"$WISP_BINARY_DIR/bin/wisp\" run text --lines --json -" } };

    (void)state;
    command_run(&command, &outcome);
    expect("too long", 65, "labels", "standard input:1: the line has more than");
    assert_member(1, "input", "kurz");
}

/* ---- pipes that have a path ---- */

static void test_pipes(void **state)
{
    static const struct {
        const char *script, *out, *err;
        int status;
    } cases[] = {
        { "wisp run image <(cat good.png)", "label ", NULL, 0 },
        { "cat good.png | wisp run image /dev/stdin", "standard input", NULL, 0 },
        { "wisp run image /dev/stdin < good.png", "standard input", NULL, 0 },
        { "mkfifo pipe; cat good.png > pipe & wisp run image pipe", "pipe", NULL, 0 },
        { "wisp run vector --tensor <(cat good.f32)", "6 numbers", NULL, 0 },
        { "wisp run text --lines --json <(printf 'a b\\nc d\\n')", "\"line\":2", NULL, 0 },
        { "wisp run image <(head -c 60 good.png)", NULL, "/dev/fd/", 65 },
        { "wisp run image /dev/zero", NULL, "is a device", 65 },
        { "wisp run image folder", NULL, "folder: a folder in which no picture in .png or .jpg is", 65 },
        { "wisp run vector --tensor folder", NULL, "folder: a folder in which no file is", 65 },
        { "wisp run vector folder", NULL, "is a folder: name its files, as in folder/*", 65 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[512];

        snprintf(script, sizeof script, "PATH=\"$WISP_BINARY_DIR/bin:$PATH\"; %s", cases[i].script);
        command_run(&(struct command){ .words = { "/bin/bash", "-c", script }, .folder = folder }, &outcome);
        expect(cases[i].script, cases[i].status, cases[i].out, cases[i].err);
    }
}

/* ---- an answer that is not sure enough ---- */

static void test_unknown(void **state)
{
    static const struct row rows[] = {
        { "sure enough", { "run", "image", "--min-probability", "0.01", "good.png" }, NULL, 0, "label ", NULL },
        { "of numbers", { "run", "vector", "--min-probability", "0.5", "good.f32" }, NULL, 2, NULL, "has no labels" },
        { "no probability", { "run", "image", "--min-probability", "2", "good.png" }, NULL, 2, NULL, "from 0 to 1" },
        { "not sure enough", { "run", "image", "--min-probability", "1", "good.png" }, NULL, 0, "unknown", NULL },
    };
    json_t *answer;

    (void)state;
    RUN_ROWS(rows);
    assert_null(strstr(outcome.out, "label 0"));
    run_row(&(struct row){
        "as JSON", { "run", "image", "--json", "--min-probability", "1", "good.png" }, NULL, 0, "labels", NULL });
    answer = line_of(0);
    assert_true(json_is_array(json_object_get(answer, "labels")));
    assert_int_equal(json_array_size(json_object_get(answer, "labels")), 0);
    json_decref(answer);
}

/* ---- what it takes of the daemon ---- */

static void start_limited(struct test_daemon *daemon, const char *limits, char variable[static 160])
{
    daemon_start(daemon, &(struct daemon_setup){ .models = daemon_.setup.models,
                                                 .model_count = daemon_.setup.model_count,
                                                 .yaml = limits });
    snprintf(variable, 160, "WISP_SOCKET=%s", daemon->socket);
}

/* Where a program that asks for the default would be refused, a sentence and a ping still get through; and a large
 * model gets what it needs. */
static void test_it_asks_for_little(void **state)
{
    static const char *const commands[][5] = {
        { "ping", "-c", "5" },         { "status" }, { "models" }, { "show", "pic" }, { "run", "text", "good.txt" },
        { "run", "wide", "good.txt" },
    };
    struct test_daemon poor;
    char variable[160];

    (void)state;
    start_limited(&poor, "limits:\n  memory_per_user: 1MiB\n", variable);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct command command = { .words = { "wisp" }, .folder = folder, .environment = { variable } };

        for (size_t j = 0; j < 5 && commands[i][j]; j++)
            command.words[j + 1] = commands[i][j];
        command_run(&command, &outcome);
        expect(commands[i][0], 0, "", NULL);
    }
    assert_int_equal(daemon_stop(&poor), 0);
}

static void test_it_waits_for_a_quota(void **state)
{
    const struct wire_hello hello = raw_hello(0, 0);
    struct command command = { .words = { "wisp", "run", "image", "-t", "300", "good.png" }, .folder = folder };
    struct test_daemon full;
    static struct raw_client holder;
    struct running running;
    char variable[160];

    (void)state;
    start_limited(&full, "limits:\n  channels_per_user: 1\n", variable);
    command.environment[0] = variable;
    assert_int_equal(raw_open(&holder, full.socket, &hello), 0);
    command_run(&command, &outcome);
    expect("used up", 75, NULL, "1 channel open and may have 1");
    command.words[4] = "20000";
    command_start(&command, &running);
    usleep(200000); /* it has been refused by now, or else does not see that it was full */
    raw_close(&holder);
    command_finish(&running, &outcome);
    expect("free again", 0, "label ", NULL);
    assert_int_equal(daemon_stop(&full), 0);
}

/* Its questions have the same limit as its answers. */
static void test_questions_end_at_the_limit(void **state)
{
    static const char *const commands[][4] = {
        { "models", "-t", "200" }, { "status", "-t", "200" }, { "ping", "-t", "200" }, { "show", "pic", "-t", "200" }
    };

    (void)state;
    daemon_signal(&daemon_, SIGSTOP);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct command command = { .words = { "wisp", commands[i][0], commands[i][1], commands[i][2],
                                              commands[i][3] } };

        command_run(&command, &outcome);
        expect(commands[i][0], 124, NULL, "does not answer");
    }
    daemon_signal(&daemon_, SIGCONT);
}

/* A command that has answered a line within its limit, and reads more from *input; false: the limit was too short for
 * this machine now, and it has ended. */
static bool begin_lines(const char *limit_ms, struct running *running, int *input)
{
    struct command command = { .words = { "wisp", "run", "wide", "--lines", "--json", "-t", limit_ms, "-" } };
    char answer[4096] = "";
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    command.input_fd = ends[0];
    command_start(&command, running);
    *input = ends[1];
    assert_int_equal(write(ends[1], "bonjour\n", 8), 8);
    assert_int_equal(poll(&(struct pollfd){ .fd = running->out, .events = POLLIN }, 1, PATIENCE_MS), 1);
    if (read(running->out, answer, sizeof answer - 1) > 0 && strstr(answer, "\"total_ns\""))
        return true;
    close(ends[1]);
    command_finish(running, &outcome);
    return false;
}

/* More than fit the memory that it asked for: the daemon is at fault, not the command. */
static void test_many_inputs_and_no_answers(void **state)
{
    static const char *const limits_ms[] = { "150", "1000", "4000", "16000" };
    struct running running;
    size_t tried = 0;
    int input;

    (void)state;
    while (!begin_lines(limits_ms[tried], &running, &input))
        assert_true(++tried < sizeof limits_ms / sizeof *limits_ms);
    daemon_signal(&daemon_, SIGSTOP);
    for (int i = 0; i < 8; i++)
        assert_int_equal(write(input, "bonjour\n", 8), 8);
    close(input);
    command_finish(&running, &outcome);
    daemon_signal(&daemon_, SIGCONT);
    expect("no answers", 124, "WISP_E_TIMEOUT", "standard input:9: wispd has not answered what was sent before");
    assert_null(strstr(outcome.err, "input_bytes"));
}

/* ---- labels ---- */

/* By hand, of all that are printed with --top-k. */
static size_t count_holding(const json_t *labels, uint32_t first)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(labels); i++) {
        const json_t *label = json_array_get(labels, i);
        const double least = (double)(first + json_integer_value(json_object_get(label, "index"))) / 1000;

        count += json_real_value(json_object_get(label, "probability")) >= least;
    }
    return count;
}

static json_t *ask_labels(const char *const *options)
{
    struct command command = { .words = { "wisp", "run", "-m", "many.safetensors", "--tensor", "good.f32", "--json" },
                               .folder = folder };
    json_t *line, *labels;

    for (size_t i = 0; options[i]; i++)
        command.words[7 + i] = options[i];
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    line = json_loads(outcome.out, 0, NULL);
    labels = json_incref(json_object_get(line, "labels"));
    json_decref(line);
    assert_non_null(labels);
    return labels;
}

static void test_labels_that_hold(void **state)
{
    struct model_recipe recipe = { .name = "many", .processing = "text.semantics", .sizes = { 5, 12 }, .density = 1 };
    bool some = false;

    (void)state;
    for (recipe.threshold = 60; recipe.threshold < 990; recipe.threshold += 450) {
        json_t *all, *holding, *sure;
        size_t wanted;

        model_make(scratch_path(folder, "many.safetensors"), &recipe);
        all = ask_labels((const char *[]){ "-k", "12", NULL });
        holding = ask_labels((const char *[]){ NULL });
        sure = ask_labels((const char *[]){ "--min-probability", "1", NULL });
        wanted = count_holding(all, recipe.threshold);
        some = some || (wanted && wanted < 12);
        assert_int_equal(json_array_size(all), 12);
        assert_int_equal(json_array_size(holding), wanted);
        assert_int_equal(count_holding(holding, recipe.threshold), wanted);
        assert_int_equal(json_array_size(sure), 0);
        json_decref(all);
        json_decref(holding);
        json_decref(sure);
    }
    assert_true(some);
    command_run(&(struct command){ .words = { "wisp", "run", "-m", "many.safetensors", "--tensor", "good.f32" },
                                   .folder = folder },
                &outcome);
    expect("none", 0, "none of these: no label holds", NULL);
}

/* The words of a model that decodes, as they come, stand below what they are an answer to. */
static void test_words_come_below_the_heading(void **state)
{
    static const int32_t words[5] = { 3, 4, 5, 6, 7 };
    static const struct translator translator = {
        .kind = "attention", .source = 5, .positions = 4, .vocabulary = 12, .width = 8, .begin = 1, .end = 2, .seed = 1
    };
    struct model *model = translator_model(&translator);
    struct reason why;
    const char *heading, *time;

    (void)state;
    assert_ok(model_write(model, scratch_path(folder, "talker.safetensors"), &why), why);
    model_free(model);
    write_file("words.i32", words, sizeof words);
    command_run(
        &(struct command){ .words = { "wisp", "run", "-m", "talker.safetensors", "--input", "source=words.i32" },
                           .folder = folder,
                           .environment = { "TERM=xterm", "NO_COLOR=1" },
                           .terminal = true },
        &outcome);
    heading = strstr(outcome.out, "source=words.i32  ");
    time = strstr(outcome.out, " ms (queue ");
    assert_true(heading == outcome.out && time);
    assert_null(strstr(heading + 1, "source=words.i32")); /* once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_come_below_the_heading),
        cmocka_unit_test(test_every_text_is_answered),
        cmocka_unit_test(test_urgency),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lines_that_are_no_text),
        cmocka_unit_test(test_lines_are_answered_as_they_come),
        cmocka_unit_test(test_a_line_without_end),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_it_asks_for_little),
        cmocka_unit_test(test_it_waits_for_a_quota),
        cmocka_unit_test(test_questions_end_at_the_limit),
        cmocka_unit_test(test_many_inputs_and_no_answers),
        cmocka_unit_test(test_labels_that_hold),
    };

    return cmocka_run_group_tests(tests, cli_begin, cli_end);
}
