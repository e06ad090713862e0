/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon goes over to other models while it serves: by SIGHUP, and when it is asked.
 */
#include "support/test.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/both_loops.h"
#include "support/command.h"
#include "support/daemon.h"
#include "system/alpha.h"

static char *text; /* of the last answer */
static struct reference *other_reference;
static char other[256]; /* a model of alpha's shape, and other weights */

static int setup(void **state)
{
    struct model_recipe recipe = alpha_recipe;

    bed_make(state);
    recipe.seed++;
    snprintf(other, sizeof other, "%s", scratch_path(bed.folder, "other.safetensors"));
    model_make(other, &recipe);
    other_reference = reference_new(other);
    return 0;
}

static int teardown(void **state)
{
    other_reference = reference_free(other_reference);
    free(text);
    text = NULL;
    return bed_remove(state);
}

static void put_alpha(void)
{
    model_make(bed.alpha, &alpha_recipe);
}

/* As an operator does who copies over what is there. */
static void write_over(const char *path, const char *from)
{
    char line[600];

    snprintf(line, sizeof line, "cp %s %s", from, path);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): its words are this test's */
}

static void append(const char *lines)
{
    FILE *file = fopen(bed.daemon.config, "a");

    assert_non_null(file);
    fputs(lines, file);
    assert_int_equal(fclose(file), 0);
}

/* One more entry, for a model at `path`. */
static void append_model(const char *path, const char *name)
{
    char lines[400];

    snprintf(lines, sizeof lines, "  - path: %s\n    name: %s\n", path, name);
    append(lines);
}

/* Asks for a reload, and waits; the status. */
static int reload(void)
{
    static struct raw_client client;
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    int status;

    free(text);
    text = NULL;
    hello.features_needed = WIRE_FEATURE_ASKING | WIRE_FEATURE_RELOAD;
    assert_int_equal(raw_greet(&client, bed.daemon.socket, &hello), 0);
    status = raw_ask(&client, WIRE_RELOAD, NULL, &text, NULL);
    raw_close(&client);
    return status;
}

static int run(struct raw_client *client, uint32_t route)
{
    struct wire_submission request = alpha_request(route, 1, 0);
    struct wire_completion completion;

    alpha_fill(client, &request, 1);
    return raw_run(client, &request, &completion);
}

/* ---- what changes ---- */

