/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wisp/status.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "base/outcome.h"
#include "base/size.h"
#include "client/cli/external.h"
#include "client/cli/private_daemon.h"

enum { LISTEN_FD = 3, BACKLOG = 8, CANNOT_EXEC = 127, POLL_MS = 5, END_MS = 5000 };

/* ---- the folder, and signals while it is there ---- */

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static struct private_daemon *hidden_by_handler; /* written with the signals blocked */

static void on_ending(int signal_number)
{
    struct private_daemon *daemon = hidden_by_handler;

    if (daemon) {
        (void)unlink(daemon->socket);
        (void)rmdir(daemon->folder);
    }
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void block(bool on)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
        sigaddset(&set, ending[i]);
    sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* What the person had ignored (nohup) stays ignored. */
static void handle(void (*from)(int), void (*to)(int))
{
    for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
        struct sigaction action;

        if (sigaction(ending[i], NULL, &action) || action.sa_handler != from)
            continue;
        action.sa_handler = to;
        (void)sigaction(ending[i], &action, NULL);
    }
}

static const char *folder_for_sockets(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    return runtime && *runtime == '/' && strlen(runtime) < 48 && !access(runtime, W_OK | X_OK) ? runtime : "/tmp";
}

static int listen_in_folder(struct private_daemon *daemon)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    cleanup_close int fd = -1;

    insist(!hidden_by_handler && !*daemon->folder); /* one at a time */
    snprintf(daemon->folder, sizeof daemon->folder, "%s/wisp-XXXXXX", folder_for_sockets());
    if (!mkdtemp(daemon->folder))
        return -errno;
    snprintf(daemon->socket, sizeof daemon->socket, "%s/wisp.sock", daemon->folder);
    insist(strlen(daemon->socket) < sizeof address.sun_path, "%s", daemon->socket);
    memcpy(address.sun_path, daemon->socket, strlen(daemon->socket));
    hidden_by_handler = daemon;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG))
        return -errno;
    return steal_fd(&fd);
}

void private_daemon_hide(struct private_daemon *daemon)
{
    if (!*daemon->folder)
        return;
    block(true);
    hidden_by_handler = NULL;
    (void)unlink(daemon->socket);
    (void)rmdir(daemon->folder);
    *daemon->folder = '\0';
    handle(on_ending, SIG_DFL);
    block(false);
}

/* ---- the process ---- */

/* In the child: from here on only what wispd is to have. */
static void become(const char *program, const char *model, int listener, pid_t parent)
{
    char *words[] = { strdup("wispd"), strdup("--log-level"), strdup("error"), strdup("--model"), strdup(model), NULL };
    char pid[24];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    /* The listener may be where it is to go, and then must lose its O_CLOEXEC. */
    if (listener == LISTEN_FD ? fcntl(LISTEN_FD, F_SETFD, 0) < 0 : dup2(listener, LISTEN_FD) < 0)
        _exit(CANNOT_EXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(CANNOT_EXEC);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    unsetenv("LISTEN_FDNAMES");
    unsetenv("NOTIFY_SOCKET");
    unsetenv("STATE_DIRECTORY"); /* nothing is to be gone back to, */
    unsetenv("XDG_STATE_HOME");
    unsetenv("WATCHDOG_USEC");
    handle(on_ending, SIG_DFL);
    block(false);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        _exit(CANNOT_EXEC);
    execv(program, words);
    fprintf(stderr, "wispd: cannot run %s: %s\n", program, strerror(errno));
    _exit(CANNOT_EXEC);
}

int private_daemon_start(struct private_daemon *daemon, const char *verb, const char *model)
{
    cleanup_close int listener = -1;
    char program[PATH_MAX];
    pid_t parent = getpid();

    *daemon = (struct private_daemon){ .model = model };
    if (!program_locate("wispd", program, sizeof program))
        return fail(verb, EXIT_FAILED, "--model needs wispd, which is neither beside this program nor in PATH");
    if (access(model, R_OK))
        return fail(verb, exit_for_input(-errno), "%s: %s", model, strerror(errno));
    block(true);
    handle(SIG_DFL, on_ending);
    listener = listen_in_folder(daemon);
    if (listener >= 0)
        daemon->pid = fork();
    if (listener >= 0 && !daemon->pid)
        become(program, model, listener, parent);
    block(false);
    if (listener >= 0 && daemon->pid > 0)
        return EXIT_DONE;
    daemon->pid = 0;
    return fail(verb, EXIT_FAILED, "cannot start a daemon for %s: %s", model,
                strerror(listener < 0 ? -listener : errno));
}

/* A process that ends closes its sockets before it can be waited for: who is refused may be early. */
static bool reap(pid_t pid, bool patient, int *end)
{
    insist(pid > 0, "%d", (int)pid);
    for (int waited = 0;; waited += POLL_MS) {
        if (waitpid(pid, end, WNOHANG) == pid)
            return true;
        if (!patient || waited >= END_MS)
            return false;
        (void)usleep(POLL_MS * 1000);
    }
}

bool private_daemon_ended(struct private_daemon *daemon, const char *verb, int result, int *status)
{
    const bool gone = result < 0 || result == WISP_E_NO_DAEMON || result == WISP_E_LOST;
    int end;

    if (!daemon->pid || !reap(daemon->pid, gone, &end))
        return false;
    daemon->pid = 0;
    *status = fail(verb, WIFEXITED(end) && WEXITSTATUS(end) == EXIT_CONFIG ? EXIT_DATA : EXIT_FAILED,
                   "wispd does not serve %s", daemon->model);
    return true;
}

void private_daemon_stop(struct private_daemon *daemon)
{
    private_daemon_hide(daemon);
    if (!daemon->pid)
        return;
    insist(daemon->pid > 0, "%d", (int)daemon->pid); /* not a group */
    (void)kill(daemon->pid, SIGTERM);
    while (waitpid(daemon->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    daemon->pid = 0;
}
