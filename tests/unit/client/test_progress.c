/* SPDX-License-Identifier: Apache-2.0
 *
 * Models that decode, through libwisp and a real daemon: the words are those of the plain forward pass; they are seen
 * as they come, and never those of a request before; and a client that is killed in the middle leaves nothing that
 * runs.
 */
#include "support/test.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/size.h"
#include "served.h"
#include "sparse/file/model_file.h"
#include "support/command.h"
#include "support/resources.h"
#include "support/translator.h"

enum { SOURCE = 6, WORDS = 19, LONG_WORDS = 4000, ROWS = 12 };

static const struct translator brief = {
    .kind = "attention", .source = SOURCE, .positions = WORDS, .vocabulary = 13, .width = 6, .seed = 24
};
/* Its sequences go on to the last position. */
static const struct translator lengthy = {
    .kind = "gru", .source = SOURCE, .positions = LONG_WORDS, .vocabulary = 64, .width = 64, .end = 5, .seed = 3
};

static struct test_daemon wispd;
static const char *folder;
static struct model *model;

static void write_model(const struct translator *translator, const char *name, const char *path)
{
    struct model *made = translator_model(translator);
    struct reason why;

    snprintf(made->name, sizeof made->name, "%s", name);
    assert_ok(model_write(made, path, &why), why);
    model_free(made);
}

static int begin(void **state)
{
    static char paths[2][256];
    static const char *models[] = { paths[0], paths[1] };

    (void)state;
    folder = scratch_make();
    snprintf(paths[0], sizeof paths[0], "%s/brief.safetensors", folder);
    snprintf(paths[1], sizeof paths[1], "%s/lengthy.safetensors", folder);
    write_model(&brief, "brief", paths[0]);
    write_model(&lengthy, "lengthy", paths[1]);
    model = translator_model(&brief);
    daemon_start(&wispd, &(struct daemon_setup){
                             .models = models, .model_count = 2, .model_yaml = "    batch:\n      max: 8\n" });
    return 0;
}

static int end(void **state)
{
    (void)state;
    model = model_free(model);
    scratch_remove(folder);
    return daemon_stop(&wispd);
}

static wisp_request *request_of(wisp_client **client, const char *name, uint32_t rows)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = wispd.socket };
    wisp_request *request = NULL;
    wisp_model *found = NULL;

    if (wisp_connect(client, &options) || wisp_find(*client, name, &found) ||
        wisp_request_new(*client, found, rows, &request))
        fail_msg("%s", wisp_last_error());
    assert_int_equal(wisp_model_words(found), !strcmp(name, "brief") ? WORDS : LONG_WORDS);
    wisp_model_free(found);
    return request;
}

static void fill(wisp_request *request, uint32_t rows, uint64_t seed)
{
    struct rng rng = rng_make(seed, 0);
    int32_t *source = wisp_request_input_tensor(request, 0);

    for (uint32_t i = 0; i < rows * SOURCE; i++)
        source[i] = (int32_t)rng_below(&rng, 13);
}

/* `beam`: 0: greedy. */
static void check_search(wisp_request *request, uint32_t rows, uint32_t beam)
{
    for (uint32_t row = 0; row < rows; row++) {
        const int32_t *source = (const int32_t *)wisp_request_input_tensor(request, 0) + row * SOURCE;
        int32_t words[WORDS], right[WORDS];
        size_t count = WORDS;
        double score;

        assert_int_equal(wisp_request_words(request, row, words, &count), 0);
        assert_int_equal(count, beam ? translator_search(model, source, beam, right, &score)
                                     : translator_decode(model, source, right));
        assert_memory_equal(words, right, count * sizeof *right);
        assert_memory_equal((const int32_t *)wisp_request_output_tensor(request, 0) + row * WORDS, right,
                            count * sizeof *right);
    }
}

static void check(wisp_request *request, uint32_t rows)
{
    check_search(request, rows, 0);
}

static void test_beams(void **state)
{
    static const uint32_t widths[] = { 4, 1, 8 };
    wisp_client *client;
    wisp_request *request = request_of(&client, "brief", ROWS);

    (void)state;
    fill(request, ROWS, 1);
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        assert_int_equal(wisp_request_set_beam(request, widths[i]), 0);
        assert_int_equal(wisp_submit(request), 0);
        assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
        check_search(request, ROWS, widths[i]);
    }
    assert_int_equal(wisp_request_set_beam(request, 9), 0);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_INVALID);
    assert_non_null(strstr(wisp_last_error(), "a beam of 9 is wider than the 8 sequences of brief"));
    assert_int_equal(wisp_request_set_beam(request, 17), WISP_E_INVALID);
    assert_int_equal(wisp_request_set_priority(request, (enum wisp_priority)3), WISP_E_INVALID);
    assert_int_equal(wisp_request_set_priority(request, WISP_PRIORITY_LAST), 0);
    assert_int_equal(wisp_request_set_beam(request, 0), 0);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    check(request, ROWS);
    wisp_close(client);
}