static void models_come_and_go(void **state)
{
    uint32_t alpha, more;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    alpha = raw_route(&bed.client, "alpha");
    append_model(other, "more");
    assert_int_equal(reload(), 0);
    assert_non_null(strstr(text, "\"kept\":[\"alpha\"]"));
    assert_non_null(strstr(text, "\"added\":[\"more\"]"));
    more = raw_route(&bed.client, "more");
    assert_int_equal(raw_route(&bed.client, "alpha"), alpha); /* who knows a model goes on */
    alpha_round(bed.reference, &bed.client, alpha, 1, 1);
    alpha_round(other_reference, &bed.client, more, 1, 2);
    assert_int_equal(truncate(bed.daemon.config, 0), 0);
    append("models:\n");
    append_model(other, "more");
    assert_int_equal(reload(), 0);
    assert_non_null(strstr(text, "\"removed\":[\"alpha\"]"));
    alpha_round(other_reference, &bed.client, more, 1, 3);
    assert_int_equal(run(&bed.client, alpha), WISP_E_NO_MODEL);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* Who has found the model of before is told that there is another one; who asks finds that. */
static void a_model_that_is_written_over_is_another(void **state)
{
    uint32_t before, now;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    before = raw_route(&bed.client, "alpha");
    alpha_round(bed.reference, &bed.client, before, 1, 1);
    write_over(bed.alpha, other);
    alpha_round(bed.reference, &bed.client, before, 1, 2); /* nobody has asked for it */
    assert_int_equal(reload(), 0);
    assert_non_null(strstr(text, "\"loaded\":[\"alpha\"]"));
    assert_int_equal(run(&bed.client, before), WISP_E_CHANGED);
    now = raw_route(&bed.client, "alpha");
    assert_int_not_equal(now, before);
    alpha_round(other_reference, &bed.client, now, 1, 3);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    put_alpha();
}

/* What waits in the daemon at that moment is answered by the model that it was sent to. */
static void what_is_under_way_ends_where_it_began(void **state)
{
    enum { WAITING = 5 };
    struct wire_completion completion;
    uint32_t before;

    (void)state;
    bed_start("    batch:\n      max: 64\n      wait: 1s\n", NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    before = raw_route(&bed.client, "alpha");
    alpha_submit_many(&bed.client, before, WAITING);
    write_over(bed.alpha, other);
    assert_int_equal(reload(), 0);
    for (uint32_t i = 0; i < WAITING; i++) {
        struct wire_submission request;

        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
        assert_int_equal(completion.status, 0);
        request = alpha_request(before, 1, (uint32_t)completion.user_data);
        alpha_check(bed.reference, &bed.client, &request, 1);
    }
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    put_alpha();
}

/* What is said of the asking user, which is this one. */
static bool stats_say(const char *what)
{
    static struct raw_client client;
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    char *stats = NULL;
    bool said;

    assert_int_equal(raw_greet(&client, bed.daemon.socket, &hello), 0);
    assert_int_equal(raw_ask(&client, WIRE_STATS, NULL, &stats, NULL), 0);
    raw_close(&client);
    said = strstr(stats, what) != NULL;
    free(stats);
    return said;
}

/* Its file says this besides the socket and alpha. */
static void configure(const char *lines)
{
    assert_int_equal(truncate(bed.daemon.config, 0), 0);
    append("socket: ");
    append(bed.daemon.socket);
    append("\n");
    if (getenv("WISP_TEST_SHARDS")) {
        append("shards: ");
        append(getenv("WISP_TEST_SHARDS"));
        append("\n");
    }
    append(lines);
    append("models:\n");
    append_model(bed.alpha, "alpha");
}

/* For connections that are open, from then on; and a name that nobody has changes nothing. */
static void what_users_may_have_changes(void **state)
{
    char lines[200];

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    assert_true(stats_say("\"weight\":100,\"time_max_percent\":100,\"under_way_max\":65536"));
    configure("log: {slow: 1ns}\nlimits: {time_per_user: 80%}\n");
    assert_int_equal(reload(), 0);
    assert_non_null(strstr(text, "\"restart\":[]"));
    assert_true(stats_say("\"weight\":100,\"time_max_percent\":80,"));
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 1, 1);
    assert_true(daemon_logged(&bed.daemon, "a request of alpha, 1 sample, took")); /* all are slow by now */
    snprintf(lines, sizeof lines, "users: [{user: %u, weight: 250, under_way: 7}]\n", (unsigned)geteuid());
    configure(lines);
    assert_int_equal(reload(), 0);
    assert_true(stats_say("\"weight\":250,\"time_max_percent\":100,\"under_way_max\":7"));
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 1, 2);
    configure("users: [{user: nobody-has-this-name}]\n");
    assert_int_equal(reload(), WISP_E_CONFIG);
    assert_non_null(strstr(text, "there is no user \"nobody-has-this-name\""));
    assert_true(stats_say("\"weight\":250,"));
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static void sighup_reloads(void **state)
{
    (void)state;
    bed_start(NULL, NULL);
    append_model(other, "more");
    append("cache: false\n");
    daemon_signal(&bed.daemon, SIGHUP);
    assert_true(daemon_logged(&bed.daemon, "serving 2 models, 1 as before; added: more"));
    bed_serves();
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_round(other_reference, &bed.client, raw_route(&bed.client, "more"), 1, 1);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static void what_needs_a_restart_is_said(void **state)
{
    (void)state;
    bed_start(NULL, NULL);
    append("limits:\n  rows: 5\nspin: 1ms\n");
    assert_int_equal(reload(), 0);
    assert_non_null(strstr(text, "\"restart\":[\"spin\",\"limits.rows\"]"));
    assert_true(daemon_logged(&bed.daemon, "a restart is needed for what has changed of: spin, limits.rows"));
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 6, 1);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* ---- what is refused ---- */

/* Its file is whole, and its weights are not those that its golden input was answered with. */
static void who_answers_otherwise_than_golden_is_refused(void **state)
{
    struct model_recipe recipe = alpha_recipe;
    static struct raw_client client;
    uint32_t route;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&client, bed.daemon.socket);
    route = raw_route(&client, "alpha");
    recipe.golden = GOLDEN_WRONG;
    model_make(bed.alpha, &recipe);
    assert_int_not_equal(reload(), 0);
    assert_non_null(strstr(text, "alpha.safetensors: it answers its golden input with other bits"));
    assert_true(daemon_logged(&bed.daemon, "refused, the models of before go on"));
    alpha_round(bed.reference, &client, route, 1, 1);
    recipe.golden = GOLDEN_RIGHT;
    model_make(bed.alpha, &recipe);
    assert_int_equal(reload(), 0);
    raw_close(&client);
    alpha_open(&client, bed.daemon.socket);
    free(text);
    text = NULL;
    assert_int_equal(raw_ask(&client, WIRE_DESCRIBE, "alpha", &text, NULL), 0);
    assert_non_null(strstr(text, "\"golden\":true"));
    alpha_round(bed.reference, &client, raw_route(&client, "alpha"), 1, 2);
    raw_close(&client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    put_alpha();
}

/* Whatever is wrong, all of it is said, with its place, and the models of before go on. */
static void what_is_wrong_changes_nothing(void **state)
{
    static const struct {
        const char *lines;
        const char *said[2];
        int status;
    } wrong[] = {
        { "xlog: 1\nsocket: 7\n", { ":6:1: unknown key 'xlog'", ":7:" }, WISP_E_CONFIG },
        { "  - path: /nowhere\n  - path: /proc\n", { ":6: ", ":7: " }, WISP_E_FORMAT },
        { "  - path: alpha.cut\n    name: cut\n", { ":6: ", "alpha.cut" }, WISP_E_CONFIG },
        { "kernels: avx512\nloop: none\n", { ":7:", "loop" }, WISP_E_CONFIG },
    };
    static struct raw_client asker;
    uint32_t route;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&asker, bed.daemon.socket);
    route = raw_route(&asker, "alpha");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FILE *file = fopen(bed.daemon.config, "r+");
        long length;

        assert_non_null(file);
        fseek(file, 0, SEEK_END);
        length = ftell(file);
        fclose(file);
        append(wrong[i].lines);
        assert_int_equal(reload(), wrong[i].status);
        for (int j = 0; j < 2; j++) {
            if (!strstr(text, wrong[i].said[j]))
                fail_msg("no \"%s\" in: %s", wrong[i].said[j], text);
        }
        assert_true(daemon_logged(&bed.daemon, "refused, the models of before go on"));
        alpha_round(bed.reference, &asker, route, 1, i);
        assert_int_equal(truncate(bed.daemon.config, length), 0);
    }
    raw_close(&asker);
    assert_int_equal(reload(), 0);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* A user who is neither root nor the daemon's is told so, and nothing is read. */
static void others_may_not(void **state)
{
    static struct outcome outcome;
    char socket[128];
    struct command command = { .words = { "wisp", "reload", "--socket", socket }, .nobody = true };

    (void)state;
    if (getuid())
        skip();
    bed_start(NULL, "socket_mode: \"0666\"\n");
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    snprintf(socket, sizeof socket, "%s", bed.daemon.socket);
    append_model(other, "more");
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 77);
    assert_non_null(strstr(outcome.err, "only root and the user that wispd runs as"));
    assert_null(strstr(outcome.err, "nothing has changed"));
    command.nobody = false;
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "serving 2 models, 1 as before; added: more; in "));
    append("zzz: 1\n");
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 78);
    assert_non_null(strstr(outcome.err, "unknown key 'zzz'"));
    assert_non_null(strstr(outcome.err, "nothing has changed: wispd serves what it served"));
    assert_string_equal(outcome.out, "");
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* With --json what is wrong is on standard output too, a line each, for who reads that alone. */
static void what_is_refused_is_said_in_json(void **state)
{
    static struct outcome outcome;
    struct command command = { .words = { "wisp", "reload", "-j", "--socket", bed.daemon.socket } };
    const json_t *reasons;
    json_t *said;

    (void)state;
    bed_start(NULL, "socket_mode: \"0666\"\n");
    append("zzz: 1\nyyy: 2\n");
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 78);
    said = json_loads(outcome.out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(said, "refused")), "bad configuration");
    reasons = json_object_get(said, "reasons");
    assert_int_equal(json_array_size(reasons), 2);
    for (size_t i = 0; i < 2; i++) {
        const char *line = json_string_value(json_array_get(reasons, i));

        assert_non_null(strstr(line, i ? ": unknown key 'yyy'" : ": unknown key 'zzz'"));
        assert_null(strchr(line, '\n'));
        assert_non_null(strstr(outcome.err, line));
    }
    json_decref(said);
    if (!getuid()) {
        assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
        command.nobody = true;
        command_run(&command, &outcome);
        assert_int_equal(outcome.status, 77);
        said = json_loads(outcome.out, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(said, "refused")), "permission denied");
        assert_string_equal(json_string_value(json_array_get(json_object_get(said, "reasons"), 0)),
                            "only root and the user that wispd runs as may have it reload");
        json_decref(said);
    }
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* ---- many at once ---- */

