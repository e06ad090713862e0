/* SPDX-License-Identifier: Apache-2.0
 *
 * What `wispd -t` sees of a model as the service's user would. Becoming him is for good, and so in a process of its
 * own; only root can.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "daemon/models/impersonate.h"
#include "support/test.h"

static const char *folder;

/* The exit status of a process that becomes nobody, for good. */
static int become_nobody(int (*does)(void))
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (!child) {
        struct impersonation impersonation;
        struct reason why;

        _Exit(impersonate_begin(&impersonation, "nobody", &why) || !impersonation.user || impersonation.sandbox
                  ? 99
                  : does());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int is_nobody(void)
{
    struct impersonation impersonation;
    const struct passwd *nobody = getpwnam("nobody");
    struct reason why = { "" };

    if (!nobody || getuid() != nobody->pw_uid || geteuid() != nobody->pw_uid || getegid() != nobody->pw_gid ||
        !setuid(0))
        return 1;
    /* Whom he is already he becomes again; somebody else not. Without a name he stays. */
    if (impersonate_begin(&impersonation, "nobody", &why) || impersonate_begin(&impersonation, NULL, &why) ||
        impersonation.user)
        return 2;
    return impersonate_begin(&impersonation, "root", &why) == WISP_E_DENIED && strstr(why.text, "only root") ? 0 : 3;
}

/* Which of the sentences: 0: none; 1: a folder; 2: the file. */
static int says(const char *path)
{
    struct reason why = { "" };

    if (!impersonate_denied(path, &why))
        return *why.text ? 10 : 0;
    return strstr(why.text, "may not enter") && strstr(why.text, "chmod a+x") ? 1
           : strstr(why.text, "may not read it (mode 0600)")                  ? 2
                                                                              : 11;
}

/* To root himself; to nobody, whose permissions count for as long as it takes. */
static int says_to_nobody(const char *path)
{
    const struct passwd *nobody = getpwnam("nobody");
    int said;

    assert_non_null(nobody);
    assert_int_equal(seteuid(nobody->pw_uid), 0);
    said = says(path);
    assert_int_equal(seteuid(0), 0);
    return said;
}

static int make_folder(void **state)
{
    (void)state;
    folder = scratch_make();
    return 0;
}

static int put_away(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void test_who_becomes_whom(void **state)
{
    struct impersonation impersonation;
    struct reason why = { "" };

    (void)state;
    assert_int_equal(impersonate_begin(&impersonation, "no such user", &why), WISP_E_DENIED);
    assert_string_equal(why.text, "there is no user no such user");
    if (geteuid())
        skip();
    assert_int_equal(become_nobody(is_nobody), 0);
}

/* Of a file that may be read, one that may not, one in a folder that may not be entered, and one that is not there. */
static void test_what_stands_in_the_way(void **state)
{
    char path[300], closed[300];
    FILE *file;

    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(path, sizeof path, "%s", scratch_path(folder, "model"));
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(says(path), 0); /* to root */
    assert_int_equal(chmod(path, 0644), 0);
    if (says_to_nobody(path) == 1)
        skip(); /* $TMPDIR is where he has no way to */
    assert_int_equal(says_to_nobody(path), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(says_to_nobody(path), 2);
    snprintf(closed, sizeof closed, "%s", scratch_path(folder, "closed"));
    assert_int_equal(mkdir(closed, 0700), 0);
    assert_int_equal(says_to_nobody(scratch_path(folder, "closed/model")), 1);
    assert_int_equal(says_to_nobody(scratch_path(folder, "missing")), 0);
    assert_int_equal(rmdir(closed), 0);
}

/* Whatever stands below one of them, by whichever way, is hidden; what only begins so is not. */
static void test_what_the_sandbox_hides(void **state)
{
    static const struct {
        const char *path;
        unsigned hidden;
    } rows[] = {
        { "/home/me/model", 1 },    { "/home", 1 },
        { "/homes/model", 0 },      { "/root/model", 1 },
        { "/var/tmp/model", 1 },    { "/var/lib/wisp/models/model", 0 },
        { "/run/user/0/model", 1 }, { "/run/users/model", 0 },
        { "/tmpfiles/model", 0 },   { "/nowhere/at/all", 0 },
    };
    struct config config;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(config_init(&config), 0);
        config.models = calloc(1, sizeof *config.models);
        config.model_count = 1;
        config_model_init(config.models);
        config.models->path = strdup(rows[i].path);
        assert_int_equal(impersonate_hidden(&config), rows[i].hidden);
        config_deinit(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_becomes_whom),
        cmocka_unit_test(test_what_stands_in_the_way),
        cmocka_unit_test(test_what_the_sandbox_hides),
    };

    return cmocka_run_group_tests(tests, make_folder, put_away);
}
