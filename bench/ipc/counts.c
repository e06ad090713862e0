/* SPDX-License-Identifier: Apache-2.0
 *
 * The tracer is a process of its own: when it has ended, what it traced goes on as before. The client says by a system
 * call that nobody else makes where its trips begin and end (trips.c); what is counted is what was between.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "../daemon/server.h"
#include "counts.h"

enum { MARK = SYS_getppid, PATIENCE_S = 30, OPTIONS = PTRACE_O_TRACESYSGOOD };

/* In memory that the tracer shares with who started it. */
struct tracing {
    bool over; /* both marks were passed */
    struct counts sides[SIDES];
};

int counters_make(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int result = file < 0 || ftruncate(file, sizeof(struct counters)) ? -1 : 0;

    if (result)
        perror(path);
    if (file >= 0)
        close(file);
    return result;
}

static const struct counters *counters_map(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *counters = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct counters), PROT_READ, MAP_SHARED, file, 0);

    if (file >= 0)
        close(file);
    return counters == MAP_FAILED ? NULL : counters;
}

/* ---- who is traced ---- */

/* To the next system call, from now on. */
static int seize(pid_t pid)
{
    return ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)OPTIONS) || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ? -1
                                                                                                                    : 0;
}

static int seize_threads(pid_t pid)
{
    char path[64];
    const struct dirent *entry;
    DIR *folder;
    int result = 0;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    folder = opendir(path);
    if (!folder)
        return -1;
    while (!result && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.')
            result = seize((pid_t)strtol(entry->d_name, NULL, 10));
    }
    closedir(folder);
    return result;
}

static void run_client(const struct counted *counted, int go)
{
    char count[24], word;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(go, &word, 1) != 1 || pin_to(counted->core))
        _exit(1);
    snprintf(count, sizeof count, "%llu", (unsigned long long)counted->count);
    setenv("LD_PRELOAD", counted->preload, 1);
    setenv("WISP_BENCH_COUNTERS", counted->files[SIDE_CLIENT], 1);
    execl(counted->trips, counted->trips, counted->socket, counted->what, count, (char *)NULL);
    fprintf(stderr, "bench: %s: %s\n", counted->trips, strerror(errno));
    _exit(127);
}

/* Traced from before its first instruction. -1 after saying why. */
static pid_t start_client(const struct counted *counted)
{
    int ends[2];
    pid_t client;

    if (pipe2(ends, O_CLOEXEC) || (client = fork()) < 0) {
        perror("bench: a client to be counted");
        return -1;
    }
    if (!client)
        run_client(counted, ends[0]);
    if (seize(client) || seize_threads(counted->daemon)) {
        fprintf(stderr, "bench: system calls cannot be counted: %s\n", strerror(errno));
        return -1;
    }
    if (write(ends[1], "", 1) != 1)
        return -1;
    return client;
}

/* ---- what they do ---- */

struct tracer {
    pid_t client;
    const struct counters *counters[SIDES];
    struct tracing *tracing;
    bool counting;
    bool blind; /* the counters do not move */
};

static void mark(struct tracer *tracer)
{
    for (unsigned i = 0; i < SIDES; i++) {
        struct counts *counts = &tracer->tracing->sides[i];
        const struct counters *now = tracer->counters[i];

        if (!tracer->counting) {
            tracer->blind |= !now->allocations || !now->copies; /* nobody has come so far without */
            *counts = (struct counts){ .of = *now, .last_call = -1 };
            continue;
        }
        counts->of.allocations = now->allocations - counts->of.allocations;
        counts->of.copies = now->copies - counts->of.copies;
        counts->of.copied_bytes = now->copied_bytes - counts->of.copied_bytes;
    }
    tracer->tracing->over = tracer->counting && !tracer->blind;
    tracer->counting = !tracer->counting;
}

static void note_call(struct tracer *tracer, pid_t pid)
{
    struct counts *counts = &tracer->tracing->sides[pid == tracer->client ? SIDE_CLIENT : SIDE_DAEMON];
    struct ptrace_syscall_info info;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    if (pid == tracer->client && info.entry.nr == MARK)
        mark(tracer);
    else if (tracer->counting) {
        counts->system_calls++;
        counts->last_call = (int64_t)info.entry.nr;
    }
}

/* Until the client has come to its end. */
static int trace(const struct counted *counted, struct tracing *tracing)
{
    struct tracer tracer = { .tracing = tracing };
    int status;
    pid_t pid;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(PATIENCE_S);
    for (unsigned i = 0; i < SIDES; i++) {
        tracer.counters[i] = counters_map(counted->files[i]);
        if (!tracer.counters[i])
            return -1;
    }
    tracer.client = start_client(counted);
    if (tracer.client < 0)
        return -1;
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        int signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

        if (!WIFSTOPPED(status)) {
            if (pid == tracer.client)
                return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
            continue;
        }
        if (signal == (SIGTRAP | 0x80))
            note_call(&tracer, pid);
        if (status >> 16 || signal == (SIGTRAP | 0x80))
            signal = 0; /* nobody's but the tracer's */
        ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal);
    }
    return -1;
}

int counts_measure(const struct counted *counted, struct counts out[static SIDES])
{
    struct tracing *tracing = mmap(NULL, sizeof *tracing, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = -1, result = -1;
    pid_t tracer;

    if (tracing == MAP_FAILED)
        return -1;
    tracer = fork();
    if (!tracer)
        _exit(trace(counted, tracing) ? 1 : 0);
    if (tracer > 0)
        waitpid(tracer, &status, 0);
    if (status == 0 && tracing->over) {
        memcpy(out, tracing->sides, sizeof tracing->sides);
        result = 0;
    } else {
        fprintf(stderr, "bench: counting '%s' came to no end\n", counted->what);
    }
    munmap(tracing, sizeof *tracing);
    return result;
}
