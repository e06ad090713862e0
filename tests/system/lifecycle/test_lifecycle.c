/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon stops, dies, comes back, and rests.
 */
#include "support/test.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/rng.h"
#include "libipc/wake.h"
#include "support/both_loops.h"
#include "support/daemon.h"
#include "support/repetition.h"
#include "system/alpha.h"

/* ---- stopping ---- */

/* What waits in the daemon when SIGTERM comes is answered, and answered right. */
static void sigterm_finishes_what_is_under_way(void **state)
{
    enum { WAITING = 5 };
    struct wire_completion completion;
    uint32_t route;
    uint64_t begin;

    (void)state;
    bed_start("    batch:\n      max: 64\n      wait: 1s\n", NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    route = raw_route(&bed.client, "alpha");
    alpha_submit_many(&bed.client, route, WAITING);
    begin = clock_ns();
    daemon_signal(&bed.daemon, SIGTERM);
    assert_int_equal(daemon_wait(&bed.daemon, 5000), 0);
    assert_true(clock_ns() - begin < 2 * NS_PER_S);
    for (uint32_t i = 0; i < WAITING; i++) {
        struct wire_submission request;

        assert_true(reap_ring_take(&bed.client.reap, &completion));
        assert_int_equal(completion.status, 0);
        request = alpha_request(route, 1, (uint32_t)completion.user_data);
        alpha_check(bed.reference, &bed.client, &request, 1);
    }
    assert_false(reap_ring_take(&bed.client.reap, &completion));
    assert_int_equal(bed.client.theirs->state, WIRE_STATE_CLOSED);
    assert_int_equal(raw_connect(bed.daemon.socket), -ENOENT);
    raw_close(&bed.client);
    daemon_stop(&bed.daemon);
}

/* What was published and not yet taken is refused with the status that means "send it again elsewhere". */
static void what_comes_too_late_is_told_so(void **state)
{
    struct wire_submission request;
    struct wire_completion completion;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    request = alpha_request(raw_route(&bed.client, "alpha"), 1, 0);
    poll(NULL, 0, 50); /* it sleeps by now, */
    daemon_signal(&bed.daemon, SIGSTOP);
    daemon_signal(&bed.daemon, SIGTERM);
    assert_true(submit_ring_push(&bed.client.submit, &request)); /* and is not woken: it is stopping when it looks */
    daemon_signal(&bed.daemon, SIGCONT);
    assert_int_equal(daemon_wait(&bed.daemon, 5000), 0);
    assert_true(reap_ring_take(&bed.client.reap, &completion));
    assert_int_equal(completion.status, WISP_E_SHUTDOWN);
    assert_false(reap_ring_take(&bed.client.reap, &completion));
    raw_close(&bed.client);
    daemon_stop(&bed.daemon);
}

/* A client that sleeps without a request learns of the end: by the futex, and by its socket. */
static void stopping_wakes_who_sleeps(void **state)
{
    struct pollfd poller;
    uint32_t seen;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    seen = wake_client_arm(bed.client.ours, bed.client.theirs, WIRE_WAIT_FUTEX);
    daemon_signal(&bed.daemon, SIGTERM);
    assert_int_equal(wake_client_sleep(bed.client.theirs, seen, 5 * NS_PER_S), 0);
    assert_in_range(__atomic_load_n(&bed.client.theirs->state, __ATOMIC_ACQUIRE), WIRE_STATE_DRAINING,
                    WIRE_STATE_CLOSED);
    poller = (struct pollfd){ .fd = bed.client.socket, .events = POLLIN };
    assert_int_equal(poll(&poller, 1, 5000), 1);
    assert_true(poller.revents & POLLHUP);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static void sigint_stops_too_and_sighup_does_not(void **state)
{
    (void)state;
    bed_start(NULL, NULL);
    daemon_signal(&bed.daemon, SIGHUP);
    bed_serves();
    assert_true(daemon_logged(&bed.daemon, "reload: serving 1 model"));
    daemon_signal(&bed.daemon, SIGINT);
    assert_int_equal(daemon_wait(&bed.daemon, 5000), 0);
    daemon_stop(&bed.daemon);
}

/* ---- stopping under load ---- */

enum { ASKERS = 4 };

static struct asker {
    struct raw_client client;
    bool under_way[ALPHA_ENTRIES];
    uint64_t answered, refused;
} askers[ASKERS];

/* One sample mostly, and now and then so many that they are computed in several batches. */
static struct wire_submission asked_at(uint32_t route, uint32_t at)
{
    return alpha_request(route, at ? 1 : 200, at ? 600 + at : 0);
}

static void note_answers(struct asker *asker, uint32_t route)
{
    struct wire_completion completion;

    while (reap_ring_take(&asker->client.reap, &completion)) {
        const uint32_t at = completion.user_data ? (uint32_t)completion.user_data - 600 : 0;
        const struct wire_submission request = asked_at(route, at);

        assert_true(at < ALPHA_ENTRIES && asker->under_way[at]);
        asker->under_way[at] = false;
        if (completion.status == WISP_E_SHUTDOWN) {
            asker->refused++;
            continue;
        }
        assert_int_equal(completion.status, 0);
        alpha_check(bed.reference, &asker->client, &request, 4);
        asker->answered++;
    }
}

static void ask_all(uint32_t route)
{
    for (int i = 0; i < ASKERS; i++) {
        note_answers(&askers[i], route);
        for (uint32_t at = 0; at < ALPHA_ENTRIES; at++) {
            const struct wire_submission request = asked_at(route, at);

            if (askers[i].under_way[at] || !submit_ring_push(&askers[i].client.submit, &request))
                continue;
            askers[i].under_way[at] = true;
            wake_daemon(askers[i].client.theirs, askers[i].client.eventfd);
        }
    }
}

/* The exit status, and how long it took, with requests coming all the while. */
static int stop_under_load(uint32_t route, uint64_t *took)
{
    const uint64_t begin = clock_ns();
    int code = -1;

    daemon_signal(&bed.daemon, SIGTERM);
    while (code < 0 && clock_ns() < begin + PATIENCE_MS * NS_PER_MS) {
        ask_all(route);
        code = daemon_wait(&bed.daemon, 0);
    }
    *took = clock_ns() - begin;
    return code;
}

/* Stopped at any point while others ask without end: it ends soon and well, and what it has taken is answered, right or
 * with the status that means "send it again". */
static void stopped_under_load_it_loses_nothing(void **state)
{
    struct repetition stops = repetition_begin("WISP_SIGTERMS", 5);
    struct rng rng = rng_make(19, 19 + stops.done);
    uint64_t took, longest = 0, answered = 0, refused = 0;

    (void)state;
    bed_start(NULL, NULL);
    for (; repetition_goes_on(&stops); repetition_note(&stops, 1)) {
        uint32_t route = 0;

        for (int i = 0; i < ASKERS; i++) {
            memset(&askers[i], 0, sizeof askers[i]);
            alpha_open(&askers[i].client, bed.daemon.socket);
            route = raw_route(&askers[i].client, "alpha");
            for (uint32_t at = 0; at < ALPHA_ENTRIES; at++) {
                const struct wire_submission request = asked_at(route, at);

                alpha_fill(&askers[i].client, &request, 4);
            }
        }
        for (const uint64_t end = clock_ns() + rng_below(&rng, 20 * NS_PER_MS); clock_ns() < end;)
            ask_all(route);
        assert_int_equal(stop_under_load(route, &took), 0);
        assert_true(took < 2 * NS_PER_S);
        longest = took > longest ? took : longest;
        for (int i = 0; i < ASKERS; i++) {
            note_answers(&askers[i], route);
            assert_int_equal(askers[i].answered + askers[i].refused, askers[i].client.theirs->sq_head);
            answered += askers[i].answered;
            refused += askers[i].refused;
            raw_close(&askers[i].client);
        }
        daemon_restart(&bed.daemon);
    }
    print_message("%u stops, each after at most %.1f ms; %" PRIu64 " answers, %" PRIu64 " told to ask the next\n",
                  stops.done, (double)longest / NS_PER_MS, answered, refused);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* ---- dying and coming back ---- */

static void a_socket_left_by_the_dead_is_replaced(void **state)
{
    struct stat status;

    (void)state;
    bed_start(NULL, NULL);
    for (int i = 0; i < 5; i++) {
        bed_serves();
        daemon_kill(&bed.daemon);
        assert_int_equal(stat(bed.daemon.socket, &status), 0);
        daemon_restart(&bed.daemon);
    }
    bed_serves();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

static void the_epoch_differs_between_two_runs(void **state)
{
    uint64_t epoch;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    epoch = bed.client.theirs->epoch;
    assert_true(epoch == bed.client.welcome.epoch);
    raw_close(&bed.client);
    daemon_kill(&bed.daemon);
    daemon_restart(&bed.daemon);
    alpha_open(&bed.client, bed.daemon.socket);
    assert_true(epoch != bed.client.theirs->epoch);
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* ---- at rest ---- */

static uint64_t cpu_ns(pid_t pid)
{
    char path[64], line[128];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    return strtoull(line, NULL, 10);
}

/* With a client connected that asks nothing, the daemon sleeps; and the next request wakes it. */
static void an_idle_daemon_sleeps(void **state)
{
    uint32_t route;
    uint64_t before;

    (void)state;
    bed_start(NULL, NULL);
    alpha_open(&bed.client, bed.daemon.socket);
    route = raw_route(&bed.client, "alpha");
    for (uint64_t i = 0; i < 5; i++) {
        alpha_round(bed.reference, &bed.client, route, 1, i);
        poll(NULL, 0, 20);
        before = cpu_ns(bed.daemon.pid);
        poll(NULL, 0, 100);
        assert_true(cpu_ns(bed.daemon.pid) - before < 20 * NS_PER_MS);
        assert_int_equal(bed.client.theirs->need_wake, 1);
    }
    raw_close(&bed.client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_finishes_what_is_under_way),
        cmocka_unit_test(what_comes_too_late_is_told_so),
        cmocka_unit_test(stopping_wakes_who_sleeps),
        cmocka_unit_test(stopped_under_load_it_loses_nothing),
        cmocka_unit_test(sigint_stops_too_and_sighup_does_not),
        cmocka_unit_test(a_socket_left_by_the_dead_is_replaced),
        cmocka_unit_test(the_epoch_differs_between_two_runs),
        cmocka_unit_test(an_idle_daemon_sleeps),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
