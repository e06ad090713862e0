/* SPDX-License-Identifier: Apache-2.0
 *
 * As many requests as go through: closed loops in processes of their own, all on one core, which start and stop
 * together.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/server.h"
#include "e2e.h"

/* Shared by parent and clients. The flags pair with the other side's acquire loads; what was seen is read after wait().
 */
struct stage {
    unsigned ready, go, stop;
    struct load_seen seen[CLIENTS_MAX];
};

/* Each request had its part of a pass, of which so many were part. */
static void note(const wisp_request *request, struct load_seen *seen)
{
    struct wisp_timings timings;

    wisp_request_timings(request, &timings);
    seen->requests++;
    if (!timings.batch)
        return;
    seen->passes += 1.0 / timings.batch;
    seen->pass_ns += (double)timings.compute_ns / timings.batch;
}

static int ask(struct endpoint *endpoint, struct stage *stage, struct load_seen *out)
{
    struct load_seen seen = { 0 };
    unsigned i;

    for (i = 0; i < endpoint->depth; i++) {
        if (wisp_submit(endpoint->requests[i]))
            return complain("submitting");
    }
    for (i = 0; !__atomic_load_n(&stage->stop, __ATOMIC_ACQUIRE); i = i + 1 < endpoint->depth ? i + 1 : 0) {
        if (wisp_wait(endpoint->requests[i], UINT32_MAX))
            return complain("request");
        note(endpoint->requests[i], &seen);
        if (wisp_submit(endpoint->requests[i]))
            return complain("submitting");
    }
    *out = seen;
    return 0;
}

static int client(struct stage *stage, const char *socket, unsigned clients, unsigned depth, int core,
                  struct load_seen *seen)
{
    struct endpoint endpoint;
    /* Alone on its core it may spin; clients that share one leave that to the library, which then does not. */
    int result = pin_to(core) || endpoint_open(&endpoint, socket, clients == 1 ? SPIN_LONG_US : 0, depth);

    __atomic_add_fetch(&stage->ready, 1, __ATOMIC_RELEASE);
    while (!result && !__atomic_load_n(&stage->go, __ATOMIC_ACQUIRE))
        usleep(100);
    if (!result)
        result = ask(&endpoint, stage, seen);
    endpoint_close(&endpoint);
    return result != 0;
}

static int reap(const pid_t *pids, unsigned count)
{
    int failed = 0;

    for (unsigned i = 0; i < count; i++) {
        int status = 0;

        waitpid(pids[i], &status, 0);
        failed |= status != 0;
    }
    return failed;
}

static unsigned start_clients(struct stage *stage, const char *socket, unsigned clients, unsigned depth, int core,
                              pid_t *pids)
{
    unsigned started = 0;

    for (; started < clients; started++) {
        pids[started] = fork();
        if (pids[started] < 0)
            break;
        if (!pids[started]) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(client(stage, socket, clients, depth, core, &stage->seen[started]));
        }
    }
    return started;
}

int load_measure(const char *socket, unsigned clients, unsigned depth, int core, uint64_t ns, struct load_seen *seen)
{
    const struct timespec length = clock_timespec(ns);
    struct stage *stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[CLIENTS_MAX];
    uint64_t begin;
    unsigned started;
    int failed;

    if (stage == MAP_FAILED) {
        perror("bench: mmap");
        return -1;
    }
    started = start_clients(stage, socket, clients, depth, core, pids);
    while (started == clients && __atomic_load_n(&stage->ready, __ATOMIC_ACQUIRE) < clients)
        usleep(100);
    begin = clock_ns();
    __atomic_store_n(&stage->go, 1, __ATOMIC_RELEASE);
    if (started == clients)
        nanosleep(&length, NULL);
    __atomic_store_n(&stage->stop, 1, __ATOMIC_RELEASE);
    seen->took_ns += clock_ns() - begin;
    failed = reap(pids, started) || started < clients;
    for (unsigned i = 0; i < clients; i++) {
        seen->requests += stage->seen[i].requests;
        seen->passes += stage->seen[i].passes;
        seen->pass_ns += stage->seen[i].pass_ns;
    }
    munmap(stage, sizeof *stage);
    return failed ? -1 : 0;
}
