/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verb says in its end: nothing of it reaches a terminal as control characters; and of several processes that
 * fail alike, one speaks.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/outcome.h"
#include "support/test.h"

static char said[512];

/* Has stderr in a file while `call` runs. */
static int listen_to(int (*call)(void))
{
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO), result;
    size_t length;

    assert_true(file && before >= 0);
    fflush(stderr);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    result = call();
    fflush(stderr);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    rewind(file);
    length = fread(said, 1, sizeof said - 1, file);
    said[length] = 0;
    fclose(file);
    return result;
}

/* cmocka has a macro of the name. */
static int fail_so(void)
{
    return (fail)("verb", EXIT_DATA, "no %s\033[2J", "file");
}

static int warn_so(void)
{
    warn_user("verb", "careful");
    return 0;
}

static void note(int signal)
{
    (void)signal;
}

static void test_what_is_said(void **state)
{
    (void)state;
    assert_int_equal(listen_to(fail_so), EXIT_DATA);
    assert_string_equal(said, "wisp verb: no file?[2J\n");
    listen_to(warn_so);
    assert_string_equal(said, "wisp verb: warning: careful\n");
}

static void test_another_rank_says_what_it_alone_knows(void **state)
{
    const struct itimerval soon = { .it_value = { .tv_usec = 1000 }, .it_interval = { .tv_usec = 1000 } };
    const struct itimerval never = { .it_value = { 0 } };

    (void)state;
    outcome_of_rank(3);
    listen_to(warn_so);
    assert_string_equal(said, "");
    assert_int_equal(listen_to(fail_so), EXIT_DATA);
    assert_string_equal(said, "wisp verb: rank 3: no file?[2J\n");
    sigaction(SIGALRM, &(struct sigaction){ .sa_handler = note }, NULL);
    setitimer(ITIMER_REAL, &soon, NULL); /* the first ends all meanwhile */
    assert_int_equal(listen_to(fail_so), EXIT_DATA);
    setitimer(ITIMER_REAL, &never, NULL);
    assert_string_equal(said, "");
    outcome_of_rank(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said),
        cmocka_unit_test(test_another_rank_says_what_it_alone_knows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
