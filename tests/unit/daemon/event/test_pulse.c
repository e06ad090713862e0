/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs of life: what a thread does after it was asked counts, and nothing that it did before.
 */
#include "support/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/event/pulse.h"
#include "support/process_threads.h"

#define NAME "wisp-pulse"

enum { BELIEVED = 20 }; /* times in a row that processor time is enough */

static struct {
    pthread_t thread;
    sem_t go, done;
    bool stop;
    struct pulse pulse;
} it;

/* Runs for a moment when it is let, and sleeps otherwise. */
static void *live(void *argument)
{
    while (!sem_wait(&it.go) && !it.stop) {
        const uint64_t until = clock_ns() + NS_PER_MS / 2;

        while (clock_ns() < until)
            continue;
        sem_post(&it.done);
    }
    return argument;
}

static void look(const char *text, void *sleeps)
{
    *(bool *)sleeps = strstr(text, "State:\tS") != NULL;
}

/* Until it sleeps again. */
static void let_it_run(void)
{
    bool sleeps = false;

    sem_post(&it.go);
    while (sem_wait(&it.done))
        continue;
    while (!sleeps)
        process_threads(getpid(), NAME, "status", look, &sleeps);
}

static int begin(void **state)
{
    (void)state;
    it.stop = false;
    it.pulse = (struct pulse){ .beats = false };
    return sem_init(&it.go, 0, 0) || sem_init(&it.done, 0, 0) || pthread_create(&it.thread, NULL, live, NULL) ||
           pthread_setname_np(it.thread, NAME);
}

static int end(void **state)
{
    (void)state;
    it.stop = true;
    sem_post(&it.go);
    return pthread_join(it.thread, NULL) || sem_destroy(&it.go) || sem_destroy(&it.done);
}

static bool beats(bool answered)
{
    return pulse_beats(&it.pulse, it.thread, answered);
}

static void what_was_before_it_was_asked_does_not_count(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        let_it_run();
        pulse_ask(&it.pulse, it.thread);
        assert_false(beats(false));
        assert_false(beats(false)); /* however often it is looked for */
        let_it_run();
        assert_true(beats(false));
        assert_true(beats(false)); /* until it is asked again */
        assert_true(beats(true));
    }
}

static void time_alone_is_believed_for_a_while(void **state)
{
    (void)state;
    for (int i = 0; i < BELIEVED + 3; i++) {
        pulse_ask(&it.pulse, it.thread);
        let_it_run();
        assert_int_equal(beats(false), i < BELIEVED);
    }
    assert_true(beats(true));
    pulse_ask(&it.pulse, it.thread);
    let_it_run();
    assert_true(beats(false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_before_it_was_asked_does_not_count, begin, end),
        cmocka_unit_test_setup_teardown(time_alone_is_believed_for_a_while, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
