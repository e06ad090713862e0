/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that come into being whole or not at all: by their own errors, by signals that nobody expects, and on systems
 * that have no files without a name.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/size.h"
#include "support/test.h"

static size_t entries_of(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t count = 0;

    assert_non_null(entries);
    while (readdir(entries))
        count++;
    closedir(entries);
    return count - 2; /* . and .. */
}

static void test_a_file_is_replaced_whole_or_not_at_all(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "a");
    struct file_replacement replacement;
    cleanup_free void *data = NULL;
    struct stat status;
    struct reason why;
    size_t size;

    (void)state;
    assert_ok(file_write(path, &(struct file_part){ "old", 3 }, 1, &why), why);
    assert_ok(file_replace(path, &replacement, &why), why);
    assert_int_equal(write(replacement.fd, "half", 4), 4);
    assert_int_equal(file_replace_end(&replacement, -ENOSPC, &why), -ENOSPC);
    assert_non_null(strstr(why.text, "cannot write"));
    assert_int_equal(entries_of(folder), 1);
    assert_ok(file_read(path, 10, &data, &size, &why), why);
    assert_string_equal(data, "old");

    assert_ok(file_replace(path, &replacement, &why), why);
    assert_int_equal(write(replacement.fd, "new", 3), 3);
    assert_ok(file_replace_end(&replacement, 0, &why), why);
    assert_int_equal(entries_of(folder), 1);
    free(steal(&data));
    assert_ok(file_read(path, 10, &data, &size, &why), why);
    assert_string_equal(data, "new");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0600, 0600);
    scratch_remove(folder);
}

/* What is too long for a name is refused before anything is written. */
static void test_long_names(void **state)
{
    const char *folder = scratch_make();
    const struct file_part part = { "content", 7 };
    struct file_replacement replacement;
    char name[NAME_MAX + 1];
    struct reason why;

    (void)state;
    memset(name, 'n', sizeof name);
    name[NAME_MAX - 7] = '\0';
    assert_ok(file_write(scratch_path(folder, name), &part, 1, &why), why);
    assert_ok(file_write(scratch_path(folder, name), &part, 1, &why), why);
    name[NAME_MAX - 7] = 'n';
    name[NAME_MAX - 6] = '\0';
    assert_int_equal(file_replace(scratch_path(folder, name), &replacement, &why), -ENAMETOOLONG);
    scratch_remove(folder);
}

/* ---- systems, as seccomp makes them ---- */

enum { LOW_OF_FLAGS = offsetof(struct seccomp_data, args[2]), NUMBER = offsetof(struct seccomp_data, nr) };

#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* As NFS: no file without a name. */
static struct sock_filter no_unnamed[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_OF_FLAGS),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
    ANSWER(EOPNOTSUPP),
    ALLOW,
};

static struct sock_filter anything[] = { ALLOW };

/* What a process has one of for all its threads is left as it is. */
static struct sock_filter no_umask[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_umask, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    ALLOW,
};

/* As AppArmor: one that no name may be given. */
static struct sock_filter no_link[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 0, 1),
    ANSWER(EACCES),
    ALLOW,
};

/* ---- signals ---- */

enum { CONTENT = 300000, KILLS = 40, LONGEST_US = 20000 };

static unsigned char content[CONTENT];

static void assert_has_content(const char *path)
{
    cleanup_free void *data = NULL;
    struct reason why;
    size_t size;

    assert_ok(file_read(path, CONTENT + 1, &data, &size, &why), why);
    assert_int_equal(size, CONTENT);
    assert_memory_equal(data, content, CONTENT);
}

/* In the child: one file after the other, until somebody ends it. */
_Noreturn static void write_files(const char *folder, unsigned first)
{
    for (unsigned i = first;; i++) {
        char path[PATH_MAX];
        struct reason why;

        snprintf(path, sizeof path, "%s/%u", folder, i);
        if (file_write(path, &(struct file_part){ content, CONTENT }, 1, &why))
            _exit(1);
    }
}

/* Of how many files there are: each has a name that was meant, and is whole. */
static size_t assert_all_whole(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(entries);
    while ((entry = readdir(entries))) {
        if (entry->d_name[0] == '.')
            continue;
        if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name))
            fail_msg("%s was left", entry->d_name);
        assert_has_content(scratch_path(folder, entry->d_name));
        count++;
    }
    closedir(entries);
    return count;
}