/* A source whose words are others by a beam of 4; how many they are. */
static uint32_t draw_source(int32_t source[SOURCE], int32_t words[WORDS])
{
    struct rng rng = rng_make(7, 7);
    int32_t greedy[WORDS];
    uint32_t count;
    double score;

    do {
        for (int i = 0; i < SOURCE; i++)
            source[i] = (int32_t)rng_below(&rng, 13);
        count = translator_search(model, source, 4, words, &score);
    } while (count == translator_decode(model, source, greedy) && !memcmp(words, greedy, count * sizeof *words));
    return count;
}

static void test_the_command_asks_for_one(void **state)
{
    static struct outcome outcome;
    char file[256], input[300], wanted[512] = "\"words\":[";
    int32_t source[SOURCE], right[WORDS];
    const uint32_t count = draw_source(source, right);
    struct reason why;

    (void)state;
    snprintf(file, sizeof file, "%s", scratch_path(folder, "source"));
    snprintf(input, sizeof input, "source=%s", file);
    assert_ok(file_write(file, &(struct file_part){ source, sizeof source }, 1, &why), why);
    for (uint32_t i = 0; i < count; i++)
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s%d", i ? "," : "", right[i]);
    snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "]");
    command_run(&(struct command){ .words = { "wisp", "run", "-s", wispd.socket, "brief", "--input", input, "--beam",
                                              "4", "--json" } },
                &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, wanted));
}

static void test_words(void **state)
{
    wisp_client *client;
    wisp_request *request = request_of(&client, "brief", ROWS);

    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) { /* a request is used again */
        fill(request, ROWS, seed);
        assert_int_equal(wisp_submit(request), 0);
        assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
        check(request, ROWS);
    }
    wisp_close(client);
}

/* While the daemon stands still there is nothing of an answer, and the one before is no longer one. */
static void test_words_of_before(void **state)
{
    wisp_client *client;
    wisp_request *request = request_of(&client, "brief", 1);
    int32_t words[WORDS];
    size_t count = WORDS;

    (void)state;
    fill(request, 1, 5);
    assert_int_equal(wisp_request_words(request, 0, words, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    count = 2; /* room for fewer */
    assert_int_equal(wisp_request_words(request, 0, words, &count), 0);
    assert_true(count > 2);
    daemon_signal(&wispd, SIGSTOP);
    assert_int_equal(wisp_submit(request), 0);
    count = WORDS;
    assert_int_equal(wisp_request_words(request, 0, words, &count), 0);
    assert_int_equal(count, 0);
    daemon_signal(&wispd, SIGCONT);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    check(request, 1);
    count = WORDS;
    assert_int_equal(wisp_request_words(request, 1, words, &count), WISP_E_INVALID);
    wisp_close(client);
}

/* A number of the daemon's status. */
static long status_of(const char *key)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = wispd.socket, .entries = UINT32_MAX };
    char *json = NULL, wanted[64], *at;
    wisp_client *client;
    long number;

    assert_int_equal(wisp_connect(&client, &options), 0);
    assert_int_equal(wisp_status(client, &json), 0);
    snprintf(wanted, sizeof wanted, "\"%s\":", key);
    at = strstr(json, wanted);
    assert_non_null(at);
    number = strtol(at + strlen(wanted), NULL, 10);
    free(json);
    wisp_close(client);
    return number;
}

/* As many sequences as there may be, which are in the middle then. Of a beam nobody knows when words are certain. */
static wisp_request *run_lengthy(wisp_client **client, uint32_t beam)
{
    const uint32_t rows = 8 / beam;
    const long before = status_of("requests");
    const uint64_t until = clock_ns() + PATIENCE_MS * NS_PER_MS;
    wisp_request *request = request_of(client, "lengthy", rows);
    int32_t words[1];
    size_t count;

    assert_int_equal(wisp_request_set_beam(request, beam), 0);
    assert_int_equal(wisp_submit(request), 0);
    do {
        count = 1;
        assert_int_equal(wisp_request_words(request, rows - 1, words, &count), 0);
        assert_int_equal(wisp_poll(request), -EAGAIN);
        assert_true(clock_ns() < until); /* or it found no place */
    } while (beam == 1 ? count < 3 : status_of("requests") == before);
    return request;
}

