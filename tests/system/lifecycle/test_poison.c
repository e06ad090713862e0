/* SPDX-License-Identifier: Apache-2.0
 *
 * A request that the daemon dies of, each time that it computes it, under libwisp, where a service manager keeps the
 * channels: three daemons die, the request is given up, and nobody else sees more than a pause.
 */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <wisp/wisp.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/service/store.h"
#include "daemon/shard/journal.h"
#include "support/both_loops.h"
#include "support/manager.h"
#include "support/process_threads.h"
#include "system/alpha.h"

enum {
    DEATHS = 3,
    HARMLESS = 9,
    POISON_ROWS = 4000,
    COMPARED_ROWS = 8,
    SLOW = 7 /* longer than a stop waits, but on a fast machine */
};           /* under way for longer than it takes to see that */

static struct manager manager;
static char slow_path[256];
static struct reference *slow_reference;

static const struct model_recipe slow_recipe = {
    .name = "slow", .processing = "text.classification", .sizes = { 512, 12000, 4 }, .density = 0.3, .seed = 9
};

static int setup(void **state)
{
    bed_make(state);
    snprintf(slow_path, sizeof slow_path, "%s", scratch_path(bed.folder, "slow.safetensors"));
    model_make(slow_path, &slow_recipe);
    slow_reference = reference_new(slow_path);
    return 0;
}

static int teardown(void **state)
{
    slow_reference = reference_free(slow_reference);
    return bed_remove(state);
}

static wisp_client *connect_client(void)
{
    const struct wisp_options options = { .size = sizeof options,
                                          .socket_path = bed.daemon.socket,
                                          .connect_ms = PATIENCE_MS,
                                          .input_bytes = 60 << 20,
                                          .output_bytes = 1 << 20 };
    wisp_client *client;

    if (wisp_connect(&client, &options))
        fail_msg("%s", wisp_last_error());
    return client;
}

static wisp_client *start(void)
{
    const char *models[] = { bed.alpha, slow_path };
    wisp_client *client;

    manager_start(&manager, bed.folder);
    daemon_start(&bed.daemon,
                 &(struct daemon_setup){ .models = models, .model_count = 2, .loop = loop_now, .manager = &manager });
    client = connect_client();
    assert_true(manager_comes_to_hold(&manager, STORE_CHANNEL, BUNDLE_FDS));
    return client;
}

static wisp_request *request_of(wisp_client *client, const char *name, uint32_t rows, uint64_t seed)
{
    wisp_request *request = NULL;
    wisp_model *model;

    if (wisp_find(client, name, &model) || wisp_request_new(client, model, rows, &request))
        fail_msg("%s", wisp_last_error());
    floats_make(wisp_request_input(request), rows * wisp_model_input_size(model), seed, 1);
    wisp_model_free(model);
    return request;
}

static void check(struct reference *reference, wisp_request *request, uint32_t rows, uint64_t seed)
{
    const size_t inputs = rows * reference_inputs(reference), outputs = rows * reference_outputs(reference);
    float *input = calloc(inputs, sizeof *input), *expected = calloc(outputs, sizeof *expected);
    struct wisp_timings timings;

    assert_non_null(input);
    assert_non_null(expected);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    floats_make(input, inputs, seed, 1);
    reference_run(reference, input, rows, expected);
    assert_memory_equal(wisp_request_output(request), expected, outputs * sizeof *expected);
    wisp_request_timings(request, &timings);
    assert_int_equal(timings.resubmitted, 0);
    free(input);
    free(expected);
}

/* Whether the poison is being computed at this moment, at which nothing of the daemon moves; by one that has noted the
 * deaths before, or what stands there is what the last one left. */
static bool is_computing(const struct journal *journal, unsigned deaths)
{
    for (uint32_t i = 0; i < journal->welcome.entries; i++) {
        const struct request *request = &journal->requests[i];

        if (request->ask.rows == POISON_ROWS && request->deaths == deaths &&
            (request->state == REQUEST_DISPATCHED || request->state == REQUEST_RUN))
            return true;
    }
    return false;
}

/* Whether any of it is left. */
static bool is_left(const struct journal *journal)
{
    for (uint32_t i = 0; i < journal->welcome.entries; i++) {
        if (journal->requests[i].ask.rows == POISON_ROWS && journal->requests[i].state != REQUEST_FREE)
            return true;
    }
    return false;
}

