/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon starts, refuses to start, stops, dies, and comes back.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "libipc/wake.h"
#include "support/both_loops.h"
#include "support/daemon.h"
#include "system/alpha.h"

static struct {
    const char *folder;
    char alpha[256];
    struct reference *reference;
    struct test_daemon daemon;
    struct raw_client client;
    char output[1 << 16]; /* of a one-off run */
} the;

static int group_setup(void **state)
{
    (void)state;
    the.folder = scratch_make();
    snprintf(the.alpha, sizeof the.alpha, "%s", scratch_path(the.folder, "alpha.safetensors"));
    model_make(the.alpha, &alpha_recipe);
    the.reference = reference_new(the.alpha);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    the.reference = reference_free(the.reference);
    scratch_remove(the.folder);
    return 0;
}

static void start(const char *model_yaml)
{
    const char *models[] = { the.alpha };

    daemon_start(&the.daemon, &(struct daemon_setup){
                                  .models = models, .model_count = 1, .model_yaml = model_yaml, .loop = loop_now });
}

static void serves(void)
{
    alpha_open(&the.client, the.daemon.socket);
    alpha_round(the.reference, &the.client, raw_route(&the.client, "image"), 3, 1);
    raw_close(&the.client);
}

/* ---- stopping ---- */

/* What waits in the daemon when SIGTERM comes is answered, and answered right. */
static void sigterm_finishes_what_is_under_way(void **state)
{
    enum { WAITING = 5 };
    struct wire_completion completion;
    uint32_t route;
    uint64_t begin;

    (void)state;
    start("    batch:\n      max: 64\n      wait: 1s\n");
    alpha_open(&the.client, the.daemon.socket);
    route = raw_route(&the.client, "alpha");
    for (uint32_t i = 0; i < WAITING; i++) {
        struct wire_submission request = alpha_request(route, 1, i);

        alpha_fill(&the.client, &request, 1);
        assert_true(raw_submit(&the.client, &request));
    }
    while (__atomic_load_n(&the.client.theirs->sq_head, __ATOMIC_ACQUIRE) != WAITING)
        wake_pause();
    begin = clock_ns();
    daemon_signal(&the.daemon, SIGTERM);
    assert_int_equal(daemon_wait(&the.daemon, 5000), 0);
    assert_true(clock_ns() - begin < 2 * NS_PER_S);
    for (uint32_t i = 0; i < WAITING; i++) {
        struct wire_submission request;

        assert_true(reap_ring_take(&the.client.reap, &completion));
        assert_int_equal(completion.status, 0);
        request = alpha_request(route, 1, (uint32_t)completion.user_data);
        alpha_check(the.reference, &the.client, &request, 1);
    }
    assert_false(reap_ring_take(&the.client.reap, &completion));
    assert_int_equal(the.client.theirs->state, WIRE_STATE_CLOSED);
    assert_int_equal(raw_connect(the.daemon.socket), -ENOENT);
    raw_close(&the.client);
    daemon_stop(&the.daemon);
}

/* What was published and not yet taken is refused with the status that means "send it again elsewhere". */
static void what_comes_too_late_is_told_so(void **state)
{
    struct wire_submission request;
    struct wire_completion completion;

    (void)state;
    start(NULL);
    alpha_open(&the.client, the.daemon.socket);
    request = alpha_request(raw_route(&the.client, "alpha"), 1, 0);
    poll(NULL, 0, 50); /* it sleeps by now, so that both events below come in one look */
    daemon_signal(&the.daemon, SIGSTOP);
    daemon_signal(&the.daemon, SIGTERM);
    assert_true(raw_submit(&the.client, &request));
    daemon_signal(&the.daemon, SIGCONT);
    assert_int_equal(daemon_wait(&the.daemon, 5000), 0);
    assert_true(reap_ring_take(&the.client.reap, &completion));
    assert_int_equal(completion.status, WISP_E_SHUTDOWN);
    assert_false(reap_ring_take(&the.client.reap, &completion));
    raw_close(&the.client);
    daemon_stop(&the.daemon);
}

