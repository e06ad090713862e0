/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels outlive the daemon where a service manager keeps them: clients see that answers take longer, and nothing
 * else. Raw clients, which would not hide a reconnect.
 */
#include "support/test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/rng.h"
#include "daemon/service/store.h"
#include "daemon/shard/journal.h"
#include "support/both_loops.h"
#include "support/manager.h"
#include "support/repetition.h"
#include "system/alpha.h"

static struct manager manager;

/* ---- set-up ---- */

static void start(const char *model_yaml, const char *yaml)
{
    const char *models[] = { bed.alpha };

    manager_start(&manager, bed.folder);
    daemon_start(&bed.daemon, &(struct daemon_setup){ .models = models,
                                                      .model_count = 1,
                                                      .model_yaml = model_yaml,
                                                      .yaml = yaml,
                                                      .loop = loop_now,
                                                      .manager = &manager });
}

static void stop(void)
{
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    manager_stop(&manager);
}

static void open_kept(struct raw_client *client, size_t nth)
{
    alpha_open(client, bed.daemon.socket);
    assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, nth * BUNDLE_FDS));
}

/* And lets the daemon note that it has answered: one that is killed before ends the channel (below). */
static uint32_t ask_route(void)
{
    uint32_t route = raw_route(&bed.client, "alpha");

    poll(NULL, 0, 50);
    return route;
}

static void kill_and_restart(void)
{
    daemon_kill(&bed.daemon);
    daemon_restart(&bed.daemon);
}

static bool is_hung_up(const struct raw_client *client, int ms)
{
    struct pollfd look = { .fd = client->socket, .events = POLLRDHUP };

    return poll(&look, 1, ms) > 0 && look.revents & (POLLRDHUP | POLLHUP);
}

/* ---- what goes on ---- */

static void a_channel_outlives_the_daemon(void **state)
{
    uint32_t route;

    (void)state;
    start(NULL, NULL);
    open_kept(&bed.client, 1);
    route = ask_route();
    for (uint64_t seed = 1; seed < 6; seed++) {
        alpha_round(bed.reference, &bed.client, route, 3, seed);
        if (seed % 2)
            kill_and_restart();
        else {
            daemon_signal(&bed.daemon, SIGTERM);
            assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 0);
            daemon_restart(&bed.daemon);
        }
        assert_int_equal(bed.client.theirs->state, WIRE_STATE_READY);
        assert_false(is_hung_up(&bed.client, 0));
        alpha_round(bed.reference, &bed.client, route, 2, seed + 100);
        assert_int_equal(ask_route(), route); /* and asks on the same socket */
    }
    assert_true(daemon_logged(&bed.daemon, "1 channels of a daemon before go on"));
    raw_close(&bed.client);
    assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, 0));
    bed_serves();
    stop();
}

/* Each exactly once, and right. */
static void reap_many(uint32_t route, uint32_t count, uint64_t seed)
{
    struct wire_completion completion;
    bool seen[ALPHA_ENTRIES] = { false };

    for (uint32_t i = 0; i < count; i++) {
        struct wire_submission request;

        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
        assert_int_equal(completion.status, 0);
        assert_true(completion.user_data < ALPHA_ENTRIES && !seen[completion.user_data]);
        seen[completion.user_data] = true;
        request = alpha_request(route, 1, (uint32_t)completion.user_data);
        alpha_check(bed.reference, &bed.client, &request, seed);
    }
    assert_false(raw_reap(&bed.client, &completion, 20));
}

static void what_waits_when_it_dies_is_run_by_the_next(void **state)
{
    enum { WAITING = 5 };
    uint32_t route;

    (void)state;
    start("    batch:\n      max: 64\n      wait: 1s\n", NULL);
    open_kept(&bed.client, 1);
    route = ask_route();
    alpha_submit_many(&bed.client, route, WAITING);
    kill_and_restart();
    reap_many(route, WAITING, 1);
    raw_close(&bed.client);
    stop();
}

/* What it has taken is finished, what it has not is left to the next. */
static void sigterm_leaves_the_rest_to_the_next(void **state)
{
    enum { WAITING = 5 };
    uint32_t route;

    (void)state;
    start("    batch:\n      max: 64\n      wait: 1s\n", NULL);
    open_kept(&bed.client, 1);
    route = ask_route();
    alpha_submit_many(&bed.client, route, WAITING);
    daemon_signal(&bed.daemon, SIGTERM);
    assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 0);
    reap_many(route, WAITING, 1);
    for (uint32_t i = 0; i < WAITING; i++) {
        struct wire_submission request = alpha_request(route, 1, i);

        alpha_fill(&bed.client, &request, 2);
        assert_true(raw_submit(&bed.client, &request)); /* to nobody */
    }
    daemon_restart(&bed.daemon);
    reap_many(route, WAITING, 2);
    raw_close(&bed.client);
    stop();
}

