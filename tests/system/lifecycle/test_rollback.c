/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon goes back to what it served before: though its files are others by then, and over restarts.
 */
#include "support/test.h"

#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/models/copy.h"
#include "support/both_loops.h"
#include "support/command.h"
#include "system/alpha.h"

enum { SETS = 3 };

static char *text; /* of the last answer */
static char state_folder[160];
static char models[SETS][192]; /* of alpha's shape, with weights of their own */
static struct reference *references[SETS];

static int setup(void **state)
{
    bed_make(state);
    for (int i = 0; i < SETS; i++) {
        struct model_recipe recipe = alpha_recipe;
        char name[32];

        recipe.seed += (uint64_t)i;
        snprintf(name, sizeof name, "set%d.safetensors", i);
        snprintf(models[i], sizeof models[i], "%s", scratch_path(bed.folder, name));
        model_make(models[i], &recipe);
        references[i] = reference_new(models[i]);
    }
    snprintf(state_folder, sizeof state_folder, "%s", scratch_path(bed.folder, "state"));
    setenv("XDG_STATE_HOME", state_folder, 1);
    return 0;
}

static int teardown(void **state)
{
    for (int i = 0; i < SETS; i++)
        references[i] = reference_free(references[i]);
    free(text);
    text = NULL;
    unsetenv("XDG_STATE_HOME");
    return bed_remove(state);
}

static void shell(const char *format, const char *a, const char *b)
{
    char line[600];

    snprintf(line, sizeof line, "%s %s %s", format, a, b);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c): its words are this test's */
}

/* What stands in the model's place: over what was there, as an operator does it. */
static void put(int set)
{
    shell("cp", models[set], bed.alpha);
}

static int ask(enum wire_type type)
{
    static struct raw_client client;
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    int status;

    free(text);
    text = NULL;
    assert_int_equal(raw_greet(&client, bed.daemon.socket, &hello), 0);
    status = raw_ask(&client, type, NULL, &text, NULL);
    raw_close(&client);
    return status;
}

/* A daemon that serves set 0, with nothing kept of before. */
static void start(const char *yaml)
{
    put(0);
    shell("rm -rf", state_folder, "");
    assert_int_equal(mkdir(state_folder, 0700), 0);
    bed_start(NULL, yaml);
    assert_int_equal(ask(WIRE_RELOAD), 0); /* what it was started with has been kept before that */
}

static void serves(int set)
{
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_round(references[set], &bed.client, raw_route(&bed.client, "alpha"), 3, 1);
    raw_close(&bed.client);
}

static void restart(void)
{
    daemon_kill(&bed.daemon);
    daemon_restart(&bed.daemon);
}