/* SIGKILL may come while a file has a name beside its own; on the usual system that is between two system calls. */
static void kill_writers(const int *signals, size_t count, const struct sock_fprog *filter)
{
    const char *folder = scratch_make();
    int status;

    srandom(1);
    for (unsigned i = 0; i < KILLS; i++) {
        const int signal_number = signals[i % count];
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (!pid) {
            if (filter &&
                (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter)))
                _exit(2);
            write_files(folder, i * 1000);
        }
        usleep((useconds_t)(random() % LONGEST_US));
        assert_int_equal(kill(pid, signal_number), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signal_number);
    }
    assert_true(assert_all_whole(folder) > 0);
    scratch_remove(folder);
}

static void test_who_is_killed_leaves_nothing(void **state)
{
    static const int signals[] = { SIGKILL, SIGTERM, SIGINT };

    (void)state;
    kill_writers(signals, ARRAY_SIZE(signals), NULL);
}

static void test_who_is_interrupted_leaves_nothing_on_nfs(void **state)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
    static const struct sock_fprog filter = { ARRAY_SIZE(no_unnamed), no_unnamed };

    (void)state;
    kill_writers(signals, ARRAY_SIZE(signals), &filter);
}

static void test_who_is_killed_leaves_what_there_was(void **state)
{
    const char *folder = scratch_make(), *path = scratch_path(folder, "1");
    struct reason why;
    int said[2], status;
    char byte;
    pid_t pid;

    (void)state;
    assert_ok(file_write(path, &(struct file_part){ content, CONTENT }, 1, &why), why);
    assert_int_equal(pipe(said), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        struct file_replacement replacement;

        if (file_replace(path, &replacement, NULL) || write(replacement.fd, "half", 4) != 4 ||
            write(said[1], "w", 1) != 1)
            _exit(1);
        pause();
        _exit(1);
    }
    assert_int_equal(read(said[0], &byte, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(assert_all_whole(folder), 1);
    close(said[0]);
    close(said[1]);
    scratch_remove(folder);
}

/* ---- systems that are otherwise ---- */

/* In a child, under the filter: a file is replaced, and another made. */
_Noreturn static void write_under(const struct sock_fprog *filter, const char *old, const char *new)
{
    static const struct sock_fprog of_all = { ARRAY_SIZE(no_umask), no_umask };
    const struct file_part part = { content, CONTENT };

    umask(027);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &of_all))
        _exit(2);
    _exit(file_write(old, &part, 1, NULL) || file_write(new, &part, 1, NULL));
}

static void test_a_file_is_replaced_on_any_system(void **state)
{
    static const struct sock_fprog filters[] = {
        { ARRAY_SIZE(no_unnamed), no_unnamed },
        { ARRAY_SIZE(no_link), no_link },
        { ARRAY_SIZE(anything), anything },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
        const char *folder = scratch_make(), *old = scratch_path(folder, "1"), *new = scratch_path(folder, "2");
        struct reason why;
        struct stat status;
        pid_t pid;
        int end;

        assert_ok(file_write(old, &(struct file_part){ "old", 3 }, 1, &why), why);
        pid = fork();
        assert_true(pid >= 0);
        if (!pid)
            write_under(&filters[i], old, new);
        assert_int_equal(waitpid(pid, &end, 0), pid);
        assert_int_equal(end, 0);
        assert_int_equal(assert_all_whole(folder), 2);
        assert_int_equal(stat(old, &status) || (status.st_mode & 0777) != 0640, 0);
        assert_int_equal(stat(new, &status) || (status.st_mode & 0777) != 0640, 0);
        scratch_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_replaced_whole_or_not_at_all),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_who_is_killed_leaves_nothing),
        cmocka_unit_test(test_who_is_interrupted_leaves_nothing_on_nfs),
        cmocka_unit_test(test_who_is_killed_leaves_what_there_was),
        cmocka_unit_test(test_a_file_is_replaced_on_any_system),
    };

    for (size_t i = 0; i < CONTENT; i++)
        content[i] = (unsigned char)(i * 7 + i / 251);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