/* The thread that computes it takes a fault there, and executes nothing more. */
static void die_of_it(const struct journal *journal, unsigned deaths)
{
    const uint64_t until = clock_ns() + PATIENCE_MS * NS_PER_MS;
    int code;

    for (;;) {
        daemon_signal(&bed.daemon, SIGSTOP);
        if (is_computing(journal, deaths))
            break;
        daemon_signal(&bed.daemon, SIGCONT);
        assert_true(clock_ns() < until);
        usleep(500);
    }
    assert_int_equal(syscall(SYS_tgkill, bed.daemon.pid, process_thread(bed.daemon.pid, "wispd-shard"), SIGSEGV), 0);
    daemon_signal(&bed.daemon, SIGCONT);
    code = daemon_wait(&bed.daemon, PATIENCE_MS);
    assert_true(code > 0); /* 128 + SIGSEGV, but for a sanitizer, which ends it by itself */
    daemon_restart(&bed.daemon);
}

static void a_request_that_kills_three_daemons_is_given_up(void **state)
{
    wisp_client *client = start();
    wisp_request *poison = request_of(client, "slow", POISON_ROWS, 1), *harmless[HARMLESS];
    struct journal *journal;
    size_t size;

    (void)state;
    journal = manager_map(&manager, "wisp-journal", &size);
    assert_non_null(journal);
    for (unsigned i = 0; i < HARMLESS; i++)
        harmless[i] = request_of(client, "alpha", 1 + i, i);
    /* One that is taken together with the poison is under suspicion too, and is run behind it: they are waited for
     * below. */
    for (unsigned i = 0; i < HARMLESS; i++) {
        assert_int_equal(wisp_submit(harmless[i]), 0);
        if (i == HARMLESS / DEATHS / 2)
            assert_int_equal(wisp_submit(poison), 0);
        if (i % (HARMLESS / DEATHS) == HARMLESS / DEATHS - 1)
            die_of_it(journal, i * DEATHS / HARMLESS);
    }
    assert_int_equal(wisp_wait(poison, PATIENCE_MS), WISP_E_LOST);
    for (unsigned i = 0; i < HARMLESS; i++)
        check(bed.reference, harmless[i], 1 + i, i);
    assert_true(daemon_logged(&bed.daemon, "1 requests that 3 daemons died with are given up"));
    /* Nobody holds it against what comes after, nor against the same words when they kill no more. */
    assert_int_equal(wisp_submit(poison), 0);
    check(slow_reference, poison, COMPARED_ROWS, 1);
    munmap(journal, size);
    for (unsigned i = 0; i < HARMLESS; i++)
        wisp_request_free(harmless[i]);
    wisp_request_free(poison);
    wisp_close(client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    manager_stop(&manager);
}

/* A stop that comes while it is computed, and that does not wait for all of it, is none that anybody died of: the next
 * daemon goes on with it. Who came a moment before, and is kept by nobody yet, waits in the same queue and leaves it.
 */
static void a_stop_in_the_middle_kills_nobody(void **state)
{
    wisp_client *client = start(), *late;
    wisp_request *slow[SLOW], *his;
    const uint64_t until = clock_ns() + PATIENCE_MS * NS_PER_MS;
    struct journal *journal;
    size_t size;

    (void)state;
    journal = manager_map(&manager, "wisp-journal", &size);
    assert_non_null(journal);
    for (unsigned i = 0; i < SLOW; i++) {
        slow[i] = request_of(client, "slow", POISON_ROWS, i);
        assert_int_equal(wisp_submit(slow[i]), 0);
    }
    while (!is_computing(journal, 0)) {
        assert_true(clock_ns() < until);
        usleep(500);
    }
    late = connect_client();
    his = request_of(late, "slow", POISON_ROWS, SLOW);
    assert_int_equal(wisp_submit(his), 0);
    daemon_signal(&bed.daemon, SIGTERM);
    assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 0);
    print_message("%sin the middle\n", is_left(journal) ? "" : "not ");
    daemon_restart(&bed.daemon);
    for (unsigned i = 0; i < SLOW; i++) {
        check(slow_reference, slow[i], COMPARED_ROWS, i);
        wisp_request_free(slow[i]);
    }
    assert_int_equal(wisp_wait(his, PATIENCE_MS), 0); /* it was sent again */
    wisp_request_free(his);
    munmap(journal, size);
    wisp_close(late);
    wisp_close(client);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    manager_stop(&manager);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_request_that_kills_three_daemons_is_given_up),
                                        cmocka_unit_test(a_stop_in_the_middle_kills_nobody) };

    return run_over_both_loops(tests, setup, teardown);
}