/* A client that sleeps without a request learns of the end: by the futex, and by its socket. */
static void stopping_wakes_who_sleeps(void **state)
{
    struct pollfd poller;
    uint32_t seen;

    (void)state;
    start(NULL);
    alpha_open(&the.client, the.daemon.socket);
    seen = wake_client_arm(the.client.ours, the.client.theirs, WIRE_WAIT_FUTEX);
    daemon_signal(&the.daemon, SIGTERM);
    assert_int_equal(wake_client_sleep(the.client.theirs, seen, 5 * NS_PER_S), 0);
    assert_in_range(__atomic_load_n(&the.client.theirs->state, __ATOMIC_ACQUIRE), WIRE_STATE_DRAINING,
                    WIRE_STATE_CLOSED);
    poller = (struct pollfd){ .fd = the.client.socket, .events = POLLIN };
    assert_int_equal(poll(&poller, 1, 5000), 1);
    assert_true(poller.revents & POLLHUP);
    raw_close(&the.client);
    assert_int_equal(daemon_stop(&the.daemon), 0);
}

static void sigint_stops_too_and_sighup_does_not(void **state)
{
    (void)state;
    start(NULL);
    daemon_signal(&the.daemon, SIGHUP);
    serves();
    assert_true(daemon_logged(&the.daemon, "SIGHUP"));
    daemon_signal(&the.daemon, SIGINT);
    assert_int_equal(daemon_wait(&the.daemon, 5000), 0);
    daemon_stop(&the.daemon);
}

/* ---- dying and coming back ---- */

static void a_socket_left_by_the_dead_is_replaced(void **state)
{
    struct stat status;

    (void)state;
    start(NULL);
    for (int i = 0; i < 5; i++) {
        serves();
        daemon_kill(&the.daemon);
        assert_int_equal(stat(the.daemon.socket, &status), 0);
        daemon_restart(&the.daemon);
    }
    serves();
    assert_int_equal(daemon_stop(&the.daemon), 0);
}

static void the_epoch_differs_between_two_runs(void **state)
{
    uint64_t epoch;

    (void)state;
    start(NULL);
    alpha_open(&the.client, the.daemon.socket);
    epoch = the.client.theirs->epoch;
    assert_true(epoch == the.client.welcome.epoch);
    raw_close(&the.client);
    daemon_kill(&the.daemon);
    daemon_restart(&the.daemon);
    alpha_open(&the.client, the.daemon.socket);
    assert_true(epoch != the.client.theirs->epoch);
    raw_close(&the.client);
    assert_int_equal(daemon_stop(&the.daemon), 0);
}

static void two_daemons_do_not_share_a_socket(void **state)
{
    const char *arguments[] = { "--socket", the.daemon.socket, "--model", the.alpha, NULL };

    (void)state;
    start(NULL);
    assert_int_equal(daemon_run(arguments, the.output, sizeof the.output), 1);
    assert_non_null(strstr(the.output, "another daemon answers on"));
    serves(); /* the first one is unharmed */
    assert_int_equal(daemon_stop(&the.daemon), 0);
}

