/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that lie, scribble, flood, stall and die. The daemon stays up, others get right answers, nothing is left
 * over.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "libipc/wake.h"
#include "support/both_loops.h"
#include "support/daemon.h"
#include "system/alpha.h"

static struct {
    const char *folder;
    char alpha[256];
    struct reference *reference;
    struct test_daemon daemon;
    struct raw_client client, honest;
    unsigned descriptors, mappings; /* of the daemon, without a client */
    uint32_t route;                 /* to alpha, for children */
} the;

static void start(const char *yaml)
{
    const char *models[] = { the.alpha };

    daemon_start(&the.daemon,
                 &(struct daemon_setup){ .models = models, .model_count = 1, .yaml = yaml, .loop = loop_now });
}

static int group_setup(void **state)
{
    (void)state;
    the.folder = scratch_make();
    snprintf(the.alpha, sizeof the.alpha, "%s", scratch_path(the.folder, "alpha.safetensors"));
    model_make(the.alpha, &alpha_recipe);
    the.reference = reference_new(the.alpha);
    start(NULL);
    poll(NULL, 0, 50); /* the connection that the fixture tried is gone by then */
    the.descriptors = daemon_descriptors(&the.daemon);
    the.mappings = daemon_mappings(&the.daemon);
    assert_int_equal(the.mappings, 0);
    alpha_open(&the.client, the.daemon.socket);
    the.route = raw_route(&the.client, "alpha");
    raw_close(&the.client);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    the.reference = reference_free(the.reference);
    scratch_remove(the.folder);
    return daemon_stop(&the.daemon);
}

/* After every test: the daemon answers, and holds nothing of the clients that have gone. */
static int teardown(void **state)
{
    (void)state;
    alpha_open(&the.honest, the.daemon.socket);
    alpha_round(the.reference, &the.honest, raw_route(&the.honest, "image"), 3, 1);
    raw_close(&the.honest);
    assert_true(daemon_settles(&the.daemon, the.descriptors, the.mappings));
    return 0;
}

/* Whether the daemon closes this socket within `ms`; what it says before is passed over. */
static bool closes(int socket, int ms)
{
    struct pollfd poller = { .fd = socket, .events = POLLIN };
    char bytes[4096];

    while (poll(&poller, 1, ms) == 1) {
        if (recv(socket, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
            return true;
    }
    return false;
}

/* ---- handshakes ---- */

static void send_bytes(const void *bytes, size_t length, int *socket)
{
    *socket = raw_connect(the.daemon.socket);
    assert_true(*socket >= 0);
    assert_int_equal(send(*socket, bytes, length, MSG_NOSIGNAL), length);
}

static void malformed_hellos_end_the_connection(void **state)
{
    const struct wire_hello good = raw_hello(16, 1 << 16);
    struct {
        struct wire_hello hello;
        size_t length;
    } cases[11];
    size_t count = 0;

    (void)state;
#define CASE(change)                                                                                                   \
    do {                                                                                                               \
        cases[count].hello = good;                                                                                     \
        cases[count].length = sizeof good;                                                                             \
        change;                                                                                                        \
        count++;                                                                                                       \
    } while (0)
    CASE(cases[count].length = 3);
    CASE(cases[count].length = sizeof(struct wire_header));
    CASE(cases[count].length = sizeof good - 1);
    CASE(cases[count].hello.header.magic ^= 1);
    CASE(cases[count].hello.header.length++);
    CASE(cases[count].hello.header.type = WIRE_LIST);
    CASE(cases[count].hello.header.type = 0xffff);
    CASE(cases[count].hello.header.reserved = 1);
    CASE(cases[count].hello.reserved = 1);
    CASE(cases[count].hello.abi_max = 0);
    CASE(memset(cases[count].hello.name, 'x', sizeof good.name));
#undef CASE
    for (size_t i = 0; i < count; i++) {
        int socket;

        send_bytes(&cases[i].hello, cases[i].length, &socket);
        assert_true(closes(socket, 5000));
        close(socket);
    }
}

static void garbage_is_no_hello(void **state)
{
    struct rng rng = rng_make(1, 1);

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct wire_hello hello = raw_hello(16, 1 << 16);
        unsigned char *bytes = (unsigned char *)&hello;
        int socket;

        /* Half of them damaged in one byte only, which may leave them valid. */
        for (size_t k = 0; i & 1 && k < sizeof hello; k++)
            bytes[k] = (unsigned char)rng_u32(&rng);
        bytes[rng_below(&rng, sizeof hello)] ^= (unsigned char)(1 + rng_below(&rng, 255));
        send_bytes(&hello, 1 + rng_below(&rng, sizeof hello), &socket);
        close(socket);
    }
}

/* Descriptors in a hello are the kernel's to drop: none arrives. */
static void descriptors_in_a_hello_do_not_stay(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);
    int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };

    (void)state;
    for (int i = 0; i < 100; i++) {
        int socket = raw_connect(the.daemon.socket);

        assert_true(socket >= 0);
        assert_int_equal(message_send(socket, &hello, sizeof hello, fds, 3, 0), 0);
        closes(socket, 20);
        close(socket);
    }
}

