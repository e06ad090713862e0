/* SPDX-License-Identifier: Apache-2.0
 *
 * The log when nobody reads it: whoever logs goes on, and every line is written or counted as lost.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log_writer.h"
#include "support/test.h"

enum { LINES = 3000 };

/* Standard error is a pipe of one page meanwhile. */
static int before, ends[2];

static int setup(void **state)
{
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 0);
    before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[0]);
    return 0;
}

struct heard {
    unsigned long lines, lost, out_of_order;
};

/* Reads to the end; what it finds is of the form "wisp: line N" or "wisp: warning: N lines …". */
static void *listen_to_the_end(void *argument)
{
    struct heard *heard = argument;
    cleanup_fclose FILE *file = fdopen(dup(ends[0]), "r");
    unsigned long expected = 0, number;
    char line[LOG_LINE_MAX];

    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "wisp: line %lu", &number) == 1) { /* NOLINT(cert-err34-c): our own line */
            heard->out_of_order += number != expected + heard->lost;
            heard->lines++;
            expected++;
        } else if (sscanf(line, "wisp: warning: %lu line", &number) == 1) { /* NOLINT(cert-err34-c) */
            heard->lost += number;
        }
    }
    return NULL;
}

static void nobody_waits_for_a_reader(void **state)
{
    struct heard heard = { 0 };
    pthread_t reader;

    (void)state;
    assert_int_equal(log_writer_start(), 0);
    for (unsigned long i = 0; i < LINES; i++)
        log_info("line %lu %0100d", i, 0); /* blocks here for ever if a line is written by its caller */
    assert_false(log_writer_stop(0));      /* the pipe is full */
    assert_int_equal(pthread_create(&reader, NULL, listen_to_the_end, &heard), 0);
    assert_true(log_writer_stop(60 * NS_PER_S));
    log_info("line %d", LINES);  /* at once again */
    dup2(before, STDERR_FILENO); /* the end */
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(heard.lines + heard.lost, LINES + 1);
    assert_int_equal(heard.out_of_order, 0);
    assert_in_range(heard.lost, 1, LINES - 100);
}

/* Somebody else who has the same standard error has made it non-blocking: nothing is lost for that. */
static void a_non_blocking_error_output_is_waited_for(void **state)
{
    struct heard heard = { 0 };
    pthread_t reader;

    (void)state;
    assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(log_writer_start(), 0);
    assert_int_equal(pthread_create(&reader, NULL, listen_to_the_end, &heard), 0);
    for (unsigned long i = 0; i < 100; i++)
        log_info("line %lu %0900d", i, 0);
    assert_true(log_writer_stop(60 * NS_PER_S));
    dup2(before, STDERR_FILENO);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(heard.lines, 100);
    assert_int_equal(heard.lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(a_non_blocking_error_output_is_waited_for, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
