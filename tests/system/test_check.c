/* SPDX-License-Identifier: Apache-2.0
 *
 * wispd -t: names everything that is wrong, each thing once and with what to do; checks as another user; and what no
 * restart will mend has one exit status, in the check and in service.
 */
#include "support/test.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/models/impersonate.h"
#include "support/command.h"
#include "system/alpha.h"

static struct outcome outcome;
static char config[256];

static int make(void **state)
{
    bed_make(state);
    assert_int_equal(chmod(bed.folder, 0755), 0);
    assert_int_equal(chmod(bed.alpha, 0644), 0);
    snprintf(config, sizeof config, "%s", scratch_path(bed.folder, "check.yaml"));
    return 0;
}

static void write_config(const char *text)
{
    FILE *file = fopen(config, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* With these words after "wispd -t -u USER -c CONFIG". */
static int check_as(const char *user, const char *more)
{
    command_run(&(struct command){ .words = { "wispd", "-t", "-u", user, "-c", config, more } }, &outcome);
    return outcome.status;
}

static const char *self(void)
{
    return getpwuid(geteuid())->pw_name;
}

static unsigned times(const char *text)
{
    unsigned count = 0;

    for (const char *at = outcome.err; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void says(const char *text)
{
    if (times(text) != 1)
        fail_msg("\"%s\" stands %u times in:\n%s", text, times(text), outcome.err);
}

/* ---- everything, once ---- */

static void every_error_of_the_file_is_said_once(void **state)
{
    (void)state;
    write_config("sokcet: /tmp/x\nlimits:\n  channels: 0\n  rows: many\n");
    assert_int_equal(check_as(self(), NULL), 78);
    says("check.yaml:1:1: unknown key 'sokcet'");
    says("check.yaml:3:");
    says("check.yaml:4:");
    assert_int_equal(times("wispd: error: "), 3);
}

static void every_model_that_cannot_be_served_is_named(void **state)
{
    const char *twin = scratch_path(bed.folder, "twin.safetensors");
    char text[2048];

    (void)state;
    assert_int_equal(link(bed.alpha, twin), 0);
    snprintf(text, sizeof text,
             "models:\n  - path: absent.safetensors\n  - path: %s\n  - path: check.yaml\n  - path: %s\n"
             "    name: two\n  - path: %s\n  - path: gone/too.safetensors\n",
             bed.alpha, bed.alpha, twin);
    write_config(text);
    assert_int_equal(check_as(self(), NULL), 78);
    says("check.yaml:2: ");
    says("absent.safetensors: No such file");
    says("check.yaml:4: ");
    says("check.yaml:7: ");
    says("both called \"alpha\"");
    says("check.yaml:8: ");
    says("3 of 6 models cannot be served");
    assert_int_equal(times("wispd: error: "), 5);
    /* In service the same, and the same exit status. */
    command_run(&(struct command){ .words = { "wispd", "-c", config, "-s", scratch_path(bed.folder, "s") } }, &outcome);
    assert_int_equal(outcome.status, 78);
    says("check.yaml:2: ");
    says("check.yaml:8: ");
}

static void it_names_what_it_checked(void **state)
{
    (void)state;
    write_config("log: {level: info}\n");
    assert_int_equal(check_as(self(), NULL), 0);
    assert_non_null(strstr(outcome.out, "check.yaml is good: 0 models"));
    says("no models are configured");
    assert_int_equal(check_as(self(), "-q"), 0);
    assert_string_equal(outcome.out, "");
    assert_string_equal(outcome.err, "");
    command_run(&(struct command){ .words = { "wispd", "-t", "-u", self(), "-m", bed.alpha } }, &outcome);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.out, "what the command line says is good: 1 model"));
    assert_string_equal(outcome.err, "");
}

/* ---- what cannot be read ---- */

/* A configuration that cannot be read is as wrong as one that says nonsense: no restart will help. */
static void what_cannot_be_read_is_78(void **state)
{
    const char *folder = scratch_path(bed.folder, "folder.yaml");
    const char *const paths[] = {
        "/absent.yaml", "/absent/folder/too.yaml", folder, config, bed.alpha, "/proc/self/mem"
    };

    (void)state;
    assert_true(!mkdir(folder, 0755) || errno == EEXIST);
    write_config("\tnot: [yaml");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        command_run(&(struct command){ .words = { "wispd", "-t", "-u", self(), "-c", paths[i] } }, &outcome);
        assert_int_equal(outcome.status, 78);
        assert_non_null(strstr(outcome.err, strrchr(paths[i], '/') + 1));
        command_run(&(struct command){ .words = { "wispd", "-c", paths[i] } }, &outcome);
        assert_int_equal(outcome.status, 78);
        assert_non_null(strstr(outcome.err, strrchr(paths[i], '/') + 1));
    }
}

/* ---- as another user ---- */

static void needs_root(void)
{
    if (geteuid())
        skip();
}

static void a_configuration_that_is_denied_says_what_to_do(void **state)
{
    (void)state;
    needs_root();
    write_config("log: {level: info}\n");
    assert_int_equal(chmod(config, 0600), 0);
    assert_int_equal(check_as(self(), NULL), 0);
    assert_int_equal(check_as("nobody", NULL), 78);
    says("user nobody may not read it (mode 0600): chmod a+r");
    assert_int_equal(times("wispd: error: "), 1);
    command_run(&(struct command){ .words = { "wispd", "-c", config }, .nobody = true }, &outcome);
    assert_int_equal(outcome.status, 78);
    says("user nobody may not read it");
    assert_int_equal(chmod(config, 0644), 0);
    assert_int_equal(check_as("nobody", NULL), 0);
    assert_non_null(strstr(outcome.out, "check.yaml is good: 0 models, as user nobody"));
}

static void a_model_that_is_denied_says_what_to_do(void **state)
{
    char closed[256], hint[512], text[1024];

    (void)state;
    needs_root();
    snprintf(text, sizeof text, "models:\n  - path: %s\n", bed.alpha);
    write_config(text);
    assert_int_equal(chmod(bed.alpha, 0600), 0);
    assert_int_equal(check_as(self(), NULL), 0);
    assert_int_equal(check_as("nobody", NULL), 78);
    says("user nobody may not read it (mode 0600): chmod a+r");
    assert_int_equal(chmod(bed.alpha, 0644), 0);
    assert_int_equal(check_as("nobody", NULL), 0);

    snprintf(closed, sizeof closed, "%s", scratch_path(bed.folder, "closed"));
    assert_int_equal(mkdir(closed, 0700), 0);
    snprintf(text, sizeof text, "models:\n  - path: %s/sub/model.safetensors\n", closed);
    write_config(text);
    assert_int_equal(check_as("nobody", NULL), 78);
    snprintf(hint, sizeof hint, "user nobody may not enter %s: chmod a+x", closed);
    says(hint);
}

static void only_root_checks_as_another(void **state)
{
    (void)state;
    needs_root();
    write_config("log: {level: info}\n");
    command_run(&(struct command){ .words = { "wispd", "-t", "-u", "root", "-c", config }, .nobody = true }, &outcome);
    assert_int_equal(outcome.status, 1);
    says("only root can check as user root");
    assert_int_equal(check_as("no-such-user", NULL), 1);
    says("there is no user no-such-user");
    command_run(&(struct command){ .words = { "wispd", "-u", "nobody", "-c", config } }, &outcome);
    assert_int_equal(outcome.status, 2);
}

/* ---- the service ---- */

static bool unit_says(const char *line)
{
    FILE *unit = fopen(source_path("systemd/wispd.service"), "r");
    char text[1024];
    bool found = false;

    assert_non_null(unit);
    while (fgets(text, sizeof text, unit)) {
        text[strcspn(text, "\n")] = 0;
        found = found || !strncmp(text, line, strlen(line));
    }
    fclose(unit);
    return found;
}

/* What the check knows of the sandbox is what the unit says, and the unit hides nothing else that a model could be in.
 */
static void the_check_knows_the_unit(void **state)
{
    static const char *const unknown[] = { "InaccessiblePaths=",  "TemporaryFileSystem=", "RootDirectory=",
                                           "RootImage=",          "DynamicUser=yes",      "BindPaths=",
                                           "SupplementaryGroups=" };

    (void)state;
    assert_true(unit_says("User=" SERVICE_USER));
    for (const struct hidden_folder *hidden = hidden_folder; hidden->folder; hidden++)
        assert_true(unit_says(hidden->directive));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_false(unit_says(unknown[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_of_the_file_is_said_once),
        cmocka_unit_test(every_model_that_cannot_be_served_is_named),
        cmocka_unit_test(it_names_what_it_checked),
        cmocka_unit_test(what_cannot_be_read_is_78),
        cmocka_unit_test(a_configuration_that_is_denied_says_what_to_do),
        cmocka_unit_test(a_model_that_is_denied_says_what_to_do),
        cmocka_unit_test(only_root_checks_as_another),
        cmocka_unit_test(the_check_knows_the_unit),
    };

    return cmocka_run_group_tests(tests, make, bed_remove);
}
