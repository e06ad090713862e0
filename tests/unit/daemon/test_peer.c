/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of the process at the other end of a socket: by the kernel's best way, by the one before, and by none.
 */
#include "support/test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "daemon/users/peer.h"

enum { PEERPIDFD = 77, LIMIT_MS = 20000 };

/* From now on this process has an older kernel: no SO_PEERPIDFD, and no pidfd_open() either. */
static void grow_older(bool no_pidfd_open)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, no_pidfd_open ? SYS_pidfd_open : ~0u, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PEERPIDFD, 0, 2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = ARRAY_SIZE(rules), .filter = rules };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(126);
}

static struct sockaddr_un address;
static socklen_t address_length;
static int listener;

static int setup(void **state)
{
    (void)state;
    address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                 (size_t)snprintf(address.sun_path + 1, 64, "wisp-test-peer-%d", (int)getpid()));
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, address_length), 0);
    return listen(listener, 4);
}

static int teardown(void **state)
{
    (void)state;
    return close(listener);
}

/* A process that connects and waits; its end of the socket is ours too, so that its death does not close it. */
static pid_t connect_from_child(int *accepted)
{
    int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    pid_t pid = fork();

    assert_true(client >= 0 && pid >= 0);
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (connect(client, (struct sockaddr *)&address, address_length))
            _exit(1);
        for (;;)
            pause();
    }
    *accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(*accepted >= 0);
    return pid;
}

/* In a process of its own, whose kernel is as old as asked: the end is seen, and the socket is open all the while. */
static int follow(bool older, bool oldest)
{
    struct pollfd end;
    int accepted;
    pid_t pid = connect_from_child(&accepted);

    if (older)
        grow_older(oldest);
    end = (struct pollfd){ .fd = peer_process(accepted, pid), .events = POLLIN };
    if (end.fd < 0) {
        kill(pid, SIGKILL);
        return end.fd;
    }
    if (poll(&end, 1, 0))
        return 1;
    kill(pid, SIGKILL);
    if (poll(&end, 1, LIMIT_MS) != 1 || waitpid(pid, NULL, 0) != pid)
        return 2;
    /* Of one that has been reaped, it says so or is readable at once. */
    end.fd = peer_process(accepted, pid);
    if (end.fd >= 0 && poll(&end, 1, 0) != 1)
        return 3;
    return end.fd >= 0 || end.fd == -ESRCH ? 0 : 4;
}

static int follow_apart(bool older, bool oldest)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (!pid)
        _exit(abs(follow(older, oldest)));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_end_of_a_process_is_seen(void **state)
{
    (void)state;
    assert_int_equal(follow_apart(false, false), 0);
}

static void by_number_where_the_kernel_is_older(void **state)
{
    (void)state;
    assert_int_equal(follow_apart(true, false), 0);
}

static void where_it_cannot_be_it_says_so(void **state)
{
    (void)state;
    assert_int_equal(follow_apart(true, true), ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_end_of_a_process_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(by_number_where_the_kernel_is_older, setup, teardown),
        cmocka_unit_test_setup_teardown(where_it_cannot_be_it_says_so, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