static void another_version_is_refused_with_a_sentence(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    hello.abi_min = hello.abi_max = WIRE_ABI_MAX + 1;
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), WISP_E_VERSION);
    assert_non_null(strstr(the.client.welcome.text, "ABI"));
    hello = raw_hello(16, 1 << 16);
    hello.features = hello.features_needed = 1ull << 63;
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), WISP_E_VERSION);
    assert_non_null(strstr(the.client.welcome.text, "feature"));
}

static void silence_has_a_second(void **state)
{
    int socket = raw_connect(the.daemon.socket);
    uint64_t begin = clock_ns();

    (void)state;
    assert_true(closes(socket, 5000));
    assert_true(clock_ns() - begin > 900 * NS_PER_MS);
    close(socket);
}

/* More connections without a hello than a user may have pending: the oldest go, and others still get in. */
static void silent_connections_keep_nobody_out(void **state)
{
    enum { MANY = 200 };
    static int sockets[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        sockets[i] = raw_connect(the.daemon.socket);
        assert_true(sockets[i] >= 0);
    }
    alpha_open(&the.client, the.daemon.socket);
    alpha_round(the.reference, &the.client, raw_route(&the.client, "alpha"), 1, 2);
    raw_close(&the.client);
    /* 64 of one user may be pending; the connection above came after all of them. */
    assert_in_range(daemon_descriptors(&the.daemon), the.descriptors, the.descriptors + 64 + 4);
    assert_true(closes(sockets[0], 5000));
    for (int i = 0; i < MANY; i++)
        close(sockets[i]);
}

static void a_second_hello_ends_the_channel(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), 0);
    assert_int_equal(message_send(the.client.socket, &hello, sizeof hello, NULL, 0, 0), 0);
    assert_true(closes(the.client.socket, 5000));
    assert_int_equal(the.client.theirs->state, WIRE_STATE_CLOSED);
    raw_close(&the.client);
}

/* ---- submissions ---- */

static void bad_submissions_are_answered_one_by_one(void **state)
{
    struct wire_submission good, cases[20];
    struct wire_completion completion;
    size_t count = 0;

    (void)state;
    alpha_open(&the.client, the.daemon.socket);
    good = alpha_request(raw_route(&the.client, "alpha"), 1, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        cases[i] = good;
    cases[count++].op = 2;
    cases[count++].op = 255;
    cases[count++].flags = 1;
    cases[count++].reserved0 = 1;
    cases[count++].reserved1 = 1;
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
        assert_int_equal(raw_run(&the.client, &cases[i], &completion), WISP_E_INVALID);
        assert_int_equal(completion.out_length, 0);
    }
    alpha_fill(&the.client, &good, 9);
    assert_int_equal(raw_run(&the.client, &good, &completion), 0);
    alpha_check(the.reference, &the.client, &good, 9);
    raw_close(&the.client);
}

