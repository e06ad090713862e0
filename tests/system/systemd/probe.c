/* SPDX-License-Identifier: Apache-2.0
 *
 * What a daemon that has been taken over could do: run in wispd's place, in its sandbox, this tries what the sandbox is
 * to forbid, and what wispd needs, and says which went otherwise. A line a probe; exit status 1 when one failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/size.h"

enum { PAGE = 4096 };

static int result_of(long result)
{
    return result < 0 ? errno : 0;
}

static int create(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600), result = result_of(fd);

    if (fd >= 0)
        close(fd);
    return result;
}

static int look(const char *path)
{
    int fd = open(path, O_RDONLY), result = result_of(fd);

    if (fd >= 0)
        close(fd);
    return result;
}

static int inet(void)
{
    return result_of(socket(AF_INET, SOCK_STREAM, 0));
}
static int inet6(void)
{
    return result_of(socket(AF_INET6, SOCK_STREAM, 0));
}
static int netlink_socket(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW, 0));
}
static int packet(void)
{
    return result_of(socket(AF_PACKET, SOCK_RAW, 0));
}

/* Rings make sockets past every filter: there must be no network to reach with them. */
static int interfaces_but_loopback(void)
{
    char line[512];
    FILE *list = fopen("/proc/self/net/dev", "re");
    int others = 0;

    if (!list)
        return errno;
    while (fgets(line, sizeof line, list))
        others += strchr(line, ':') && !strstr(line, " lo:");
    fclose(list);
    return others;
}

static int write_and_execute(void)
{
    return mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}
