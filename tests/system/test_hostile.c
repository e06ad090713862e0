/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that lie in their rings, scribble over their memory, and die. The daemon stays up, others get right answers,
 * nothing is left over.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/rng.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/repetition.h"
#include "support/resources.h"
#include "system/siege.h"

/* ---- submissions ---- */

static void bad_submissions_are_answered_one_by_one(void **state)
{
    struct wire_submission good, cases[21];
    struct wire_completion completion;
    size_t count = 0;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    good = alpha_request(raw_route(&bed.client, "alpha"), 1, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        cases[i] = good;
    cases[count++].op = 3;
    cases[count++].op = 255;
    cases[count++].flags = 8;
    cases[count++].beam = 1; /* it does not decode */
    cases[count++].beam = WIRE_BEAM_MAX + 1;
    cases[count++].flags = 128;
    cases[count++].rows = 0;
    cases[count++].rows = WIRE_ROWS_MAX + 1;
    cases[count++].rows = UINT32_MAX;
    cases[count++].in_offset = 4;
    cases[count++].in_offset = ALPHA_ARENA;
    cases[count++].in_offset = ALPHA_ARENA - 64;
    cases[count++].in_offset = UINT64_MAX - 63;
    cases[count++].in_length = 0;
    cases[count++].in_length = ALPHA_ARENA + 4;
    cases[count++].in_length = UINT64_MAX - 3;
    cases[count++].out_offset = 1;
    cases[count++].out_offset = UINT64_MAX / 64 * 64;
    cases[count++].out_length = 0;
    cases[count++].out_length = UINT64_MAX;
    cases[count++].out_offset = ALPHA_ARENA;
    assert_int_equal(count, ARRAY_SIZE(cases));
    for (size_t i = 0; i < count; i++) {
        cases[i].user_data = 100 + i;
        assert_int_equal(raw_run(&bed.client, &cases[i], &completion), WISP_E_INVALID);
        assert_int_equal(completion.out_length, 0);
    }
    alpha_fill(&bed.client, &good, 9);
    assert_int_equal(raw_run(&bed.client, &good, &completion), 0);
    alpha_check(bed.reference, &bed.client, &good, 9);
    raw_close(&bed.client);
}

static void an_impossible_index_ends_the_channel(void **state)
{
    static const uint32_t heads[] = { 1000, 0x80000000u, UINT32_MAX };
    struct wire_submission ping = { .op = WIRE_OP_NOP };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        struct wire_hello hello = raw_hello(4, 1 << 16);

        assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
        __atomic_store_n(&bed.client.ours->cq_head, heads[i], __ATOMIC_RELEASE);
        /* It is read when the credit seems to be used up. */
        for (int k = 0; k < 100 && !siege_closes(bed.client.socket, 10); k++)
            raw_submit(&bed.client, &ping);
        assert_int_equal(bed.client.theirs->state, WIRE_STATE_CLOSED);
        raw_close(&bed.client);
    }
    assert_true(daemon_logged(&bed.daemon, "impossible ring index"));
}