static void an_impossible_index_ends_the_channel(void **state)
{
    static const uint32_t heads[] = { 1000, 0x80000000u, UINT32_MAX };
    struct wire_submission ping = { .op = WIRE_OP_NOP };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        struct wire_hello hello = raw_hello(4, 1 << 16);

        assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), 0);
        __atomic_store_n(&the.client.ours->cq_head, heads[i], __ATOMIC_RELEASE);
        /* It is read when the credit seems to be used up. */
        for (int k = 0; k < 100 && !closes(the.client.socket, 10); k++)
            raw_submit(&the.client, &ping);
        assert_int_equal(the.client.theirs->state, WIRE_STATE_CLOSED);
        raw_close(&the.client);
    }
    assert_true(daemon_logged(&the.daemon, "impossible ring index"));
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
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), 0);
    for (int k = 0; k < 200; k++) {
        ping.user_data = sent;
        sent += raw_submit(&the.client, &ping);
        poll(NULL, 0, k < 50 ? 1 : 0);
    }
    assert_int_equal(sent, 2 * SLOTS); /* a full ring of answers, a full ring of questions */
    alpha_open(&the.honest, the.daemon.socket);
    alpha_round(the.reference, &the.honest, raw_route(&the.honest, "alpha"), 2, 3);
    raw_close(&the.honest);
    while (seen < sent && raw_reap(&the.client, &completion, PATIENCE_MS)) {
        assert_int_equal(completion.user_data, seen);
        assert_int_equal(completion.status, 0);
        seen++;
    }
    assert_int_equal(seen, sent);
    assert_false(raw_reap(&the.client, &completion, 20));
    raw_close(&the.client);
}

/* ---- scribbling ---- */

struct scribbler {
    pthread_t thread;
    bool stop; /* relaxed: read until it is seen */
    uint64_t channels, words;
    struct raw_client client;
};

/* Random words all over the pages that a client may write, its rings and indexes included, and kicks. A channel that
 * the daemon closes for it is opened anew. */
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

        if (raw_open(client, the.daemon.socket, &hello))
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

static void scribbling_hurts_nobody_else(void **state)
{
    static struct scribbler scribblers[2];
    uint64_t until = clock_ns() + 1500 * NS_PER_MS, rounds = 0;
    uint32_t route;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(scribblers); i++) {
        memset(&scribblers[i], 0, sizeof scribblers[i]);
        assert_int_equal(pthread_create(&scribblers[i].thread, NULL, scribble, &scribblers[i]), 0);
    }
    alpha_open(&the.honest, the.daemon.socket);
    route = raw_route(&the.honest, "alpha");
    for (; clock_ns() < until; rounds++)
        alpha_round(the.reference, &the.honest, route, 1 + (uint32_t)rounds % 40, rounds);
    raw_close(&the.honest);
    for (size_t i = 0; i < ARRAY_SIZE(scribblers); i++) {
        __atomic_store_n(&scribblers[i].stop, true, __ATOMIC_RELAXED);
        assert_int_equal(pthread_join(scribblers[i].thread, NULL), 0);
        assert_true(scribblers[i].words > 1000);
    }
    assert_true(rounds > 10);
}

