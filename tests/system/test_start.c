/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon starts, or says why it does not: sockets, command line, configuration, sandbox.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "support/both_loops.h"
#include "support/daemon.h"
#include "system/alpha.h"

static char output[1 << 16]; /* of a one-off run */

/* ---- its socket ---- */

static void two_daemons_do_not_share_a_socket(void **state)
{
    const char *arguments[] = { "--socket", bed.daemon.socket, "--model", bed.alpha, NULL };

    (void)state;
    bed_start(NULL, NULL);
    assert_int_equal(daemon_run(arguments, output, sizeof output), 1);
    assert_non_null(strstr(output, "another daemon answers on"));
    bed_serves(); /* the first one is unharmed */
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* Many start at once on a stale socket: exactly one serves. */
static void of_many_that_start_at_once_one_serves(void **state)
{
    enum { MANY = 6 };
    struct pollfd none = { .fd = -1 };
    pid_t pids[MANY];
    int alive = 0;

    (void)state;
    bed_start(NULL, NULL);
    daemon_kill(&bed.daemon);
    for (int i = 0; i < MANY; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (!pids[i]) {
            int null = open("/dev/null", O_RDWR | O_CLOEXEC);

            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(null, STDERR_FILENO);
            execl(binary_path("bin/wispd"), "wispd", "--config", bed.daemon.config, (char *)NULL);
            _exit(127);
        }
    }
    for (int waited = 0; waited < 10000; waited += 10) {
        int ended = 0;

        poll(&none, 1, 10);
        for (int i = 0; i < MANY; i++) {
            siginfo_t info = { .si_pid = 0 };

            waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOHANG | WNOWAIT);
            ended += info.si_pid != 0;
        }
        if (ended >= MANY - 1)
            break;
    }
    bed_serves();
    for (int i = 0; i < MANY; i++) {
        int status;

        if (!waitpid(pids[i], &status, WNOHANG)) {
            alive++;
            kill(pids[i], SIGTERM);
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_int_equal(status, 0);
        } else {
            assert_int_equal(WEXITSTATUS(status), 1);
        }
    }
    assert_int_equal(alive, 1);
    daemon_stop(&bed.daemon);
}

/* Looking for the other one and taking its place is done under a lock: a second daemon waits its turn. */
static void starting_takes_turns(void **state)
{
    char path[128];
    int lock, status;
    pid_t pid;

    (void)state;
    bed_start(NULL, NULL);
    daemon_kill(&bed.daemon);
    snprintf(path, sizeof path, "%s.lock", bed.daemon.socket);
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(binary_path("bin/wispd"), "wispd", "-s", bed.daemon.socket, "-m", bed.alpha, "-l", "error", (char *)NULL);
        _exit(127);
    }
    poll(NULL, 0, 200);
    assert_int_equal(raw_connect(bed.daemon.socket), -ECONNREFUSED); /* the dead one's, still */
    assert_int_equal(flock(lock, LOCK_UN), 0);
    for (int i = 0; i < 1000; i++) {
        int socket = raw_connect(bed.daemon.socket);

        if (socket >= 0) {
            close(socket);
            break;
        }
        poll(NULL, 0, 5);
    }
    bed_serves();
    assert_int_equal(access(path, F_OK), -1); /* it is gone when it has done its work */
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(lock);
    daemon_stop(&bed.daemon);
}

