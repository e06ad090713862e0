/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that flood, stall, and want more than their share: it costs them, and nobody else.
 */
#include "support/test.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "system/siege.h"

/* ---- floods ---- */

static void doorbells_for_nothing_are_not_listened_to(void **state)
{
    const uint64_t one = 1;
    uint64_t until;
    uint32_t route;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_open(&bed.honest, bed.daemon.socket);
    route = raw_route(&bed.honest, "alpha");
    until = clock_ns() + 300 * NS_PER_MS;
    for (uint64_t i = 0; clock_ns() < until; i++) {
        assert_int_equal(write(bed.client.eventfd, &one, sizeof one), sizeof one);
        if (!(i % 1000))
            alpha_round(bed.reference, &bed.honest, route, 1, i);
    }
    assert_true(daemon_logged(&bed.daemon, "doorbells for nothing"));
    /* Its requests are still seen, if late; and once it behaves, at once. */
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 1, 1);
    poll(NULL, 0, 250);
    alpha_round(bed.reference, &bed.client, route, 1, 2);
    raw_close(&bed.honest);
    raw_close(&bed.client);
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
    alpha_open(&bed.client, bed.daemon.socket);
    for (int quiet = 0; quiet < 20 && asked < 5000;) {
        question.id = asked + 1;
        memcpy(bytes, &question, sizeof question);
        memcpy(bytes + sizeof question, "alpha", 6);
        if (message_send(bed.client.socket, bytes, sizeof bytes, NULL, 0, MSG_DONTWAIT)) {
            quiet++;
            poll(NULL, 0, 5);
        } else {
            asked++;
            quiet = 0;
        }
    }
    assert_in_range(asked, 50, 4999); /* both directions are full by now */
    alpha_open(&bed.honest, bed.daemon.socket);
    alpha_round(bed.reference, &bed.honest, raw_route(&bed.honest, "alpha"), 2, 3);
    raw_close(&bed.honest);
    while (answered < asked) {
        const struct wire_control *reply = &bed.client.message.control;

        assert_ok(message_receive(bed.client.socket, &bed.client.message, false, 0, &why), why);
        assert_int_equal(reply->id, answered + 1);
        answered += reply->offset + (bed.client.message.length - sizeof *reply) == reply->total;
    }
    raw_close(&bed.client);
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
    alpha_open(&bed.honest, bed.daemon.socket);
    for (int i = 0; i < 5; i++) {
        struct pollfd poller = { .fd = raw_connect(bed.daemon.socket), .events = POLLIN };
        uint64_t begin = clock_ns();
        unsigned meanwhile = 0;

        assert_true(poller.fd >= 0);
        assert_int_equal(message_send(poller.fd, &hello, sizeof hello, NULL, 0, 0), 0);
        while (!poll(&poller, 1, 0)) {
            struct wire_completion completion;

            assert_int_equal(raw_run(&bed.honest, &ping, &completion), 0);
            meanwhile++;
        }
        made += clock_ns() - begin;
        rounds += meanwhile;
        close(poller.fd);
    }
    print_message("%u answers in %llu us while 5 channels of 64 MiB were made\n", rounds,
                  (unsigned long long)(made / NS_PER_US));
    assert_true(rounds >= 50);
    raw_close(&bed.honest);
}

/* A client that goes while its memory is being made leaves nothing either. */
static void going_early_leaves_nothing(void **state)
{
    struct wire_hello hello = raw_hello(64, 4 << 20);

    (void)state;
    for (int i = 0; i < 100; i++) {
        int socket = raw_connect(bed.daemon.socket);

        assert_true(socket >= 0);
        assert_int_equal(message_send(socket, &hello, sizeof hello, NULL, 0, 0), 0);
        if (i & 1)
            poll(NULL, 0, 1);
        close(socket);
    }
}

/* The daemon learns of a client's end a moment later. */
static void opens_soon(struct raw_client *client, const struct wire_hello *hello)
{
    int result = -1;

    for (int waited = 0; waited < 5000 && result; waited += 2) {
        result = raw_open(client, bed.daemon.socket, hello);
        if (result)
            poll(NULL, 0, 2);
    }
    assert_int_equal(result, 0);
}