static int execute_what_was_written(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return result_of(mprotect(page, PAGE, PROT_READ | PROT_EXEC));
}
static int run_a_shell(void)
{
    int status = 0;
    pid_t child = fork();

    if (child < 0)
        return errno;
    if (!child) {
        execl("/bin/sh", "sh", "-c", ":", (char *)NULL);
        _exit(errno);
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static int write_usr(void)
{
    return create("/usr/probe");
}
static int write_etc(void)
{
    return create("/etc/probe");
}
static int write_models(void)
{
    return create("/var/lib/wisp/models/probe");
}
static int write_run(void)
{
    return create("/run/wisp/probe");
}
static int look_home(void)
{
    return look("/home");
}
static int look_root(void)
{
    return look("/root");
}
static int look_memory(void)
{
    return look("/dev/mem");
}
static int look_log(void)
{
    return look("/dev/kmsg");
}
static int look_init(void)
{
    return look("/proc/1/environ");
}
static int look_settings(void)
{
    return look("/proc/sys/kernel/hostname");
}
static int make_cgroup(void)
{
    return result_of(mkdir("/sys/fs/cgroup/probe", 0700));
}
static int trace(void)
{
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}
static int mount_something(void)
{
    return result_of(mount("none", "/tmp", "tmpfs", 0, NULL));
}
static int new_namespace(void)
{
    return result_of(unshare(CLONE_NEWUSER));
}
static int become_root(void)
{
    return result_of(setuid(0));
}
static int change_root(void)
{
    return result_of(chroot("/tmp"));
}
static int bpf(void)
{
    return result_of(syscall(SYS_bpf, 0, NULL, 0));
}
static int perf(void)
{
    return result_of(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}
static int keyring(void)
{
    return result_of(syscall(SYS_keyctl, 0, -3, 0));
}
static int load_module(void)
{
    return result_of(syscall(SYS_init_module, NULL, 0, ""));
}
static int set_clock(void)
{
    const struct timespec time = { 0 };

    return result_of(clock_settime(CLOCK_REALTIME, &time));
}
static int fault_by_hand(void)
{
    return result_of(syscall(SYS_userfaultfd, 0));
}
static int read_others_memory(void)
{
    return result_of(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}
static int real_time(void)
{
    const struct sched_param param = { .sched_priority = 1 };

    return result_of(sched_setscheduler(0, SCHED_FIFO, &param));
}
static int set_user_id(void)
{
    int fd = open("/tmp/probe", O_CREAT | O_WRONLY, 0600);

    return fd < 0 ? 0 : result_of(fchmod(fd, 04755));
}
static int old_personality(void)
{
    return result_of(personality(ADDR_NO_RANDOMIZE));
}

/* Segments of others, by which they and it could pass things on: the test makes one before. */
static int see_segments(void)
{
    struct shm_info info = { 0 };

    return shmctl(0, SHM_INFO, (struct shmid_ds *)&info) < 0 ? errno : info.used_ids;
}

/* A call by the 32-bit table, which a filter of the others does not know by their numbers. Who tries is ended. */
static int foreign_call(void)
{
    int status = 0;
    pid_t child = fork();

    if (child < 0)
        return errno;
    if (!child) {
#ifdef __x86_64__
        long result = 20; /* getpid() */

        __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
        _exit(result <= 0);
#else
        raise(SIGSYS);
#endif
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? EPERM : WEXITSTATUS(status);
}

static int private_tmp(void)
{
    return create("/tmp/ours");
}
static int ring(void)
{
    struct io_uring_params params = { 0 };

    return result_of(syscall(SYS_io_uring_setup, 8, &params));
}
static int sealed_memory(void)
{
    int fd = memfd_create("probe", MFD_ALLOW_SEALING | MFD_CLOEXEC);

    return fd < 0 ? errno : result_of(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
}
static int event(void)
{
    return result_of(eventfd(0, EFD_CLOEXEC));
}
static int pin(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) ? errno : result_of(sched_setaffinity(0, sizeof set, &set));
}
static int local_socket(void)
{
    return result_of(socket(AF_UNIX, SOCK_SEQPACKET, 0));
}

static const struct {
    const char *name;
    int (*probe)(void);
    int expected; /* an errno, or 0 */
} probes[] = {
    { "IPv4 socket", inet, EAFNOSUPPORT },
    { "IPv6 socket", inet6, EAFNOSUPPORT },
    { "netlink socket", netlink_socket, EAFNOSUPPORT },
    { "packet socket", packet, EAFNOSUPPORT },
    { "no interface but loopback", interfaces_but_loopback, 0 },
    { "memory to write and execute", write_and_execute, EPERM },
    { "executing what was written", execute_what_was_written, EPERM },
    { "running a shell", run_a_shell, EACCES },
    { "writing to /usr", write_usr, EROFS },
    { "writing to /etc", write_etc, EROFS },
    { "writing to /var/lib/wisp/models", write_models, EROFS },
    { "writing to /run/wisp", write_run, EACCES },
    { "looking into /home", look_home, EACCES },
    { "looking into /root", look_root, EACCES },
    { "reading /dev/mem", look_memory, ENOENT },
    { "reading the kernel's log", look_log, ENOENT },
    { "seeing PID 1", look_init, ENOENT },
    { "seeing kernel settings", look_settings, ENOENT },
    { "making a cgroup", make_cgroup, EROFS },
    { "tracing", trace, EPERM },
    { "mounting", mount_something, EPERM },
    { "new namespaces", new_namespace, EPERM },
    { "becoming root", become_root, EPERM },
    { "changing the root", change_root, EPERM },
    { "bpf", bpf, EPERM },
    { "perf", perf, EPERM },
    { "keyrings", keyring, EPERM },
    { "loading a module", load_module, EPERM },
    { "setting the clock", set_clock, EPERM },
    { "userfaultfd", fault_by_hand, EPERM },
    { "reading another process's memory", read_others_memory, EPERM },
    { "real-time priority", real_time, EPERM },
    { "a set-user-id file", set_user_id, EPERM },
    { "another personality", old_personality, EPERM },
    { "seeing others' segments", see_segments, 0 },
    { "calls of another architecture", foreign_call, EPERM },
    { "a private /tmp", private_tmp, 0 },
    { "io_uring", ring, 0 },
    { "sealed memory", sealed_memory, 0 },
    { "an eventfd", event, 0 },
    { "pinning itself", pin, 0 },
    { "a local socket", local_socket, 0 },
};

int main(void)
{
    unsigned failed = 0;

    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        int got = probes[i].probe();

        if (got != probes[i].expected) {
            printf("FAIL %s: %s, expected %s\n", probes[i].name, strerrorname_np(got),
                   strerrorname_np(probes[i].expected));
            failed++;
        }
    }
    printf("%zu probes, %u failed\n", ARRAY_SIZE(probes), failed);
    return failed != 0;
}