static void what_was_written_over_comes_back(void **state)
{
    (void)state;
    start(NULL);
    put(1);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    serves(1);
    put(2); /* not even what was rolled back from stands there any more */
    assert_int_equal(ask(WIRE_ROLLBACK), 0);
    assert_non_null(strstr(text, "\"loaded\":[\"alpha\"]"));
    assert_true(daemon_logged(&bed.daemon, "rollback: serving 1 model, 0 as before; loaded: alpha; in "));
    serves(0);
    assert_int_equal(ask(WIRE_ROLLBACK), WISP_E_NO_MODEL);
    assert_true(daemon_logged(&bed.daemon, "rollback: refused, the models of before go on"));
    assert_non_null(strstr(text, "there is no set of models before this one"));
    assert_int_equal(ask(WIRE_STATUS), 0); /* no reload was refused */
    assert_non_null(strstr(text, "\"reloads_refused\":0,\"rollbacks_refused\":1"));
    serves(0);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    serves(2);
    assert_int_equal(ask(WIRE_ROLLBACK), 0); /* to what served before that, which was the first again */
    serves(0);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static void what_was_before_is_known_after_a_restart(void **state)
{
    (void)state;
    start(NULL);
    put(1);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    assert_int_equal(ask(WIRE_RELOAD), 0); /* the same again is no other set */
    restart();
    serves(1);
    assert_int_equal(ask(WIRE_ROLLBACK), 0);
    serves(0);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* A change that came with a restart, too. */
static void a_restart_is_a_change_like_any_other(void **state)
{
    (void)state;
    start(NULL);
    put(1);
    restart();
    serves(1);
    assert_int_equal(ask(WIRE_ROLLBACK), 0);
    serves(0);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* A crash does not bring back what somebody has rolled back from; a change of the files does count, and so does a
 * reload. */
static void a_rollback_outlasts_the_daemon(void **state)
{
    (void)state;
    start(NULL);
    put(1);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    assert_int_equal(ask(WIRE_ROLLBACK), 0);
    for (int i = 0; i < 3; i++) {
        restart();
        serves(0);
    }
    assert_true(daemon_logged(&bed.daemon, "the configured models were rolled back from"));
    assert_int_equal(ask(WIRE_STATUS), 0);
    assert_non_null(strstr(text, "\"rolled_back\":true"));
    put(2);
    restart();
    serves(2);
    assert_int_equal(ask(WIRE_STATUS), 0);
    assert_non_null(strstr(text, "\"rolled_back\":false"));
    assert_int_equal(ask(WIRE_ROLLBACK), 0);
    serves(0);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    serves(2);
    restart();
    serves(2);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static unsigned count_copies(void)
{
    char path[200];
    unsigned count = 0;
    DIR *folder;

    snprintf(path, sizeof path, "%s/wisp/files", state_folder);
    folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += *entry->d_name != '.';
    closedir(folder);
    return count;
}

/* No more than two sets. */
static void copies_do_not_add_up(void **state)
{
    (void)state;
    start(NULL);
    for (int i = 0; i < 4 * SETS; i++) {
        put((i + 1) % SETS);
        assert_int_equal(ask(WIRE_RELOAD), 0);
    }
    assert_int_equal(count_copies(), 2);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* A copy that is damaged is refused as any file, and what serves goes on. */
static void a_damaged_copy_changes_nothing(void **state)
{
    (void)state;
    start(NULL);
    put(1);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    assert_non_null(strstr(text, "\"can_roll_back\":true"));
    shell("truncate -s 1000", "$XDG_STATE_HOME/wisp/files/*/*", "");
    assert_int_equal(ask(WIRE_ROLLBACK), WISP_E_FORMAT);
    assert_non_null(strstr(text, "before.yaml:"));
    serves(1);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static void where_nothing_is_kept_it_is_said(void **state)
{
    (void)state;
    start("rollback: false\n");
    put(1);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    assert_non_null(strstr(text, "\"can_roll_back\":false"));
    assert_int_equal(ask(WIRE_ROLLBACK), WISP_E_NO_MODEL);
    assert_non_null(strstr(text, "nothing is kept to go back to"));
    serves(1);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* In the words of what was asked for, and with --json on standard output too. */
static void refuses(bool nobody, int status, const char *refused, const char *reason)
{
    static struct outcome outcome;
    const struct command command = { .words = { "wisp", "rollback", "-j", "--socket", bed.daemon.socket },
                                     .nobody = nobody };
    json_t *said;

    command_run(&command, &outcome);
    assert_int_equal(outcome.status, status);
    said = json_loads(outcome.out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(said, "refused")), refused);
    assert_int_equal(json_array_size(json_object_get(said, "reasons")), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(said, "reasons"), 0)), reason);
    assert_non_null(strstr(outcome.err, reason));
    json_decref(said);
}

static void what_is_refused_is_said_in_json(void **state)
{
    static struct outcome outcome;
    const struct command command = { .words = { "wisp", "rollback", "-j", "--socket", bed.daemon.socket } };

    (void)state;
    start("socket_mode: \"0666\"\n");
    refuses(false, 65, "no such model", "there is no set of models before this one to go back to");
    put(1);
    assert_int_equal(ask(WIRE_RELOAD), 0);
    if (!getuid()) {
        assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
        refuses(true, 77, "permission denied", "only root and the user that wispd runs as may have it roll back");
    }
    serves(1);
    command_run(&command, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.err, "");
    assert_non_null(strstr(outcome.out, "\"loaded\": [\n    \"alpha\"\n  ]"));
    serves(0);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* What is copied is what was loaded, or nothing. */
static void a_copy_is_of_the_model_that_serves(void **state)
{
    const char *identity = "xxh3-128:00000000000000000000000000000000";
    const char *to = scratch_path(bed.folder, "copy.safetensors");
    struct reason why;

    (void)state;
    assert_int_equal(copy_of_model(models[0], to, identity, &why), WISP_E_CHANGED);
    assert_int_equal(access(to, F_OK), -1);
    assert_int_equal(copy_of_model("/dev/null", to, identity, &why), WISP_E_CHANGED);
    assert_int_equal(copy_of_model("/nowhere/at/all", to, identity, &why), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_over_comes_back),
        cmocka_unit_test(what_was_before_is_known_after_a_restart),
        cmocka_unit_test(a_restart_is_a_change_like_any_other),
        cmocka_unit_test(a_rollback_outlasts_the_daemon),
        cmocka_unit_test(copies_do_not_add_up),
        cmocka_unit_test(a_damaged_copy_changes_nothing),
        cmocka_unit_test(where_nothing_is_kept_it_is_said),
        cmocka_unit_test(what_is_refused_is_said_in_json),
        cmocka_unit_test(a_copy_is_of_the_model_that_serves),
    };

    return run_over_both_loops(tests, setup, teardown);
}