/* Many start at once on a stale socket: exactly one serves. */
static void of_many_that_start_at_once_one_serves(void **state)
{
    enum { MANY = 6 };
    struct pollfd none = { .fd = -1 };
    pid_t pids[MANY];
    int alive = 0;

    (void)state;
    start(NULL);
    daemon_kill(&the.daemon);
    for (int i = 0; i < MANY; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (!pids[i]) {
            int null = open("/dev/null", O_RDWR | O_CLOEXEC);

            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(null, STDERR_FILENO);
            execl(binary_path("bin/wispd"), "wispd", "--config", the.daemon.config, (char *)NULL);
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
    serves();
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
    daemon_stop(&the.daemon);
}

/* Looking for the other one and taking its place is done under a lock: a second daemon waits its turn. */
static void starting_takes_turns(void **state)
{
    int folder;
    pid_t pid;
    int status;

    (void)state;
    start(NULL);
    daemon_kill(&the.daemon);
    folder = open(the.daemon.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    assert_int_equal(flock(folder, LOCK_EX), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(binary_path("bin/wispd"), "wispd", "-s", the.daemon.socket, "-m", the.alpha, "-l", "error", (char *)NULL);
        _exit(127);
    }
    poll(NULL, 0, 200);
    assert_int_equal(raw_connect(the.daemon.socket), -ECONNREFUSED); /* the dead one's, still */
    assert_int_equal(flock(folder, LOCK_UN), 0);
    for (int i = 0; i < 1000; i++) {
        int socket = raw_connect(the.daemon.socket);

        if (socket >= 0) {
            close(socket);
            break;
        }
        poll(NULL, 0, 5);
    }
    serves();
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(folder);
    daemon_stop(&the.daemon);
}

static void something_else_than_a_socket_is_left_alone(void **state)
{
    const char *path = scratch_path(the.folder, "file");
    const char *arguments[] = { "--socket", path, "--model", the.alpha, NULL };
    FILE *file = fopen(path, "w");
    struct stat status;

    (void)state;
    assert_non_null(file);
    fputs("precious", file);
    fclose(file);
    assert_int_equal(daemon_run(arguments, the.output, sizeof the.output), 78);
    assert_non_null(strstr(the.output, "is not a socket"));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 8);
}

static void a_missing_folder_is_named(void **state)
{
    const char *arguments[] = { "--socket", scratch_path(the.folder, "not/there"), "--model", the.alpha, NULL };

    (void)state;
    assert_int_equal(daemon_run(arguments, the.output, sizeof the.output), 1);
    assert_non_null(strstr(the.output, "mkdir -p"));
}

static void the_socket_has_the_configured_mode(void **state)
{
    const char *models[] = { the.alpha };
    struct stat status;

    (void)state;
    daemon_start(&the.daemon,
                 &(struct daemon_setup){
                     .models = models, .model_count = 1, .yaml = "socket_mode: \"0640\"\n", .loop = loop_now });
    assert_int_equal(stat(the.daemon.socket, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(daemon_stop(&the.daemon), 0);
}

/* ---- under a service manager ---- */

/* Starts wispd as systemd does: a listening socket as descriptor 3, a socket for notifications. */
static pid_t launch_as_service(int listener, const char *notify, const char *watchdog_us)
{
    pid_t pid = fork();
    char text[16];

    assert_true(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (listener >= 0) {
        dup2(listener, 3);
        fcntl(3, F_SETFD, 0); /* if it was 3 already */
        setenv("LISTEN_FDS", "1", 1);
        snprintf(text, sizeof text, "%d", (int)getpid());
        setenv("LISTEN_PID", text, 1);
    }
    setenv("NOTIFY_SOCKET", notify, 1);
    setenv("WATCHDOG_USEC", watchdog_us, 1);
    setenv("WISP_LOOP", loop_now, 1);
    unsetenv("WATCHDOG_PID");
    execl(binary_path("bin/wispd"), "wispd", "--model", the.alpha, "--log-level", "error", (char *)NULL);
    _exit(127);
}

static int bind_at(const char *path, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* The next notification that contains `text`, within five seconds; others are passed over. */
static bool notified(int fd, const char *text)
{
    struct pollfd poller = { .fd = fd, .events = POLLIN };
    char message[512];

    while (poll(&poller, 1, 5000) == 1) {
        ssize_t got = recv(fd, message, sizeof message - 1, 0);

        assert_true(got > 0);
        message[got] = 0;
        if (strstr(message, text))
            return true;
    }
    return false;
}

static void a_passed_socket_is_used_and_left(void **state)
{
    char path[128], notify_path[128];
    int listener, notify, status;
    struct stat file;
    pid_t pid;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path(the.folder, "passed.sock"));
    snprintf(notify_path, sizeof notify_path, "%s", scratch_path(the.folder, "notify.sock"));
    listener = bind_at(path, SOCK_SEQPACKET);
    assert_int_equal(listen(listener, 16), 0);
    notify = bind_at(notify_path, SOCK_DGRAM);
    pid = launch_as_service(listener, notify_path, "300000");
    assert_true(notified(notify, "READY=1"));
    alpha_open(&the.client, path);
    alpha_round(the.reference, &the.client, raw_route(&the.client, "alpha"), 1, 1);
    raw_close(&the.client);
    for (int i = 0; i < 3; i++)
        assert_true(notified(notify, "WATCHDOG=1"));
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_true(notified(notify, "STOPPING=1"));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(stat(path, &file), 0); /* it is systemd's */
    close(listener);
    close(notify);
    unlink(path);
    unlink(notify_path);
}

static void a_passed_socket_of_another_kind_is_refused(void **state)
{
    char path[128];
    int listener, status;
    pid_t pid;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path(the.folder, "stream.sock"));
    listener = bind_at(path, SOCK_STREAM);
    assert_int_equal(listen(listener, 16), 0);
    pid = launch_as_service(listener, "/nowhere", "0");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 78);
    close(listener);
    unlink(path);
}

/* ---- the command line ---- */

static void expect(int code, const char *text, const char *const *arguments)
{
    assert_int_equal(daemon_run(arguments, the.output, sizeof the.output), code);
    if (!strstr(the.output, text))
        fail_msg("no \"%s\" in:\n%s", text, the.output);
}

static void the_command_line_says_what_is_wrong(void **state)
{
    const char *bad = scratch_path(the.folder, "bad.safetensors");
    FILE *file = fopen(bad, "w");

    (void)state;
    assert_non_null(file);
    fputs("this is no model", file);
    fclose(file);
    expect(0, "wispd ", (const char *[]){ "--version", NULL });
    expect(0, "--dump-config", (const char *[]){ "--help", NULL });
    expect(2, "--help", (const char *[]){ "--frobnicate", NULL });
    expect(2, "takes no arguments: stray", (const char *[]){ "stray", NULL });
    expect(2, "unknown log level loud", (const char *[]){ "--log-level", "loud", NULL });
    expect(78, "absent.safetensors: No such file", (const char *[]){ "-t", "-m", "/absent.safetensors", NULL });
    expect(78, "bad.safetensors", (const char *[]){ "-t", "-m", bad, NULL });
    expect(78, "bad.safetensors", (const char *[]){ "-m", bad, "-s", scratch_path(the.folder, "s"), NULL });
    expect(78, "both called \"alpha\"", (const char *[]){ "-t", "-m", the.alpha, "-m", the.alpha, NULL });
    expect(1, "/absent.yaml", (const char *[]){ "--config", "/absent.yaml", NULL });
}

static void a_configuration_is_tested_and_printed(void **state)
{
    char path[192];
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path(the.folder, "test.yaml"));
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "log:\n  level: notice\nmodels:\n  - path: %s\n    name: first\n", the.alpha);
    fclose(file);
    expect(0, "is good: 1 model\n", (const char *[]){ "-t", "--config", path, "-l", "error", NULL });
    expect(0, "first", (const char *[]){ "-T", "--config", path, NULL });
    assert_int_equal(daemon_run((const char *[]){ "-t", "-q", "-c", path, NULL }, the.output, sizeof the.output), 0);
    assert_string_equal(the.output, "");

    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "sokcet: /tmp/x\nmodels:\n  - path: %s\n", the.alpha);
    fclose(file);
    expect(78, "test.yaml:1:1", (const char *[]){ "-t", "--config", path, NULL });

    file = fopen(path, "w");
    assert_non_null(file);
    fputs("models:\n  - path: absent.safetensors\n", file);
    fclose(file);
    expect(78, "test.yaml:2: ", (const char *[]){ "-t", "--config", path, NULL });
}