/* What all threads of the daemon have run. */
static uint64_t daemon_cpu_ns(void)
{
    struct timespec used;
    clockid_t clock;

    assert_int_equal(clock_getcpuclockid(bed.daemon.pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
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
    uint64_t begin;

    (void)state;
    assert_int_equal(prlimit(bed.daemon.pid, RLIMIT_NOFILE, NULL, &before), 0);
    few = before;
    few.rlim_cur = siege.descriptors + 14; /* three channels and a bit */
    assert_int_equal(prlimit(bed.daemon.pid, RLIMIT_NOFILE, &few, NULL), 0);
    while (open < MANY && !raw_open(&clients[open], bed.daemon.socket, &hello))
        open++;
    assert_in_range(open, 1, 4);
    assert_int_equal(clients[open].welcome.status, -EMFILE);
    assert_non_null(strstr(clients[open].welcome.text, "Too many open files"));
    for (int i = 0; i < MANY; i++) {
        waiting[i] = raw_connect(bed.daemon.socket);
        assert_true(waiting[i] >= 0);
    }
    alpha_round(bed.reference, &clients[0], siege.route, 1, 1); /* who is in is served */
    begin = daemon_cpu_ns();
    poll(NULL, 0, 500);
    assert_true(daemon_cpu_ns() - begin < 25 * NS_PER_MS); /* a twentieth */
    assert_int_equal(prlimit(bed.daemon.pid, RLIMIT_NOFILE, &before, NULL), 0);
    begin = clock_ns();
    opens_soon(&bed.client, &hello);
    alpha_round(bed.reference, &bed.client, siege.route, 1, 2);
    assert_true(clock_ns() - begin < NS_PER_S);
    raw_close(&bed.client);
    for (int i = 0; i < MANY; i++)
        close(waiting[i]);
    while (open > 0)
        raw_close(&clients[--open]);
}

/* ---- quotas ---- */

static void a_user_has_so_many_channels(void **state)
{
    static struct raw_client clients[3];
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    siege_with_limits("limits:\n  channels_per_user: 3\n");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            opens_soon(&clients[i], &hello);
        assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), WISP_E_BUSY);
        assert_non_null(strstr(bed.client.welcome.text, "3 channels open"));
        raw_close(&clients[1]);
        opens_soon(&clients[1], &hello);
        for (int i = 0; i < 3; i++)
            raw_close(&clients[i]);
    }
    siege_without_limits();
}

static void a_user_has_so_much_memory(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 20);

    (void)state;
    siege_with_limits("limits:\n  memory_per_user: 3MiB\n");
    assert_int_equal(raw_open(&bed.honest, bed.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), WISP_E_BUSY);
    assert_non_null(strstr(bed.client.welcome.text, "may have 3072"));
    hello = raw_hello(16, 1 << 16); /* less still fits */
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    raw_close(&bed.client);
    raw_close(&bed.honest);
    siege_without_limits();
}

static void the_daemon_has_so_many_channels(void **state)
{
    static struct raw_client clients[2];
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    siege_with_limits("limits:\n  channels: 2\n");
    assert_int_equal(raw_open(&clients[0], bed.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&clients[1], bed.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), WISP_E_BUSY);
    assert_non_null(strstr(bed.client.welcome.text, "all 2 channels are taken"));
    raw_close(&clients[0]);
    raw_close(&clients[1]);
    siege_without_limits();
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
    siege_with_limits("limits:\n  channels_per_user: 1\n");
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    assert_int_equal(raw_open(&bed.honest, bed.daemon.socket, &hello), 0);
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), WISP_E_BUSY);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        if (setgid(65534) || setuid(65534))
            _exit(9);
        _exit(raw_open(&bed.client, bed.daemon.socket, &hello));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    raw_close(&bed.honest);
    siege_without_limits();
}

/* As a program that asks for nothing in particular. */
static const struct wire_hello *plain_hello(void)
{
    static struct wire_hello hello;

    hello = raw_hello(0, 0);
    return &hello;
}

/* For questions alone: no rings, no memory. */
static const struct wire_hello *asking_hello(void)
{
    static struct wire_hello hello;

    hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    hello.features_needed = WIRE_FEATURE_ASKING;
    return &hello;
}

/* The limits agree: a user gets all the channels that he may have, of the default size, and a sample fits each. */
static void all_channels_of_a_user_fit(void **state)
{
    enum { MOST = 64 };
    static struct raw_client clients[MOST];

    (void)state;
    for (int round = 0; round < 2; round++) {
        siege_with_limits(round ? "limits:\n  memory_per_user: 16MiB\n" : NULL);
        for (int i = 0; i < MOST; i++)
            assert_int_equal(raw_open(&clients[i], bed.daemon.socket, plain_hello()), 0);
        assert_int_equal(raw_open(&bed.client, bed.daemon.socket, plain_hello()), WISP_E_BUSY);
        assert_non_null(strstr(bed.client.welcome.text, "64 channels open"));
        alpha_round(bed.reference, &clients[MOST - 1], raw_route(&clients[MOST - 1], "alpha"), 3, 1);
        for (int i = 0; i < MOST; i++)
            raw_close(&clients[i]);
    }
    siege_without_limits();
}