/* It has no completion that could say so. */
static void a_malformed_cancellation_ends_the_channel(void **state)
{
    struct wire_submission cases[] = { { .op = WIRE_OP_CANCEL, .flags = 1 },
                                       { .op = WIRE_OP_CANCEL, .rows = 1 },
                                       { .op = WIRE_OP_CANCEL, .in_length = 4 },
                                       { .op = WIRE_OP_CANCEL, .deadline_us = 1 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        alpha_open(&bed.client, bed.daemon.socket);
        assert_true(raw_submit(&bed.client, &cases[i]));
        assert_true(siege_closes(bed.client.socket, PATIENCE_MS));
        raw_close(&bed.client);
    }
    assert_true(daemon_logged(&bed.daemon, "malformed cancellation"));
}

/* Cancellations of what is there and of what is not, more than there are requests: each of these is answered once. */
static void cancellations_answer_each_request_once(void **state)
{
    enum { ROUNDS = 200 };
    struct wire_submission cancel = { .op = WIRE_OP_CANCEL }, large;
    struct wire_completion completion;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    large = alpha_request(siege.route, 400, 0);
    alpha_fill(&bed.client, &large, 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        large.user_data = i;
        assert_true(raw_submit(&bed.client, &large));
        for (unsigned k = 0; k < 10; k++) {
            cancel.user_data = i + k;
            assert_true(raw_submit(&bed.client, &cancel));
        }
        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
        assert_int_equal(completion.user_data, i);
        assert_true(completion.status == 0 || completion.status == WISP_E_CANCELLED);
    }
    assert_false(raw_reap(&bed.client, &completion, 20));
    raw_close(&bed.client);
}

/* A client that reaps nothing is served until its completion ring is full, and no further; when it reaps, it gets the
 * rest: each exactly once. */
static void who_does_not_reap_stalls_alone(void **state)
{
    enum { SLOTS = 8 };
    struct wire_hello hello = raw_hello(SLOTS, 1 << 16);
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    uint64_t sent = 0, seen = 0;

    (void)state;
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    for (int k = 0; k < 200; k++) {
        ping.user_data = sent;
        sent += raw_submit(&bed.client, &ping);
        poll(NULL, 0, k < 50 ? 1 : 0);
    }
    assert_int_equal(sent, 2 * SLOTS); /* a full ring of answers, a full ring of questions */
    alpha_open(&bed.honest, bed.daemon.socket);
    alpha_round(bed.reference, &bed.honest, raw_route(&bed.honest, "alpha"), 2, 3);
    raw_close(&bed.honest);
    while (seen < sent && raw_reap(&bed.client, &completion, PATIENCE_MS)) {
        assert_int_equal(completion.user_data, seen);
        assert_int_equal(completion.status, 0);
        seen++;
    }
    assert_int_equal(seen, sent);
    assert_false(raw_reap(&bed.client, &completion, 20));
    raw_close(&bed.client);
}

/* ---- scribbling ---- */

struct scribbler {
    pthread_t thread;
    bool stop; /* relaxed: read until it is seen */
    uint64_t channels, words;
    struct raw_client client;
};

/* Random words all over the pages that a client may write, its rings and indexes included, and doorbells. A channel
 * that the daemon closes for it is opened anew. */
static void *scribble(void *argument)
{
    struct scribbler *scribbler = argument;
    struct raw_client *client = &scribbler->client;
    struct wire_hello hello = raw_hello(16, 1 << 16);
    struct rng rng = rng_make(5, 5);
    const uint64_t one = 1;

    while (!__atomic_load_n(&scribbler->stop, __ATOMIC_RELAXED)) {
        size_t words, ring_words;
        uint32_t *at;

        if (raw_open(client, bed.daemon.socket, &hello))
            continue;
        scribbler->channels++;
        at = client->request.address;
        words = client->request.size / sizeof *at;
        ring_words = client->layout.arena_offset / sizeof *at;
        while (!__atomic_load_n(&scribbler->stop, __ATOMIC_RELAXED) &&
               __atomic_load_n(&client->theirs->state, __ATOMIC_RELAXED) != WIRE_STATE_CLOSED) {
            uint32_t value = rng_u32(&rng);

            /* Mostly where it hurts, and often with small numbers, which are plausible ones. */
            if (rng_below(&rng, 4))
                value &= 0xff;
            __atomic_store_n(&at[rng_below(&rng, rng_below(&rng, 4) ? ring_words : words)], value, __ATOMIC_RELAXED);
            if (!(++scribbler->words & 63))
                (void)!write(client->eventfd, &one, sizeof one);
            /* Plausible sequence numbers on top, so that the entries are taken. */
            if (!(scribbler->words & 15))
                submit_ring_push(&client->submit, (const struct wire_submission *)(const void *)(at + 64));
        }
        raw_close(client);
    }
    return NULL;
}

/* As busy, and harmless. */
static void *compute(void *argument)
{
    struct scribbler *scribbler = argument;
    struct rng rng = rng_make(5, 5);

    while (!__atomic_load_n(&scribbler->stop, __ATOMIC_RELAXED))
        scribbler->words += rng_below(&rng, 4) < 4;
    return NULL;
}

/* So many honest answers, and for so long: each right, and how long it took. */
static void ask_honestly(struct histogram *took, uint32_t route, uint64_t ns, uint64_t count)
{
    const uint64_t until = clock_ns() + ns;

    for (uint64_t round = 0; round < count || clock_ns() < until; round++) {
        const uint32_t rows = 1 + (uint32_t)round % 40;
        struct wire_submission request = alpha_request(route, rows, 0);
        struct wire_completion completion;
        uint64_t begin;

        alpha_fill(&bed.honest, &request, round);
        begin = clock_ns();
        assert_int_equal(raw_run(&bed.honest, &request, &completion), 0);
        histogram_add(took, clock_ns() - begin);
        alpha_check(bed.reference, &bed.honest, &request, round);
    }
}

static void say(const char *when, const struct histogram *took)
{
    struct histogram copy;
    uint64_t p50, p99;

    histogram_read(took, &copy);
    p50 = histogram_quantile(&copy, 0.5) / NS_PER_US;
    p99 = histogram_quantile(&copy, 0.99) / NS_PER_US;
    print_message("%s: %" PRIu64 " honest answers, p50 %" PRIu64 " us, p99 %" PRIu64 " us\n", when,
                  histogram_count(&copy), p50, p99);
}

/* Two threads at work while somebody asks honestly; `work` NULL: none. */
static void ask_beside(const char *when, void *(*work)(void *), uint32_t route, uint64_t ns, uint64_t count)
{
    static struct histogram took;
    static struct scribbler scribblers[2];

    memset(&took, 0, sizeof took);
    for (size_t i = 0; work && i < ARRAY_SIZE(scribblers); i++) {
        memset(&scribblers[i], 0, sizeof scribblers[i]);
        assert_int_equal(pthread_create(&scribblers[i].thread, NULL, work, &scribblers[i]), 0);
    }
    ask_honestly(&took, route, ns, count);
    for (size_t i = 0; work && i < ARRAY_SIZE(scribblers); i++) {
        __atomic_store_n(&scribblers[i].stop, true, __ATOMIC_RELAXED);
        assert_int_equal(pthread_join(scribblers[i].thread, NULL), 0);
        assert_true(scribblers[i].words > 1000);
    }
    say(when, &took);
}

/* What it takes longer for want of a processor is seen beside two that compute, and touch nothing of the daemon's. */
static void scribbling_hurts_nobody_else(void **state)
{
    const uint64_t ns = repeats("WISP_SCRIBBLE_MS", 1500) * NS_PER_MS, count = repeats("WISP_SCRIBBLE_ANSWERS", 10);
    uint32_t route;

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    route = raw_route(&bed.honest, "alpha");
    ask_beside("alone", NULL, route, ns / 10, count / 10);
    ask_beside("beside two that compute", compute, route, ns / 10, count / 10);
    ask_beside("beside two that scribble", scribble, route, ns, count);
    raw_close(&bed.honest);
}

/* What a client can reach of the other region, and of the seals. */
static void the_response_region_cannot_be_written(void **state)
{
    char path[64];
    int fd;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    assert_int_equal(mprotect(bed.client.response.address, WIRE_PAGE, PROT_READ | PROT_WRITE), -1);
    assert_true(mmap(NULL, WIRE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, bed.client.response.fd, 0) == MAP_FAILED);
    assert_int_equal(ftruncate(bed.client.response.fd, 0), -1);
    assert_int_equal(ftruncate(bed.client.request.fd, 0), -1);
    assert_int_equal(ftruncate(bed.client.request.fd, (off_t)bed.client.request.size * 2), -1);
    assert_int_equal(fcntl(bed.client.request.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    if (geteuid()) { /* root may do anything to a file */
        snprintf(path, sizeof path, "/proc/self/fd/%d", bed.client.response.fd);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(fd, -1);
    }
    raw_close(&bed.client);
}

/* ---- holes ---- */

struct puncher {
    pthread_t thread;
    const struct raw_client *client;
    bool stop;      /* relaxed: read until it is seen */
    uint64_t tries; /* the same */
    uint64_t punched, others;
};

/* All of its memory, rings included, over and over. A reader of a page that is being punched would sleep meanwhile. */
static void *punch(void *argument)
{
    struct puncher *puncher = argument;
    const struct region *region = &puncher->client->request;

    while (!__atomic_load_n(&puncher->stop, __ATOMIC_RELAXED)) {
        int result = fallocate(region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)region->size);

        puncher->punched += !result;
        puncher->others += result && errno != EPERM;
        __atomic_fetch_add(&puncher->tries, 1, __ATOMIC_RELAXED);
        sched_yield();
    }
    return NULL;
}

static void punch_begin(struct puncher *puncher, const struct raw_client *client)
{
    *puncher = (struct puncher){ .client = client };
    assert_int_equal(pthread_create(&puncher->thread, NULL, punch, puncher), 0);
    while (!__atomic_load_n(&puncher->tries, __ATOMIC_RELAXED))
        sched_yield();
}

static void punch_end(struct puncher *puncher)
{
    __atomic_store_n(&puncher->stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(puncher->thread, NULL), 0);
    assert_int_equal(puncher->others, 0);
}

/* It may try for as long as it likes: no page goes, its own answers are right, and so are those of others. */
static void nobody_can_punch_holes(void **state)
{
    struct wire_submission large;
    struct wire_completion completion;
    struct puncher puncher;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_open(&bed.honest, bed.daemon.socket);
    large = alpha_request(siege.route, 500, 0);
    alpha_fill(&bed.client, &large, 1);
    punch_begin(&puncher, &bed.client);
    for (uint64_t i = 0; i < 50; i++) {
        assert_true(raw_submit(&bed.client, &large));
        alpha_round(bed.reference, &bed.honest, siege.route, 3, i);
        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
        assert_int_equal(completion.status, 0);
        alpha_check(bed.reference, &bed.client, &large, 1);
    }
    punch_end(&puncher);
    assert_int_equal(puncher.punched, 0);
    raw_close(&bed.honest);
    raw_close(&bed.client);
}

/* Whoever has not sealed its memory may ask questions; nothing that it publishes is looked at, and its first doorbell
 * ends it. */
static void who_does_not_seal_is_not_served(void **state)
{
    static const int seals[] = { 0, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL };
    struct wire_hello hello = raw_hello(4, 1 << 16);
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    struct puncher puncher;
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(seals); i++) {
        assert_int_equal(raw_greet(&bed.client, bed.daemon.socket, &hello), 0);
        assert_int_equal(fcntl(bed.client.request.fd, F_ADD_SEALS, seals[i]), 0);
        punch_begin(&puncher, &bed.client);
        assert_int_equal(raw_ask(&bed.client, WIRE_STATUS, NULL, &text, NULL), 0);
        free(text);
        bed_serves();
        assert_true(raw_submit(&bed.client, &ping));
        assert_true(siege_closes(bed.client.socket, PATIENCE_MS));
        punch_end(&puncher);
        assert_true((puncher.punched > 0) == !(seals[i] & F_SEAL_FUTURE_WRITE));
        assert_int_equal(bed.client.theirs->state, WIRE_STATE_CLOSED);
        assert_int_equal(bed.client.theirs->sq_head, 0);
        raw_close(&bed.client);
    }
    assert_true(daemon_logged(&bed.daemon, "before it has sealed"));
}

/* ---- dying ---- */

static void __attribute__((noreturn)) live_until_killed(void)
{
    struct wire_hello hello = raw_hello(ALPHA_ENTRIES, ALPHA_ARENA);
    struct wire_completion completion;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (raw_open(&bed.client, bed.daemon.socket, &hello))
        _exit(1); /* no assertion may bring a child back into the tests */
    for (uint32_t i = 0;; i++) {
        struct wire_submission request = alpha_request(siege.route, i % 3 ? 1 : 400, i % 3 ? 16 + i % 40 : 0);

        while (!raw_submit(&bed.client, &request))
            raw_reap(&bed.client, &completion, 1);
        while (reap_ring_take(&bed.client.reap, &completion))
            continue;
    }
}

static void killed_clients_leave_nothing(void **state)
{
    enum { AT_ONCE = 4 };
    struct repetition rounds = repetition_begin("WISP_KILLED_CLIENTS", 200);
    struct rng rng = rng_make(3, 3 + rounds.done);

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    for (; repetition_goes_on(&rounds); repetition_note(&rounds, AT_ONCE)) {
        pid_t pids[AT_ONCE];
        int status;

        for (int k = 0; k < AT_ONCE; k++) {
            pids[k] = fork();
            assert_true(pids[k] >= 0);
            if (!pids[k])
                live_until_killed();
        }
        for (int k = 0; k < AT_ONCE; k++) {
            struct timespec pause = clock_timespec(rng_below(&rng, 4 * NS_PER_MS));

            nanosleep(&pause, NULL);
            assert_int_equal(kill(pids[k], SIGKILL), 0);
            assert_int_equal(waitpid(pids[k], &status, 0), pids[k]);
            assert_true(WIFSIGNALED(status)); /* it had not given up before */
        }
        alpha_round(bed.reference, &bed.honest, siege.route, 5, rounds.done);
    }
    raw_close(&bed.honest);
}

/* A client that was killed, but whose forked child, which knows nothing of it, holds its socket and its memory: the
 * channel goes all the same, and the child is none the worse for it. */
static void a_channel_ends_with_its_process(void **state)
{
    int ready[2];
    pid_t pid, child = 0;

    (void)state;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        struct wire_hello hello = raw_hello(ALPHA_ENTRIES, ALPHA_ARENA);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (raw_open(&bed.client, bed.daemon.socket, &hello))
            _exit(1);
        child = fork();
        alarm(120); /* whatever becomes of the test */
        if (child && write(ready[1], &child, sizeof child) != sizeof child)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &child, sizeof child), sizeof child);
    assert_true(daemon_descriptors(&bed.daemon) > siege.descriptors);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(daemon_settles(&bed.daemon, siege.descriptors, siege.mappings));
    assert_int_equal(kill(child, 0), 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    close(ready[0]);
    close(ready[1]);
}

/* A client that stops in its tracks, with a large request under way, costs itself only. */
static void a_stopped_client_holds_up_nobody(void **state)
{
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (!pid)
        live_until_killed();
    poll(NULL, 0, 20);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    alpha_open(&bed.honest, bed.daemon.socket);
    for (uint64_t i = 0; i < 20; i++)
        alpha_round(bed.reference, &bed.honest, raw_route(&bed.honest, "alpha"), 2, i);
    raw_close(&bed.honest);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE(bad_submissions_are_answered_one_by_one),
        SIEGE(an_impossible_index_ends_the_channel),
        SIEGE(a_malformed_cancellation_ends_the_channel),
        SIEGE(cancellations_answer_each_request_once),
        SIEGE(who_does_not_reap_stalls_alone),
        SIEGE(scribbling_hurts_nobody_else),
        SIEGE(the_response_region_cannot_be_written),
        SIEGE(nobody_can_punch_holes),
        SIEGE(who_does_not_seal_is_not_served),
        SIEGE(killed_clients_leave_nothing),
        SIEGE(a_channel_ends_with_its_process),
        SIEGE(a_stopped_client_holds_up_nobody),
    };

    return run_over_both_loops(tests, siege_begin, siege_end);
}
