/* SPDX-License-Identifier: Apache-2.0
 *
 * What a failed assertion says, and how the process ends: in a child, by a pipe for its standard error.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "support/test.h"

static unsigned said; /* values that were computed */

static unsigned say(unsigned value)
{
    said++;
    return value;
}

/* Runs it in a child, and puts what that wrote into `heard`; the child's status. `deaf`: nobody reads, and the pipe is
 * full. */
static int run(void (*act)(void), bool deaf, char *heard, size_t size)
{
    int ends[2], status;
    size_t length = 0;
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        signal(SIGABRT, SIG_DFL); /* cmocka's */
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        if (deaf) {
            fcntl(ends[1], F_SETFL, O_NONBLOCK);
            while (write(ends[1], "full", 4) > 0)
                ;
            fcntl(ends[1], F_SETFL, 0);
        }
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    if (deaf)
        assert_int_equal(waitpid(child, &status, 0), child);
    while ((got = read(ends[0], heard + length, size - 1 - length)) > 0)
        length += (size_t)got;
    heard[length] = 0;
    close(ends[0]);
    if (!deaf)
        assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void assert_aborted(int status)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void fail_plainly(void)
{
    insist(say(1) == 2);
}

static void fail_with_values(void)
{
    const unsigned count = 3;

    insist(count <= 2, "%u of %d", count, 2);
}

static void fail_in_service(void)
{
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_init("wispd", LOG_LEVEL_ERROR);
    fail_plainly();
}

static void hold(void)
{
    insist(say(1) == 1, "%u", say(7));
    _exit(said == 1 ? 42 : 43);
}

static void is_said_with_place_and_values(void **state)
{
    char heard[4096];

    (void)state;
    assert_aborted(run(fail_plainly, false, heard, sizeof heard));
    assert_non_null(strstr(heard, "test_insist.c:"));
    assert_non_null(strstr(heard, ": fail_plainly(): assertion failed: say(1) == 2\n"));
    assert_aborted(run(fail_with_values, false, heard, sizeof heard));
    assert_non_null(strstr(heard, ": fail_with_values(): assertion failed: count <= 2: 3 of 2\n"));
    assert_int_equal(strchr(heard, '\n') - heard, strlen(heard) - 1); /* one line */
}

static void condition_once_and_values_never_while_it_holds(void **state)
{
    char heard[4096];
    int status = run(hold, false, heard, sizeof heard);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_string_equal(heard, "");
}

static void ends_though_nobody_reads(void **state)
{
    static char heard[1 << 20];
    const uint64_t begin = clock_ns();

    (void)state;
    assert_aborted(run(fail_plainly, true, heard, sizeof heard));
    assert_true(clock_ns() - begin >= INSIST_PATIENCE_MS * NS_PER_MS); /* it was full */
    assert_null(strstr(heard, "assertion"));
}

static void is_an_error_of_the_journal(void **state)
{
    char heard[4096];

    (void)state;
    assert_aborted(run(fail_in_service, false, heard, sizeof heard));
    assert_int_equal(strncmp(heard, "<3>test_insist.c:", strlen("<3>test_insist.c:")), 0);
}

/* ---- what comes before ---- */

static void write_before(void)
{
    log_write("before\n", strlen("before\n"));
}

static void fail_with_farewell(void)
{
    insist_set_farewell(write_before);
    fail_plainly();
}

static void farewell_comes_first(void **state)
{
    char heard[4096];

    (void)state;
    assert_aborted(run(fail_with_farewell, false, heard, sizeof heard));
    assert_int_equal(strncmp(heard, "before\n", strlen("before\n")), 0);
    assert_non_null(strstr(heard, "assertion failed"));
}

/* ---- several at once ---- */

enum { THREADS = 8 };

static pthread_barrier_t together;

static void *fail_together(void *unused)
{
    pthread_barrier_wait(&together);
    fail_with_values();
    return unused;
}

static void fail_in_threads(void)
{
    pthread_t threads[THREADS];

    pthread_barrier_init(&together, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, fail_together, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void one_of_several_speaks(void **state)
{
    char heard[4096];

    (void)state;
    assert_aborted(run(fail_in_threads, false, heard, sizeof heard));
    assert_non_null(strstr(heard, "assertion failed"));
    assert_int_equal(strchr(heard, '\n') - heard, strlen(heard) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_said_with_place_and_values),
        cmocka_unit_test(condition_once_and_values_never_while_it_holds),
        cmocka_unit_test(ends_though_nobody_reads),
        cmocka_unit_test(is_an_error_of_the_journal),
        cmocka_unit_test(farewell_comes_first),
        cmocka_unit_test(one_of_several_speaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
