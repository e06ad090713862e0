/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/both_loops.h"
#include "support/daemon.h"
#include "support/manager.h"

/* Generous: a sanitized daemon on a busy machine. */
enum { START_MS = 30000, STOP_MS = 15000, SETTLE_MS = 20000, ARGUMENTS_MAX = 32 };

const char *loop_now;

static void pause_ms(int ms)
{
    struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    nanosleep(&time, NULL);
}

static void show_log(const struct test_daemon *daemon)
{
    FILE *file = fopen(daemon->log, "r");
    char line[1024];

    while (file && fgets(line, sizeof line, file))
        fprintf(stderr, "    | %s", line);
    if (file)
        fclose(file);
}

/* ---- starting ---- */

static void write_config(const struct test_daemon *daemon)
{
    const char *level = daemon->setup.level ? daemon->setup.level : "debug";
    const char *shards = getenv("WISP_TEST_SHARDS");
    FILE *file = fopen(daemon->config, "w");

    assert_non_null(file);
    /* Either way three lines: tests know on which line what follows stands. */
    fprintf(file, "socket: %s\n", daemon->socket);
    if (shards)
        fprintf(file, "shards: %s\nlog: {level: %s}\n", shards, level);
    else
        fprintf(file, "log:\n  level: %s\n", level);
    if (daemon->setup.yaml)
        fputs(daemon->setup.yaml, file);
    if (daemon->setup.model_count)
        fputs("models:\n", file);
    for (size_t i = 0; i < daemon->setup.model_count; i++) {
        fprintf(file, "  - path: %s\n", daemon->setup.models[i]);
        if (daemon->setup.model_yaml)
            fputs(daemon->setup.model_yaml, file);
    }
    assert_int_equal(fclose(file), 0);
}

static void set_or_leave(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
}

/* In the child. It ends with the test, however that ends. */
static void __attribute__((noreturn)) become(const struct test_daemon *daemon)
{
    int log = open(daemon->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDOUT_FILENO);
    dup2(daemon->setup.log_fd > 0 ? daemon->setup.log_fd : log, STDERR_FILENO);
    set_or_leave("WISP_LOOP", daemon->setup.loop);
    set_or_leave("WISP_CPU", daemon->setup.kernels);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("LISTEN_FDS");
    unsetenv("FDSTORE");
    if (daemon->setup.manager)
        manager_pass(daemon->setup.manager);
    execl(binary_path("bin/wispd"), "wispd", "--config", daemon->config, (char *)NULL);
    _exit(127);
}

/* Whether this very process listens: one that was killed with io_uring polls under way leaves a listener for a moment.
 */
static bool answers(const struct test_daemon *daemon)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct ucred peer = { .pid = 0 };
    socklen_t length = sizeof peer;
    bool connected;

    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", daemon->socket);
    connected = !connect(fd, (struct sockaddr *)&address, sizeof address) &&
                !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) && peer.pid == daemon->pid;
    close(fd);
    return connected;
}

static void launch(struct test_daemon *daemon)
{
    int status;

    daemon->pid = fork();
    assert_true(daemon->pid >= 0);
    if (!daemon->pid)
        become(daemon);
    for (int waited = 0; waited < START_MS; waited++) {
        if (waitpid(daemon->pid, &status, WNOHANG) == daemon->pid) {
            daemon->pid = 0;
            show_log(daemon);
            fail_msg("wispd ended at start with status %#x", (unsigned)status);
        }
        if (answers(daemon))
            return;
        pause_ms(1);
    }
    show_log(daemon);
    fail_msg("wispd does not answer on %s", daemon->socket);
}

void daemon_start(struct test_daemon *daemon, const struct daemon_setup *setup)
{
    *daemon = (struct test_daemon){ .setup = *setup };
    snprintf(daemon->folder, sizeof daemon->folder, "%s", scratch_make());
    snprintf(daemon->socket, sizeof daemon->socket, "%s",
             setup->socket ? setup->socket : scratch_path(daemon->folder, "wisp.sock"));
    snprintf(daemon->config, sizeof daemon->config, "%s", scratch_path(daemon->folder, "wispd.yaml"));
    snprintf(daemon->log, sizeof daemon->log, "%s", scratch_path(daemon->folder, "log"));
    write_config(daemon);
    launch(daemon);
}