enum { ASKERS = 8 };

static void send_question(const struct raw_client *client, enum wire_type type)
{
    struct wire_control ask = { .header = { WIRE_MAGIC, type, 0, sizeof ask }, .id = 1 };

    assert_int_equal(message_send(client->socket, &ask, sizeof ask, NULL, 0, 0), 0);
}

/* The status of its next answer, which is in client->message. */
static int next_answer(struct raw_client *client)
{
    struct pollfd poller = { .fd = client->socket, .events = POLLIN };
    struct reason why;

    assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
    assert_int_equal(message_receive(client->socket, &client->message, false, 0, &why), 0);
    return client->message.control.status;
}

/* Of those who ask while one is under way, everybody is answered, by one more that is made for all of them; and some
 * who go without waiting are no trouble. */
static void many_who_ask_get_one(void **state)
{
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    static struct raw_client askers[ASKERS];
    int waited = 0;

    (void)state;
    bed_start(NULL, NULL);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(raw_greet(&askers[i], bed.daemon.socket, &hello), 0);
    daemon_signal(&bed.daemon, SIGSTOP);
    for (int i = 0; i < 2 * ASKERS; i++)
        send_question(&askers[i / 2], WIRE_RELOAD);
    raw_close(&askers[0]);
    daemon_signal(&bed.daemon, SIGCONT);
    for (int round = 0; round < 2; round++) {
        for (int i = 1; i < ASKERS; i++) {
            assert_int_equal(next_answer(&askers[i]), 0);
            assert_int_equal(askers[i].message.header.type, WIRE_RELOAD | WIRE_REPLY);
        }
    }
    for (int i = 1; i < ASKERS; i++)
        raw_close(&askers[i]);
    bed_serves();
    while (daemon_log_count(&bed.daemon, "reload: serving") < 2 && waited++ < PATIENCE_MS)
        usleep(1000);                                                        /* a thread of its own writes the log */
    assert_in_range(daemon_log_count(&bed.daemon, "reload: serving"), 2, 6); /* fourteen have asked */
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    put_alpha();
}