/* What a client can reach of the other region, and of the seals. */
static void the_response_region_cannot_be_written(void **state)
{
    char path[64];
    int fd;

    (void)state;
    alpha_open(&the.client, the.daemon.socket);
    assert_int_equal(mprotect(the.client.response.address, WIRE_PAGE, PROT_READ | PROT_WRITE), -1);
    assert_true(mmap(NULL, WIRE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, the.client.response.fd, 0) == MAP_FAILED);
    assert_int_equal(ftruncate(the.client.response.fd, 0), -1);
    assert_int_equal(ftruncate(the.client.request.fd, 0), -1);
    assert_int_equal(ftruncate(the.client.request.fd, (off_t)the.client.request.size * 2), -1);
    assert_int_equal(fcntl(the.client.request.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    if (geteuid()) { /* root may do anything to a file */
        snprintf(path, sizeof path, "/proc/self/fd/%d", the.client.response.fd);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(fd, -1);
    }
    raw_close(&the.client);
}

/* Holes in its own memory read as zeros: the client hurts its own answers and nothing else. */
static void holes_are_harmless(void **state)
{
    struct wire_submission request;
    struct wire_completion completion;

    (void)state;
    alpha_open(&the.client, the.daemon.socket);
    request = alpha_request(raw_route(&the.client, "alpha"), 500, 0);
    alpha_fill(&the.client, &request, 1);
    for (int i = 0; i < 50; i++) {
        assert_true(raw_submit(&the.client, &request));
        assert_int_equal(fallocate(the.client.request.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                   (off_t)the.client.layout.arena_offset, (off_t)the.client.layout.request_arena),
                         0);
        assert_true(raw_reap(&the.client, &completion, PATIENCE_MS));
        assert_int_equal(completion.status, 0);
    }
    raw_close(&the.client);
}

/* ---- dying ---- */

static void __attribute__((noreturn)) live_until_killed(void)
{
    struct wire_hello hello = raw_hello(ALPHA_ENTRIES, ALPHA_ARENA);
    struct wire_completion completion;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (raw_open(&the.client, the.daemon.socket, &hello))
        _exit(1); /* no assertion may bring a child back into the tests */
    for (uint32_t i = 0;; i++) {
        struct wire_submission request = alpha_request(the.route, i % 3 ? 1 : 400, i % 3 ? 16 + i % 40 : 0);

        while (!raw_submit(&the.client, &request))
            raw_reap(&the.client, &completion, 1);
        while (reap_ring_take(&the.client.reap, &completion))
            continue;
    }
}

static void killed_clients_leave_nothing(void **state)
{
    enum { TIMES = 200, AT_ONCE = 4 };
    struct rng rng = rng_make(3, 3);

    (void)state;
    alpha_open(&the.honest, the.daemon.socket);
    for (int i = 0; i < TIMES / AT_ONCE; i++) {
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
        alpha_round(the.reference, &the.honest, the.route, 5, (uint64_t)i);
    }
    raw_close(&the.honest);
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
    alpha_open(&the.honest, the.daemon.socket);
    for (uint64_t i = 0; i < 20; i++)
        alpha_round(the.reference, &the.honest, raw_route(&the.honest, "alpha"), 2, i);
    raw_close(&the.honest);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- floods ---- */

static void kicks_for_nothing_are_not_listened_to(void **state)
{
    const uint64_t one = 1;
    uint64_t until;
    uint32_t route;

    (void)state;
    alpha_open(&the.client, the.daemon.socket);
    alpha_open(&the.honest, the.daemon.socket);
    route = raw_route(&the.honest, "alpha");
    until = clock_ns() + 300 * NS_PER_MS;
    for (uint64_t i = 0; clock_ns() < until; i++) {
        assert_int_equal(write(the.client.eventfd, &one, sizeof one), sizeof one);
        if (!(i % 1000))
            alpha_round(the.reference, &the.honest, route, 1, i);
    }
    assert_true(daemon_logged(&the.daemon, "kicks for nothing"));
    /* Its requests are still seen, if late; and once it behaves, at once. */
    alpha_round(the.reference, &the.client, raw_route(&the.client, "alpha"), 1, 1);
    poll(NULL, 0, 250);
    alpha_round(the.reference, &the.client, route, 1, 2);
    raw_close(&the.honest);
    raw_close(&the.client);
}

/* A client that asks and asks and does not listen: its replies wait, nobody else does, and none is lost. */
static void questions_without_listening_wait(void **state)
{
    struct wire_control question = { .header = {
                                         .magic = WIRE_MAGIC, .type = WIRE_DESCRIBE, .length = sizeof question + 6 } };
    unsigned char bytes[sizeof question + 6];
    uint32_t asked = 0, answered = 0;
    struct reason why;

    (void)state;
    alpha_open(&the.client, the.daemon.socket);
    for (int quiet = 0; quiet < 20 && asked < 5000;) {
        question.id = asked + 1;
        memcpy(bytes, &question, sizeof question);
        memcpy(bytes + sizeof question, "alpha", 6);
        if (message_send(the.client.socket, bytes, sizeof bytes, NULL, 0, MSG_DONTWAIT)) {
            quiet++;
            poll(NULL, 0, 5);
        } else {
            asked++;
            quiet = 0;
        }
    }
    assert_in_range(asked, 50, 4999); /* both directions are full by now */
    alpha_open(&the.honest, the.daemon.socket);
    alpha_round(the.reference, &the.honest, raw_route(&the.honest, "alpha"), 2, 3);
    raw_close(&the.honest);
    while (answered < asked) {
        const struct wire_control *reply = &the.client.message.control;

        assert_ok(message_receive(the.client.socket, &the.client.message, false, 0, &why), why);
        assert_int_equal(reply->id, answered + 1);
        answered += reply->offset + (the.client.message.length - sizeof *reply) == reply->total;
    }
    raw_close(&the.client);
}

/* Large arenas take long to make. Whoever is connected goes on meanwhile: no answer of his takes as long as one making.
 */
static void connecting_holds_up_nobody(void **state)
{
    struct wire_hello hello = raw_hello(16, 32 << 20);
    struct wire_submission ping = { .op = WIRE_OP_NOP };
    uint64_t made = 0;
    unsigned rounds = 0;

    (void)state;
    alpha_open(&the.honest, the.daemon.socket);
    for (int i = 0; i < 5; i++) {
        struct pollfd poller = { .fd = raw_connect(the.daemon.socket), .events = POLLIN };
        uint64_t begin = clock_ns();
        unsigned meanwhile = 0;

        assert_true(poller.fd >= 0);
        assert_int_equal(message_send(poller.fd, &hello, sizeof hello, NULL, 0, 0), 0);
        while (!poll(&poller, 1, 0)) {
            struct wire_completion completion;

            assert_int_equal(raw_run(&the.honest, &ping, &completion), 0);
            meanwhile++;
        }
        made += clock_ns() - begin;
        rounds += meanwhile;
        close(poller.fd);
    }
    print_message("%u answers in %llu us while 5 channels of 64 MiB were made\n", rounds,
                  (unsigned long long)(made / NS_PER_US));
    assert_true(rounds >= 50);
    raw_close(&the.honest);
}

/* A client that goes while its memory is being made leaves nothing either. */
static void going_early_leaves_nothing(void **state)
{
    struct wire_hello hello = raw_hello(64, 4 << 20);

    (void)state;
    for (int i = 0; i < 100; i++) {
        int socket = raw_connect(the.daemon.socket);

        assert_true(socket >= 0);
        assert_int_equal(message_send(socket, &hello, sizeof hello, NULL, 0, 0), 0);
        if (i & 1)
            poll(NULL, 0, 1);
        close(socket);
    }
}

/* Out of descriptors: connections are refused with a sentence or wait in the queue, nothing spins, and when some are
 * free again all is as before. */
static void running_out_of_descriptors_passes(void **state)
{
    enum { MANY = 12 };
    static struct raw_client clients[MANY];
    struct wire_hello hello = raw_hello(16, 1 << 16);
    struct rlimit before, few;
    int waiting[MANY], open = 0;

    (void)state;
    assert_int_equal(prlimit(the.daemon.pid, RLIMIT_NOFILE, NULL, &before), 0);
    few = before;
    few.rlim_cur = the.descriptors + 14; /* three channels and a bit */
    assert_int_equal(prlimit(the.daemon.pid, RLIMIT_NOFILE, &few, NULL), 0);
    while (open < MANY && !raw_open(&clients[open], the.daemon.socket, &hello))
        open++;
    assert_in_range(open, 1, 4);
    assert_int_equal(clients[open].welcome.status, -EMFILE);
    assert_non_null(strstr(clients[open].welcome.text, "Too many open files"));
    for (int i = 0; i < MANY; i++) {
        waiting[i] = raw_connect(the.daemon.socket);
        assert_true(waiting[i] >= 0);
    }
    alpha_round(the.reference, &clients[0], the.route, 1, 1); /* who is in is served */
    assert_int_equal(prlimit(the.daemon.pid, RLIMIT_NOFILE, &before, NULL), 0);
    for (int i = 0; i < MANY; i++)
        close(waiting[i]);
    while (open > 0)
        raw_close(&clients[--open]);
}

/* ---- quotas ---- */

static void with_limits(const char *yaml)
{
    daemon_stop(&the.daemon);
    start(yaml);
}

static void without_limits(void)
{
    assert_int_equal(daemon_stop(&the.daemon), 0);
    start(NULL);
    poll(NULL, 0, 50);
    the.descriptors = daemon_descriptors(&the.daemon);
}

/* The daemon learns of a client's end a moment later. */
static void opens_soon(struct raw_client *client, const struct wire_hello *hello)
{
    int result = -1;

    for (int waited = 0; waited < 5000 && result; waited += 2) {
        result = raw_open(client, the.daemon.socket, hello);
        if (result)
            poll(NULL, 0, 2);
    }
    assert_int_equal(result, 0);
}

static void a_user_has_so_many_channels(void **state)
{
    static struct raw_client clients[3];
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    with_limits("limits:\n  channels_per_user: 3\n");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            opens_soon(&clients[i], &hello);
        assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), WISP_E_DENIED);
        assert_non_null(strstr(the.client.welcome.text, "3 channels open"));
        raw_close(&clients[1]);
        opens_soon(&clients[1], &hello);
        for (int i = 0; i < 3; i++)
            raw_close(&clients[i]);
    }
    without_limits();
}

