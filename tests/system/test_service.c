/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon under a service manager, as far as this program can be one: a passed socket, notifications, the
 * watchdog. systemd/ has the real one.
 */
#include "support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "support/both_loops.h"
#include "support/daemon.h"
#include "support/process_threads.h"
#include "system/alpha.h"

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
    execl(binary_path("bin/wispd"), "wispd", "--model", bed.alpha, "--log-level", "error", (char *)NULL);
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

/* The daemon as systemd starts it: with a listening socket, and one that hears what it says of itself. */
struct service {
    char path[128], notify_path[128];
    int listener, notify;
    pid_t pid;
};

/* Up to its READY. */
static void service_start(struct service *service)
{
    snprintf(service->path, sizeof service->path, "%s", scratch_path(bed.folder, "passed.sock"));
    snprintf(service->notify_path, sizeof service->notify_path, "%s", scratch_path(bed.folder, "notify.sock"));
    service->listener = bind_at(service->path, SOCK_SEQPACKET);
    assert_int_equal(listen(service->listener, 16), 0);
    service->notify = bind_at(service->notify_path, SOCK_DGRAM);
    service->pid = launch_as_service(service->listener, service->notify_path, "300000");
    assert_true(notified(service->notify, "READY=1"));
}

/* Once it has ended. */
static void service_forget(const struct service *service)
{
    close(service->listener);
    close(service->notify);
    unlink(service->path);
    unlink(service->notify_path);
}

static void a_passed_socket_is_used_and_left(void **state)
{
    struct service service;
    struct stat file;
    int status;

    (void)state;
    service_start(&service);
    alpha_open(&bed.client, service.path);
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 1, 1);
    raw_close(&bed.client);
    for (int i = 0; i < 3; i++)
        assert_true(notified(service.notify, "WATCHDOG=1"));
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    assert_true(notified(service.notify, "STOPPING=1"));
    assert_int_equal(waitpid(service.pid, &status, 0), service.pid);
    assert_int_equal(status, 0);
    assert_int_equal(stat(service.path, &file), 0); /* it is systemd's */
    service_forget(&service);
}

/* As Type=notify-reload wants it, and whoever watches another type sees too. */
static void a_reload_is_told(void **state)
{
    struct service service;
    int status;

    (void)state;
    service_start(&service);
    assert_int_equal(kill(service.pid, SIGHUP), 0);
    assert_true(notified(service.notify, "RELOADING=1\nMONOTONIC_USEC="));
    assert_true(notified(service.notify, "READY=1\nSTATUS=serving 1 model over "));
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    assert_int_equal(waitpid(service.pid, &status, 0), service.pid);
    assert_int_equal(status, 0);
    service_forget(&service);
}

/* How many signs of life come in two seconds, in which twenty are due. */
static int signs_of_life(int fd)
{
    struct pollfd poller = { .fd = fd, .events = POLLIN };
    char message[512];
    int signs = 0;

    while (recv(fd, message, sizeof message, MSG_DONTWAIT) > 0)
        continue;
    for (int waited = 0; waited < 2000; waited += 50) {
        poll(NULL, 0, 50);
        while (poll(&poller, 1, 0) == 1) {
            ssize_t got = recv(fd, message, sizeof message - 1, 0);

            message[MAX(got, 0)] = 0;
            signs += strstr(message, "WATCHDOG=1") != NULL;
        }
    }
    return signs;
}

/* The watchdog hears of every thread that clients wait for: with the helper stopped, or the shard, there is no sign of
 * life. One that only writes the log is not among them. */
static void the_watchdog_hears_of_every_thread(void **state)
{
    struct service service;
    int status;
    pid_t thread;

    (void)state;
    service_start(&service);
    for (int which = 0; which < 3; which++) {
        static const char *const threads[] = { "wispd-log", "wispd-helper", "wispd-shard" };

        thread = process_thread(service.pid, threads[which]);
        assert_true(thread > 0);
        assert_int_equal(ptrace(PTRACE_SEIZE, thread, NULL, NULL), 0);
        assert_int_equal(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
        assert_int_equal(waitpid(thread, &status, __WALL), thread);
        poll(NULL, 0, 200); /* what it had said before */
        if (which)
            assert_int_equal(signs_of_life(service.notify), 0);
        else
            assert_true(signs_of_life(service.notify) > 2);
        assert_int_equal(ptrace(PTRACE_DETACH, thread, NULL, NULL), 0);
        for (int i = 0; i < 3; i++)
            assert_true(notified(service.notify, "WATCHDOG=1"));
    }
    assert_int_equal(kill(service.pid, SIGTERM), 0);
    assert_int_equal(waitpid(service.pid, &status, 0), service.pid);
    assert_int_equal(status, 0);
    service_forget(&service);
}

static void a_passed_socket_of_another_kind_is_refused(void **state)
{
    char path[128];
    int listener, status;
    pid_t pid;

    (void)state;
    snprintf(path, sizeof path, "%s", scratch_path(bed.folder, "stream.sock"));
    listener = bind_at(path, SOCK_STREAM);
    assert_int_equal(listen(listener, 16), 0);
    pid = launch_as_service(listener, "/nowhere", "0");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 78);
    close(listener);
    unlink(path);
}

/* ---- what it gives up ---- */

/* How many filters stand before a thread's system calls. */
static long count_filters(pid_t pid, const char *thread)
{
    char path[300], line[128];
    long count = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, thread);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "Seccomp_filters:", 16))
            count = strtol(line + 16, NULL, 10);
    }
    if (file)
        fclose(file);
    return count;
}

/* Each thread of a daemon that serves has one filter more than this test, which it was started by. */
static void no_thread_can_make_a_ring(void **state)
{
    struct service service;
    char path[64], own[16];
    unsigned threads = 0;
    DIR *folder;

    (void)state;
    service_start(&service);
    snprintf(own, sizeof own, "%d", (int)getpid());
    snprintf(path, sizeof path, "/proc/%d/task", (int)service.pid);
    folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (*entry->d_name == '.')
            continue;
        assert_int_equal(count_filters(service.pid, entry->d_name), count_filters(getpid(), own) + 1);
        threads++;
    }
    closedir(folder);
    assert_true(threads >= 4);
    kill(service.pid, SIGKILL);
    waitpid(service.pid, NULL, 0);
    service_forget(&service);
}

/* Whoever makes channels does not take the processor from whoever serves. */
static void making_channels_gives_way(void **state)
{
    const int own = getpriority(PRIO_PROCESS, 0);
    struct service service;
    id_t helper;

    (void)state;
    service_start(&service);
    helper = (id_t)process_thread(service.pid, "wispd-helper");
    assert_true(helper > 0);
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)process_thread(service.pid, "wispd-shard")), own);
    /* It does so itself, when it first runs. */
    for (int waited = 0; waited < 10000 && getpriority(PRIO_PROCESS, helper) == own; waited += 10)
        poll(NULL, 0, 10);
    assert_int_equal(getpriority(PRIO_PROCESS, helper), MIN(own + 10, 19));
    kill(service.pid, SIGKILL);
    waitpid(service.pid, NULL, 0);
    service_forget(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_thread_can_make_a_ring),
        cmocka_unit_test(making_channels_gives_way),
        cmocka_unit_test(a_passed_socket_is_used_and_left),
        cmocka_unit_test(a_passed_socket_of_another_kind_is_refused),
        cmocka_unit_test(a_reload_is_told),
        cmocka_unit_test(the_watchdog_hears_of_every_thread),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