/* Another user who can read the socket's folder has no lock to hold; and if one of his stands there, it is named. */
static void nobody_else_keeps_it_from_starting(void **state)
{
    char path[128];
    const char *arguments[] = { "--config", bed.daemon.config, NULL };
    int holds[2], folder;
    pid_t pid;
    char byte;

    (void)state;
    if (geteuid())
        skip();
    bed_start(NULL, NULL);
    daemon_kill(&bed.daemon);
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    assert_int_equal(pipe2(holds, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        folder = open(bed.daemon.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (setgid(65534) || setuid(65534) || flock(folder, LOCK_EX) || write(holds[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(holds[0], &byte, 1), 1);
    daemon_restart(&bed.daemon);
    bed_serves();
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(holds[0]);
    close(holds[1]);
    daemon_kill(&bed.daemon);

    snprintf(path, sizeof path, "%s.lock", bed.daemon.socket);
    close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_int_equal(daemon_run(arguments, output, sizeof output), 1);
    assert_non_null(strstr(output, ".lock is not a file of this user's alone: remove it"));
    assert_int_equal(unlink(path), 0);
    daemon_stop(&bed.daemon);
}

static void something_else_than_a_socket_is_left_alone(void **state)
{
    const char *path = scratch_path(bed.folder, "file");
    const char *arguments[] = { "--socket", path, "--model", bed.alpha, NULL };
    FILE *file = fopen(path, "w");
    struct stat status;

    (void)state;
    assert_non_null(file);
    fputs("precious", file);
    fclose(file);
    assert_int_equal(daemon_run(arguments, output, sizeof output), 78);
    assert_non_null(strstr(output, "is not a socket"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 8);
}

static void a_missing_folder_is_named(void **state)
{
    const char *arguments[] = { "--socket", scratch_path(bed.folder, "not/there"), "--model", bed.alpha, NULL };

    (void)state;
    assert_int_equal(daemon_run(arguments, output, sizeof output), 1);
    assert_non_null(strstr(output, "mkdir -p"));
}

static void the_socket_has_the_configured_mode(void **state)
{
    const char *models[] = { bed.alpha };
    struct stat status;

    (void)state;
    daemon_start(&bed.daemon,
                 &(struct daemon_setup){
                     .models = models, .model_count = 1, .yaml = "socket_mode: \"0640\"\n", .loop = loop_now });
    assert_int_equal(stat(bed.daemon.socket, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* ---- the command line ---- */

static void expect(int code, const char *text, const char *const *arguments)
{
    assert_int_equal(daemon_run(arguments, output, sizeof output), code);
    if (!strstr(output, text))
        fail_msg("no \"%s\" in:\n%s", text, output);
}

/* As whoever runs this: root would check as the service that may be installed here. */
static const char *self(void)
{
    return getpwuid(geteuid())->pw_name;
}

static void the_command_line_says_what_is_wrong(void **state)
{
    const char *bad = scratch_path(bed.folder, "bad.safetensors");
    FILE *file = fopen(bad, "w");

    (void)state;
    assert_non_null(file);
    fputs("this is no model", file);
    fclose(file);
    expect(0, "wispd ", (const char *[]){ "--version", NULL });
    expect(0, "--dump-config", (const char *[]){ "--help", NULL });
    expect(2, "--help", (const char *[]){ "--frobnicate", NULL });
    expect(2, "'stray' is not expected here; see 'wispd --help'", (const char *[]){ "stray", NULL });
    expect(2, "unknown log level loud", (const char *[]){ "--log-level", "loud", NULL });
    expect(78, "absent.safetensors: No such file",
           (const char *[]){ "-t", "-u", self(), "-m", "/absent.safetensors", NULL });
    expect(78, "bad.safetensors", (const char *[]){ "-t", "-u", self(), "-m", bad, NULL });
    expect(78, "bad.safetensors", (const char *[]){ "-m", bad, "-s", scratch_path(bed.folder, "s"), NULL });
    expect(78, "both called \"alpha\"", (const char *[]){ "-t", "-u", self(), "-m", bed.alpha, "-m", bed.alpha, NULL });
    expect(78, "/absent.yaml", (const char *[]){ "--config", "/absent.yaml", NULL });
}

/* It is what somebody has given that is to blame: a variable and not the configuration, a folder and not a lock. */
static void a_sentence_names_what_was_given(void **state)
{
    (void)state;
    expect(1, "the folder /nonexist of the socket does not exist",
           (const char *[]){ "-s", "/nonexist/x.sock", "-m", bed.alpha, NULL });
    assert_null(strstr(output, ".lock"));
    setenv("WISP_CPU", "vax", 1);
    expect(78, "WISP_CPU=vax", (const char *[]){ "-t", "-u", self(), "-m", bed.alpha, NULL });
    unsetenv("WISP_CPU");
    assert_non_null(strstr(output, "scalar"));
    setenv("WISP_LOOP", "kqueue", 1);
    expect(78, "WISP_LOOP is \"kqueue\"", (const char *[]){ "-t", "-u", self(), "-m", bed.alpha, NULL });
    unsetenv("WISP_LOOP");
}

static void a_configuration_is_tested_and_printed(void **state)
{
    char path[192];
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path(bed.folder, "test.yaml"));
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "log:\n  level: notice\nmodels:\n  - path: %s\n    name: first\n", bed.alpha);
    fclose(file);
    expect(0, "is good: 1 model", (const char *[]){ "-t", "-u", self(), "--config", path, "-l", "error", NULL });
    expect(0, "first", (const char *[]){ "-T", "--config", path, NULL });
    assert_int_equal(daemon_run((const char *[]){ "-t", "-u", self(), "-q", "-c", path, NULL }, output, sizeof output),
                     0);
    assert_string_equal(output, "");

    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "sokcet: /tmp/x\nmodels:\n  - path: %s\n", bed.alpha);
    fclose(file);
    expect(78, "test.yaml:1:1", (const char *[]){ "-t", "-u", self(), "--config", path, NULL });

    file = fopen(path, "w");
    assert_non_null(file);
    fputs("models:\n  - path: absent.safetensors\n", file);
    fclose(file);
    expect(78, "test.yaml:2: ", (const char *[]){ "-t", "-u", self(), "--config", path, NULL });
}

static void an_unknown_loop_is_refused(void **state)
{
    (void)state;
    setenv("WISP_LOOP", "kqueue", 1);
    expect(78, "WISP_LOOP is \"kqueue\"", (const char *[]){ "-t", "-u", self(), "-m", bed.alpha, NULL });
    unsetenv("WISP_LOOP");
}

/* ---- in a sandbox ---- */

/* Runs wispd where one system call fails so, as in a container; the descriptor reads its log. */
static int run_without(unsigned call, unsigned error, const char *loop, const char *socket, pid_t *pid)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = ARRAY_SIZE(rules), .filter = rules };
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    *pid = fork();
    assert_true(*pid >= 0);
    if (!*pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDERR_FILENO);
        setenv("WISP_LOOP", loop, 1);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
            _exit(126);
        execl(binary_path("bin/wispd"), "wispd", "-s", socket, "-m", bed.alpha, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    return ends[0];
}

/* Where io_uring cannot be set up, or can be but not entered, epoll serves, and the log says why. */
static void without_io_uring_epoll_serves(void **state)
{
    static const unsigned calls[] = { SYS_io_uring_setup, SYS_io_uring_enter };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        char path[128];
        int log, status, connected = -1;
        pid_t pid;
        ssize_t got;

        snprintf(path, sizeof path, "%s", scratch_path(bed.folder, "sandbox.sock"));
        log = run_without(calls[i], EPERM, "auto", path, &pid);
        for (int waited = 0; waited < 10000 && connected < 0; waited += 5) {
            poll(NULL, 0, 5);
            connected = raw_connect(path);
        }
        assert_true(connected >= 0);
        close(connected);
        alpha_open(&bed.client, path);
        alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "image"), 3, 1);
        raw_close(&bed.client);
        assert_int_equal(kill(pid, SIGTERM), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        got = read(log, output, sizeof output - 1);
        assert_true(got > 0);
        output[got] = 0;
        assert_non_null(strstr(output, "event loop: epoll, because io_uring is not to be had"));
        close(log);

        /* Asked for by name, it is that or nothing. */
        log = run_without(calls[i], EPERM, "io_uring", path, &pid);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 1);
        got = read(log, output, sizeof output - 1);
        assert_true(got > 0);
        output[got] = 0;
        assert_non_null(strstr(output, "io_uring was asked for and cannot be used"));
        close(log);
    }
}

/* As where TasksMax= or a limit of processes is too low: it says which there are. */
static void without_threads_it_says_what_to_raise(void **state)
{
    int log, status;
    ssize_t got;
    pid_t pid;

    (void)state;
    log = run_without(SYS_clone3, EAGAIN, loop_now, scratch_path(bed.folder, "s"), &pid);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    got = read(log, output, sizeof output - 1);
    assert_true(got > 0);
    output[got] = 0;
    close(log);
    assert_non_null(strstr(output, "'s thread: Resource temporarily unavailable: "));
    assert_non_null(strstr(output, "raise TasksMax= "));
}

/* Clients' memory is passed on through /proc: without it the daemon does not say that it serves. */
static void without_proc_it_does_not_start(void **state)
{
    int ends[2], status;
    ssize_t got;
    pid_t pid;

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* it does not start without /proc either, and says so first */
#endif
    if (geteuid())
        skip();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        dup2(ends[1], STDERR_FILENO);
        if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
            mount("none", "/proc", "tmpfs", 0, NULL))
            _exit(77);
        execl(binary_path("bin/wispd"), "wispd", "-s", scratch_path(bed.folder, "s"), "-m", bed.alpha, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    got = read(ends[0], output, sizeof output - 1);
    output[MAX(got, 0)] = 0;
    close(ends[0]);
    if (WEXITSTATUS(status) == 77)
        skip(); /* no namespaces here */
    assert_int_equal(WEXITSTATUS(status), 78);
    assert_non_null(strstr(output, "/proc is not mounted"));
    assert_null(strstr(output, "serving"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_daemons_do_not_share_a_socket),
        cmocka_unit_test(of_many_that_start_at_once_one_serves),
        cmocka_unit_test(starting_takes_turns),
        cmocka_unit_test(nobody_else_keeps_it_from_starting),
        cmocka_unit_test(something_else_than_a_socket_is_left_alone),
        cmocka_unit_test(a_missing_folder_is_named),
        cmocka_unit_test(the_socket_has_the_configured_mode),
        cmocka_unit_test(the_command_line_says_what_is_wrong),
        cmocka_unit_test(a_sentence_names_what_was_given),
        cmocka_unit_test(a_configuration_is_tested_and_printed),
        cmocka_unit_test(an_unknown_loop_is_refused),
        cmocka_unit_test(without_io_uring_epoll_serves),
        cmocka_unit_test(without_threads_it_says_what_to_raise),
        cmocka_unit_test(without_proc_it_does_not_start),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