/* Killed at any point: every request is answered once, whatever the daemon was doing. */
static void killed_at_any_point_it_answers_once(void **state)
{
    struct repetition kills = repetition_begin("WISP_KILLED_DAEMONS", 25);
    struct rng rng = rng_make(11, 11 + kills.done);
    uint32_t route;

    (void)state;
    start(NULL, NULL);
    open_kept(&bed.client, 1);
    route = ask_route();
    for (; repetition_goes_on(&kills); repetition_note(&kills, 1)) {
        const uint32_t count = 1 + (uint32_t)rng_below(&rng, 40);

        for (uint32_t at = 0; at < count; at++) {
            struct wire_submission request = alpha_request(route, 1, at);

            alpha_fill(&bed.client, &request, kills.done);
            assert_true(raw_submit(&bed.client, &request));
        }
        for (uint64_t end = clock_ns() + rng_below(&rng, 400 * NS_PER_US); clock_ns() < end;)
            continue;
        kill_and_restart();
        reap_many(route, count, kills.done);
    }
    raw_close(&bed.client);
    stop();
}

/* What the daemon wrote into its own memory is not there any more: it says so, ends, and comes back; and whoever has
 * nothing to do with it sees that an answer takes longer. */
static void a_failed_assertion_is_said_and_others_go_on(void **state)
{
    static struct raw_client damaged;
    struct wire_submission request;
    struct journal *journal;
    uint32_t route;
    size_t size;

    (void)state;
    start(NULL, NULL);
    open_kept(&damaged, 1);
    journal = manager_map(&manager, "wisp-journal", &size);
    assert_non_null(journal);
    open_kept(&bed.client, 2);
    route = ask_route();
    for (uint32_t i = 0; i < journal->welcome.entries; i++)
        __atomic_store_n(&journal->requests[i].state, REQUEST_RUN, __ATOMIC_RELAXED);
    munmap(journal, size);
    request = alpha_request(route, 1, 0);
    assert_true(raw_submit(&damaged, &request));
    assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 128 + SIGABRT);
    assert_true(daemon_logged(&bed.daemon, "s1_intake.c:"));
    assert_true(daemon_logged(&bed.daemon, "s1_intake(): assertion failed: request->state == REQUEST_FREE: is 6\n"));
    daemon_restart(&bed.daemon);
    alpha_round(bed.reference, &bed.client, route, 3, 1);
    assert_int_equal(ask_route(), route); /* on the same socket */
    raw_close(&damaged);
    raw_close(&bed.client);
    assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, 0));
    bed_serves();
    stop();
}

/* ---- what does not ---- */

/* What a daemon that was killed knew of so many requests, which waited in a batch; `size` bytes, to be unmapped. */
static struct journal *journal_of_killed(uint32_t waiting, uint32_t *route, size_t *size)
{
    struct journal *journal;

    start("    batch:\n      max: 64\n      wait: 1s\n", NULL);
    open_kept(&bed.client, 1);
    *route = ask_route();
    alpha_submit_many(&bed.client, *route, waiting);
    journal = manager_map(&manager, "wisp-journal", size);
    assert_non_null(journal);
    daemon_kill(&bed.daemon);
    return journal;
}

/* As if it had been computed when two daemons died, and now the third. */
static void what_three_daemons_died_of_is_given_up(void **state)
{
    struct wire_completion completion;
    struct journal *journal;
    unsigned lost = 0;
    uint32_t route;
    size_t size;

    (void)state;
    journal = journal_of_killed(3, &route, &size);
    for (uint32_t i = 0; i < journal->welcome.entries; i++) {
        if (journal->requests[i].state == REQUEST_FREE)
            continue;
        assert_int_equal(journal->requests[i].state, REQUEST_BATCHED);
        if (journal->requests[i].ask.user_data == 2)
            continue;
        journal->requests[i].state = REQUEST_DISPATCHED;
        journal->requests[i].deaths = journal->requests[i].ask.user_data ? 1 : 2;
    }
    munmap(journal, size);
    daemon_restart(&bed.daemon);
    for (int i = 0; i < 3; i++) {
        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
        assert_int_equal(completion.status, completion.user_data ? 0 : WISP_E_LOST);
        lost += completion.status == WISP_E_LOST;
    }
    assert_int_equal(lost, 1);
    assert_true(daemon_logged(&bed.daemon, "1 requests that 3 daemons died with are given up"));
    alpha_round(bed.reference, &bed.client, route, 3, 9);
    raw_close(&bed.client);
    stop();
}

