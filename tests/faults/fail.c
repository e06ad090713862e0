/* SPDX-License-Identifier: Apache-2.0
 *
 * fail FILE WHAT ERROR N COMMAND…    runs a command whose Nth WHAT fails with ERROR
 *
 *     fail said allocation ENOMEM 17 wispd --model m.safetensors
 *     fail said openat EMFILE 3 wisp models
 *
 * WHAT is `allocation`, or a system call's name; counted from main() on, over all threads, and of a system call over
 * all processes that the command begets. FILE says what failed, and is empty when there were not so many. The command
 * takes this process's place, so that signals and exit status are its own; who stands by is nobody's child.
 * docs/design/faults.md says why so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIPE_AT_LEAST = 200, WORDS = 5 };

struct named {
    const char *name;
    long number;
};

static const struct named calls[] = {
#include "calls.inc"
};

static const struct named errors[] = {
    { "EINTR", EINTR },   { "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM },         { "EMFILE", EMFILE },
    { "ENOSPC", ENOSPC }, { "EIO", EIO },       { "EPERM", EPERM },           { "ENOSYS", ENOSYS },
    { "EACCES", EACCES }, { "ENFILE", ENFILE }, { "EINVAL", EINVAL },         { "EDQUOT", EDQUOT },
    { "EBUSY", EBUSY },   { "EPIPE", EPIPE },   { "ECONNRESET", ECONNRESET },
};

static void __attribute__((noreturn, format(printf, 1, 2))) refuse(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fputs("fail: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    exit(125);
}

static long find(const struct named *all, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(all[i].name, name))
            return all[i].number;
    }
    refuse("%s is not in the table", name);
}

/* ---- who stands by ---- */

static void rest(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
}

/* The command's listener, once it has one under that number; -1: it ended before. */
static int take_listener(int process, int number)
{
    for (;;) {
        const int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
        unsigned long long none = 0;

        if (fd >= 0 && (ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &none) == 0 || errno == ENOENT))
            return fd;
        if (fd >= 0)
            close(fd);
        else if (errno == ESRCH)
            return -1;
        rest();
    }
}

/* Whether it is one that can fail: of a futex only waiting, and what wakes by an event's descriptor does not. */
static int can_fail(const struct seccomp_notif *call)
{
    const int command = (int)call->data.args[1] & FUTEX_CMD_MASK;
    char path[64], is[64];
    ssize_t length;

    if (call->data.nr == SYS_futex)
        return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
    if (call->data.nr != SYS_write)
        return 1;
    snprintf(path, sizeof path, "/proc/%u/fd/%d", call->pid, (int)call->data.args[0]);
    length = readlink(path, is, sizeof is - 1);
    is[length > 0 ? length : 0] = 0;
    return !strstr(is, "[eventfd]");
}

/* Lets each call go on but one, until all processes that the filter holds for have ended. */
static void stand_by(int listener, int report, const char *what, long error, long which)
{
    struct pollfd poller = { .fd = listener, .events = POLLIN };
    long made = 0;

    while (poll(&poller, 1, -1) > 0 && !(poller.revents & POLLHUP)) {
        struct seccomp_notif call = { 0 };
        struct seccomp_notif_resp answer = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
            continue; /* it was killed meanwhile */
        answer.id = call.id;
        if (can_fail(&call) && ++made == which) {
            dprintf(report, "%s number %ld, by thread %u: %s\n", what, made, call.pid, strerror((int)error));
            answer.flags = 0;
            answer.error = -(int)error;
        }
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

/* Two generations away, so that the command has no child of which it knows nothing. */
static void begin_to_stand_by(int ends[2], int report, const char *what, long error, long which)
{
    const int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
    const pid_t between = fork();
    int number;

    if (process < 0 || between < 0)
        refuse("nobody can stand by: %m");
    if (between) {
        if (waitpid(between, NULL, 0) != between)
            refuse("nobody can stand by: %m");
        close(process);
        close(ends[0]);
        return;
    }
    if (fork())
        _exit(0);
    close(ends[1]);
    for (int fd = 0; fd < 3; fd++)
        close(fd); /* whoever reads what the command says waits for nobody else */
    if (read(ends[0], &number, sizeof number) == sizeof number) {
        const int listener = take_listener(process, number);

        if (listener >= 0)
            stand_by(listener, report, what, error, which);
    }
    _exit(0);
}

/* ---- the command ---- */

static void set_number(const char *name, long value)
{
    char text[32];

    snprintf(text, sizeof text, "%ld", value);
    setenv(name, text, 1);
}

static void preload(void)
{
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);

    if (length < 0)
        refuse("/proc/self/exe: %m");
    path[length] = 0;
    strcpy(strrchr(path, '/') + 1, "libfaults.so");
    setenv("LD_PRELOAD", path, 1);
}

/* A descriptor of a number that the command would hardly take for its own. */
static int out_of_the_way(int fd)
{
    const int there = fcntl(fd, F_DUPFD, PIPE_AT_LEAST);

    if (there < 0)
        refuse("%m");
    close(fd);
    return there;
}

int main(int argc, char **argv)
{
    const char *what = argc > WORDS ? argv[2] : NULL;
    int ends[2], report;
    long error, which;

    if (!what)
        refuse("usage: fail FILE WHAT ERROR N COMMAND…");
    error = find(errors, sizeof errors / sizeof *errors, argv[3]);
    which = strtol(argv[4], NULL, 10);
    report = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (report < 0)
        refuse("%s: %m", argv[1]);
    report = out_of_the_way(report);
    if (!strcmp(what, "allocation")) {
        set_number("WISP_FAULT_ALLOCATION", which);
        set_number("WISP_FAULT_REPORT", report);
    } else {
        if (pipe(ends))
            refuse("%m");
        set_number("WISP_FAULT_CALL", find(calls, sizeof calls / sizeof *calls, what));
        ends[1] = out_of_the_way(ends[1]);
        set_number("WISP_FAULT_TOLD", ends[1]);
        begin_to_stand_by(ends, report, what, error, which);
        close(report);
    }
    preload();
    execvp(argv[WORDS], argv + WORDS);
    refuse("%s: %m", argv[WORDS]);
}