static json_int_t state_of(struct raw_client *client, const char *key)
{
    char *text;
    json_t *object;
    json_int_t value;

    assert_int_equal(raw_ask(client, WIRE_STATUS, NULL, &text, NULL), 0);
    object = json_loads(text, 0, NULL);
    value = json_integer_value(json_object_get(object, key));
    json_decref(object);
    free(text);
    return value;
}

/* Where no channel is left, for this user or at all, who only asks gets in, and takes none. */
static void questions_always_get_in(void **state)
{
    static const char *const limits[] = { "limits:\n  channels_per_user: 1\n", "limits:\n  channels: 1\n" };
    enum { MANY = 40, AT_ONCE = 8 };
    static struct raw_client asking[MANY];
    char *text;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        siege_with_limits(limits[i]);
        assert_int_equal(raw_open(&bed.honest, bed.daemon.socket, plain_hello()), 0);
        assert_true(raw_open(&bed.client, bed.daemon.socket, plain_hello()) > 0);
        for (int k = 0; k < MANY; k++) {
            assert_int_equal(raw_open(&asking[k], bed.daemon.socket, asking_hello()), 0);
            assert_int_equal(state_of(&asking[k], "channels"), 1);
            assert_int_equal(raw_ask(&asking[k], WIRE_LIST, NULL, &text, NULL), 0);
            free(text);
            raw_route(&asking[k], "alpha");
        }
        assert_int_equal(state_of(&asking[MANY - 1], "turned_away"), 1);
        /* Of one user's, those that were silent longest have made room. */
        for (int k = 0; k < MANY - AT_ONCE; k++)
            assert_true(siege_closes(asking[k].socket, PATIENCE_MS));
        for (int k = MANY - AT_ONCE; k < MANY; k++)
            assert_int_equal(state_of(&asking[k], "channels"), 1);
        alpha_round(bed.reference, &bed.honest, raw_route(&bed.honest, "alpha"), 1, 1);
        for (int k = 0; k < MANY; k++)
            close(asking[k].socket);
        raw_close(&bed.honest);
    }
    siege_without_limits();
}

/* Many users with all the channels for questions that they may have: who has one only keeps it. */
static void few_questions_are_not_crowded_out(void **state)
{
    enum { USERS = 8, EACH = 8, FIRST_UID = 60000 };
    static struct raw_client crowd[USERS * EACH];

    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    assert_int_equal(raw_open(&bed.honest, bed.daemon.socket, asking_hello()), 0);
    for (int i = 0; i < USERS * EACH; i++) {
        assert_int_equal(seteuid((uid_t)(FIRST_UID + i / EACH)), 0);
        assert_int_equal(raw_open(&crowd[i], bed.daemon.socket, asking_hello()), 0);
        assert_int_equal(seteuid(0), 0);
    }
    assert_true(siege_closes(crowd[0].socket, PATIENCE_MS));
    assert_int_equal(state_of(&bed.honest, "channels"), 0);
    for (int i = 0; i < USERS * EACH; i++)
        close(crowd[i].socket);
    close(bed.honest.socket);
}