void daemon_restart(struct test_daemon *daemon)
{
    assert_int_equal(daemon->pid, 0);
    launch(daemon);
}

/* ---- ending ---- */

void daemon_signal(const struct test_daemon *daemon, int signal)
{
    siginfo_t info;

    assert_int_equal(kill(daemon->pid, signal), 0);
    /* One thread gets the signal, and stops the others: they may still serve for a moment. */
    if (signal == SIGSTOP)
        assert_int_equal(waitid(P_PID, (id_t)daemon->pid, &info, WSTOPPED | WNOWAIT), 0);
}

int daemon_wait(struct test_daemon *daemon, int ms)
{
    int status;

    for (int waited = 0; waited <= ms; waited++) {
        if (waitpid(daemon->pid, &status, WNOHANG) == daemon->pid) {
            daemon->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        pause_ms(1);
    }
    return -1;
}

void daemon_kill(struct test_daemon *daemon)
{
    daemon_signal(daemon, SIGKILL);
    assert_int_equal(daemon_wait(daemon, STOP_MS), 128 + SIGKILL);
}

int daemon_stop(struct test_daemon *daemon)
{
    int code = 0;

    if (daemon->pid) {
        daemon_signal(daemon, SIGTERM);
        code = daemon_wait(daemon, STOP_MS);
        if (code)
            show_log(daemon);
        if (code < 0)
            daemon_kill(daemon);
    }
    scratch_remove(daemon->folder);
    return code;
}

/* ---- one-off runs ---- */

static size_t read_all(int fd, char *output, size_t capacity)
{
    size_t used = 0;
    ssize_t got;

    while (used + 1 < capacity && (got = read(fd, output + used, capacity - 1 - used)) > 0)
        used += (size_t)got;
    output[used] = 0;
    return used;
}

int daemon_run(const char *const *arguments, char *output, size_t capacity)
{
    const char *argv[ARGUMENTS_MAX] = { "wispd" };
    int pipe_ends[2], status;
    pid_t pid;

    for (size_t i = 0; arguments[i]; i++) {
        assert_true(i + 2 < ARGUMENTS_MAX);
        argv[i + 1] = arguments[i];
    }
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pipe_ends[1], STDOUT_FILENO);
        dup2(pipe_ends[1], STDERR_FILENO);
        execv(binary_path("bin/wispd"), (char *const *)argv);
        _exit(127);
    }
    close(pipe_ends[1]);
    read_all(pipe_ends[0], output, capacity);
    close(pipe_ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- looking inside ---- */

unsigned daemon_descriptors(const struct test_daemon *daemon)
{
    char path[64];
    unsigned count = 0;
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)daemon->pid);
    folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

unsigned daemon_mappings(const struct test_daemon *daemon)
{
    char path[64], line[1024];
    unsigned count = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)daemon->pid);
    file = fopen(path, "r");
    assert_non_null(file);
    /* Those of channels only: the heap comes and goes. */
    while (fgets(line, sizeof line, file))
        count += strstr(line, "memfd:") != NULL;
    fclose(file);
    return count;
}

bool daemon_settles(const struct test_daemon *daemon, unsigned descriptors, unsigned mappings)
{
    for (int waited = 0; waited < SETTLE_MS; waited += 5) {
        if (daemon_descriptors(daemon) <= descriptors && daemon_mappings(daemon) <= mappings)
            return true;
        pause_ms(5);
    }
    fprintf(stderr, "%u descriptors (want %u), %u mappings (want %u)\n", daemon_descriptors(daemon), descriptors,
            daemon_mappings(daemon), mappings);
    return false;
}

unsigned daemon_log_count(const struct test_daemon *daemon, const char *text)
{
    FILE *file = fopen(daemon->log, "re");
    char line[1024];
    unsigned count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, text) != NULL;
    fclose(file);
    return count;
}

bool daemon_logged(const struct test_daemon *daemon, const char *text)
{
    bool found = daemon_log_count(daemon, text);

    for (int waited = 0; !found && waited < SETTLE_MS; waited += 5) {
        pause_ms(5);
        found = daemon_log_count(daemon, text);
    }
    return found;
}
