/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/command.h"

enum { NOBODY = 65534 };

static void redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
}

static void __attribute__((noreturn)) become(const struct command *command)
{
    char path[512];
    int program;

    snprintf(path, sizeof path, "%s/%s", binary_path("bin"), command->words[0]);
    program = open(*command->words[0] == '/' ? command->words[0] : path, O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < COMMAND_WORDS_MAX && command->environment[i]; i++)
        putenv((char *)command->environment[i]);
    if (command->input_fd > 0)
        dup2(command->input_fd, STDIN_FILENO);
    else
        redirect(command->input ? command->input : "/dev/null", O_RDONLY, STDIN_FILENO);
    if (command->output)
        redirect(command->output, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    if (command->folder && chdir(command->folder))
        _exit(126);
    if (command->data_max && setrlimit(RLIMIT_DATA, &(struct rlimit){ command->data_max, command->data_max }))
        _exit(126);
    if (command->nobody && !getuid() && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
        _exit(126);
    /* By descriptor: nobody may not be able to walk to the build's folder. */
    fexecve(program, (char *const *)command->words, environ);
    _exit(127);
}

static void start_piped(const struct command *command, struct running *running)
{
    int out[2], err[2];

    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    running->pid = fork();
    assert_true(running->pid >= 0);
    if (!running->pid) {
        close(out[0]);
        close(err[0]);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        become(command);
    }
    close(out[1]);
    close(err[1]);
    running->out = out[0];
    running->err = err[0];
    if (command->deaf) {
        close(out[0]);
        running->out = -1;
    }
}

void command_start(const struct command *command, struct running *running)
{
    const struct winsize size = { .ws_row = 24, .ws_col = 80 };

    if (command->terminal) {
        running->pid = forkpty(&running->out, NULL, NULL, &size);
        assert_true(running->pid >= 0);
        if (!running->pid)
            become(command);
        running->err = -1;
    } else {
        start_piped(command, running);
    }
    if (command->input_fd > 0)
        close(command->input_fd);
}

/* False at the end of the stream; a terminal ends with EIO. What does not fit is dropped. */
static bool take(int fd, char *text, size_t *used)
{
    char rest[4096];
    size_t room = COMMAND_TEXT_MAX - 1 - *used;
    ssize_t got = room ? read(fd, text + *used, room) : read(fd, rest, sizeof rest);

    if (got <= 0)
        return false;
    *used += room ? (size_t)got : 0;
    text[*used] = '\0';
    return true;
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

bool command_has_ended(const struct running *running)
{
    siginfo_t info = { .si_pid = 0 };

    assert_int_equal(waitid(P_PID, (id_t)running->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid != 0;
}

void command_finish(struct running *running, struct outcome *outcome)
{
    long long end = now_ms() + COMMAND_LIMIT_MS;
    size_t err_size = 0;
    bool late = false;
    int status;

    outcome->out_size = 0;
    outcome->out[0] = outcome->err[0] = '\0';
    while (running->out >= 0 || running->err >= 0) {
        struct pollfd streams[] = { { running->out, POLLIN, 0 }, { running->err, POLLIN, 0 } };
        int left = (int)(end - now_ms());

        late = left <= 0 || poll(streams, 2, left) == 0;
        if (late)
            break;
        if (streams[0].revents && !take(running->out, outcome->out, &outcome->out_size)) {
            close(running->out);
            running->out = -1;
        }
        if (streams[1].revents && !take(running->err, outcome->err, &err_size)) {
            close(running->err);
            running->err = -1;
        }
    }
    if (late)
        kill(running->pid, SIGKILL);
    assert_int_equal(waitpid(running->pid, &status, 0), running->pid);
    outcome->status = late ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void command_run(const struct command *command, struct outcome *outcome)
{
    struct running running;

    command_start(command, &running);
    command_finish(&running, outcome);
}