/* In a child, as the user nobody: the status of a hello, tried until it is welcome or `ms` have passed. */
static int nobody_opens(uint64_t arena, int ms)
{
    struct wire_hello hello = raw_hello(16, arena);
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (!pid) {
        int result = -1;

        if (setgid(65534) || setuid(65534))
            _exit(99);
        for (int waited = 0; waited <= ms && result; waited += 10) {
            result = raw_open(&bed.client, bed.daemon.socket, &hello);
            if (result && ms)
                poll(NULL, 0, 10);
        }
        _exit(result);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* One user holds every channel and does nothing with them: another one who has none gets one, and the longest idle
 * goes. One that is at work stays, and so does one that asks. */
static void idle_channels_make_room(void **state)
{
    static struct raw_client clients[3];
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    if (geteuid())
        skip();
    siege_with_limits("limits:\n  channels: 3\n  memory_per_user: 1MiB\n");
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(raw_open(&clients[i], bed.daemon.socket, &hello), 0);
    assert_int_equal(nobody_opens(1 << 16, 0), WISP_E_BUSY); /* just connected is not idle */
    assert_int_equal(raw_open(&bed.honest, bed.daemon.socket, &hello), WISP_E_BUSY);
    poll(NULL, 0, 1100);
    alpha_round(bed.reference, &clients[0], raw_route(&clients[0], "alpha"), 1, 1);
    assert_int_equal(raw_open(&bed.honest, bed.daemon.socket, &hello), WISP_E_BUSY); /* not for himself */
    assert_int_equal(nobody_opens(1 << 20, 0), WISP_E_DENIED);                       /* nor for who may not have it */
    assert_int_equal(state_of(&clients[0], "given_up"), 0);
    assert_int_equal(state_of(&clients[1], "given_up"), 0);
    assert_int_equal(nobody_opens(1 << 16, PATIENCE_MS), 0);
    assert_true(siege_closes(clients[2].socket, PATIENCE_MS));
    assert_int_equal(clients[2].theirs->state, WIRE_STATE_CLOSED);
    assert_int_equal(state_of(&clients[0], "given_up"), 1);
    alpha_round(bed.reference, &clients[0], raw_route(&clients[0], "alpha"), 1, 2);
    for (int i = 0; i < 3; i++)
        raw_close(&clients[i]);
    siege_without_limits();
}

/* The daemon takes as many descriptors as its table of connections can need, however few it was started with: what
 * docs/operations.md and wispd.yaml(5) say of it. */
static void the_table_has_its_descriptors(void **state)
{
    enum { CHANNELS = 24, SILENT = 60 };
    static struct raw_client clients[CHANNELS];
    struct wire_hello hello = raw_hello(16, 1 << 16);
    const char *shards = getenv("WISP_TEST_SHARDS");
    struct rlimit before, few;
    int silent[SILENT];

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    siege_with_limits("limits:\n  channels: 24\n");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < SILENT; i++) {
        silent[i] = raw_connect(bed.daemon.socket);
        assert_true(silent[i] >= 0);
    }
    for (int i = 0; i < CHANNELS; i++)
        assert_int_equal(raw_open(&clients[i], bed.daemon.socket, &hello), 0);
    assert_int_equal(prlimit(bed.daemon.pid, RLIMIT_NOFILE, NULL, &few), 0);
    assert_int_equal(few.rlim_cur, 12 * CHANNELS + 496 + 4 * (shards ? strtoul(shards, NULL, 10) : 1));
    for (int i = 0; i < CHANNELS; i++)
        raw_close(&clients[i]);
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
    siege_without_limits();
}

/* Connecting without end, a user gets a burst and one channel every 2 ms; another one is served meanwhile. */
static void connecting_has_a_rate(void **state)
{
    enum { TIMES = 400, BURST = 256 };
    struct wire_hello hello = raw_hello(4, 1 << 16);
    uint64_t begin;
    int status, rounds = 0;
    pid_t pid;

    (void)state;
    if (geteuid())
        skip();
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    alpha_open(&bed.honest, bed.daemon.socket);
    begin = clock_ns();
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        if (setgid(65534) || setuid(65534))
            _exit(9);
        for (int i = 0; i < TIMES; i++) {
            int result = raw_open(&bed.client, bed.daemon.socket, &hello);

            if (result)
                _exit(result > 0 ? result : 99);
            raw_close(&bed.client);
        }
        _exit(0);
    }
    while (!waitpid(pid, &status, WNOHANG)) {
        alpha_round(bed.reference, &bed.honest, siege.route, 1, (uint64_t)rounds++);
        poll(NULL, 0, 1);
    }
    assert_int_equal(status, 0);
    assert_true(clock_ns() - begin >= (TIMES - BURST) * 2 * NS_PER_MS);
    assert_true(rounds > 0);
    raw_close(&bed.honest);
}

static void sizes_are_cut_to_the_limits(void **state)
{
    struct wire_hello hello = raw_hello(4096, 1 << 24);

    (void)state;
    siege_with_limits("limits:\n  entries: 32\n  arena: 128KiB\n  rows: 8\n");
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    assert_int_equal(bed.client.welcome.entries, 32);
    assert_int_equal(bed.client.welcome.request_arena, 128 << 10);
    {
        struct wire_submission request = alpha_request(raw_route(&bed.client, "alpha"), 9, 0);
        struct wire_completion completion;

        assert_int_equal(raw_run(&bed.client, &request, &completion), WISP_E_INVALID);
    }
    raw_close(&bed.client);
    siege_without_limits();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE(doorbells_for_nothing_are_not_listened_to),
        SIEGE(questions_without_listening_wait),
        SIEGE(connecting_holds_up_nobody),
        SIEGE(going_early_leaves_nothing),
        SIEGE(running_out_of_descriptors_passes),
        SIEGE(a_user_has_so_many_channels),
        SIEGE(a_user_has_so_much_memory),
        SIEGE(the_daemon_has_so_many_channels),
        SIEGE(one_users_quota_is_not_anothers),
        SIEGE(sizes_are_cut_to_the_limits),
        SIEGE(all_channels_of_a_user_fit),
        SIEGE(questions_always_get_in),
        SIEGE(few_questions_are_not_crowded_out),
        SIEGE(idle_channels_make_room),
        SIEGE(the_table_has_its_descriptors),
        SIEGE(connecting_has_a_rate),
    };

    return run_over_both_loops(tests, siege_begin, siege_end);
}