static void an_unknown_loop_is_refused(void **state)
{
    (void)state;
    setenv("WISP_LOOP", "kqueue", 1);
    expect(78, "WISP_LOOP is \"kqueue\"", (const char *[]){ "-t", "-m", the.alpha, NULL });
    unsetenv("WISP_LOOP");
}

/* ---- in a sandbox ---- */

/* Runs wispd where one system call gets EPERM, as in a container; the descriptor reads its log. */
static int run_without(unsigned call, const char *loop, const char *socket, pid_t *pid)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
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
        execl(binary_path("bin/wispd"), "wispd", "-s", socket, "-m", the.alpha, (char *)NULL);
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

        snprintf(path, sizeof path, "%s", scratch_path(the.folder, "sandbox.sock"));
        log = run_without(calls[i], "auto", path, &pid);
        for (int waited = 0; waited < 10000 && connected < 0; waited += 5) {
            poll(NULL, 0, 5);
            connected = raw_connect(path);
        }
        assert_true(connected >= 0);
        close(connected);
        alpha_open(&the.client, path);
        alpha_round(the.reference, &the.client, raw_route(&the.client, "image"), 3, 1);
        raw_close(&the.client);
        assert_int_equal(kill(pid, SIGTERM), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        got = read(log, the.output, sizeof the.output - 1);
        assert_true(got > 0);
        the.output[got] = 0;
        assert_non_null(strstr(the.output, "event loop: epoll, because io_uring is not to be had"));
        close(log);

        /* Asked for by name, it is that or nothing. */
        log = run_without(calls[i], "io_uring", path, &pid);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 1);
        got = read(log, the.output, sizeof the.output - 1);
        assert_true(got > 0);
        the.output[got] = 0;
        assert_non_null(strstr(the.output, "io_uring was asked for and cannot be used"));
        close(log);
    }
}