/* Tells the parent when it runs, and waits to be killed. */
static _Noreturn void run_child(int told, uint32_t beam)
{
    wisp_client *client;

    (void)run_lengthy(&client, beam);
    (void)!write(told, "", 1);
    for (;;)
        pause();
}

static void kill_client(uint32_t beam)
{
    const long before = status_of("cancelled");
    int ends[2], status;
    char byte;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child)
        run_child(ends[1], beam);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    for (int i = 0; i < 500 && status_of("cancelled") == before; i++)
        usleep(10000);
    assert_int_equal(status_of("cancelled"), before + 1);
}

static void test_a_client_that_is_killed(void **state)
{
    (void)state;
    for (uint32_t beam = 1; beam <= 4; beam += 3) {
        wisp_client *client;
        wisp_request *request;

        kill_client(beam);
        request = run_lengthy(&client, beam); /* there is room for all of another's */
        assert_int_equal(wisp_cancel(request), 0);
        assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_CANCELLED);
        wisp_close(client);
        request = request_of(&client, "brief", ROWS);
        fill(request, ROWS, 9);
        assert_int_equal(wisp_submit(request), 0);
        assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
        check(request, ROWS);
        wisp_close(client);
    }
}

/* Whether no request of the lengthy model is under way, as the daemon counts. */
static bool is_quiet(void)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = wispd.socket, .entries = UINT32_MAX };
    const char key[] = "\"under_way\":";
    char *json = NULL, *at;
    wisp_client *client;
    bool quiet;

    assert_int_equal(wisp_connect(&client, &options), 0);
    assert_int_equal(wisp_stats(client, &json), 0);
    at = strstr(json, "\"name\":\"lengthy\"");
    at = at ? strstr(at, key) : NULL;
    assert_non_null(at);
    quiet = strtol(at + strlen(key), NULL, 10) == 0;
    free(json);
    wisp_close(client);
    return quiet;
}

/* Within ten seconds. */
static bool becomes_quiet(void)
{
    for (int i = 0; i < 1000 && !is_quiet(); i++)
        usleep(10000);
    return is_quiet();
}

static size_t words_of(const wisp_request *request, uint32_t row)
{
    int32_t words[1];
    size_t count = 1;

    assert_int_equal(wisp_request_words(request, row, words, &count), 0);
    return count;
}

/* Whether eight sequences are seen in the middle at once: without a place of its own the last would begin when another
 * has come to its end. A test that is late sees neither, and tries again. */
static bool all_run_together(void)
{
    bool together = false;

    for (int i = 0; i < 20 && !together; i++) {
        wisp_client *client;
        wisp_request *request = run_lengthy(&client, 1);

        together = words_of(request, 0) < LONG_WORDS;
        (void)wisp_cancel(request);
        (void)wisp_wait(request, PATIENCE_MS);
        wisp_close(client);
    }
    return together;
}

/* Killed at whatever moment: before it begins, between two steps or in one, with beams and without. Each time all
 * places are free again. */
static void test_clients_that_are_killed_again_and_again(void **state)
{
    const unsigned times = repeats("WISP_KILLED_CLIENTS", 24);
    const unsigned descriptors = daemon_descriptors(&wispd);
    struct rng rng = rng_make(11, 0);

    (void)state;
    for (unsigned i = 0; i < times; i++) {
        const uint32_t beam = 1u << i % 4;
        wisp_client *client;
        wisp_request *request;
        pid_t child = fork();

        assert_true(child >= 0);
        if (!child) {
            request = request_of(&client, "lengthy", 8 / beam);
            (void)wisp_request_set_beam(request, beam);
            (void)wisp_submit(request);
            for (;;)
                pause();
        }
        usleep((useconds_t)rng_below(&rng, 30000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_true(becomes_quiet());
        if (i % 4 == 3)
            assert_true(all_run_together());
    }
    assert_true(daemon_settles(&wispd, descriptors, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_beams),
        cmocka_unit_test(test_the_command_asks_for_one),
        cmocka_unit_test(test_words_of_before),
        cmocka_unit_test(test_a_client_that_is_killed),
        cmocka_unit_test(test_clients_that_are_killed_again_and_again),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