static void a_user_has_so_much_memory(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 20);

    (void)state;
    with_limits("limits:\n  memory_per_user: 3MiB\n");
    assert_int_equal(raw_open(&the.honest, the.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), WISP_E_DENIED);
    assert_non_null(strstr(the.client.welcome.text, "may have 3072"));
    hello = raw_hello(16, 1 << 16); /* less still fits */
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), 0);
    raw_close(&the.client);
    raw_close(&the.honest);
    without_limits();
}

static void the_daemon_has_so_many_channels(void **state)
{
    static struct raw_client clients[2];
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    with_limits("limits:\n  channels: 2\n");
    assert_int_equal(raw_open(&clients[0], the.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&clients[1], the.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), WISP_E_BUSY);
    assert_non_null(strstr(the.client.welcome.text, "all 2 channels are taken"));
    raw_close(&clients[0]);
    raw_close(&clients[1]);
    without_limits();
}

/* What one user uses up is another's to have all the same. */
static void one_users_quota_is_not_anothers(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);
    int status;
    pid_t pid;

    (void)state;
    if (geteuid())
        skip();
    with_limits("limits:\n  channels_per_user: 1\n");
    assert_int_equal(chmod(the.daemon.folder, 0755), 0);
    assert_int_equal(raw_open(&the.honest, the.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), WISP_E_DENIED);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        if (setgid(65534) || setuid(65534))
            _exit(9);
        _exit(raw_open(&the.client, the.daemon.socket, &hello));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    raw_close(&the.honest);
    without_limits();
}

