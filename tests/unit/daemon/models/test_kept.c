/* SPDX-License-Identifier: Apache-2.0
 *
 * Where sets of models are kept on disk: in a folder that is this user's alone, or nowhere.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/models/kept.h"

static const char *folder;
static char state[KEPT_FOLDER_MAX]; /* $XDG_STATE_HOME */
static char inside[KEPT_FOLDER_MAX];

static int setup(void **unused)
{
    (void)unused;
    folder = scratch_make();
    snprintf(state, sizeof state, "%s", scratch_path(folder, "state"));
    snprintf(inside, sizeof inside, "%s", scratch_path(folder, "state/wisp"));
    unsetenv("STATE_DIRECTORY");
    setenv("XDG_STATE_HOME", state, 1);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    unsetenv("STATE_DIRECTORY");
    unsetenv("XDG_STATE_HOME");
    scratch_remove(folder);
    return 0;
}

static bool can_keep(const char *where)
{
    char found[KEPT_FOLDER_MAX];
    int fd = kept_open(found);

    if (fd < 0)
        return false;
    assert_string_equal(found, where);
    close(fd);
    return true;
}

static void it_is_made_with_what_it_is_in(void **unused)
{
    struct stat status;

    (void)unused;
    assert_true(can_keep(inside));
    assert_true(can_keep(inside));
    assert_int_equal(stat(state, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(stat(inside, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void it_is_one_process_s(void **unused)
{
    char found[KEPT_FOLDER_MAX];
    int fd = kept_open(found);

    (void)unused;
    assert_true(fd >= 0);
    assert_false(can_keep(inside)); /* a lock is a descriptor's */
    close(fd);
    assert_true(can_keep(inside));
}

/* Somebody has put a link where it would be, to something that is this user's too. */
static void no_link_leads_elsewhere(void **unused)
{
    const char *other = scratch_path(folder, "other");

    (void)unused;
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(mkdir(state, 0700), 0);
    assert_int_equal(symlink(other, inside), 0);
    assert_false(can_keep(inside));
    setenv("STATE_DIRECTORY", inside, 1); /* systemd does so, of a dynamic user */
    assert_true(can_keep(inside));
    assert_int_equal(chmod(other, 0770), 0);
    assert_false(can_keep(inside));
}

static void nobody_else_can_put_anything_there(void **unused)
{
    static const mode_t wide[] = { 0777, 0770, 0702, 01777 };

    (void)unused;
    assert_true(can_keep(inside));
    for (unsigned i = 0; i < sizeof wide / sizeof *wide; i++) {
        assert_int_equal(chmod(inside, wide[i]), 0);
        assert_false(can_keep(inside));
    }
    assert_int_equal(chmod(inside, 0755), 0);
    assert_true(can_keep(inside));
    if (geteuid() == 0) { /* who else can give files away? */
        assert_int_equal(chown(inside, 12345, 0), 0);
        assert_false(can_keep(inside));
    }
}

static void what_is_no_folder_is_none(void **unused)
{
    FILE *file;

    (void)unused;
    assert_int_equal(mkdir(state, 0700), 0);
    file = fopen(inside, "w");
    assert_non_null(file);
    fclose(file);
    assert_false(can_keep(inside));
    setenv("XDG_STATE_HOME", "state", 1);
    assert_false(can_keep(inside));
    unsetenv("XDG_STATE_HOME");
    assert_false(can_keep(inside));
}

#define KEPT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(it_is_made_with_what_it_is_in), KEPT_TEST(it_is_one_process_s),
        KEPT_TEST(no_link_leads_elsewhere),       KEPT_TEST(nobody_else_can_put_anything_there),
        KEPT_TEST(what_is_no_folder_is_none),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