/* An address is of the daemon that wrote it: whatever stands there, nothing of it is followed. */
static void what_it_had_of_a_buffer_is_nobodys(void **state)
{
    enum { WAITING = 5 };
    struct journal *journal;
    uint32_t route;
    size_t size;

    (void)state;
    journal = journal_of_killed(WAITING, &route, &size);
    for (uint32_t i = 0; i < journal->welcome.entries; i++)
        journal->requests[i].buffer = (struct buffer *)(uintptr_t)64; /* NOLINT(performance-no-int-to-ptr) */
    munmap(journal, size);
    daemon_restart(&bed.daemon);
    reap_many(route, WAITING, 1);
    alpha_round(bed.reference, &bed.client, route, 3, 9);
    raw_close(&bed.client);
    stop();
}

/* Whoever asked something and has no answer would wait for it for ever. */
static void a_question_under_way_ends_the_channel(void **state)
{
    struct journal *journal;
    size_t size;

    (void)state;
    start(NULL, NULL);
    open_kept(&bed.client, 1);
    journal = manager_map(&manager, "wisp-journal", &size);
    assert_non_null(journal);
    daemon_kill(&bed.daemon);
    journal->asking = 1;
    munmap(journal, size);
    daemon_restart(&bed.daemon);
    assert_true(is_hung_up(&bed.client, PATIENCE_MS));
    assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, 0));
    raw_close(&bed.client);
    bed_serves();
    stop();
}

static void a_client_that_has_gone_meanwhile_is_forgotten(void **state)
{
    (void)state;
    start(NULL, NULL);
    open_kept(&bed.client, 1);
    daemon_kill(&bed.daemon);
    raw_close(&bed.client);
    daemon_restart(&bed.daemon);
    assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, 0));
    bed_serves();
    stop();
}

static void where_nothing_is_kept_any_more_the_client_is_told(void **state)
{
    (void)state;
    start(NULL, NULL);
    open_kept(&bed.client, 1);
    daemon_kill(&bed.daemon);
    manager.capacity = 0;
    daemon_restart(&bed.daemon);
    assert_true(is_hung_up(&bed.client, PATIENCE_MS));
    raw_close(&bed.client);
    assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, 0));
    bed_serves();
    stop();
}

/* Bytes of what it left are changed, anywhere. The next one serves others, and this client or not. */
static void damage(struct rng *rng, const char *memory)
{
    size_t size, count = 1 + rng_below(rng, 20);
    unsigned char *bytes = manager_map(&manager, memory, &size);

    if (!bytes)
        return;
    for (size_t i = 0; i < count; i++) {
        size_t within = rng_below(rng, 2) ? 1024 : size;

        bytes[rng_below(rng, within < size ? within : size)] = (unsigned char)rng_u32(rng);
    }
    munmap(bytes, size);
}

static void whatever_it_finds_it_serves(void **state)
{
    static const char *const memories[] = { "wisp-journal", "wisp-response", "wisp-journal" };
    struct rng rng = rng_make(5, 5);

    (void)state;
    start(NULL, NULL);
    for (int i = 0; i < 12; i++) {
        static struct raw_client client;

        alpha_open(&client, bed.daemon.socket);
        assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, BUNDLE_FDS));
        alpha_submit_many(&client, raw_route(&client, "alpha"), 4);
        daemon_kill(&bed.daemon);
        damage(&rng, memories[i % 3]);
        daemon_restart(&bed.daemon);
        bed_serves();
        raw_close(&client);
        assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, 0));
    }
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_outlives_the_daemon),
        cmocka_unit_test(what_waits_when_it_dies_is_run_by_the_next),
        cmocka_unit_test(sigterm_leaves_the_rest_to_the_next),
        cmocka_unit_test(killed_at_any_point_it_answers_once),
        cmocka_unit_test(a_failed_assertion_is_said_and_others_go_on),
        cmocka_unit_test(what_three_daemons_died_of_is_given_up),
        cmocka_unit_test(what_it_had_of_a_buffer_is_nobodys),
        cmocka_unit_test(a_question_under_way_ends_the_channel),
        cmocka_unit_test(a_client_that_has_gone_meanwhile_is_forgotten),
        cmocka_unit_test(where_nothing_is_kept_any_more_the_client_is_told),
        cmocka_unit_test(whatever_it_finds_it_serves),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
