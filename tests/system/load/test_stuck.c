/* SPDX-License-Identifier: Apache-2.0
 *
 * Many clients that are stuck: they do nothing, are stopped, have closed their half of the connection, or leave their
 * answers where they are. What one of them adds to the daemon's memory, what an honest client feels of all of them, and
 * how long it takes until nothing is left of those that have died. WISP_STUCK_CLIENTS says how many there are.
 */
#include "support/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/resources.h"
#include "system/siege.h"

enum {
    HOLDERS = 4, /* processes, each with its part of the clients */
    ENTRIES = 4,
    ARENA = 1 << 16, /* of each client */
    ROUNDS = 3000,   /* of the honest client, before and beside */
    GONE_MS = 30000, /* the dead */
};

/* Resident in the daemon of a client, its rings included: what it has touched of them. A sanitizer's shadow is too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { EACH_KIB = 1024 };
#else
enum { EACH_KIB = 64 };
#endif

struct kind {
    const char *name;
    bool asks;  /* it leaves its answers, until nothing goes any more */
    bool halfs; /* it closes its half */
    bool stops; /* it is stopped */
    bool goes;  /* the daemon is to close it, with the client there */
};

/* ---- the stuck, in processes of their own ---- */

static void get_stuck(struct raw_client *client, const struct kind *kind)
{
    const struct wire_submission ping = { .op = WIRE_OP_NOP };

    for (int quiet = 0; kind->asks && quiet < 20;) {
        if (submit_ring_push(&client->submit, &ping)) {
            const uint64_t one = 1;

            quiet = 0;
            (void)!write(client->eventfd, &one, sizeof one);
        } else {
            quiet++;
            usleep(100);
        }
    }
    if (kind->halfs)
        shutdown(client->socket, SHUT_WR);
}

static void __attribute__((noreturn)) hold(const struct kind *kind, unsigned count, int ready)
{
    const struct wire_hello hello = raw_hello(ENTRIES, ARENA);
    struct raw_client *clients = calloc(count, sizeof *clients);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < count; i++) {
        if (!clients || raw_open(&clients[i], bed.daemon.socket, &hello))
            _exit(1); /* no assertion may bring a child back into the tests */
    }
    for (unsigned i = 0; i < count; i++)
        get_stuck(&clients[i], kind);
    if (write(ready, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void holders_begin(pid_t *pids, const struct kind *kind, unsigned count)
{
    int ready[2];
    char byte;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    for (int i = 0; i < HOLDERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (!pids[i])
            hold(kind, count / HOLDERS, ready[1]);
    }
    close(ready[1]);
    for (int i = 0; i < HOLDERS; i++)
        assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    for (int i = 0; kind->stops && i < HOLDERS; i++)
        assert_int_equal(kill(pids[i], SIGSTOP), 0);
}

static void holders_end(const pid_t *pids)
{
    for (int i = 0; i < HOLDERS; i++) {
        assert_int_equal(kill(pids[i], SIGKILL), 0);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
}

/* ---- what it costs ---- */

/* Resident memory, and the tables that describe it. */
static uint64_t daemon_kib(void)
{
    return resources_kib(bed.daemon.pid, "VmRSS") + resources_kib(bed.daemon.pid, "VmPTE");
}

/* One request a fifth of a millisecond; its p50 and p99, in microseconds. */
static void ask_honestly(uint64_t rounds, uint64_t *p50, uint64_t *p99)
{
    static struct histogram took;
    struct histogram copy;

    memset(&took, 0, sizeof took);
    for (uint64_t i = 0; i < rounds; i++) {
        struct wire_submission request = alpha_request(siege.route, 3, 0);
        struct wire_completion completion;
        uint64_t begin;

        alpha_fill(&bed.honest, &request, i);
        begin = clock_ns();
        assert_int_equal(raw_run(&bed.honest, &request, &completion), 0);
        histogram_add(&took, clock_ns() - begin);
        alpha_check(bed.reference, &bed.honest, &request, i);
        usleep(200);
    }
    histogram_read(&took, &copy);
    *p50 = histogram_quantile(&copy, 0.5) / NS_PER_US;
    *p99 = histogram_quantile(&copy, 0.99) / NS_PER_US;
}

/* Until the daemon holds no more than that. */
static uint64_t gone_ms(unsigned descriptors)
{
    const uint64_t begin = clock_ns();

    while (daemon_descriptors(&bed.daemon) > descriptors && clock_ns() < begin + GONE_MS * NS_PER_MS)
        poll(NULL, 0, 2);
    assert_true(daemon_descriptors(&bed.daemon) <= descriptors);
    return (clock_ns() - begin) / NS_PER_MS;
}

static void are_stuck(const struct kind *kind)
{
    const unsigned count = repeats("WISP_STUCK_CLIENTS", 40) / HOLDERS * HOLDERS;
    const uint64_t rounds = MIN((uint64_t)ROUNDS, 4ull * count);
    uint64_t alone[2], beside[2], before, after, gone;
    unsigned descriptors;
    pid_t pids[HOLDERS];
    double each;

    alpha_open(&bed.honest, bed.daemon.socket);
    ask_honestly(rounds, &alone[0], &alone[1]);
    descriptors = daemon_descriptors(&bed.daemon);
    before = daemon_kib();
    holders_begin(pids, kind, count);
    gone = kind->goes ? gone_ms(descriptors) : 0;
    after = daemon_kib();
    each = kind->goes ? 0 : ((double)after - (double)before) / count;
    ask_honestly(rounds, &beside[0], &beside[1]);
    holders_end(pids);
    if (!kind->goes)
        gone = gone_ms(descriptors);
    print_message("%u %s: %.1f KiB each; honest p50 %" PRIu64 " us alone, %" PRIu64 " beside, p99 %" PRIu64 ", %" PRIu64
                  "; gone after %" PRIu64 " ms\n",
                  count, kind->name, each, alone[0], beside[0], alone[1], beside[1], gone);
    assert_true(each <= EACH_KIB);
    raw_close(&bed.honest);
}

static void idle_clients_cost_little(void **state)
{
    (void)state;
    are_stuck(&(struct kind){ .name = "idle" });
}

static void stopped_clients_cost_little(void **state)
{
    (void)state;
    are_stuck(&(struct kind){ .name = "stopped", .stops = true });
}

static void who_leaves_his_answers_costs_little(void **state)
{
    (void)state;
    are_stuck(&(struct kind){ .name = "with full rings", .asks = true });
}

static void who_has_closed_his_half_goes(void **state)
{
    (void)state;
    are_stuck(&(struct kind){ .name = "half closed", .halfs = true, .goes = true });
}

/* ---- set-up ---- */

static int begin(void **state)
{
    struct rlimit limit;
    int result;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    result = siege_begin(state);
    siege_with_limits("limits:\n  channels: 1200\n  channels_per_user: 1200\n  memory_per_user: 4GiB\n");
    return result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_clients_cost_little),
        cmocka_unit_test(stopped_clients_cost_little),
        cmocka_unit_test(who_leaves_his_answers_costs_little),
        cmocka_unit_test(who_has_closed_his_half_goes),
    };

    return run_over_both_loops(tests, begin, siege_end);
}
