/* SPDX-License-Identifier: Apache-2.0
 *
 * A user who may have little under way at once: what is more waits, or is told so, and none of his programs starves.
 */
#include "support/test.h"

#include <pthread.h>
#include <signal.h>

#include "served.h"
#include "support/model.h"

enum { PROGRAMS = 6, ROUNDS = 300, ENTRIES = 4 };

static int setup(void **state)
{
    served_yaml = "limits: {under_way_per_user: 2}\n";
    return served_begin(state);
}

/* With little memory, which is made soon where the machine is busy. */
static wisp_client *connect_small(void)
{
    return served_connect(&(struct wisp_options){
        .connect_ms = PATIENCE_MS, .entries = ENTRIES, .input_bytes = 1 << 16, .output_bytes = 1 << 16 });
}

static void *ask_and_ask(void *argument)
{
    float input[SMALL_INPUTS], output[SMALL_OUTPUTS];
    wisp_client *client = connect_small();
    wisp_model *model = served_find(client, "small");
    uintptr_t failed = 0;

    floats_make(input, SMALL_INPUTS, (uintptr_t)argument, 1);
    for (unsigned i = 0; i < ROUNDS; i++)
        failed += wisp_infer(client, model, input, 1, output, NULL) || !served_is_right(output, 1, (uintptr_t)argument);
    wisp_model_free(model);
    wisp_close(client);
    return (void *)failed;
}

/* As many programs as have three times what there may be, and one that has its ring full all the time. */
static void a_quota_starves_nobody(void **state)
{
    wisp_client *client = connect_small();
    wisp_model *model = served_find(client, "large");
    wisp_request *requests[ENTRIES];
    pthread_t threads[PROGRAMS];
    unsigned answered = 0, running = PROGRAMS;

    (void)state;
    for (unsigned i = 0; i < ENTRIES; i++) {
        requests[i] = served_request(client, model, 1);
        assert_int_equal(wisp_submit(requests[i]), 0);
    }
    for (uintptr_t i = 0; i < PROGRAMS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_ask, (void *)(i + 1)), 0);
    while (running) {
        void *failed;

        for (unsigned i = 0; i < ENTRIES; i++) {
            if (wisp_wait(requests[i], PATIENCE_MS))
                fail_msg("%s", wisp_last_error());
            answered++;
            assert_int_equal(wisp_submit(requests[i]), 0);
        }
        if (pthread_tryjoin_np(threads[running - 1], &failed))
            continue;
        assert_null(failed);
        running--;
    }
    assert_true(answered >= ENTRIES);
    for (unsigned i = 0; i < ENTRIES; i++)
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
    wisp_model_free(model);
    wisp_close(client);
}

/* And a program that submits without looking is told when there is room for no more. */
static void a_full_ring_is_told(void **state)
{
    wisp_client *client = connect_small();
    wisp_model *model = served_find(client, "small");
    float input[SMALL_INPUTS] = { 0 }, output[SMALL_OUTPUTS];
    wisp_request *requests[ENTRIES + 1];
    int status = 0;
    unsigned submitted = 0;

    (void)state;
    for (unsigned i = 0; i <= ENTRIES; i++) {
        requests[i] = served_request(client, model, 1);
        served_fill(requests[i], 1, 1);
    }
    daemon_signal(&served, SIGSTOP); /* it answers none meanwhile */
    while (submitted <= ENTRIES && !(status = wisp_submit(requests[submitted])))
        submitted++;
    daemon_signal(&served, SIGCONT);
    assert_int_equal(submitted, ENTRIES);
    assert_int_equal(status, WISP_E_BUSY);
    for (unsigned i = 0; i < ENTRIES; i++) {
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
        served_check(requests[i], 1, 1);
    }
    assert_int_equal(wisp_infer(client, model, input, 1, output, NULL), 0);
    wisp_model_free(model);
    wisp_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quota_starves_nobody),
        cmocka_unit_test(a_full_ring_is_told),
    };

    return cmocka_run_group_tests(tests, setup, served_end);
}