/* ---- at rest ---- */

static uint64_t cpu_ns(pid_t pid)
{
    char path[64], line[128];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    return strtoull(line, NULL, 10);
}

/* With a client connected that asks nothing, the daemon sleeps; and the next request wakes it. */
static void an_idle_daemon_sleeps(void **state)
{
    uint32_t route;
    uint64_t before;

    (void)state;
    start(NULL);
    alpha_open(&the.client, the.daemon.socket);
    route = raw_route(&the.client, "alpha");
    for (uint64_t i = 0; i < 5; i++) {
        alpha_round(the.reference, &the.client, route, 1, i);
        poll(NULL, 0, 20);
        before = cpu_ns(the.daemon.pid);
        poll(NULL, 0, 100);
        assert_true(cpu_ns(the.daemon.pid) - before < 20 * NS_PER_MS);
        assert_int_equal(the.client.theirs->need_wake, 1);
    }
    raw_close(&the.client);
    assert_int_equal(daemon_stop(&the.daemon), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_finishes_what_is_under_way),
        cmocka_unit_test(what_comes_too_late_is_told_so),
        cmocka_unit_test(stopping_wakes_who_sleeps),
        cmocka_unit_test(sigint_stops_too_and_sighup_does_not),
        cmocka_unit_test(a_socket_left_by_the_dead_is_replaced),
        cmocka_unit_test(the_epoch_differs_between_two_runs),
        cmocka_unit_test(two_daemons_do_not_share_a_socket),
        cmocka_unit_test(of_many_that_start_at_once_one_serves),
        cmocka_unit_test(starting_takes_turns),
        cmocka_unit_test(something_else_than_a_socket_is_left_alone),
        cmocka_unit_test(a_missing_folder_is_named),
        cmocka_unit_test(the_socket_has_the_configured_mode),
        cmocka_unit_test(a_passed_socket_is_used_and_left),
        cmocka_unit_test(a_passed_socket_of_another_kind_is_refused),
        cmocka_unit_test(the_command_line_says_what_is_wrong),
        cmocka_unit_test(a_configuration_is_tested_and_printed),
        cmocka_unit_test(an_unknown_loop_is_refused),
        cmocka_unit_test(without_io_uring_epoll_serves),
        cmocka_unit_test(an_idle_daemon_sleeps),
    };

    return run_over_both_loops(tests, group_setup, group_teardown);
}