/* What waits for its turn is one thing: who wants the other is told so, and not that nothing has changed. A load may be
 * over before the last question is read, which then is refused for itself: it is asked until one was not. */
static void what_has_been_asked_for_comes_first(void **state)
{
    enum { ASKING = 3, ROUNDS_MAX = 200 };
    static const enum wire_type types[ASKING] = { WIRE_RELOAD, WIRE_RELOAD, WIRE_ROLLBACK };
    static const char sentence[] = "a reload has been asked for and comes first: try again";
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    static struct raw_client askers[ASKING];
    int status = 0;

    (void)state;
    bed_start(NULL, NULL);
    for (int i = 0; i < ASKING; i++)
        assert_int_equal(raw_greet(&askers[i], bed.daemon.socket, &hello), 0);
    for (int round = 0; status != WISP_E_BUSY && round < ROUNDS_MAX; round++) {
        daemon_signal(&bed.daemon, SIGSTOP);
        for (int i = 0; i < ASKING; i++)
            send_question(&askers[i], types[i]);
        daemon_signal(&bed.daemon, SIGCONT);
        status = next_answer(&askers[2]);
        assert_true(status == WISP_E_BUSY || status == WISP_E_NO_MODEL); /* there is nothing to go back to */
        for (int i = 0; i < 2; i++)
            assert_int_equal(next_answer(&askers[i]), 0);
    }
    assert_int_equal(status, WISP_E_BUSY);
    assert_memory_equal(askers[2].message.bytes + sizeof(struct wire_control), sentence, strlen(sentence));
    for (int i = 0; i < ASKING; i++)
        raw_close(&askers[i]);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* A stop does not wait for a load, and who asked learns that the daemon went. */
static void a_stop_comes_first(void **state)
{
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    struct wire_control ask = { .header = { WIRE_MAGIC, WIRE_RELOAD, 0, sizeof ask }, .id = 1 };
    static struct raw_client client;
    struct reason why;

    (void)state;
    for (int i = 0; i < 10; i++) {
        bed_start(NULL, NULL);
        assert_int_equal(raw_greet(&client, bed.daemon.socket, &hello), 0);
        append_model(other, "more");
        assert_int_equal(message_send(client.socket, &ask, sizeof ask, NULL, 0, 0), 0);
        poll(NULL, 0, i);
        daemon_signal(&bed.daemon, SIGTERM);
        assert_int_equal(daemon_wait(&bed.daemon, 5000), 0);
        (void)message_receive(client.socket, &client.message, false, 0, &why); /* an answer, or the end */
        raw_close(&client);
        daemon_stop(&bed.daemon);
    }
}

/* Nothing is left of a set that has gone. */
static void nothing_adds_up(void **state)
{
    unsigned descriptors, mappings;

    (void)state;
    bed_start(NULL, NULL);
    for (int i = 0; i < 6; i++) { /* arenas of malloc, and what a first load makes */
        write_over(bed.alpha, other);
        assert_int_equal(reload(), 0);
        put_alpha();
        assert_int_equal(reload(), 0);
    }
    descriptors = daemon_descriptors(&bed.daemon);
    mappings = daemon_mappings(&bed.daemon);
    for (int i = 0; i < 10; i++) {
        write_over(bed.alpha, other);
        assert_int_equal(reload(), 0);
        assert_non_null(strstr(text, "\"loaded\":[\"alpha\"]"));
        put_alpha();
        assert_int_equal(reload(), 0);
    }
    assert_true(daemon_settles(&bed.daemon, descriptors, mappings + 2));
    bed_serves();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_come_and_go),
        cmocka_unit_test(a_model_that_is_written_over_is_another),
        cmocka_unit_test(what_is_under_way_ends_where_it_began),
        cmocka_unit_test(what_users_may_have_changes),
        cmocka_unit_test(sighup_reloads),
        cmocka_unit_test(what_needs_a_restart_is_said),
        cmocka_unit_test(who_answers_otherwise_than_golden_is_refused),
        cmocka_unit_test(what_is_wrong_changes_nothing),
        cmocka_unit_test(others_may_not),
        cmocka_unit_test(what_is_refused_is_said_in_json),
        cmocka_unit_test(many_who_ask_get_one),
        cmocka_unit_test(what_has_been_asked_for_comes_first),
        cmocka_unit_test(a_stop_comes_first),
        cmocka_unit_test(nothing_adds_up),
    };

    return run_over_both_loops(tests, setup, teardown);
}
