/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../daemon/server.h"
#include "base/clock.h"
#include "base/futex.h"
#include "echo.h"

enum { SLOTS = 64, WARM = 200 };

struct slot {
    uint32_t body[15];
    uint32_t seq; /* publishes the body: release, acquire */
};

struct lines {
    _Alignas(128) struct slot there[SLOTS];
    _Alignas(128) struct slot back[SLOTS];
};

struct echo_kind {
    void (*send)(struct slot *ring, uint32_t i);
    void (*receive)(struct slot *ring, uint32_t i);
    uint64_t gap_ns; /* between two trips */
};

/* ---- a line: the word alone, always the same ---- */

static void line_send(struct slot *ring, uint32_t i)
{
    __atomic_store_n(&ring->seq, i, __ATOMIC_RELEASE); /* pairs with line_receive() */
}

static void line_receive(struct slot *ring, uint32_t i)
{
    while (__atomic_load_n(&ring->seq, __ATOMIC_ACQUIRE) != i) /* pairs with line_send() */
        cpu_pause();
}

const struct echo_kind echo_line = { line_send, line_receive, 0 };

/* ---- a ring: one slot after the other, with a body ---- */

static void ring_send(struct slot *ring, uint32_t i)
{
    struct slot *slot = &ring[i % SLOTS];
    uint32_t body[15] = { i };

    memcpy(slot->body, body, sizeof body);
    line_send(slot, i);
}

static void ring_receive(struct slot *ring, uint32_t i)
{
    struct slot *slot = &ring[i % SLOTS];
    volatile uint32_t body[15];

    line_receive(slot, i);
    for (unsigned k = 0; k < 15; k++)
        body[k] = slot->body[k];
    if (body[0] != i)
        abort();
}

const struct echo_kind echo_ring = { ring_send, ring_receive, 0 };

/* ---- asleep ---- */

static void futex_send(struct slot *ring, uint32_t i)
{
    line_send(ring, i);
    futex_wake(&ring->seq, 1, FUTEX_SHARED);
}

static void futex_receive(struct slot *ring, uint32_t i)
{
    uint32_t seen;

    while ((seen = __atomic_load_n(&ring->seq, __ATOMIC_ACQUIRE)) != i) /* pairs with line_send() */
        (void)futex_wait(&ring->seq, seen, UINT64_MAX, FUTEX_SHARED);
}

const struct echo_kind echo_futex = { futex_send, futex_receive, 300 * NS_PER_US };

/* ---- trips ---- */

/* 0 in the child; it dies with this process. */
static pid_t fork_on(int core)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pin_to(core))
        _exit(1);
    return 0;
}

static void answer(const struct echo_kind *kind, struct lines *lines)
{
    for (uint32_t i = 1;; i++) {
        kind->receive(lines->there, i);
        kind->send(lines->back, i);
    }
}

int echo_measure(const struct echo_kind *kind, int core, uint64_t trips, struct samples *samples)
{
    const struct timespec gap = { .tv_nsec = (long)kind->gap_ns };
    struct lines *lines = mmap(NULL, sizeof *lines, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t other;

    if (lines == MAP_FAILED || (other = fork_on(core)) < 0) {
        perror("bench: another process to exchange words with");
        return -1;
    }
    if (!other)
        answer(kind, lines);
    for (uint32_t i = 1; i <= trips + WARM; i++) {
        uint64_t begin;

        if (kind->gap_ns)
            nanosleep(&gap, NULL);
        begin = clock_ns();
        kind->send(lines->there, i);
        kind->receive(lines->back, i);
        if (i > WARM)
            samples_add(samples, clock_ns() - begin);
    }
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    munmap(lines, sizeof *lines);
    return 0;
}

static int trip_of(const char *path, const char *name, uint64_t trips, uint64_t *p50_ns, uint64_t *p99_ns)
{
    char command[600];
    FILE *output;
    int found;

    snprintf(command, sizeof command, "exec '%s' %s trip %llu", path, name, (unsigned long long)trips);
    output = popen(command, "re"); /* NOLINT(cert-env33-c): the path is of who measures */
    if (!output)
        return -1;
    found = fscanf(output, "%lu %lu", p50_ns, p99_ns); /* NOLINT(cert-err34-c): numbers of our own program */
    return pclose(output) || found != 2 ? -1 : 0;
}

int program_measure(const char *path, int core, uint64_t trips, uint64_t *p50_ns, uint64_t *p99_ns)
{
    char name[40];
    pid_t other = fork_on(core);
    int result;

    snprintf(name, sizeof name, "wisp-bench-%d", other ? getpid() : getppid());
    if (!other) {
        execl(path, path, name, "serve", NULL);
        _exit(127);
    }
    if (other < 0)
        return -1;
    result = trip_of(path, name, trips, p50_ns, p99_ns);
    if (result)
        fprintf(stderr, "bench: %s measures nothing\n", path);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    return result;
}