static void sizes_are_cut_to_the_limits(void **state)
{
    struct wire_hello hello = raw_hello(4096, 1 << 24);

    (void)state;
    with_limits("limits:\n  entries: 32\n  arena: 128KiB\n  rows: 8\n");
    assert_int_equal(raw_open(&the.client, the.daemon.socket, &hello), 0);
    assert_int_equal(the.client.welcome.entries, 32);
    assert_int_equal(the.client.welcome.request_arena, 128 << 10);
    {
        struct wire_submission request = alpha_request(raw_route(&the.client, "alpha"), 9, 0);
        struct wire_completion completion;

        assert_int_equal(raw_run(&the.client, &request, &completion), WISP_E_INVALID);
    }
    raw_close(&the.client);
    without_limits();
}

#define HOSTILE(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTILE(malformed_hellos_end_the_connection),
        HOSTILE(garbage_is_no_hello),
        HOSTILE(descriptors_in_a_hello_do_not_stay),
        HOSTILE(another_version_is_refused_with_a_sentence),
        HOSTILE(silence_has_a_second),
        HOSTILE(silent_connections_keep_nobody_out),
        HOSTILE(a_second_hello_ends_the_channel),
        HOSTILE(bad_submissions_are_answered_one_by_one),
        HOSTILE(an_impossible_index_ends_the_channel),
        HOSTILE(who_does_not_reap_stalls_alone),
        HOSTILE(scribbling_hurts_nobody_else),
        HOSTILE(the_response_region_cannot_be_written),
        HOSTILE(holes_are_harmless),
        HOSTILE(killed_clients_leave_nothing),
        HOSTILE(a_stopped_client_holds_up_nobody),
        HOSTILE(kicks_for_nothing_are_not_listened_to),
        HOSTILE(questions_without_listening_wait),
        HOSTILE(running_out_of_descriptors_passes),
        HOSTILE(connecting_holds_up_nobody),
        HOSTILE(going_early_leaves_nothing),
        HOSTILE(a_user_has_so_many_channels),
        HOSTILE(a_user_has_so_much_memory),
        HOSTILE(the_daemon_has_so_many_channels),
        HOSTILE(one_users_quota_is_not_anothers),
        HOSTILE(sizes_are_cut_to_the_limits),
    };

    return run_over_both_loops(tests, group_setup, group_teardown);
}
